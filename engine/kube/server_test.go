// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

// apiServer answers requests as its script says, one step for each, and records
// them.
type apiServer struct {
	*Cluster

	mu     sync.Mutex
	script []http.HandlerFunc
	// requests are method, path and query; bodies what was sent with them.
	requests, bodies []string
	header           http.Header
	// pauses are the waits that were asked for; none was waited for.
	pauses []time.Duration
}

// serve starts an API server that ends with the test. A request that the script
// does not know fails the test.
func serve(t *testing.T, script ...http.HandlerFunc) *apiServer {
	t.Helper()
	s := &apiServer{script: script}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.next(t, r)(w, r)
	}))
	t.Cleanup(server.Close)
	c, err := New(&rest.Config{Host: server.URL + "/prefix"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.pause = func(ctx context.Context, d time.Duration) error {
		s.pauses = append(s.pauses, d)
		return ctx.Err()
	}
	s.Cluster = c
	return s
}

// next records a request and returns its answer.
func (s *apiServer) next(t *testing.T, r *http.Request) http.HandlerFunc {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	line := r.Method + " " + r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		line += "?" + r.URL.RawQuery
	}
	s.requests, s.bodies, s.header = append(s.requests, line), append(s.bodies, string(body)), r.Header
	if len(s.script) == 0 {
		t.Errorf("unexpected request %s", line)
		return status(http.StatusTeapot, "", "")
	}
	answer := s.script[0]
	s.script = s.script[1:]
	return answer
}

// answer answers with a body.
func answer(format string, args ...any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, format, args...)
	}
}

// breakOff answers with a part of a body and breaks the connection.
func breakOff(part string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, part)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// status answers with a failure, as the API server puts it.
func status(code int, reason, details string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		if details == "" {
			details = "{}"
		}
		_, _ = fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"words of the server","reason":%q,"details":%s,"code":%d}`,
			reason, details, code)
	}
}

// after answers as the other does, and asks to come back later.
func after(seconds string, then http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", seconds)
		then(w, r)
	}
}

// gone answers that a revision was compacted, with the token that continues the
// list at a later one.
func gone(token string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusGone)
		_, _ = fmt.Fprintf(w, `{"kind":"Status","metadata":{"continue":%q},"status":"Failure","message":"words of the server","reason":"Expired","code":410}`, token)
	}
}
