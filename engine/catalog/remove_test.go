// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/engine/catalog"
)

func TestRemoveLeavesOnlyTheRecord(t *testing.T) {
	store := newMemory()
	faulty := storetest.NewFaulty(store)
	c := attach(t, faulty, store.clock)
	mustTake(t, c, clusterA, "nightly", "one")
	mustTake(t, c, clusterA, "nightly2", "one")
	mustTake(t, c, clusterB, "nightly", "one")
	before := len(store.keys())
	calls := len(faulty.Calls())
	if err := c.Remove(t.Context(), clusterA, "nightly", clusterA, "expired"); err != nil {
		t.Fatal(err)
	}
	if got := store.keysWith(clusterA + "/markers/nightly.json"); len(got) > 0 {
		t.Errorf("left: %v", got)
	}
	if got := len(store.keys()); got != before-3+1 {
		t.Errorf("%d keys, want those of the other backups and a record:\n%s", got, strings.Join(store.keys(), "\n"))
	}
	var order []storetest.Call
	for _, call := range faulty.Calls()[calls:] {
		if call.Op == storetest.OpClose || call.Op == storetest.OpDelete {
			order = append(order, call)
		}
	}
	want := []storetest.Call{
		{Op: storetest.OpClose, Key: archive.RecordKey(clusterA, "nightly", 1)},
		{Op: storetest.OpDelete, Key: archive.MarkerKey(clusterA, "nightly")},
		{Op: storetest.OpDelete, Key: archive.FileKey(clusterA, "nightly", "one", archive.ContentsFile)},
		{Op: storetest.OpDelete, Key: archive.FileKey(clusterA, "nightly", "one", archive.IndexFile)},
	}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("order of writes mismatch (-want +got):\n%s", diff)
	}
	r, removed, err := c.Deletion(t.Context(), clusterA, "nightly")
	if err != nil || !removed || r.Reason != "expired" || r.By != clusterA {
		t.Errorf("Deletion() = %+v, %v, %v", r, removed, err)
	}
	if err := c.Remove(t.Context(), clusterA, "nightly", clusterA, "again"); err != nil {
		t.Errorf("second Remove() error = %v", err)
	}
	if again, _, _ := c.Deletion(t.Context(), clusterA, "nightly"); again == nil || again.Reason != "expired" {
		t.Errorf("Deletion() after the second Remove() = %+v", again)
	}
}

func TestRemoveRefuses(t *testing.T) {
	tests := map[string]struct {
		before []archive.Record
		name   string
		by     string
		want   error
		says   string
	}{
		"a backup on hold": {
			before: []archive.Record{entry(archive.RecordHold, clusterA)}, by: clusterA, want: engine.ErrConflict, says: "release it first",
		},
		"another cluster's backup": {by: clusterB, want: engine.ErrForbidden, says: "adopt it first"},
		"a backup that was given away": {
			before: []archive.Record{entry(archive.RecordAdopted, clusterB)}, by: clusterA, want: engine.ErrForbidden, says: clusterB,
		},
		"a name that never was": {name: "weekly", by: clusterA, want: engine.ErrNotFound},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			store := newMemory()
			c := attach(t, store, store.clock)
			mustTake(t, c, clusterA, "nightly", "one")
			for _, r := range tc.before {
				if _, err := c.Append(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			before := store.keys()
			if tc.name == "" {
				tc.name = "nightly"
			}
			err := c.Remove(t.Context(), clusterA, tc.name, tc.by, "expired")
			if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("Remove() error = %v, want %v saying %q", err, tc.want, tc.says)
			}
			if diff := cmp.Diff(before, store.keys()); diff != "" {
				t.Errorf("keys mismatch (-before +after):\n%s", diff)
			}
		})
	}
}

