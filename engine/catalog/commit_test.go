// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog_test

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

func TestCommittedBackupIsFound(t *testing.T) {
	store := newMemory()
	c := attach(t, store, store.clock)
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := c.NewAttempt(clusterA, "app.nightly-20260517030405", "one")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{archive.ContentsFile, archive.IndexFile, archive.LogFile} {
		if err := writeFile(t.Context(), a, file, "bytes of "+file); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := a.Commit(t.Context(), marker(), private)
	if err != nil {
		t.Fatal(err)
	}
	want := marker()
	want.Format, want.Store, want.Cluster.UID = 1, storeID, clusterA
	want.Name, want.Attempt, want.Tool = "app.nightly-20260517030405", "one", "ark test"
	want.Files = map[string]archive.File{
		archive.ContentsFile: file("bytes of contents.tar.gz"),
		archive.IndexFile:    file("bytes of index.jsonl.gz"),
		archive.LogFile:      file("bytes of log.jsonl.gz"),
	}
	if diff := cmp.Diff(&want, committed.Marker); diff != "" {
		t.Errorf("Commit() marker mismatch (-want +got):\n%s", diff)
	}
	found, err := c.Marker(t.Context(), clusterA, want.Name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(committed, found); diff != "" {
		t.Errorf("Marker() mismatch (-committed +found):\n%s", diff)
	}
	if got := archive.Verify(found.Envelope, []ed25519.PublicKey{public}); got != archive.Verified {
		t.Errorf("Verify() = %s", got)
	}
	if err := c.Verify(t.Context(), found); err != nil {
		t.Errorf("Verify() error = %v", err)
	}
	if found.Owner() != clusterA || !found.Expires.Equal(want.Expires) {
		t.Errorf("Owner() = %s, Expires = %v", found.Owner(), found.Expires)
	}
}

func file(content string) archive.File {
	return archive.File{Size: int64(len(content)), SHA256: strings.TrimPrefix(archive.Digest([]byte(content)), "sha256:")}
}

func TestCommitRefuses(t *testing.T) {
	tests := map[string]struct {
		prepare func(*memory, *catalog.Catalog, *catalog.Attempt)
		want    error
		says    string
	}{
		"a name that another attempt has": {
			prepare: func(_ *memory, c *catalog.Catalog, _ *catalog.Attempt) { mustTake(t, c, clusterA, "nightly", "two") },
			want:    engine.ErrExists, says: "attempt two was committed",
		},
		"a name whose backup was removed": {
			prepare: func(_ *memory, c *catalog.Catalog, _ *catalog.Attempt) {
				mustTake(t, c, clusterA, "nightly", "two")
				if err := c.Remove(t.Context(), clusterA, "nightly", clusterA, "expired"); err != nil {
					t.Fatal(err)
				}
			},
			want: engine.ErrExists, says: "was removed at 2026-05-17T03:04:05Z: choose another name",
		},
		"a file that is still being written": {
			prepare: func(_ *memory, _ *catalog.Catalog, a *catalog.Attempt) {
				if _, err := a.File(t.Context(), archive.LogFile); err != nil {
					t.Fatal(err)
				}
			},
			says: "still being written: log.jsonl.gz",
		},
		"a file that the store lost": {
			prepare: func(m *memory, _ *catalog.Catalog, _ *catalog.Attempt) {
				delete(m.blobs, archive.FileKey(clusterA, "nightly", "one", archive.IndexFile))
			},
			want: engine.ErrCorrupt, says: "index.jsonl.gz was written and is not in the store",
		},
		"a file that the store cut short": {
			prepare: func(m *memory, _ *catalog.Catalog, _ *catalog.Attempt) {
				m.blobs[archive.FileKey(clusterA, "nightly", "one", archive.IndexFile)] = blob{}
			},
			want: engine.ErrCorrupt, says: "0 bytes in the store",
		},
		"a store that is another by now": {
			prepare: func(m *memory, _ *catalog.Catalog, _ *catalog.Attempt) {
				m.blobs[archive.IdentityKey] = blob{data: []byte(strings.ReplaceAll(string(m.blobs[archive.IdentityKey].data), storeID, otherID))}
			},
			want: engine.ErrConflict, says: "attach it again",
		},
		"a marker that cannot be read": {
			prepare: func(m *memory, _ *catalog.Catalog, _ *catalog.Attempt) {
				_ = m.put(archive.MarkerKey(clusterA, "nightly"), []byte("?"))
			},
			want: engine.ErrCorrupt, says: "decode marker",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			store := newMemory()
			c := attach(t, store, store.clock)
			a, err := c.NewAttempt(clusterA, "nightly", "one")
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{archive.ContentsFile, archive.IndexFile} {
				if err := writeFile(t.Context(), a, file, file); err != nil {
					t.Fatal(err)
				}
			}
			tc.prepare(store, c, a)
			_, err = a.Commit(t.Context(), marker())
			if err == nil || (tc.want != nil && !errors.Is(err, tc.want)) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("Commit() error = %v, want %v saying %q", err, tc.want, tc.says)
			}
		})
	}
}

