// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
)

func TestCondemn(t *testing.T) {
	expires := marker().Expires
	tests := map[string]struct {
		before  []archive.Record
		expired time.Time
		want    error
		says    string
	}{
		"a backup whose time is up":           {expired: expires},
		"a backup whose time is not up":       {expired: expires.Add(-time.Second), want: engine.ErrConflict, says: "its time to live was extended"},
		"a backup whose time was extended":    {before: []archive.Record{extension(expires.Add(time.Hour))}, expired: expires, want: engine.ErrConflict, says: "extended"},
		"an extension that ran out":           {before: []archive.Record{extension(expires.Add(time.Hour))}, expired: expires.Add(time.Hour)},
		"a deletion asks for no time":         {},
		"a backup on hold, whatever its time": {before: []archive.Record{entry(archive.RecordHold, clusterA)}, expired: expires, want: engine.ErrConflict, says: "release it first"},
		"another cluster's":                   {before: []archive.Record{entry(archive.RecordAdopted, clusterB)}, expired: expires, want: engine.ErrForbidden, says: "adopt it first"},
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
			record := archive.Record{Cluster: clusterA, Name: "nightly", By: clusterA, Reason: "a test"}
			for range 2 { // it may be repeated
				err := c.Condemn(t.Context(), record, tc.expired)
				if !errors.Is(err, tc.want) || err != nil && !strings.Contains(err.Error(), tc.says) {
					t.Errorf("Condemn() error = %v, want %v saying %q", err, tc.want, tc.says)
				}
			}
			s, err := c.Marker(t.Context(), clusterA, "nightly")
			if err != nil || (s.Deletion != nil) != (tc.want == nil) {
				t.Errorf("Marker() = %+v, %v, want a deletion: %v", s, err, tc.want == nil)
			}
			if n, want := len(s.Records), len(tc.before)+1; tc.want == nil && n != want {
				t.Errorf("%d records, want %d", n, want)
			}
			wholeOrAbsent(t, store, store.clock, "nightly")
		})
	}
}

func TestABrokenMarkerDoesNotExpire(t *testing.T) {
	store := newMemory()
	c := attach(t, store, store.clock)
	mustTake(t, c, clusterA, "nightly", "one")
	store.blobs[archive.MarkerKey(clusterA, "nightly")] = blob{data: []byte("?")}
	before := len(store.keys())
	err := c.Condemn(t.Context(), archive.Record{Cluster: clusterA, Name: "nightly", By: clusterA}, start.AddDate(100, 0, 0))
	if !errors.Is(err, engine.ErrCorrupt) || len(store.keys()) != before {
		t.Errorf("Condemn() error = %v, want ErrCorrupt and nothing recorded", err)
	}
}

func TestAhead(t *testing.T) {
	store := newMemory()
	faulty := storetest.NewFaulty(store)
	ours := &clock{start.AddDate(10, 0, 0)}
	c := attach(t, faulty, ours)
	before := len(store.keys())
	ahead, err := c.Ahead(t.Context())
	if want := ours.now.Sub(start); err != nil || ahead != want {
		t.Errorf("Ahead() = %v, %v, want %v", ahead, err, want)
	}
	ours.now = start.Add(-time.Hour)
	if ahead, err := c.Ahead(t.Context()); err != nil || ahead != -time.Hour {
		t.Errorf("Ahead() of a clock behind = %v, %v", ahead, err)
	}
	if n := len(store.keys()); n != before {
		t.Errorf("%d keys, want %d: the probes are to go", n, before)
	}
	faulty.Inject(storetest.Fault{Op: storetest.OpList, Key: archive.ProbePrefix, Effect: storetest.Lose()})
	if _, err := c.Ahead(t.Context()); err == nil || !strings.Contains(err.Error(), "does not list what was just written") {
		t.Errorf("Ahead() of a store that lies: error = %v", err)
	}
}
