// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package stores

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/test/lab"
)

const cluster = "0e8d1c6a-6f5c-4b8e-9d6f-0a1b2c3d4e5f"

// fronted is a bucket of the first account as it is reached through a server that
// notes every request, and may be worse than the one behind it.
func (s *service) fronted(t *testing.T, bucket string) (*lab.Front, blobstore.Location, blobstore.Options) {
	t.Helper()
	front, err := s.front()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(front.Close)
	loc, opts := s.location(s.accounts[0], bucket)
	loc.URL = s.at(loc.URL, front.Endpoint)
	return front, loc, opts
}

// attach attaches a store that nothing is wrong with.
func attach(t *testing.T, store engine.Store, opts catalog.Options) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Attach(t.Context(), store, now{}, opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// commit takes a backup with two files.
func commit(t *testing.T, c *catalog.Catalog, name, attempt string) error {
	t.Helper()
	a, err := c.NewAttempt(cluster, name, attempt)
	if err != nil {
		return err
	}
	for _, file := range []string{archive.ContentsFile, archive.IndexFile} {
		f, err := a.File(t.Context(), file)
		if err != nil {
			return err
		}
		_, err = io.WriteString(f, file+" of "+attempt)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	at := time.Date(2026, time.May, 17, 3, 4, 5, 0, time.UTC)
	_, err = a.Commit(t.Context(), archive.Marker{Created: at, Started: at, Completed: at, Expires: at, Completeness: archive.Complete})
	return err
}

// onlyReads uses a location that is ReadOnly in every way there is, with
// credentials that could write, and looks at what the server was asked.
func (s *service) onlyReads(t *testing.T) {
	front, loc, opts := s.fronted(t, s.bucket(t, s.accounts[0]))
	writer := open(t, loc, opts)
	if err := commit(t, attach(t, writer, catalog.Options{}), "nightly", "one"); err != nil {
		t.Fatal(err)
	}
	if err := put(t.Context(), writer, archive.ProbePrefix+"of-a-process-that-died", ""); err != nil {
		t.Fatal(err)
	}
	before, err := list(t.Context(), writer)
	if err != nil {
		t.Fatal(err)
	}
	front.Take()

	loc.ReadOnly = true
	c := attach(t, open(t, loc, opts), catalog.Options{ReadOnly: true})
	if err := c.Check(t.Context()); err != nil {
		t.Error(err)
	}
	snapshot, err := c.Marker(t.Context(), cluster, "nightly")
	if err == nil {
		err = c.Verify(t.Context(), snapshot)
	}
	if err != nil {
		t.Error(err)
	}
	if err := commit(t, c, "weekly", "one"); !errors.Is(err, engine.ErrReadOnly) {
		t.Errorf("a backup: %v", err)
	}
	if err := c.Remove(t.Context(), cluster, "nightly", cluster, "a test"); !errors.Is(err, engine.ErrReadOnly) {
		t.Errorf("Remove() error = %v", err)
	}
	if _, err := c.Append(t.Context(), archive.Record{Type: archive.RecordHold, Cluster: cluster, Name: "nightly", By: cluster}); !errors.Is(err, engine.ErrReadOnly) {
		t.Errorf("Append() error = %v", err)
	}
	requests := front.Take()
	if len(requests) == 0 {
		t.Error("the server was not asked at all")
	}
	for _, r := range requests {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			t.Errorf("a location that is ReadOnly sent %s %s", r.Method, r.URL)
		}
	}
	after, err := list(t.Context(), writer)
	if diff := cmp.Diff(before, after); diff != "" || err != nil {
		t.Errorf("the bucket changed, %v (-before +after):\n%s", err, diff)
	}
}

// readingCredentials has credentials that the server lets read only.
func (s *service) readingCredentials(t *testing.T) {
	bucket := s.bucket(t, s.accounts[0])
	owner := open(t, first(s.location(s.accounts[0], bucket)), second(s.location(s.accounts[0], bucket)))
	if err := commit(t, attach(t, owner, catalog.Options{}), "nightly", "one"); err != nil {
		t.Fatal(err)
	}
	loc, opts := s.location(s.accounts[0], bucket)
	loc.URL, opts.Credentials = s.reader(t, bucket)
	loc.ReadOnly = true
	c := attach(t, open(t, loc, opts), catalog.Options{ReadOnly: true})
	snapshot, err := c.Marker(t.Context(), cluster, "nightly")
	if err == nil {
		err = c.Verify(t.Context(), snapshot)
	}
	if err != nil {
		t.Errorf("read the backup: %v", err)
	}
	loc.ReadOnly = false
	_, err = catalog.Attach(t.Context(), open(t, loc, opts), now{}, catalog.Options{})
	s.wantAll(t, map[string]error{"attach": err}, engine.ErrForbidden, "access ReadWrite needs permission to write, read, list and delete")
}

// laxServer lets a server overwrite without a word.
func (s *service) laxServer(t *testing.T) {
	front, loc, opts := s.fronted(t, s.bucket(t, s.accounts[0]))
	front.Change(s.lax)
	c := attach(t, open(t, loc, opts), catalog.Options{})
	if c.ConditionalWrites() {
		t.Error("a server that overwrites is said not to")
	}
	raceToCommit(t, c)
}

// raceToCommit lets attempts at one backup race where nothing keeps one from
// overwriting the other's marker: what is there in the end is whole, and whoever
// comes later is told.
func raceToCommit(t *testing.T, c *catalog.Catalog) {
	t.Helper()
	var committed atomic.Int32
	var racing errgroup.Group
	for i := range 8 {
		racing.Go(func() error {
			switch err := commit(t, c, "nightly", fmt.Sprintf("a%d", i)); {
			case err == nil:
				committed.Add(1)
				return nil
			case errors.Is(err, engine.ErrExists):
				return nil
			default:
				return err
			}
		})
	}
	if err := racing.Wait(); err != nil {
		t.Error(err)
	}
	if committed.Load() == 0 {
		t.Error("nobody committed")
	}
	snapshot, err := c.Marker(t.Context(), cluster, "nightly")
	if err == nil {
		err = c.Verify(t.Context(), snapshot)
	}
	if err != nil {
		t.Errorf("what was committed is not whole: %v", err)
	}
	if err := commit(t, c, "nightly", "late"); !errors.Is(err, engine.ErrExists) {
		t.Errorf("a later attempt: %v, want it to be told of the first", err)
	}
}

// repeatedPages has a server that gives the first page whatever is asked for.
func (s *service) repeatedPages(t *testing.T) {
	front, loc, opts := s.fronted(t, s.bucket(t, s.accounts[0]))
	store := open(t, loc, opts)
	for i := range 5 {
		if err := put(t.Context(), store, fmt.Sprintf("key-%d", i), ""); err != nil {
			t.Fatal(err)
		}
	}
	front.Change(s.firstPage)
	keys, err := list(t.Context(), store)
	if err == nil || len(keys) > 2 || !strings.Contains(err.Error(), "the server's listing") {
		t.Errorf("listed %v, %v", keys, err)
	}
}

// busy has a server that refuses the first requests as one does that has too many.
func (s *service) busy(t *testing.T) {
	front, loc, opts := s.fronted(t, s.bucket(t, s.accounts[0]))
	store := open(t, loc, opts)
	var asked atomic.Int32
	front.Answer(func(w http.ResponseWriter, _ *http.Request) bool {
		if asked.Add(1) > 2 {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	if err := put(t.Context(), store, "a", "content"); err != nil {
		t.Error(err)
	}
	asked.Store(0)
	if got, err := get(t.Context(), store, "a"); err != nil || got != "content" {
		t.Errorf("Open: %q, %v", got, err)
	}
	asked.Store(0)
	if keys, err := list(t.Context(), store); err != nil || len(keys) != 1 {
		t.Errorf("List: %v, %v", keys, err)
	}
}
