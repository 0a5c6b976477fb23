// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"io"
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

// entry is a record about the backup "nightly" of clusterA.
func entry(kind archive.RecordType, by string) archive.Record {
	return archive.Record{Cluster: clusterA, Name: "nightly", Type: kind, By: by}
}

// extension moves the expiry of "nightly".
func extension(to time.Time) archive.Record {
	r := entry(archive.RecordExtend, clusterA)
	r.Expires = &to
	return r
}

func TestRecordsAddUp(t *testing.T) {
	expires := marker().Expires
	tests := map[string]struct {
		records []archive.Record
		want    catalog.State
	}{
		"nothing is recorded": {want: catalog.State{Expires: expires}},
		"a hold": {
			records: []archive.Record{entry(archive.RecordHold, clusterA)},
			want:    catalog.State{Expires: expires, Held: true},
		},
		"a hold that was released": {
			records: []archive.Record{entry(archive.RecordHold, clusterA), entry(archive.RecordRelease, clusterA)},
			want:    catalog.State{Expires: expires},
		},
		"the latest of the extensions counts": {
			records: []archive.Record{extension(expires.Add(2 * time.Hour)), extension(expires.Add(time.Hour))},
			want:    catalog.State{Expires: expires.Add(2 * time.Hour)},
		},
		"an extension never shortens": {
			records: []archive.Record{extension(expires.Add(-time.Hour))},
			want:    catalog.State{Expires: expires},
		},
		"the new owner holds what it adopted": {
			records: []archive.Record{entry(archive.RecordAdopted, clusterB), entry(archive.RecordHold, clusterB)},
			want:    catalog.State{Expires: expires, Held: true, AdoptedBy: clusterB},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			store := newMemory()
			c := attach(t, store, store.clock)
			mustTake(t, c, clusterA, "nightly", "one")
			previous := ""
			for i, r := range tc.records {
				stored, err := c.Append(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				r.Format, r.Store, r.Seq, r.Time, r.Previous = 1, storeID, i+1, start, previous
				previous = archive.Digest(store.blobs[archive.RecordKey(clusterA, "nightly", i+1)].data)
				if diff := cmp.Diff(&r, stored); diff != "" {
					t.Errorf("Append() mismatch (-want +got):\n%s", diff)
				}
			}
			s, err := c.Marker(t.Context(), clusterA, "nightly")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, s.State, cmpopts.IgnoreFields(catalog.State{}, "Records")); diff != "" {
				t.Errorf("state mismatch (-want +got):\n%s", diff)
			}
			if len(s.Records) != len(tc.records) {
				t.Errorf("%d records, want %d", len(s.Records), len(tc.records))
			}
		})
	}
}

func TestAppendRefuses(t *testing.T) {
	tests := map[string]struct {
		before []archive.Record
		remove bool
		record archive.Record
		want   error
		says   string
	}{
		"a backup that is not there": {
			record: archive.Record{Cluster: clusterA, Name: "other", Type: archive.RecordHold, By: clusterA}, want: engine.ErrNotFound,
		},
		"another cluster's backup": {
			record: entry(archive.RecordHold, clusterB), want: engine.ErrForbidden, says: "adopt it first",
		},
		"a backup that was given away": {
			before: []archive.Record{entry(archive.RecordAdopted, clusterB)},
			record: entry(archive.RecordRelease, clusterA), want: engine.ErrForbidden, says: clusterB,
		},
		"a record of a strange type":  {record: entry("frozen", clusterA), says: "frozen"},
		"an extension without a time": {record: entry(archive.RecordExtend, clusterA), says: "expires"},
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
			_, err := c.Append(t.Context(), tc.record)
			if err == nil || (tc.want != nil && !errors.Is(err, tc.want)) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("Append() error = %v, want %v saying %q", err, tc.want, tc.says)
			}
			if got := len(store.keysWith("/records/")); got != len(tc.before) {
				t.Errorf("%d records are stored, want %d", got, len(tc.before))
			}
		})
	}
}

func TestRecordsAtOnceTakeNumbersOfTheirOwn(t *testing.T) {
	store := newMemory()
	c := attach(t, store, store.clock)
	mustTake(t, c, clusterA, "nightly", "one")
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			if _, err := c.Append(t.Context(), extension(start.Add(time.Duration(i)*time.Hour))); err != nil {
				t.Errorf("Append() error = %v", err)
			}
		})
	}
	wg.Wait()
	records, err := c.Records(t.Context(), clusterA, "nightly")
	if err != nil || len(records) != 10 {
		t.Errorf("Records() = %d records, %v, want 10", len(records), err)
	}
	mustTake(t, c, clusterA, "gone", "one")
	if err := c.Remove(t.Context(), clusterA, "gone", clusterA, "expired"); err != nil {
		t.Fatal(err)
	}
	last, listed, err := c.LastRecords(t.Context(), clusterA, func(name string) bool { return name != "gone" })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"nightly": 10}, last); diff != "" || listed != 11 {
		t.Errorf("LastRecords() listed %d, want 11, mismatch (-want +got):\n%s", listed, diff)
	}
}