func TestRemoveByTheClusterThatAdopted(t *testing.T) {
	store := newMemory()
	c := attach(t, store, store.clock)
	mustTake(t, c, clusterA, "nightly", "one")
	if _, err := c.Append(t.Context(), entry(archive.RecordAdopted, clusterB)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Remove(t.Context(), clusterA, "nightly", clusterB, "expired"); err != nil {
			t.Errorf("Remove() error = %v", err)
		}
	}
	if err := c.Remove(t.Context(), clusterA, "nightly", clusterA, "expired"); !errors.Is(err, engine.ErrForbidden) {
		t.Errorf("Remove() by the former owner: error = %v, want ErrForbidden", err)
	}
}

func TestABackupThatIsBeingRemovedTakesNoMoreRecords(t *testing.T) {
	inner := newMemory()
	faulty := storetest.NewFaulty(inner)
	c := attach(t, faulty, inner.clock)
	mustTake(t, c, clusterA, "nightly", "one")
	faulty.Inject(storetest.Fault{Op: storetest.OpDelete, Effect: storetest.Fail(errors.New("locked"))})
	if err := c.Remove(t.Context(), clusterA, "nightly", clusterA, "expired"); err == nil {
		t.Fatal("Remove() succeeded on a locked store")
	}
	if _, err := c.Append(t.Context(), entry(archive.RecordHold, clusterA)); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("Append() error = %v, want ErrConflict", err)
	}
	s, err := c.Marker(t.Context(), clusterA, "nightly")
	if err != nil || s.Deletion == nil {
		t.Errorf("Marker() = %+v, %v, want one with a deletion", s, err)
	}
}

func TestAHoldThatARemovalOvertookKeepsTheMarker(t *testing.T) {
	inner := newMemory()
	faulty := storetest.NewFaulty(inner)
	c := attach(t, faulty, inner.clock)
	mustTake(t, c, clusterA, "nightly", "one")
	faulty.Inject(storetest.Fault{Op: storetest.OpDelete, Nth: 1, Effect: storetest.Fail(errors.New("locked"))})
	if err := c.Remove(t.Context(), clusterA, "nightly", clusterA, "expired"); err == nil {
		t.Fatal("Remove() succeeded on a locked store")
	}
	inner.forge(t, 2, archive.RecordHold)
	if err := c.Remove(t.Context(), clusterA, "nightly", clusterA, "expired"); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("Remove() error = %v, want ErrConflict", err)
	}
	wholeOrAbsent(t, inner, inner.clock, "nightly")
	if got := inner.keysWith("/markers/nightly"); len(got) != 1 {
		t.Errorf("marker = %v, want it there", got)
	}
	if _, err := c.Append(t.Context(), entry(archive.RecordRelease, clusterA)); err != nil {
		t.Errorf("Append() of the release: error = %v", err)
	}
	if err := c.Remove(t.Context(), clusterA, "nightly", clusterA, "expired"); err != nil {
		t.Errorf("Remove() after the release: error = %v", err)
	}
}

func TestABrokenBackupCanBeRemoved(t *testing.T) {
	store := newMemory()
	c := attach(t, store, store.clock)
	mustTake(t, c, clusterA, "nightly", "one")
	store.blobs[archive.MarkerKey(clusterA, "nightly")] = blob{data: []byte("?")}
	if err := c.Remove(t.Context(), clusterA, "nightly", clusterA, "broken"); err != nil {
		t.Errorf("Remove() error = %v", err)
	}
	if got := store.keysWith("nightly"); !slices.Equal(got, []string{archive.RecordKey(clusterA, "nightly", 1)}) {
		t.Errorf("left: %v", got)
	}
}

