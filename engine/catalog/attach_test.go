// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/engine/catalog"
)

func TestAttachGivesAStoreOneIdentity(t *testing.T) {
	for name, store := range map[string]*memory{
		"where writes are conditional":     newMemory(),
		"where writes are not conditional": newLaxMemory(),
	} {
		t.Run(name, func(t *testing.T) {
			first := attach(t, store, store.clock)
			want := archive.Identity{Format: 1, ID: storeID, Created: start, Tool: "ark test"}
			if diff := cmp.Diff(want, first.Identity()); diff != "" {
				t.Errorf("Identity() mismatch (-want +got):\n%s", diff)
			}
			if got := first.ConditionalWrites(); got == store.lax {
				t.Errorf("ConditionalWrites() = %v", got)
			}
			again, err := catalog.Attach(t.Context(), store, store.clock, catalog.Options{NewID: func() string { return otherID }})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, again.Identity()); diff != "" {
				t.Errorf("second Identity() mismatch (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{archive.IdentityKey}, store.keys()); diff != "" {
				t.Errorf("keys mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAttachReadOnlyNeverWrites(t *testing.T) {
	store := newMemory()
	attach(t, store, store.clock)
	watched := storetest.NewFaulty(store)
	c, err := catalog.Attach(t.Context(), watched, store.clock, catalog.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]storetest.Call{{Op: storetest.OpOpen, Key: archive.IdentityKey}}, watched.Calls()); diff != "" {
		t.Errorf("calls mismatch (-want +got):\n%s", diff)
	}
	if !c.ReadOnly() || c.ConditionalWrites() {
		t.Errorf("ReadOnly() = %v, ConditionalWrites() = %v", c.ReadOnly(), c.ConditionalWrites())
	}
	for what, err := range map[string]error{
		"NewAttempt":       second(c.NewAttempt(clusterA, "b", "one")),
		"NewRestoreRecord": second(c.NewRestoreRecord(clusterA, "b", "one")),
		"Remove":           c.Remove(t.Context(), clusterA, "b", clusterA, "expired"),
		"RemoveAttempt":    c.RemoveAttempt(t.Context(), clusterA, "b", "one"),
	} {
		if !errors.Is(err, engine.ErrReadOnly) {
			t.Errorf("%s() error = %v, want ErrReadOnly", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestAttachRefuses(t *testing.T) {
	errDenied := errors.New("access denied")
	tests := map[string]struct {
		prepare  func(*memory)
		fault    storetest.Fault
		readOnly bool
		want     error
		says     string
	}{
		"a read-only store without identity": {
			readOnly: true, want: engine.ErrNotFound, says: "check url and prefix",
		},
		"a store that lost its identity and has backups": {
			prepare: func(m *memory) {
				mustTake(t, attach(t, m, m.clock), clusterA, "nightly", "one")
				delete(m.blobs, archive.IdentityKey)
			},
			want: engine.ErrCorrupt, says: "put it back",
		},
		"an identity that is no JSON": {
			prepare: func(m *memory) { _ = m.put(archive.IdentityKey, []byte("{")) },
			want:    engine.ErrCorrupt, says: "store identity",
		},
		"an identity that never ends": {
			prepare: func(m *memory) {
				_ = m.put(archive.IdentityKey, []byte(strings.Repeat(" ", archive.MaxDocument+1)))
			},
			want: engine.ErrCorrupt, says: "more than",
		},
		"a store of a later format": {
			prepare: func(m *memory) { _ = m.put(archive.IdentityKey, []byte(`{"format":2,"id":["new"]}`)) },
			want:    archive.ErrUnknownFormat, says: "use a newer version",
		},
		"a store that cannot be written": {
			fault: storetest.Fault{Op: storetest.OpClose, Key: archive.ProbePrefix, Effect: storetest.Fail(errDenied)},
			want:  errDenied, says: "permission to write",
		},
		"a store that keeps nothing": {
			fault: storetest.Fault{Op: storetest.OpClose, Effect: storetest.Lose()},
			want:  engine.ErrNotFound, says: "read a probe",
		},
		"a store that cannot be deleted from": {
			fault: storetest.Fault{Op: storetest.OpDelete, Effect: storetest.Fail(errDenied)},
			want:  errDenied, says: "delete a probe",
		},
		"a store that cannot be listed": {
			fault: storetest.Fault{Op: storetest.OpList, Effect: storetest.Fail(errDenied)},
			want:  errDenied, says: "list probes",
		},
		"a store whose identity cannot be read": {
			fault: storetest.Fault{Op: storetest.OpOpen, Key: archive.IdentityKey, Effect: storetest.Fail(errDenied)},
			want:  errDenied, says: "attach store",
		},
		"a store whose identity cannot be written": {
			fault: storetest.Fault{Op: storetest.OpCreate, Key: archive.IdentityKey, Effect: storetest.Fail(errDenied)},
			want:  errDenied, says: "attach store",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			inner := newMemory()
			if tc.prepare != nil {
				tc.prepare(inner)
			}
			before := inner.keysWith(archive.IdentityKey)
			store := storetest.NewFaulty(inner)
			if tc.fault.Op != "" {
				store.Inject(tc.fault)
			}
			_, err := catalog.Attach(t.Context(), store, inner.clock, catalog.Options{ReadOnly: tc.readOnly})
			if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("Attach() error = %v, want %v saying %q", err, tc.want, tc.says)
			}
			if diff := cmp.Diff(before, inner.keysWith(archive.IdentityKey)); diff != "" {
				t.Errorf("identity mismatch (-before +after):\n%s", diff)
			}
		})
	}
}

func TestAStoreThatCannotBeUnderstoodIsNotWritten(t *testing.T) {
	for name, identity := range map[string]string{"of a later format": `{"format":2}`, "of no format": `{`} {
		t.Run(name, func(t *testing.T) {
			inner := newMemory()
			_ = inner.put(archive.IdentityKey, []byte(identity))
			_ = inner.put(archive.ProbePrefix+otherID, nil) // left behind by a process that died
			inner.clock.now = start.Add(2 * time.Hour)
			store := storetest.NewFaulty(inner)
			if _, err := catalog.Attach(t.Context(), store, inner.clock, catalog.Options{}); !archive.Unreadable(err) {
				t.Errorf("Attach() error = %v, want one that blames the identity", err)
			}
			if diff := cmp.Diff([]storetest.Call{{Op: storetest.OpOpen, Key: archive.IdentityKey}}, store.Calls()); diff != "" {
				t.Errorf("calls mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

// racing lets another writer attach, and commit, at the moment that the
// identity is found missing.
type racing struct {
	*memory

	other func()
}

func (r *racing) Create(ctx context.Context, key string) (io.WriteCloser, error) {
	if key == archive.IdentityKey && r.other != nil {
		other := r.other
		r.other = nil
		other()
	}
	return r.memory.Create(ctx, key)
}

func TestTwoWritersSettleOnTheIdentityThatIsStored(t *testing.T) {
	t.Run("where writes are conditional the loser takes the winner's", func(t *testing.T) {
		store := newMemory()
		race := &racing{memory: store, other: func() { attach(t, store, store.clock) }}
		c, err := catalog.Attach(t.Context(), race, store.clock, catalog.Options{NewID: func() string { return otherID }})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Identity().ID; got != storeID {
			t.Errorf("Identity() = %s, want that of the other writer", got)
		}
	})
	t.Run("where they are not, the loser finds out before it commits", func(t *testing.T) {
		store := newLaxMemory()
		var loser *catalog.Catalog
		race := &racing{memory: store, other: func() { loser = attach(t, store, store.clock) }}
		if _, err := catalog.Attach(t.Context(), race, store.clock, catalog.Options{NewID: func() string { return otherID }}); err != nil {
			t.Fatal(err)
		}
		if _, err := take(t.Context(), loser, clusterA, "nightly", "one"); !errors.Is(err, engine.ErrConflict) {
			t.Errorf("Commit() error = %v, want ErrConflict", err)
		}
		if got := store.keysWith("markers/"); len(got) > 0 {
			t.Errorf("markers were written: %v", got)
		}
	})
}

func TestAttachSweepsProbesOfTheDead(t *testing.T) {
	store := newMemory()
	old, young := archive.ProbePrefix+otherID, archive.ProbePrefix+clusterB
	_ = store.put(old, nil)
	store.clock.now = start.Add(2 * time.Hour)
	_ = store.put(young, nil)
	attach(t, store, store.clock)
	if diff := cmp.Diff([]string{young}, store.keysWith(archive.ProbePrefix)); diff != "" {
		t.Errorf("probes mismatch (-want +got):\n%s", diff)
	}
}
