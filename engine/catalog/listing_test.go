// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog_test

import (
	"errors"
	"io"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/engine/catalog"
)

func TestClustersAndNames(t *testing.T) {
	store := newMemory()
	c := attach(t, store, store.clock)
	for _, name := range []string{"b", "a.b", "a"} {
		mustTake(t, c, clusterA, name, "one")
	}
	mustTake(t, c, clusterB, "a", "one")
	_ = store.put("lost+found/x", nil)
	_ = store.put(archive.MarkersPrefix(clusterA)+"README", nil)
	_ = store.put(archive.MarkersPrefix(clusterA)+"folder/a.json", nil)
	_ = store.put(archive.MarkersPrefix(clusterA)+"Not-A-Name.json", nil)
	clusters, err := c.Clusters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{clusterA, clusterB}, clusters); diff != "" {
		t.Errorf("Clusters() mismatch (-want +got):\n%s", diff)
	}
	var names []string
	for name, err := range c.Names(t.Context(), clusterA) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if diff := cmp.Diff([]string{"a.b", "a", "b"}, names); diff != "" {
		t.Errorf("Names() mismatch (-want +got):\n%s", diff)
	}
}

func TestLatestFiring(t *testing.T) {
	tests := map[string]struct {
		taken   []string
		removed []string
		want    string
	}{
		"never fired": {},
		"the newest of several": {
			taken: []string{"a-20260101000000", "a-20260301000000", "a-20260201000000"}, want: "a-20260301000000",
		},
		"not the backups of a schedule whose name begins alike": {
			taken: []string{"a-20260101000000", "a-b-20260301000000", "a.b-20260301000000", "a-2026030100000", "a-202603010000000", "a-20260301000000.5"},
			want:  "a-20260101000000",
		},
		"not what is no time": {taken: []string{"a-20261301000000", "a-20260101000000"}, want: "a-20260101000000"},
		"a backup that was removed since": {
			taken: []string{"a-20260101000000", "a-20260301000000"}, removed: []string{"a-20260301000000"}, want: "a-20260301000000",
		},
		"not that of another cluster": {taken: []string{"b-20260101000000"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			store := newMemory()
			c := attach(t, store, store.clock)
			mustTake(t, c, clusterB, "a-20270101000000", "one")
			for _, name := range tc.taken {
				mustTake(t, c, clusterA, name, "one")
			}
			for _, name := range tc.removed {
				if err := c.Remove(t.Context(), clusterA, name, clusterA, "expired"); err != nil {
					t.Fatal(err)
				}
			}
			fired, got, ok, err := c.Latest(t.Context(), clusterA, "a")
			if err != nil || got != tc.want || ok != (tc.want != "") {
				t.Fatalf("Latest() = %v, %q, %v, %v, want %q", fired, got, ok, err, tc.want)
			}
			if ok && "a-"+fired.Format("20060102150405") != got {
				t.Errorf("Latest() = %v for %s", fired, got)
			}
		})
	}
}

func TestAListingThatBreaksIsAnError(t *testing.T) {
	errBroken := errors.New("connection reset")
	inner := newMemory()
	faulty := storetest.NewFaulty(inner)
	c := attach(t, faulty, inner.clock)
	mustTake(t, c, clusterA, "a-20260101000000", "one")
	faulty.Inject(storetest.Fault{Op: storetest.OpList, Effect: storetest.Fail(errBroken)})
	_, _, _, latest := c.Latest(t.Context(), clusterA, "a")
	var names error
	for _, names = range c.Names(t.Context(), clusterA) {
	}
	_, _, last := c.LastRecords(t.Context(), clusterA, func(string) bool { return true })
	for what, err := range map[string]error{
		"Clusters":    second(c.Clusters(t.Context())),
		"Names":       names,
		"Latest":      latest,
		"Orphans":     second(c.Orphans(t.Context(), clusterA, 0)),
		"Records":     second(c.Records(t.Context(), clusterA, "a")),
		"LastRecords": last,
		"FindRestore": second(c.FindRestore(t.Context(), clusterA, "a")),
	} {
		if !errors.Is(err, errBroken) {
			t.Errorf("%s() error = %v, want the listing's", what, err)
		}
	}
}

// summary is what a caller knows of a restore that it records.
func summary(completed time.Time) archive.RestoreSummary {
	return archive.RestoreSummary{
		Cluster:      archive.Cluster{Name: "prod"},
		Backup:       &archive.BackupRef{Cluster: clusterB, Name: "nightly", Digest: archive.Digest([]byte("marker"))},
		Spec:         []byte(`{"backupName":"nightly"}`),
		Status:       []byte(`{"completeness":"Complete"}`),
		Started:      start,
		Completed:    completed,
		Completeness: archive.Complete,
		Reason:       "Succeeded",
		Message:      "restored 12 objects",
	}
}