func TestWhateverFailsARemovalResumes(t *testing.T) {
	errBroken := errors.New("connection reset")
	for kind, store := range map[string]func() *memory{"conditional": newMemory, "lax": newLaxMemory} {
		for name, fault := range every(errBroken) {
			t.Run(kind+" "+name, func(t *testing.T) {
				for nth := 1; nth < 100; nth++ {
					inner := store()
					mustTake(t, attach(t, inner, inner.clock), clusterA, "nightly", "one")
					faulty := storetest.NewFaulty(inner)
					c := attach(t, faulty, inner.clock)
					fault.Nth = nth
					faulty.Inject(fault)
					err := c.Remove(t.Context(), clusterA, "nightly", clusterA, "expired")
					committed := wholeOrAbsent(t, inner, inner.clock, "nightly")
					if err == nil {
						if committed {
							t.Fatalf("fault %d: Remove() succeeded and the backup is there", nth)
						}
						return // there is no such step any more
					}
					if _, removed, err := attach(t, inner, inner.clock).Deletion(t.Context(), clusterA, "nightly"); !committed && (!removed || err != nil) {
						t.Fatalf("fault %d: the backup went without a record: %v", nth, err)
					}
					faulty.Heal()
					if err := c.Remove(t.Context(), clusterA, "nightly", clusterA, "expired"); err != nil {
						t.Fatalf("fault %d: second Remove() error = %v", nth, err)
					}
					checkRemoved(t, inner)
				}
				t.Error("a removal takes more than a hundred steps")
			})
		}
	}
}

// checkRemoved wants nothing but records of "nightly".
func checkRemoved(t *testing.T, store *memory) {
	t.Helper()
	for _, key := range store.keysWith("nightly") {
		if !strings.Contains(key, "/records/") {
			t.Fatalf("left behind: %s", key)
		}
	}
}

func TestAProcessMayDieAtEveryStepOfARemoval(t *testing.T) {
	for steps := 0; ; steps++ {
		inner := newMemory()
		mustTake(t, attach(t, inner, inner.clock), clusterA, "nightly", "one")
		life := &mortal{Store: inner, steps: 1 << 20}
		c := attach(t, life, inner.clock)
		life.steps = steps
		err := c.Remove(t.Context(), clusterA, "nightly", clusterA, "expired")
		committed := wholeOrAbsent(t, inner, inner.clock, "nightly")
		if err == nil {
			if committed || steps == 0 {
				t.Fatalf("Remove() succeeded in %d steps, backup there: %v", steps, committed)
			}
			return
		}
		if err := attach(t, inner, inner.clock).Remove(t.Context(), clusterA, "nightly", clusterA, "expired"); err != nil {
			t.Fatalf("step %d: next process: %v", steps, err)
		}
		checkRemoved(t, inner)
	}
}

func TestOneLockedFileDoesNotKeepTheOthers(t *testing.T) {
	inner := newMemory()
	faulty := storetest.NewFaulty(inner)
	c := attach(t, faulty, inner.clock)
	mustTake(t, c, clusterA, "nightly", "one")
	errLocked := errors.New("object is locked")
	faulty.Inject(storetest.Fault{Op: storetest.OpDelete, Key: archive.ContentsFile, Effect: storetest.Fail(errLocked)})
	if err := c.Remove(t.Context(), clusterA, "nightly", clusterA, "expired"); !errors.Is(err, errLocked) {
		t.Errorf("Remove() error = %v", err)
	}
	want := []string{archive.FileKey(clusterA, "nightly", "one", archive.ContentsFile)}
	if diff := cmp.Diff(want, inner.keysWith("/data/nightly/")); diff != "" {
		t.Errorf("data mismatch (-want +got):\n%s", diff)
	}
}

