// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

//go:build stores

package stores

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"

	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/test/lab"
)

func TestAzure(t *testing.T) {
	encode := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	accounts := [2]lab.Account{{Name: "teamone", Key: encode("canary-one")}, {Name: "teamtwo", Key: encode("canary-two")}}
	server, err := lab.StartAzure(t.Context(), os.Stderr, accounts[:]...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	keys := func(name, key string) map[string][]byte {
		return map[string][]byte{"accountName": []byte(name), "accountKey": []byte(key)}
	}
	s := &service{
		accounts: accounts, ca: server.CA,
		create: func(ctx context.Context, owner lab.Account, bucket string) error {
			_, err := azureContainer(t, server, owner, bucket).Create(ctx, nil)
			return err
		},
		url: func(as lab.Account, bucket string) string {
			return "azblob://" + bucket + "?endpoint=" + url.QueryEscape(server.Endpoint+"/"+as.Name)
		},
		credentials: func(a lab.Account) map[string][]byte { return keys(a.Name, a.Key) },
		wrong:       func(a lab.Account) map[string][]byte { return keys(a.Name, encode("canary-wrong")) },
		secrets:     []string{encode("canary-one"), encode("canary-two"), encode("canary-wrong"), "sig=", "SharedKey"},
		endpoint:    server.Endpoint, front: server.NewFront,
		reader: func(t *testing.T, bucket string) (string, map[string][]byte) {
			t.Helper()
			return "azblob://" + bucket + "?endpoint=" + url.QueryEscape(server.Endpoint+"/"+accounts[0].Name), map[string][]byte{
				"accountName": []byte(accounts[0].Name), "sasToken": []byte(readingToken(t, server, accounts[0], bucket, time.Now().Add(time.Hour))),
			}
		},
	}
	s.run(t)
	t.Run("a token of shared access", func(t *testing.T) { sharedAccess(t, s, server) })
}

// sharedAccess uses a token that may read and list, and then one that is expired.
func sharedAccess(t *testing.T, s *service, server *lab.Azure) {
	bucket := s.bucket(t, s.accounts[0])
	loc, opts := s.location(s.accounts[0], bucket)
	if err := put(t.Context(), open(t, loc, opts), "a", "content"); err != nil {
		t.Fatal(err)
	}
	token := func(expiry time.Time) blobstore.Options {
		opts.Credentials = map[string][]byte{
			"accountName": []byte(s.accounts[0].Name), "sasToken": []byte(readingToken(t, server, s.accounts[0], bucket, expiry)),
		}
		return opts
	}
	store := open(t, loc, token(time.Now().Add(time.Hour)))
	if got, err := get(t.Context(), store, "a"); err != nil || got != "content" {
		t.Errorf("Open: %q, %v", got, err)
	}
	s.wantAll(t, map[string]error{"create": put(t.Context(), store, "b", "")}, nil, "credentials")
	s.wantAll(t, everyOperation(t.Context(), open(t, loc, token(time.Now().Add(-time.Hour)))), nil, "credentials")
}

// readingToken is a shared access signature to list and read a container.
func readingToken(t *testing.T, server *lab.Azure, as lab.Account, bucket string, expiry time.Time) string {
	t.Helper()
	u, err := azureContainer(t, server, as, bucket).
		GetSASURL(sas.ContainerPermissions{Read: true, List: true}, expiry, &container.GetSASURLOptions{StartTime: ptr(time.Now().Add(-2 * time.Hour))})
	if err != nil {
		t.Fatal(err)
	}
	_, query, _ := strings.Cut(u, "?")
	return query
}

func ptr[T any](v T) *T { return &v }

// azureContainer is an administrator's client, and none of Ark.
func azureContainer(t *testing.T, server *lab.Azure, as lab.Account, name string) *container.Client {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(server.CA)
	key, err := azblob.NewSharedKeyCredential(as.Name, as.Key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := container.NewClientWithSharedKeyCredential(server.Endpoint+"/"+as.Name+"/"+name, key, &container.ClientOptions{
		ClientOptions: azcore.ClientOptions{Transport: &http.Client{
			Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}
