// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/gopherwood/ark/engine"
)

const widgetA = `{"apiVersion":"example.org/v1","kind":"Widget","metadata":{"name":"a","namespace":"n","uid":"u","resourceVersion":"9"}}`

func TestRequests(t *testing.T) {
	const write = "?fieldManager=ark&fieldValidation=Ignore"
	object := func(s *apiServer) (engine.Object, error) { return s.Get(t.Context(), widgets, "n", "a") }
	for name, c := range map[string]struct {
		do            func(s *apiServer) (engine.Object, error)
		request, body string
		contentType   string
	}{
		"get": {do: object, request: "GET /prefix/apis/example.org/v1/namespaces/n/widgets/a"},
		"get with a colon": {
			do:      func(s *apiServer) (engine.Object, error) { return s.Get(t.Context(), widgets, "", "system:a b") },
			request: "GET /prefix/apis/example.org/v1/widgets/system:a%20b",
		},
		"create": {
			do: func(s *apiServer) (engine.Object, error) {
				return s.Create(t.Context(), widgets, "n", "", []byte(widgetA))
			},
			request: "POST /prefix/apis/example.org/v1/namespaces/n/widgets" + write, body: widgetA, contentType: "application/json",
		},
		"create for a field manager": {
			do: func(s *apiServer) (engine.Object, error) {
				return s.Create(t.Context(), widgets, "n", "helm & co", []byte(widgetA))
			},
			request: "POST /prefix/apis/example.org/v1/namespaces/n/widgets?fieldManager=helm+%26+co&fieldValidation=Ignore", body: widgetA, contentType: "application/json",
		},
		"update": {
			do: func(s *apiServer) (engine.Object, error) {
				return s.Update(t.Context(), widgets, "n", "a", "", []byte(widgetA))
			},
			request: "PUT /prefix/apis/example.org/v1/namespaces/n/widgets/a" + write, body: widgetA, contentType: "application/json",
		},
		"update of a subresource": {
			do: func(s *apiServer) (engine.Object, error) {
				return s.Update(t.Context(), widgets, "", "a", "status", []byte(widgetA))
			},
			request: "PUT /prefix/apis/example.org/v1/widgets/a/status" + write, body: widgetA, contentType: "application/json",
		},
		"patch": {
			do: func(s *apiServer) (engine.Object, error) {
				return s.Patch(t.Context(), widgets, "n", "a", []byte(`{"x":null}`))
			},
			request: "PATCH /prefix/apis/example.org/v1/namespaces/n/widgets/a" + write, body: `{"x":null}`,
			contentType: "application/merge-patch+json",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, answer(" %s\n", widgetA))
			o, err := c.do(s)
			if err != nil {
				t.Fatal(err)
			}
			want := engine.Object{
				Resource: widgets, Meta: engine.Meta{Name: "a", Namespace: "n", UID: "u", ResourceVersion: "9"}, Raw: []byte(widgetA),
			}
			if diff := cmp.Diff(want, o) + cmp.Diff([]string{c.request}, s.requests) + cmp.Diff([]string{c.body}, s.bodies); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if s.header.Get("Content-Type") != c.contentType || s.header.Get("Accept") != "application/json" ||
				s.header.Get("User-Agent") != "ark" || s.header.Get("Accept-Encoding") != "gzip" {
				t.Errorf("header %v", s.header)
			}
		})
	}
}