// overwriting is a lax store on which another writer's record lands on ours
// before it is read back.
type overwriting struct {
	*memory

	key   string
	other []byte
}

func (o *overwriting) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if key == o.key && o.other != nil {
		_ = o.put(key, o.other)
		o.other = nil
	}
	return o.memory.Open(ctx, key, offset, length)
}

func TestARecordThatWasOverwrittenTakesTheNextNumber(t *testing.T) {
	inner := newLaxMemory()
	mustTake(t, attach(t, inner, inner.clock), clusterA, "nightly", "one")
	theirs := entry(archive.RecordHold, clusterA)
	theirs.Format, theirs.Store, theirs.Seq, theirs.Time = 1, storeID, 1, start
	other, err := archive.EncodeRecord(&theirs)
	if err != nil {
		t.Fatal(err)
	}
	store := &overwriting{memory: inner, key: archive.RecordKey(clusterA, "nightly", 1), other: other}
	c := attach(t, store, inner.clock)
	ours, err := c.Append(t.Context(), extension(start.Add(time.Hour)))
	if err != nil || ours.Seq != 2 {
		t.Fatalf("Append() = %+v, %v, want number 2", ours, err)
	}
	records, err := c.Records(t.Context(), clusterA, "nightly")
	if diff := cmp.Diff([]archive.Record{theirs, *ours}, records); err != nil || diff != "" {
		t.Errorf("Records() error = %v, mismatch (-want +got):\n%s", err, diff)
	}
}

func TestWhatIsNotInItsPlaceIsCorrupt(t *testing.T) {
	tests := map[string]func(*memory){
		"a marker under another name": func(m *memory) {
			m.blobs[archive.MarkerKey(clusterA, "nightly")] = m.blobs[archive.MarkerKey(clusterA, "other")]
		},
		"a marker of another cluster": func(m *memory) {
			m.blobs[archive.MarkerKey(clusterA, "nightly")] = m.blobs[archive.MarkerKey(clusterB, "nightly")]
		},
		"a marker of another store": func(m *memory) {
			m.replace(archive.MarkerKey(clusterA, "nightly"), storeID, otherID)
		},
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			store := newMemory()
			c := attach(t, store, store.clock)
			mustTake(t, c, clusterA, "nightly", "one")
			mustTake(t, c, clusterA, "other", "one")
			mustTake(t, c, clusterB, "nightly", "one")
			spoil(store)
			if _, err := c.Marker(t.Context(), clusterA, "nightly"); !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("Marker() error = %v, want ErrCorrupt", err)
			}
		})
	}
}

// replace changes what a blob says.
func (m *memory) replace(key, old, by string) {
	b := m.blobs[key]
	changed := strings.ReplaceAll(string(b.data), old, by)
	if changed == string(b.data) {
		panic(fmt.Sprintf("%s does not say %s", key, old))
	}
	m.blobs[key] = blob{[]byte(changed), b.modTime}
}

func TestVerifyNamesWhatDiffers(t *testing.T) {
	index := archive.FileKey(clusterA, "nightly", "one", archive.IndexFile)
	tests := map[string]struct {
		spoil func(*memory)
		says  string
	}{
		"a byte that was changed": {func(m *memory) { m.blobs[index].data[3] ^= 1 }, "its SHA-256 is not"},
		"a file cut short":        {func(m *memory) { m.blobs[index] = blob{data: m.blobs[index].data[:5]} }, "cut short: 5 of 21 bytes"},
		"a file that grew": {
			func(m *memory) { m.blobs[index] = blob{data: append(m.blobs[index].data, '!')} }, "longer than the 21 bytes",
		},
		"a file that is gone": {func(m *memory) { delete(m.blobs, index) }, "it is missing"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			store := newMemory()
			c := attach(t, store, store.clock)
			s := mustTake(t, c, clusterA, "nightly", "one")
			tc.spoil(store)
			err := c.Verify(t.Context(), s)
			if !errors.Is(err, engine.ErrCorrupt) || !strings.Contains(err.Error(), "file index.jsonl.gz: ") || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("Verify() error = %v, want ErrCorrupt saying %q", err, tc.says)
			}
			if strings.Contains(err.Error(), archive.ContentsFile) {
				t.Errorf("Verify() blames a good file: %v", err)
			}
		})
	}
}

func TestVerifyTellsABrokenConnectionFromABrokenFile(t *testing.T) {
	errBroken := errors.New("connection reset")
	for name, fault := range map[string]storetest.Fault{
		"when opening": {Op: storetest.OpOpen, Key: archive.IndexFile, Effect: storetest.Fail(errBroken)},
		"when reading": {Op: storetest.OpOpen, Key: archive.IndexFile, Effect: storetest.BreakOff(4, errBroken)},
	} {
		t.Run(name, func(t *testing.T) {
			inner := newMemory()
			faulty := storetest.NewFaulty(inner)
			c := attach(t, faulty, inner.clock)
			s := mustTake(t, c, clusterA, "nightly", "one")
			faulty.Inject(fault)
			if err := c.Verify(t.Context(), s); !errors.Is(err, errBroken) || errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("Verify() error = %v, want only the connection's", err)
			}
		})
	}
}
