// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package stores holds the adapter to object storage against real servers: S3 in
// every run of the tests, the others with -tags stores.
package stores

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/test/lab"
)

// service is a storage service with two accounts.
type service struct {
	accounts [2]lab.Account
	ca       []byte
	// create makes a bucket that belongs to an account.
	create func(ctx context.Context, owner lab.Account, bucket string) error
	// url is where a bucket is, as an account reaches it.
	url func(as lab.Account, bucket string) string
	// credentials are the keys of an account's Secret, wrong those of nobody.
	credentials func(lab.Account) map[string][]byte
	wrong       func(lab.Account) map[string][]byte
	// secrets must be in no error.
	secrets []string
	// silent are the operations that do not tell a bucket which does not exist from
	// a blob.
	silent []string
	// endpoint is the server's address, as it stands in url.
	endpoint string
	// front starts a server in front of this one.
	front func() (*lab.Front, error)
	// reader returns credentials that may list and read a bucket of the first
	// account, and no more; and a URL to use them with.
	reader func(t *testing.T, bucket string) (url string, credentials map[string][]byte)
	// lax takes the condition off a write; nil where the service always has it.
	lax func(*http.Request)
	// firstPage makes the request for any page of a listing one for the first, which
	// is short; nil where the server has no pages.
	firstPage func(*http.Request)
}

// at is a url with the address of another server.
func (s *service) at(u, endpoint string) string {
	return strings.Replace(u, url.QueryEscape(s.endpoint), url.QueryEscape(endpoint), 1)
}

var buckets atomic.Int64

// bucket makes a bucket for the test.
func (s *service) bucket(t *testing.T, owner lab.Account) string {
	t.Helper()
	name := fmt.Sprintf("bucket-%d", buckets.Add(1))
	if err := s.create(t.Context(), owner, name); err != nil {
		t.Fatal(err)
	}
	return name
}

// location is a bucket as an account sees it.
func (s *service) location(as lab.Account, bucket string) (blobstore.Location, blobstore.Options) {
	return blobstore.Location{Name: "main", URL: s.url(as, bucket)},
		blobstore.Options{Credentials: s.credentials(as), CA: s.ca}
}

func open(t *testing.T, loc blobstore.Location, opts blobstore.Options) *blobstore.Store {
	t.Helper()
	store, err := blobstore.Open(t.Context(), loc, opts)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func put(ctx context.Context, s engine.Store, key, content string) error {
	w, err := s.Create(ctx, key)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, content); err != nil {
		return errors.Join(err, w.Close())
	}
	return w.Close()
}

func get(ctx context.Context, s engine.Store, key string) (string, error) {
	r, err := s.Open(ctx, key, 0, -1)
	if err != nil {
		return "", err
	}
	content, err := io.ReadAll(r)
	return string(content), errors.Join(err, r.Close())
}

func list(ctx context.Context, s engine.Store) ([]string, error) {
	var keys []string
	for b, err := range s.List(ctx, "", false) {
		if err != nil {
			return keys, err
		}
		keys = append(keys, b.Key)
	}
	return keys, nil
}

// everyOperation tries all that a store can do, and returns the errors by name.
func everyOperation(ctx context.Context, s engine.Store) map[string]error {
	_, getErr := get(ctx, s, "ark-store.json")
	_, listErr := list(ctx, s)
	return map[string]error{
		"open": getErr, "list": listErr,
		"create": put(ctx, s, "some/key", "content"), "delete": s.Delete(ctx, "some/key"),
	}
}

// wantAll checks that every error is of a kind, says what to do, and tells no secret.
func (s *service) wantAll(t *testing.T, all map[string]error, kind error, cure string) {
	t.Helper()
	for name, err := range all {
		if err == nil || kind != nil && !errors.Is(err, kind) || errors.Is(err, engine.ErrNotFound) {
			t.Errorf("%s: error %v, want %v", name, err, kind)
			continue
		}
		if !strings.Contains(err.Error(), cure) {
			t.Errorf("%s: error %q does not say %q", name, err, cure)
		}
		for _, secret := range s.secrets {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error tells a secret: %v", name, err)
			}
		}
	}
}

// run holds a service to everything.
func (s *service) run(t *testing.T) {
	for _, prefix := range []string{"", "team-a/ark"} {
		t.Run("conformance with prefix "+prefix, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) engine.Store {
				t.Helper()
				loc, opts := s.location(s.accounts[0], s.bucket(t, s.accounts[0]))
				loc.Prefix = prefix
				return open(t, loc, opts)
			})
		})
	}
	t.Run("conformance with faults at hand", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) engine.Store {
			t.Helper()
			loc, opts := s.location(s.accounts[0], s.bucket(t, s.accounts[0]))
			return storetest.NewFaulty(open(t, loc, opts))
		})
	})
	t.Run("two accounts side by side", s.twoAccounts)
	t.Run("a store is attached and refuses to overwrite", s.attach)
	t.Run("a location that is read only is not written", s.readOnly)
	t.Run("what is wrong is said", s.failures)
	t.Run("a location that is read only is asked for nothing else", s.onlyReads)
	t.Run("credentials that may only read are enough to read", s.readingCredentials)
	if s.lax != nil {
		t.Run("a server that overwrites is found out, and does no harm", s.laxServer)
	}
	if s.firstPage != nil {
		t.Run("a listing that repeats itself is not believed", s.repeatedPages)
	}
	t.Run("a server that is busy for a moment is asked again", s.busy)
}