func TestDelete(t *testing.T) {
	const always = `"kind":"DeleteOptions","apiVersion":"v1"`
	for name, c := range map[string]struct {
		only engine.DeleteOptions
		body string
	}{
		"without preconditions": {body: `{` + always + `,"propagationPolicy":"Background"}`},
		"one object only": {
			only: engine.DeleteOptions{UID: "u", ResourceVersion: "9"},
			body: `{` + always + `,"preconditions":{"uid":"u","resourceVersion":"9"},"propagationPolicy":"Background"}`,
		},
		"without what it owns": {
			only: engine.DeleteOptions{KeepDependents: true}, body: `{` + always + `,"propagationPolicy":"Orphan"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, answer(`{"kind":"Status","status":"Success"}`))
			if err := s.Delete(t.Context(), widgets, "n", "a", c.only); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{c.body}, s.bodies) + cmp.Diff([]string{"DELETE /prefix/apis/example.org/v1/namespaces/n/widgets/a"}, s.requests); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   error
		text   string
		retry  bool
		after  time.Duration
	}{
		"exists":       {answer: status(409, "AlreadyExists", ""), kind: engine.ErrExists},
		"conflict":     {answer: status(409, "Conflict", ""), kind: engine.ErrConflict},
		"invalid":      {answer: status(422, "Invalid", ""), kind: engine.ErrInvalid},
		"bad request":  {answer: status(400, "BadRequest", ""), kind: engine.ErrInvalid},
		"too large":    {answer: status(413, "RequestEntityTooLarge", ""), kind: engine.ErrInvalid},
		"not allowed":  {answer: status(405, "MethodNotAllowed", ""), kind: engine.ErrInvalid},
		"forbidden":    {answer: status(403, "Forbidden", ""), kind: engine.ErrForbidden},
		"unauthorized": {answer: status(401, "Unauthorized", ""), kind: engine.ErrForbidden},
		"terminating":  {answer: status(403, "Forbidden", `{"causes":[{"reason":"NamespaceTerminating"}]}`), kind: engine.ErrTerminating},
		"a pod that came before its account": {
			answer: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusForbidden)
				answer(`{"kind":"Status","reason":"Forbidden","message":"pods \"a\" is forbidden: error looking up service account n/default: serviceaccount \"default\" not found"}`)(w, nil)
			},
			kind: engine.ErrForbidden, retry: true, text: "error looking up service account",
		},
		"not found":          {answer: status(404, "NotFound", ""), kind: engine.ErrNotFound},
		"gone":               {answer: status(410, "Gone", ""), kind: engine.ErrRevisionGone},
		"throttled":          {answer: after("2", status(429, "TooManyRequests", "")), retry: true, after: 2 * time.Second},
		"broken webhook":     {answer: status(500, "InternalError", ""), retry: true},
		"unavailable":        {answer: status(503, "ServiceUnavailable", `{"retryAfterSeconds":5}`), retry: true, after: 5 * time.Second},
		"timed out":          {answer: status(504, "Timeout", ""), retry: true, text: "timed out: words of the server"},
		"broken connection":  {answer: breakOff(""), retry: true, text: "EOF"},
		"broken answer":      {answer: breakOff(`{"metadata"`), retry: true, text: "EOF"},
		"no object":          {answer: answer("[]"), text: "read the answer"},
		"a proxy's page":     {answer: func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) }, retry: true, text: "502"},
		"an endless message": {answer: answerLong, kind: engine.ErrInvalid, text: "xxx…"},
		"an endless object":  {answer: answerEndless, text: "larger than"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.answer)
			_, err := s.Create(t.Context(), widgets, "n", "", []byte(widgetA))
			if err == nil || c.kind != nil && !errors.Is(err, c.kind) {
				t.Fatalf("error %v, want %v", err, c.kind)
			}
			if c.text == "" {
				c.text = "create widgets.example.org in namespace n: words of the server"
			}
			if len(err.Error()) > 2*maxMessage || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %.3000v, want %q", err, c.text)
			}
			var again *engine.RetryableError
			if errors.As(err, &again) != c.retry || c.retry && again.After != c.after {
				t.Errorf("error %#v, want it retryable %v after %v", err, c.retry, c.after)
			}
		})
	}
}

func answerLong(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusUnprocessableEntity)
	answer(`{"kind":"Status","reason":"Invalid","message":%q}`, strings.Repeat("x", 100_000))(w, nil)
}

func answerEndless(w http.ResponseWriter, _ *http.Request) {
	for range maxObject/(1<<20) + 1 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			return
		}
	}
}

func TestNamesThatLeadElsewhereAreRefused(t *testing.T) {
	s := serve(t) // no request is expected
	bad := widgets
	bad.Name = "../secrets"
	for name, do := range map[string]func() error{
		"no name to get":      func() error { _, err := s.Get(t.Context(), widgets, "n", ""); return err },
		"no name to update":   func() error { _, err := s.Update(t.Context(), widgets, "n", "", "", nil); return err },
		"no name to patch":    func() error { _, err := s.Patch(t.Context(), widgets, "n", "", nil); return err },
		"no name to delete":   func() error { return s.Delete(t.Context(), widgets, "n", "", engine.DeleteOptions{}) },
		"a parent":            func() error { _, err := s.Get(t.Context(), widgets, "n", ".."); return err },
		"a slash":             func() error { _, err := s.Get(t.Context(), widgets, "n", "a/status"); return err },
		"an escape":           func() error { _, err := s.Get(t.Context(), widgets, "n", "a%2fb"); return err },
		"a namespace":         func() error { _, err := s.Create(t.Context(), widgets, "n/x", "", nil); return err },
		"a subresource":       func() error { _, err := s.Update(t.Context(), widgets, "n", "a", "../b", nil); return err },
		"a type":              func() error { _, err := s.Get(t.Context(), bad, "n", "a"); return err },
		"a type without name": func() error { _, err := s.Create(t.Context(), engine.Resource{Version: "v1"}, "", "", nil); return err },
	} {
		if err := do(); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%s: error %v, want ErrInvalid", name, err)
		}
	}
}

func TestRequestsEnd(t *testing.T) {
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	t.Run("with their context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := serve(t, func(w http.ResponseWriter, r *http.Request) { cancel(); hang(w, r) })
		_, err := s.Get(ctx, widgets, "n", "a")
		var again *engine.RetryableError
		if !errors.Is(err, context.Canceled) || errors.As(err, &again) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("with the patience for a silent server", func(t *testing.T) {
		s := serve(t, hang)
		s.silence = 20 * time.Millisecond
		_, err := s.Get(t.Context(), widgets, "n", "a")
		var again *engine.RetryableError
		if !errors.Is(err, errSilent) || !errors.As(err, &again) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("without a server", func(t *testing.T) {
		server := httptest.NewServer(nil)
		server.Close()
		c, err := New(&rest.Config{Host: server.URL}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Get(t.Context(), widgets, "n", "a")
		if again, ok := errors.AsType[*engine.RetryableError](err); !ok || !again.Away {
			t.Errorf("error %v", err)
		}
	})
	t.Run("with their connection, of which another may fare better", func(t *testing.T) {
		s := serve(t, breakOff(`{"kind":`))
		_, err := s.Get(t.Context(), widgets, "n", "a")
		if again, ok := errors.AsType[*engine.RetryableError](err); !ok || again.Away {
			t.Errorf("error %v", err)
		}
	})
	t.Run("at a certificate that nobody vouches for", func(t *testing.T) {
		server := httptest.NewTLSServer(http.NotFoundHandler())
		defer server.Close()
		server.Config.ErrorLog = nil
		c, err := New(&rest.Config{Host: server.URL}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Get(t.Context(), widgets, "n", "a")
		var again *engine.RetryableError
		if err == nil || errors.As(err, &again) || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("error %v", err)
		}
	})
}

func TestClusterUID(t *testing.T) {
	s := serve(t, answer(`{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"kube-system","uid":"abc"}}`))
	if uid, err := s.ClusterUID(t.Context()); uid != "abc" || err != nil {
		t.Errorf("UID %q, %v", uid, err)
	}
	if diff := cmp.Diff([]string{"GET /prefix/api/v1/namespaces/kube-system"}, s.requests); diff != "" {
		t.Error(diff)
	}
	s = serve(t, answer(`{"kind":"Namespace","apiVersion":"v1","metadata":{"name":"kube-system"}}`))
	if _, err := s.ClusterUID(t.Context()); err == nil || !strings.Contains(err.Error(), "no UID") {
		t.Errorf("error %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, cfg := range map[string]*rest.Config{
		"an address that is none": {Host: "http://%zz"},
		"a missing certificate":   {Host: "https://x", TLSClientConfig: rest.TLSClientConfig{CAFile: "/none"}},
	} {
		if _, err := New(cfg, Options{}); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
