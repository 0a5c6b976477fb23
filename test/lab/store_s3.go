// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// s3Kit is a module of its own, so that its requirements and the product's do
// not meet.
var s3Kit = kit{
	dir: "s3", what: "Versity S3 Gateway", version: "v1.8.0",
	programs: []component{{"versitygw", "github.com/versity/versitygw/cmd/versitygw", 2}},
}

// S3 is an S3 server.
type S3 struct {
	*ObjectStore

	// Root may do everything.
	Root Account
}

// S3Server returns the path of the S3 server, and builds it when it is not in
// the cache, as Ensure does.
func S3Server(ctx context.Context, log io.Writer) (string, error) {
	found, err := s3Kit.ensure(ctx, log)
	return found["versitygw"], err
}

// StartS3 starts an S3 server. ctx bounds the start only: Stop ends it.
func StartS3(ctx context.Context, log io.Writer) (*S3, error) {
	path, err := S3Server(ctx, orStandardError(log))
	if err != nil {
		return nil, err
	}
	o, err := newObjectStore()
	if err != nil {
		return nil, err
	}
	s := &S3{ObjectStore: o, Root: Account{Name: "root", Key: "root-secret-of-the-lab"}}
	for _, dir := range []string{"buckets", "accounts"} {
		if err := os.Mkdir(o.file(dir), 0o700); err != nil {
			return nil, fmt.Errorf("create the object store's folder: %w", err)
		}
	}
	_, err = started(o, o.run(ctx, path, func(port string) []string {
		return []string{
			"--access", s.Root.Name, "--secret", s.Root.Key, "--port", "127.0.0.1:" + port, "--quiet",
			"--cert", o.file(serverCert), "--key", o.file(serverKey),
			// An account that changes is to be another one at once.
			"--iam-dir", o.file("accounts"), "--iam-cache-disable",
			"posix", o.file("buckets"),
		}
	}))
	if err != nil {
		return nil, err
	}
	return s, s.SetAccounts()
}

// SetAccounts makes these the accounts beside Root. Each may create buckets, and
// use its own.
func (s *S3) SetAccounts(accounts ...Account) error {
	type entry struct {
		Access string `json:"access"`
		Secret string `json:"secret"`
		Role   string `json:"role"`
	}
	all := map[string]entry{}
	for _, a := range accounts {
		all[a.Name] = entry{Access: a.Name, Secret: a.Key, Role: "userplus"}
	}
	content, err := json.Marshal(map[string]any{"accessAccounts": all})
	if err == nil {
		// The server reads the file whenever it is asked; it must never see half of it.
		next := s.file("next-accounts.json")
		if err = os.WriteFile(next, content, 0o600); err == nil {
			err = os.Rename(next, filepath.Join(s.file("accounts"), "users.json"))
		}
	}
	if err != nil {
		return fmt.Errorf("set the object store's accounts: %w", err)
	}
	return nil
}

// NewFront starts a server in front of this one. What it changes of a request it
// signs anew, as Root.
func (s *S3) NewFront() (*Front, error) {
	f, err := s.ObjectStore.NewFront()
	if err != nil {
		return nil, err
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	as := aws.Credentials{AccessKeyID: s.Root.Name, SecretAccessKey: s.Root.Key}
	f.finished = func(r *http.Request) {
		r.Header.Del("Authorization")
		// It signs what there is: it cannot fail with static keys.
		_ = signer.SignHTTP(r.Context(), as, r, r.Header.Get("X-Amz-Content-Sha256"), "s3", "us-east-1", time.Now())
	}
	return f, nil
}

// AllowReading lets an account list and read a bucket of another, and no more.
func (s *S3) AllowReading(ctx context.Context, owner Account, bucket string, reader Account) error {
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":[%q]},`+
		`"Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::%s","arn:aws:s3:::%s/*"]}]}`, reader.Name, bucket, bucket)
	_, err := s.client(owner).PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: aws.String(bucket), Policy: aws.String(policy)})
	if err != nil {
		return fmt.Errorf("allow %s to read bucket %s: %w", reader.Name, bucket, err)
	}
	return nil
}

// CreateBucket makes a bucket that belongs to an account.
func (s *S3) CreateBucket(ctx context.Context, owner Account, bucket string) error {
	if _, err := s.client(owner).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		return fmt.Errorf("create bucket %s: %w", bucket, err)
	}
	return nil
}

// client is an administrator's, and none of Ark.
func (s *S3) client(as Account) *s3.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.CA)
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(s.Endpoint), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(as.Name, as.Key, ""),
		HTTPClient:  &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}},
	})
}
