// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
)

// StoreRequest is one that reached a Front.
type StoreRequest struct {
	Method string
	// URL is the path with its query.
	URL string
}

// Front is a server in front of an object store. It notes every request, and can
// be told to behave as a worse server would. Its certificate is by the authority
// of the object store behind it.
type Front struct {
	// Endpoint is its address, with https.
	Endpoint string
	// Behind is the address of the object store.
	Behind string

	server *httptest.Server

	mu       sync.Mutex
	seen     []StoreRequest
	change   func(*http.Request)
	answer   func(http.ResponseWriter, *http.Request) bool
	finished func(*http.Request)
}

// NewFront starts a server in front of an object store.
func (o *ObjectStore) NewFront() (*Front, error) {
	cert, err := tls.LoadX509KeyPair(o.file(serverCert), o.file(serverKey))
	if err != nil {
		return nil, fmt.Errorf("start a server in front of the object store: %w", err)
	}
	behind, err := url.Parse(o.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("start a server in front of the object store: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(o.CA)
	f := &Front{Behind: o.Endpoint}
	proxy := &httputil.ReverseProxy{
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, DisableCompression: true},
		Rewrite:   func(r *httputil.ProxyRequest) { f.rewrite(r, behind) },
	}
	f.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f.note(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	f.server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	f.server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that do not know its authority are what tests are about
	f.server.StartTLS()
	f.Endpoint = f.server.URL
	return f, nil
}

// Close ends the server, and leaves the object store running.
func (f *Front) Close() { f.server.Close() }

// Answer lets answer reply in the store's place; it returns false for requests
// that are the store's. Nil ends that.
func (f *Front) Answer(answer func(http.ResponseWriter, *http.Request) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
}

// Change lets change alter every request before the store sees it. Where requests
// are signed, see S3.NewFront.
func (f *Front) Change(change func(*http.Request)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.change = change
}

// Take returns the requests since the last call.
func (f *Front) Take() []StoreRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := f.seen
	f.seen = nil
	return seen
}

// note notes a request, and reports whether it was answered.
func (f *Front) note(w http.ResponseWriter, r *http.Request) bool {
	f.mu.Lock()
	f.seen = append(f.seen, StoreRequest{r.Method, r.URL.RequestURI()})
	answer := f.answer
	f.mu.Unlock()
	return answer != nil && answer(w, r)
}

// rewrite sends a request on. The store sees the host that was asked, which may be
// signed.
func (f *Front) rewrite(r *httputil.ProxyRequest, behind *url.URL) {
	r.SetURL(behind)
	r.Out.Host = r.In.Host
	f.mu.Lock()
	change, finished := f.change, f.finished
	f.mu.Unlock()
	if change == nil {
		return
	}
	change(r.Out)
	if finished != nil {
		finished(r.Out)
	}
}