func TestCommitRefusesABackupWithoutIndex(t *testing.T) {
	store := newMemory()
	a, err := attach(t, store, store.clock).NewAttempt(clusterA, "nightly", "one")
	if err != nil {
		t.Fatal(err)
	}
	if err := writeFile(t.Context(), a, archive.ContentsFile, "bytes"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Commit(t.Context(), marker()); err == nil || !strings.Contains(err.Error(), `files "index.jsonl.gz" is missing`) {
		t.Errorf("Commit() error = %v", err)
	}
}

func TestFileIsStartedOnce(t *testing.T) {
	store := newMemory()
	a, err := attach(t, store, store.clock).NewAttempt(clusterA, "nightly", "one")
	if err != nil {
		t.Fatal(err)
	}
	f, err := a.File(t.Context(), archive.LogFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.File(t.Context(), archive.LogFile); !errors.Is(err, engine.ErrExists) {
		t.Errorf("File() of an open file: error = %v, want ErrExists", err)
	}
	f.Abort()
	if err := writeFile(t.Context(), a, archive.LogFile, "again"); err != nil {
		t.Errorf("File() after Abort: error = %v", err)
	}
	if err := writeFile(t.Context(), a, archive.LogFile, "again"); !errors.Is(err, engine.ErrExists) {
		t.Errorf("File() of a written file: error = %v, want ErrExists", err)
	}
	if _, err := a.File(t.Context(), "../escape"); err == nil || !strings.Contains(err.Error(), "is not a file name") {
		t.Errorf("File() of a path: error = %v", err)
	}
}

func TestNamesThatMakeNoKeysAreRefused(t *testing.T) {
	store := newMemory()
	c := attach(t, store, store.clock)
	_, _, last := c.LastRecords(t.Context(), "..", func(string) bool { return true })
	for name, err := range map[string]error{
		"a cluster that is no UID":     second(c.NewAttempt("prod", "nightly", "one")),
		"a name with a slash":          second(c.NewAttempt(clusterA, "a/b", "one")),
		"a name that is too long":      second(c.NewAttempt(clusterA, strings.Repeat("a.", 100)+"a", "one")),
		"an attempt with a slash":      second(c.NewAttempt(clusterA, "nightly", "a/b")),
		"a restore with a slash":       second(c.NewRestoreRecord(clusterA, "a/b", "one")),
		"a restore of a strange UID":   second(c.NewRestoreRecord(clusterA, "a", "..")),
		"a marker of a climbing name":  second(c.Marker(t.Context(), clusterA, "..")),
		"records of a climbing name":   second(c.Records(t.Context(), clusterA, "..")),
		"last records of no cluster":   last,
		"orphans of no cluster":        second(c.Orphans(t.Context(), "..", 0)),
		"a restore of no cluster":      second(c.FindRestore(t.Context(), "..", "a")),
		"a removal in no cluster":      c.Remove(t.Context(), "..", "a", clusterA, ""),
		"an attempt that climbs":       c.RemoveAttempt(t.Context(), clusterA, "a", ".."),
		"a record about a slash":       second(c.Append(t.Context(), archive.Record{Cluster: clusterA, Name: "a/b"})),
		"a deletion that is no Remove": second(c.Append(t.Context(), archive.Record{Cluster: clusterA, Name: "a", Type: archive.RecordDeletion})),
	} {
		if err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	for _, err := range c.Names(t.Context(), "..") {
		if err == nil {
			t.Error("names of no cluster are listed")
		}
	}
}
