// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	"cloud.google.com/go/auth/httptransport"
	"cloud.google.com/go/storage"
	"github.com/googleapis/gax-go/v2"
	"gocloud.dev/blob/gcsblob"
	"google.golang.org/api/option"

	"github.com/gopherwood/ark/engine"
)

// serviceAccountKey is the key of a Secret with a service account's JSON.
const serviceAccountKey = "serviceAccount.json"

// googleScope is all that Ark does in Google Cloud.
const googleScope = "https://www.googleapis.com/auth/devstorage.read_write"

// googleAttempts bounds how often a request is tried, and googleLongest the delay
// before the last: the library's own way is to try until the context ends.
const (
	googleAttempts = 4
	googleLongest  = 4 * time.Second
	// uploadFailures bounds them over all parts of a blob.
	uploadFailures = 8
)

const googleCloud = "Google Cloud"

// openGoogle opens gs://bucket.
func openGoogle(ctx context.Context, u *url.URL, _ Location, opts Options) (engine.Store, error) {
	name, err := bucketName(u, func(s string) bool { return validName(s, "-._", 3, 222) })
	if err != nil {
		return nil, err
	}
	server, err := endpoint(u, opts)
	if err == nil {
		err = noPath(server)
	}
	if err != nil {
		return nil, err
	}
	httpClient, err := newClient(opts)
	if err != nil {
		return nil, err
	}
	creds, err := googleCredentials(ctx, httpClient, opts)
	if err != nil {
		return nil, err
	}
	authorized := *httpClient
	if err := httptransport.AddAuthorizationMiddleware(&authorized, creds); err != nil {
		return nil, err
	}
	options := []option.ClientOption{option.WithHTTPClient(&authorized), storage.WithJSONReads()}
	if server != nil {
		options = append(options, option.WithEndpoint(server.String()+"/storage/v1/"))
	}
	// The client outlives this call: its context is for making it only.
	client, err := storage.NewClient(context.WithoutCancel(ctx), options...)
	if err != nil {
		return nil, errors.New("make a client: " + redact(err.Error()))
	}
	client.SetRetry(storage.WithMaxAttempts(googleAttempts), storage.WithBackoff(gax.Backoff{Max: googleLongest}))
	bucket, err := gcsblob.OpenBucket(ctx, nil, name, &gcsblob.Options{Client: client})
	if err != nil {
		return nil, err
	}
	return cloud{bucket: bucket, beforeWrite: boundRetries}, nil
}

// boundRetries bounds the attempts of one upload, which the library makes without
// regard to what was set for the client.
func boundRetries(as func(any) bool) error {
	var object **storage.ObjectHandle
	if !as(&object) {
		return errors.New("this version of the storage library hides the object that it writes")
	}
	failed := 0
	*object = (*object).Retryer(storage.WithErrorFunc(func(err error) bool {
		failed++
		return failed < uploadFailures && storage.ShouldRetry(err)
	}))
	return nil
}

// googleCredentials returns those of the location's Secret, or the process's.
// Of a Secret, nothing but a service account's own key is taken: the other kinds
// of credentials name files to read and programs to run.
func googleCredentials(ctx context.Context, client *http.Client, opts Options) (*auth.Credentials, error) {
	detect := &credentials.DetectOptions{Scopes: []string{googleScope}, Client: client}
	if len(opts.Credentials) == 0 {
		creds, err := credentials.DetectDefault(detect)
		return creds, noIdentity(ctx, googleCloud, err)
	}
	keys := secretKeys{values: opts.Credentials}
	key := keys.need(serviceAccountKey)
	if keys.err != nil {
		return nil, keys.err
	}
	// The key signs its own tokens: no server that the JSON names is asked for one.
	detect.UseSelfSignedJWT = true
	creds, err := credentials.NewCredentialsFromJSON(credentials.ServiceAccount, []byte(key), detect)
	if err != nil {
		// The library's error may quote the key.
		return nil, fmt.Errorf("%w: %s in the Secret that credentialsSecretName names is no JSON key of a service account",
			ErrCredentials, serviceAccountKey)
	}
	return creds, nil
}