func (s *service) twoAccounts(t *testing.T) {
	var stores [2]*blobstore.Store
	var names [2]string
	for i, account := range s.accounts {
		names[i] = s.bucket(t, account)
		stores[i] = open(t, first(s.location(account, names[i])), second(s.location(account, names[i])))
	}
	for i, store := range stores {
		if err := put(t.Context(), store, "whose", names[i]); err != nil {
			t.Fatal(err)
		}
	}
	for i, store := range stores {
		if got, err := get(t.Context(), store, "whose"); err != nil || got != names[i] {
			t.Errorf("bucket %d holds %q, %v", i, got, err)
		}
	}
	loc, opts := s.location(s.accounts[0], names[1])
	loc.URL = s.url(s.accounts[1], names[1])
	if string(opts.Credentials["accountName"]) != "" {
		opts.Credentials["accountName"] = []byte(s.accounts[1].Name)
	}
	s.wantAll(t, everyOperation(t.Context(), open(t, loc, opts)), engine.ErrForbidden, "credentials")
}

func first(l blobstore.Location, _ blobstore.Options) blobstore.Location { return l }
func second(_ blobstore.Location, o blobstore.Options) blobstore.Options { return o }

type now struct{}

func (now) Now() time.Time { return time.Now() }

func (s *service) attach(t *testing.T) {
	store := open(t, first(s.location(s.accounts[0], s.bucket(t, s.accounts[0]))), second(s.location(s.accounts[0], "any")))
	c, err := catalog.Attach(t.Context(), store, now{}, catalog.Options{Tool: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if !c.ConditionalWrites() {
		t.Error("the service is said to overwrite")
	}
	again, err := catalog.Attach(t.Context(), store, now{}, catalog.Options{Tool: "test"})
	if err != nil || again.Identity() != c.Identity() {
		t.Errorf("attached again, its identity is %v, %v, want %v", again.Identity(), err, c.Identity())
	}
	if keys, err := list(t.Context(), store); err != nil || len(keys) != 1 {
		t.Errorf("probing left %v, %v behind", keys, err)
	}
}

func (s *service) readOnly(t *testing.T) {
	bucket := s.bucket(t, s.accounts[0])
	loc, opts := s.location(s.accounts[0], bucket)
	if err := put(t.Context(), open(t, loc, opts), "a", "content"); err != nil {
		t.Fatal(err)
	}
	loc.ReadOnly = true
	store := open(t, loc, opts)
	if got, err := get(t.Context(), store, "a"); err != nil || got != "content" {
		t.Errorf("Open: %q, %v", got, err)
	}
	if err := put(t.Context(), store, "b", ""); !errors.Is(err, engine.ErrReadOnly) {
		t.Errorf("Create: %v", err)
	}
	if err := store.Delete(t.Context(), "a"); !errors.Is(err, engine.ErrReadOnly) {
		t.Errorf("Delete: %v", err)
	}
}

func (s *service) failures(t *testing.T) {
	bucket := s.bucket(t, s.accounts[0])
	tests := map[string]struct {
		change func(*blobstore.Location, *blobstore.Options)
		kind   error
		cure   string
	}{
		"a wrong key": {
			change: func(_ *blobstore.Location, o *blobstore.Options) { o.Credentials = s.wrong(s.accounts[0]) },
			kind:   engine.ErrForbidden, cure: "credentials",
		},
		"a server of an authority that is not known": {
			change: func(_ *blobstore.Location, o *blobstore.Options) { o.CA = nil },
			cure:   "name it in caSecretName",
		},
		"a server that is not there": {
			change: func(l *blobstore.Location, _ *blobstore.Options) { l.URL = s.at(l.URL, "https://127.0.0.1:1") },
			cure:   "the server cannot be reached: dial tcp 127.0.0.1:1: connect: connection refused",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			loc, opts := s.location(s.accounts[0], bucket)
			tc.change(&loc, &opts)
			s.wantAll(t, everyOperation(t.Context(), open(t, loc, opts)), tc.kind, tc.cure)
		})
	}
	t.Run("a bucket that does not exist", func(t *testing.T) {
		store := open(t, first(s.location(s.accounts[0], "no-such-bucket")), second(s.location(s.accounts[0], "any")))
		all := everyOperation(t.Context(), store)
		for _, operation := range s.silent {
			delete(all, operation)
		}
		s.wantAll(t, all, nil, "the bucket does not exist: create it, or correct the url")
		if _, err := catalog.Attach(t.Context(), store, now{}, catalog.Options{}); err == nil ||
			!strings.Contains(err.Error(), "the bucket does not exist") {
			t.Errorf("Attach: %v", err)
		}
	})
}
