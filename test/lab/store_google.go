// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
)

var googleKit = kit{
	dir: "gcs", what: "fake-gcs-server", version: "v1.56.1",
	programs: []component{{"fake-gcs-server", "github.com/fsouza/fake-gcs-server", 2}},
}

// Google is a server that speaks Google Cloud Storage. The server itself believes
// everybody; in front of it, tokens are checked as Google checks them, and every
// bucket has an owner.
type Google struct {
	*ObjectStore

	front *httptest.Server

	mu     sync.Mutex
	keys   map[string]*rsa.PublicKey // of accounts
	owners map[string]string         // of buckets
	// readers may list and read a bucket, beside its owner.
	readers map[string]string
}

// GoogleServer returns the path of the server, and builds it when it is not in
// the cache, as Ensure does.
func GoogleServer(ctx context.Context, log io.Writer) (string, error) {
	found, err := googleKit.ensure(ctx, log)
	return found["fake-gcs-server"], err
}

// StartGoogle starts the server. ctx bounds the start only: Stop ends it.
func StartGoogle(ctx context.Context, log io.Writer) (*Google, error) {
	path, err := GoogleServer(ctx, orStandardError(log))
	if err != nil {
		return nil, err
	}
	o, err := newObjectStore()
	if err != nil {
		return nil, err
	}
	g := &Google{ObjectStore: o, keys: map[string]*rsa.PublicKey{}, owners: map[string]string{}, readers: map[string]string{}}
	if _, err := started(o, g.start(ctx, path)); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Google) start(ctx context.Context, path string) error {
	cert, err := tls.LoadX509KeyPair(g.file(serverCert), g.file(serverKey))
	if err != nil {
		return fmt.Errorf("start %s: %w", googleKit.what, err)
	}
	// The server tells clients where to go on with an upload: to the front.
	g.front = httptest.NewUnstartedServer(nil)
	front := "https://" + g.front.Listener.Addr().String()
	err = g.run(ctx, path, func(port string) []string {
		return []string{
			"-scheme", "http", "-host", "127.0.0.1", "-port", port, "-backend", "memory", "-log-level", "error",
			"-external-url", front, "-public-host", g.front.Listener.Addr().String(),
		}
	})
	if err != nil {
		g.front.Close()
		return err
	}
	behind := &url.URL{Scheme: "http", Host: strings.TrimPrefix(g.Endpoint, "https://")}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(behind); r.SetXForwarded(); r.Out.Host = r.In.Host }}
	g.front.Config.Handler = g.check(proxy)
	g.front.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	g.front.StartTLS()
	g.Endpoint = front
	return nil
}

// Stop ends the server and what is in front of it.
func (g *Google) Stop() error {
	g.front.Close()
	return g.ObjectStore.Stop()
}

// NewAccount makes a service account, and returns the JSON key of it.
func (g *Google) NewAccount(name string) (Account, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return Account{}, fmt.Errorf("make a service account: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Account{}, fmt.Errorf("make a service account: %w", err)
	}
	email := name + "@lab.iam.gserviceaccount.com"
	content, err := json.Marshal(map[string]string{ //nolint:gosec // the key was made above, for a server in a test
		"type": "service_account", "project_id": "lab", "client_email": email, "private_key_id": name,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"token_uri":   "https://127.0.0.1:1/must-not-be-asked",
	})
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keys[email] = &key.PublicKey
	return Account{Name: email, Key: string(content)}, err
}

// CreateBucket makes a bucket that belongs to an account.
func (g *Google) CreateBucket(ctx context.Context, owner Account, bucket string) error {
	body := strings.NewReader(fmt.Sprintf(`{"name":%q}`, bucket))
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.Endpoint+"/storage/v1/b?project=lab", body)
	if err != nil {
		return err
	}
	req.Header.Set("X-Lab-Administrator", "true")
	resp, err := g.front.Client().Transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("create bucket %s: %s", bucket, resp.Status)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.owners[bucket] = owner.Name
	return nil
}

// AllowReading lets an account list and read a bucket of another, and no more.
func (g *Google) AllowReading(bucket string, reader Account) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.readers[bucket] = reader.Name
}

// check lets through what Google would.
func (g *Google) check(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Lab-Administrator") != "" {
			next.ServeHTTP(w, r)
			return
		}
		account, err := g.bearer(r.Header.Get("Authorization"))
		if err != nil {
			refuse(w, http.StatusUnauthorized, "authError", r.Header.Get("Authorization"))
			return
		}
		g.mu.Lock()
		owner, exists := g.owners[bucketOf(r.URL.Path)]
		reads := r.Method == http.MethodGet && g.readers[bucketOf(r.URL.Path)] == account
		g.mu.Unlock()
		if exists && owner != account && !reads {
			refuse(w, http.StatusForbidden, "forbidden", account+" does not have storage.objects access (or it may not exist).")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// bearer returns whose token it is.
func (g *Google) bearer(header string) (string, error) {
	parts := strings.Split(strings.TrimPrefix(header, "Bearer "), ".")
	if len(parts) != 3 {
		return "", errors.New("there is no token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", err
	}
	var claims struct {
		Issuer string `json:"iss"`
		Scope  string `json:"scope"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return "", err
	}
	g.mu.Lock()
	key := g.keys[claims.Issuer]
	g.mu.Unlock()
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil || key == nil || !strings.Contains(claims.Scope, "devstorage") {
		return "", errors.New("the token is nobody's")
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return claims.Issuer, rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature)
}

// bucketOf returns the bucket that a request is about.
func bucketOf(path string) string {
	_, rest, _ := strings.Cut(path, "/b/")
	bucket, _, _ := strings.Cut(rest, "/")
	return bucket
}

// refuse answers as Google does, and repeats what no error may show.
func refuse(w http.ResponseWriter, status int, reason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	body := map[string]any{"error": map[string]any{
		"code": status, "message": message,
		"errors": []map[string]string{{"domain": "global", "reason": reason, "message": message}},
	}}
	_ = json.NewEncoder(w).Encode(body) // the client is gone
}
