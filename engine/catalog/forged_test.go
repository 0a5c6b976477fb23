// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
)

// forge puts a record in place past the catalog, as whoever writes to the bucket can.
func (m *memory) forge(t *testing.T, seq int, kind archive.RecordType) {
	t.Helper()
	r := entry(kind, clusterA)
	r.Format, r.Store, r.Seq, r.Time = 1, storeID, seq, start
	b, err := archive.EncodeRecord(&r)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.put(archive.RecordKey(clusterA, "nightly", seq), b); err != nil {
		t.Fatal(err)
	}
}

func TestARecordThatCannotBeReadKeepsTheBackup(t *testing.T) {
	first := archive.RecordKey(clusterA, "nightly", 1)
	tests := map[string]struct {
		spoil func(*testing.T, *memory)
		says  string
	}{
		"of another backup": {
			func(_ *testing.T, m *memory) { m.replace(first, `"nightly"`, `"other"`) }, "of backup other",
		},
		"of another cluster": {
			func(_ *testing.T, m *memory) { m.replace(first, `"cluster":"`+clusterA, `"cluster":"`+clusterB) }, clusterB,
		},
		"of another store": {func(_ *testing.T, m *memory) { m.replace(first, storeID, otherID) }, otherID},
		"under another number": {
			func(_ *testing.T, m *memory) {
				m.blobs[archive.RecordKey(clusterA, "nightly", 2)] = m.blobs[first]
			}, "it is record 1",
		},
		"no record at all": {
			func(_ *testing.T, m *memory) {
				_ = m.put(archive.RecordsPrefix(clusterA, "nightly")+"note.txt", []byte("hi"))
			}, "note.txt",
		},
		"gone, with a later one there": {
			func(t *testing.T, m *memory) { t.Helper(); m.forge(t, 3, archive.RecordHold) }, "record 2 is missing",
		},
		"gone, with a deletion behind it": {
			func(t *testing.T, m *memory) { t.Helper(); m.forge(t, 7, archive.RecordDeletion) }, "record 2 is missing",
		},
		"gone, with a release behind it": {
			func(t *testing.T, m *memory) { t.Helper(); m.forge(t, 3, archive.RecordRelease) }, "record 2 is missing",
		},
		"of a later format": {
			func(_ *testing.T, m *memory) { m.replace(first, `"format":1`, `"format":2`) }, "use a newer version",
		},
		"of a type that only a later version knows": {
			func(_ *testing.T, m *memory) { m.replace(first, `"adopted"`, `"frozen"`) }, `type "frozen"`,
		},
		"gone, the first": {
			func(t *testing.T, m *memory) {
				t.Helper()
				delete(m.blobs, first)
				m.forge(t, 2, archive.RecordDeletion)
			}, "record 1 is missing",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			store := newMemory()
			c := attach(t, store, store.clock)
			mustTake(t, c, clusterA, "nightly", "one")
			adopted := entry(archive.RecordAdopted, clusterA) // takes no protection away, and gives none
			if _, err := c.Append(t.Context(), adopted); err != nil {
				t.Fatal(err)
			}
			tc.spoil(t, store)
			before := store.keys()
			s, err := c.Marker(t.Context(), clusterA, "nightly")
			if err != nil {
				t.Fatalf("Marker() error = %v, want the backup all the same", err)
			}
			if !s.Held || s.Deletion != nil || len(s.Unreadable) != 1 || !strings.Contains(s.Unreadable[0], tc.says) {
				t.Errorf("state = %+v, want it held, not being removed, and %q unreadable", s.State, tc.says)
			}
			if err := c.Verify(t.Context(), s); err != nil {
				t.Errorf("Verify() error = %v", err)
			}
			_, _, deletion := c.Deletion(t.Context(), clusterA, "nightly")
			for what, err := range map[string]error{
				"Remove":   c.Remove(t.Context(), clusterA, "nightly", clusterA, "expired"),
				"Append":   second(c.Append(t.Context(), entry(archive.RecordRelease, clusterA))),
				"Records":  second(c.Records(t.Context(), clusterA, "nightly")),
				"Deletion": deletion,
			} {
				if !errors.Is(err, engine.ErrCorrupt) || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("%s() error = %v, want ErrCorrupt saying %q", what, err, tc.says)
				}
			}
			if diff := cmp.Diff(before, store.keys()); diff != "" {
				t.Errorf("keys mismatch (-before +after):\n%s", diff)
			}
		})
	}
}

func TestUnreadableRecordsAreBounded(t *testing.T) {
	store := newMemory()
	c := attach(t, store, store.clock)
	mustTake(t, c, clusterA, "nightly", "one")
	for i := range 100 {
		_ = store.put(fmt.Sprintf("%s%08d.json", archive.RecordsPrefix(clusterA, "nightly"), i+1), []byte("?"))
	}
	s, err := c.Marker(t.Context(), clusterA, "nightly")
	if err != nil || !s.Held || len(s.Unreadable) != 8 {
		t.Errorf("Marker() = %+v, %v, want 8 of what is unreadable", s, err)
	}
}

func TestARecordThatDoesNotAnswerIsNoJudgement(t *testing.T) {
	errBroken := errors.New("connection reset")
	inner := newMemory()
	faulty := storetest.NewFaulty(inner)
	c := attach(t, faulty, inner.clock)
	mustTake(t, c, clusterA, "nightly", "one")
	inner.forge(t, 1, archive.RecordHold)
	faulty.Inject(storetest.Fault{Op: storetest.OpOpen, Key: "/records/", Effect: storetest.Fail(errBroken)})
	if s, err := c.Marker(t.Context(), clusterA, "nightly"); !errors.Is(err, errBroken) {
		t.Errorf("Marker() = %+v, %v, want the connection's error", s, err)
	}
}

func TestAHeldBackupOutlivesForgedRecords(t *testing.T) {
	store := newMemory()
	c := attach(t, store, store.clock)
	mustTake(t, c, clusterA, "nightly", "one")
	if _, err := c.Append(t.Context(), entry(archive.RecordHold, clusterA)); err != nil {
		t.Fatal(err)
	}
	store.forge(t, 2, archive.RecordDeletion)
	before := store.keys()
	s, err := c.Marker(t.Context(), clusterA, "nightly")
	if err != nil || !s.Held || s.Deletion != nil || len(s.Unreadable) > 0 {
		t.Errorf("Marker() = %+v, %v, want it held and not being removed", s, err)
	}
	if r, removed, err := c.Deletion(t.Context(), clusterA, "nightly"); removed || err != nil {
		t.Errorf("Deletion() = %+v, %v, %v, want none", r, removed, err)
	}
	if err := c.Remove(t.Context(), clusterA, "nightly", clusterA, "expired"); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("Remove() error = %v, want ErrConflict", err)
	}
	if diff := cmp.Diff(before, store.keys()); diff != "" {
		t.Errorf("keys mismatch (-before +after):\n%s", diff)
	}
	if _, err := c.Append(t.Context(), entry(archive.RecordRelease, clusterA)); err != nil {
		t.Errorf("Append() of the release: error = %v", err)
	}
	if err := c.Remove(t.Context(), clusterA, "nightly", clusterA, "expired"); err != nil {
		t.Errorf("Remove() after the release: error = %v", err)
	}
}