func TestOrphansAreOldAttemptsWithoutAMarker(t *testing.T) {
	store := newMemory()
	c := attach(t, store, store.clock)
	begin := func(name, attempt string) {
		t.Helper()
		a, err := c.NewAttempt(clusterA, name, attempt)
		if err != nil {
			t.Fatal(err)
		}
		if err := writeFile(t.Context(), a, archive.ContentsFile, "half"); err != nil {
			t.Fatal(err)
		}
	}
	begin("crashed", "one")
	begin("nightly", "crashed")
	mustTake(t, c, clusterA, "nightly", "good")
	mustTake(t, c, clusterA, "weekly", "only")
	mustTake(t, c, clusterA, "lost", "one")
	delete(store.blobs, archive.MarkerKey(clusterA, "lost"))
	mustTake(t, c, clusterA, "broken", "one")
	begin("broken", "two")
	store.blobs[archive.MarkerKey(clusterA, "broken")] = blob{data: []byte("?"), modTime: start}
	_ = store.put(archive.AllDataPrefix(clusterA)+"readme.txt", nil)
	begin("running", "old-file")
	store.clock.now = start.Add(24*time.Hour + time.Second)
	begin("young", "one")
	if a, err := c.NewAttempt(clusterA, "running", "old-file"); err != nil || writeFile(t.Context(), a, archive.IndexFile, "new") != nil {
		t.Fatal(err)
	}
	got, err := c.Orphans(t.Context(), clusterA, 24*time.Hour)
	if err != nil || len(got) != 3 {
		t.Fatalf("Orphans() = %+v, %v, want three", got, err)
	}
	want := []catalog.Orphan{
		{Name: "crashed", Attempt: "one", Touched: start, Size: 4},
		{Name: "lost", Attempt: "one", Touched: start, Size: got[1].Size, Complete: true},
		{Name: "nightly", Attempt: "crashed", Touched: start, Size: 4, Superseded: true},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(catalog.Orphan{})); diff != "" {
		t.Errorf("Orphans() mismatch (-want +got):\n%s", diff)
	}
	for _, o := range got {
		if err := c.RemoveAttempt(t.Context(), clusterA, o.Name, o.Attempt); err != nil {
			t.Errorf("RemoveAttempt() error = %v", err)
		}
	}
	if again, err := c.Orphans(t.Context(), clusterA, 24*time.Hour); err != nil || len(again) > 0 {
		t.Errorf("Orphans() afterwards = %v, %v", again, err)
	}
	wholeOrAbsent(t, store, store.clock, "nightly")
}

func TestACommittedAttemptIsNeverRemoved(t *testing.T) {
	inner := newMemory()
	faulty := storetest.NewFaulty(inner)
	c := attach(t, faulty, inner.clock)
	mustTake(t, c, clusterA, "nightly", "one")
	inner.clock.now = start.Add(time.Hour)
	// A listing that hides the marker makes an orphan of the attempt.
	faulty.Inject(storetest.Fault{Op: storetest.OpList, Key: "/markers/nightly", Effect: storetest.Lose()})
	orphans, err := c.Orphans(t.Context(), clusterA, time.Minute)
	if err != nil || len(orphans) != 1 {
		t.Fatalf("Orphans() = %v, %v", orphans, err)
	}
	if err := c.RemoveAttempt(t.Context(), clusterA, "nightly", "one"); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("RemoveAttempt() error = %v, want ErrConflict", err)
	}
	inner.blobs[archive.MarkerKey(clusterA, "nightly")] = blob{data: []byte("?")}
	if err := c.RemoveAttempt(t.Context(), clusterA, "nightly", "one"); !errors.Is(err, engine.ErrCorrupt) {
		t.Errorf("RemoveAttempt() below a broken marker: error = %v, want ErrCorrupt", err)
	}
	if got := len(inner.keysWith("/data/nightly/one/")); got != 2 {
		t.Errorf("%d files are left of 2", got)
	}
}

func TestAbandonRemovesTheAttempt(t *testing.T) {
	store := newMemory()
	c := attach(t, store, store.clock)
	a, err := c.NewAttempt(clusterA, "nightly", "one")
	if err != nil {
		t.Fatal(err)
	}
	if err := writeFile(t.Context(), a, archive.ContentsFile, "half"); err != nil {
		t.Fatal(err)
	}
	if err := a.Abandon(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{archive.IdentityKey}, store.keys()); diff != "" {
		t.Errorf("keys mismatch (-want +got):\n%s", diff)
	}
}

func TestRemovalCanBeCancelled(t *testing.T) {
	inner := newMemory()
	faulty := storetest.NewFaulty(inner)
	c := attach(t, faulty, inner.clock)
	mustTake(t, c, clusterA, "nightly", "one")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	faulty.Inject(storetest.Fault{Op: storetest.OpDelete, Key: "/data/", Effect: storetest.Stall(cancel)})
	if err := c.Remove(ctx, clusterA, "nightly", clusterA, "expired"); !errors.Is(err, context.Canceled) {
		t.Errorf("Remove() error = %v, want Canceled", err)
	}
}