func TestRestoreRecordIsFound(t *testing.T) {
	store := newMemory()
	c := attach(t, store, store.clock)
	if _, err := c.FindRestore(t.Context(), clusterA, "back"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("FindRestore() before: error = %v, want ErrNotFound", err)
	}
	record := func(uid string, completed time.Time) *archive.RestoreSummary {
		t.Helper()
		r, err := c.NewRestoreRecord(clusterA, "back", uid)
		if err != nil {
			t.Fatal(err)
		}
		if err := writeFile(t.Context(), r, archive.PlanFile, "plan"); err != nil {
			t.Fatal(err)
		}
		s, err := r.Commit(t.Context(), summary(completed))
		if err != nil {
			t.Fatal(err)
		}
		if again, err := r.Commit(t.Context(), summary(completed)); err != nil || !cmp.Equal(s, again) {
			t.Errorf("second Commit() = %v, %v", again, err)
		}
		return s
	}
	record("first", start)
	last := record("second", start.Add(time.Hour))
	want := summary(start.Add(time.Hour))
	want.Format, want.Store, want.Cluster.UID = 1, storeID, clusterA
	want.Name, want.UID, want.Tool = "back", "second", "ark test"
	want.Files = map[string]archive.File{archive.PlanFile: file("plan")}
	if diff := cmp.Diff(&want, last); diff != "" {
		t.Errorf("Commit() mismatch (-want +got):\n%s", diff)
	}
	unfinished, err := c.NewRestoreRecord(clusterA, "back", "third")
	if err != nil || writeFile(t.Context(), unfinished, archive.PlanFile, "plan") != nil {
		t.Fatal(err)
	}
	found, err := c.FindRestore(t.Context(), clusterA, "back")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&want, found.RestoreSummary); diff != "" {
		t.Errorf("FindRestore() mismatch (-want +got):\n%s", diff)
	}
	r, err := c.OpenRestoreFile(t.Context(), found.RestoreSummary, archive.PlanFile)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != "plan" {
		t.Errorf("plan = %q, %v", b, err)
	}
	store.replace(archive.RestoreKey(clusterA, "back", "second", archive.RestoreFile), storeID, otherID)
	if _, err := c.FindRestore(t.Context(), clusterA, "back"); !errors.Is(err, engine.ErrCorrupt) {
		t.Errorf("FindRestore() of a moved record: error = %v, want ErrCorrupt", err)
	}
}

func TestOpenFile(t *testing.T) {
	store := newMemory()
	c := attach(t, store, store.clock)
	s := mustTake(t, c, clusterA, "nightly", "one")
	if _, err := c.OpenFile(t.Context(), s, archive.PolicyFile); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("OpenFile() of a file that never was: error = %v, want ErrNotFound", err)
	}
	delete(store.blobs, archive.FileKey(clusterA, "nightly", "one", archive.IndexFile))
	if _, err := c.OpenFile(t.Context(), s, archive.IndexFile); !errors.Is(err, engine.ErrCorrupt) {
		t.Errorf("OpenFile() of a lost file: error = %v, want ErrCorrupt", err)
	}
}

// TestRealStores goes once through everything on the stores that users have.
func TestRealStores(t *testing.T) {
	dir := t.TempDir()
	for name, loc := range map[string]blobstore.Location{
		"memory":    {Name: "memory", URL: "mem://catalog", Prefix: "team/ark"},
		"directory": {Name: "directory", URL: "file://" + dir + "/bucket", Prefix: "team/ark"},
	} {
		t.Run(name, func(t *testing.T) {
			store, err := blobstore.Open(t.Context(), loc, blobstore.Options{FileRoot: dir})
			if err != nil {
				t.Fatal(err)
			}
			c, err := catalog.Attach(t.Context(), store, &clock{start}, catalog.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if !c.ConditionalWrites() {
				t.Error("ConditionalWrites() = false")
			}
			s := mustTake(t, c, clusterA, "a-20260101000000", "one")
			if err := c.Verify(t.Context(), s); err != nil {
				t.Error(err)
			}
			if _, err := take(t.Context(), c, clusterA, "a-20260101000000", "two"); !errors.Is(err, engine.ErrExists) {
				t.Errorf("second attempt: error = %v, want ErrExists", err)
			}
			if err := c.RemoveAttempt(t.Context(), clusterA, "a-20260101000000", "two"); err != nil {
				t.Error(err)
			}
			if err := c.Remove(t.Context(), clusterA, "a-20260101000000", clusterA, "expired"); err != nil {
				t.Error(err)
			}
			if _, _, ok, err := c.Latest(t.Context(), clusterA, "a"); err != nil || !ok {
				t.Errorf("Latest() = %v, %v", ok, err)
			}
			for name, err := range c.Names(t.Context(), clusterA) {
				t.Errorf("left: %s, %v", name, err)
			}
		})
	}
}

// TestGoldenStoreCanBeAttached reads the store that a version of Ark wrote once.
func TestGoldenStoreCanBeAttached(t *testing.T) {
	dir, err := filepath.Abs("../archive/testdata")
	if err != nil {
		t.Fatal(err)
	}
	loc := blobstore.Location{Name: "golden", URL: "file://" + dir + "/format-1", ReadOnly: true}
	store, err := blobstore.Open(t.Context(), loc, blobstore.Options{FileRoot: dir})
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Attach(t.Context(), store, &clock{start}, catalog.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	name := "app.nightly-20260517030405"
	s, err := c.Marker(t.Context(), clusterA, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Verify(t.Context(), s); err != nil {
		t.Error(err)
	}
	if _, latest, ok, err := c.Latest(t.Context(), clusterA, "app.nightly"); err != nil || !ok || latest != name {
		t.Errorf("Latest() = %q, %v, %v", latest, ok, err)
	}
	index, err := c.OpenFile(t.Context(), s, archive.IndexFile)
	if err != nil {
		t.Fatal(err)
	}
	contents, lines := c.Contents(s), 0
	for e, err := range archive.ReadIndex(index) {
		if err != nil {
			t.Fatal(err)
		}
		lines++
		if e.Excluded {
			continue
		}
		m, err := contents.Member(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Object(e); err != nil {
			t.Error(err)
		}
	}
	if lines != 43 {
		t.Errorf("%d lines in the index, want 43", lines)
	}
	if _, err := c.FindRestore(t.Context(), clusterA, "back"); err != nil {
		t.Error(err)
	}
}
