// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gopherwood/ark/engine"
)

const (
	// answerTimeout is how long a server may think before it answers a request that
	// it was sent completely. A transfer takes as long as its context lets it.
	answerTimeout = time.Minute
	// idleConnections are kept for the next request, as many as a restore reads with.
	idleConnections = 32
)

// newClient returns the HTTP client of one location: nothing of it is shared with
// another one's, least of all whom it trusts. It follows no redirect, because a
// request that is repeated elsewhere is signed credentials sent elsewhere.
func newClient(opts Options) (*http.Client, error) {
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		transport = &http.Transport{Proxy: http.ProxyFromEnvironment}
	}
	transport = transport.Clone()
	transport.MaxIdleConnsPerHost = idleConnections
	transport.ResponseHeaderTimeout = answerTimeout
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if len(opts.CA) > 0 {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(opts.CA) {
			return nil, fmt.Errorf("%w: ca.crt in the Secret that caSecretName names holds no PEM certificate", ErrCredentials)
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// secretKeys takes the values of keys out of the location's Secret.
type secretKeys struct {
	values map[string][]byte
	err    error
}

// need returns the value of a key that must be there.
func (s *secretKeys) need(key string) string {
	value := s.take(key)
	if value == "" {
		s.err = errors.Join(s.err, fmt.Errorf("%w: the Secret that credentialsSecretName names has no key %s", ErrCredentials, key))
	}
	return value
}

// take returns the value of a key, or nothing. A line break at the end comes
// from an editor and is no part of any key.
func (s *secretKeys) take(key string) string {
	value := s.values[key]
	for len(value) > 0 && (value[len(value)-1] == '\n' || value[len(value)-1] == '\r') {
		value = value[:len(value)-1]
	}
	return string(value)
}

// confidentialKeys are those under which Secrets hold what must stay secret.
var confidentialKeys = []string{secretAccessKeyKey, sessionTokenKey, serviceAccountKey, accountKeyKey, sasTokenKey}

// HoldsCredentials reports whether a Secret with these keys can be that of a
// location: it holds what opens a bucket.
func HoldsCredentials(secret map[string][]byte) bool {
	return slices.ContainsFunc(confidentialKeys, func(key string) bool { return len(secret[key]) > 0 })
}

// noIdentity says what to do about a process that has none. The libraries' own
// errors tell of every place that they looked at, and of tokens that they read.
func noIdentity(ctx context.Context, service string, err error) error {
	if err == nil || ctx.Err() != nil {
		return err
	}
	return explained{kind: engine.ErrForbidden, text: fmt.Sprintf(
		"this process has no identity in %s: bind its service account to one, or name a Secret in credentialsSecretName", service)}
}
