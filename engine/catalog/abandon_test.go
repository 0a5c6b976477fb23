// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/engine/catalog"
)

// tardy is a store whose server carries out the write of a marker only after the
// client has given it up: with the next delete of data, or when it is told to.
type tardy struct {
	*memory

	mu      sync.Mutex
	key     string
	pending []byte
}

func (s *tardy) Create(ctx context.Context, key string) (io.WriteCloser, error) {
	if !strings.Contains(key, "/markers/") {
		return s.memory.Create(ctx, key)
	}
	return &tardyWriter{store: s, key: key}, nil
}

// tardyWriter is a marker that is being written.
type tardyWriter struct {
	bytes.Buffer

	store *tardy
	key   string
}

func (w *tardyWriter) Close() error {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.store.key, w.store.pending = w.key, slices.Clone(w.Bytes())
	return errors.New("connection reset")
}

func (s *tardy) Delete(ctx context.Context, key string) error {
	err := s.memory.Delete(ctx, key)
	if strings.Contains(key, "/data/") {
		s.arrive()
	}
	return err
}

// arrive carries out the write that is pending.
func (s *tardy) arrive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending != nil {
		_ = s.put(s.key, s.pending)
		s.pending = nil
	}
}

// attempted writes the files of an attempt at "nightly" and tries to commit it.
func attempted(t *testing.T, c *catalog.Catalog, name string) (*catalog.Attempt, error) {
	t.Helper()
	a, err := c.NewAttempt(clusterA, "nightly", name)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{archive.ContentsFile, archive.IndexFile} {
		if err := writeFile(t.Context(), a, file, file+" of "+name); err != nil {
			t.Fatal(err)
		}
	}
	_, err = a.Commit(t.Context(), marker())
	return a, err
}

func TestAMarkerThatArrivesLateFindsItsData(t *testing.T) {
	for kind, inner := range map[string]*memory{"conditional": newMemory(), "lax": newLaxMemory()} {
		for _, other := range []bool{false, true} {
			name := kind + " store"
			if other {
				name += ", another attempt committed meanwhile"
			}
			t.Run(name, func(t *testing.T) {
				inner.blobs = map[string]blob{}
				store := &tardy{memory: inner}
				c := attach(t, store, inner.clock)
				a, err := attempted(t, c, "one")
				if err == nil {
					t.Fatal("Commit() succeeded without an answer")
				}
				if other {
					mustTake(t, attach(t, inner, inner.clock), clusterA, "nightly", "two")
				}
				if err := a.Abandon(t.Context()); err != nil {
					t.Errorf("Abandon() error = %v", err)
				}
				store.arrive()
				if !wholeOrAbsent(t, inner, inner.clock, "nightly") {
					t.Error("there is no backup")
				}
			})
		}
	}
}

func TestWhatAbandonKeepsIsCollectedOnceAnotherAttemptIsCommitted(t *testing.T) {
	inner := newLaxMemory()
	store := &tardy{memory: inner}
	a, err := attempted(t, attach(t, store, inner.clock), "one")
	if err == nil {
		t.Fatal("Commit() succeeded without an answer")
	}
	if err := a.Abandon(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := attach(t, inner, inner.clock)
	inner.clock.now = start.Add(2 * time.Hour)
	found := func() []catalog.Orphan {
		orphans, err := c.Orphans(t.Context(), clusterA, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		for i := range orphans {
			orphans[i].Size = 0
		}
		return orphans
	}
	want := []catalog.Orphan{{Name: "nightly", Attempt: "one", Touched: start, Complete: true}}
	if diff := cmp.Diff(want, found(), cmpopts.IgnoreUnexported(catalog.Orphan{})); diff != "" {
		t.Errorf("orphans before the next attempt (-want +got):\n%s", diff)
	}
	mustTake(t, c, clusterA, "nightly", "two")
	want[0].Superseded = true
	if diff := cmp.Diff(want, found(), cmpopts.IgnoreUnexported(catalog.Orphan{})); diff != "" {
		t.Errorf("orphans behind the next attempt (-want +got):\n%s", diff)
	}
	if err := c.RemoveAttempt(t.Context(), clusterA, "nightly", "one"); err != nil {
		t.Errorf("RemoveAttempt() error = %v", err)
	}
	if !wholeOrAbsent(t, inner, inner.clock, "nightly") {
		t.Error("there is no backup")
	}
}

func TestAbandonOfAnAttemptWhoseMarkerWasSent(t *testing.T) {
	errBroken := errors.New("connection reset")
	sent := func(effect storetest.Effect) storetest.Fault {
		return storetest.Fault{Op: storetest.OpClose, Key: "/markers/", Effect: effect}
	}
	tests := map[string]struct {
		lax   bool
		fault storetest.Fault
		other bool
		want  error
		left  int
	}{
		"nobody knows what became of it": {
			fault: sent(storetest.Fail(errBroken)), left: 2,
		},
		"it was refused": {
			fault: sent(storetest.Fail(engine.ErrForbidden)),
		},
		"it was never sent": {
			fault: storetest.Fault{Op: storetest.OpWrite, Key: "/markers/", Effect: storetest.Fail(errBroken)},
		},
		"it was stored": {
			fault: sent(storetest.LoseReply(errBroken)),
			want:  engine.ErrConflict, left: 2,
		},
		"another has its place, which the store keeps": {
			fault: sent(storetest.Fail(errBroken)), other: true,
		},
		"another has its place, which the store may give up": {
			lax:   true,
			fault: sent(storetest.Fail(errBroken)), other: true, left: 2,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			inner := newMemory()
			inner.lax = tc.lax
			faulty := storetest.NewFaulty(inner)
			c := attach(t, faulty, inner.clock)
			faulty.Inject(tc.fault)
			a, err := attempted(t, c, "one")
			if err == nil {
				t.Fatal("Commit() succeeded")
			}
			faulty.Heal()
			if tc.other {
				mustTake(t, c, clusterA, "nightly", "two")
			}
			if err := a.Abandon(t.Context()); !errors.Is(err, tc.want) {
				t.Errorf("Abandon() error = %v, want %v", err, tc.want)
			}
			if got := len(inner.keysWith("/data/nightly/one/")); got != tc.left {
				t.Errorf("%d files are left, want %d", got, tc.left)
			}
		})
	}
}
