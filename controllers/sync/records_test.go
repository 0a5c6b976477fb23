// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
)

// recordLists counts how often the records of all backups were listed since the
// last call.
func (b *bench) recordLists(location string) func() int {
	last := 0
	count := func() int {
		n := 0
		for _, call := range b.stores[location].Calls() {
			if call.Op == storetest.OpList && strings.HasSuffix(call.Key, "/records/") {
				n++
			}
		}
		defer func() { last = n }()
		return n - last
	}
	count()
	return count
}

func TestRecordsOfBackupsThatAreGoneAreNotListedEachTime(t *testing.T) {
	b := newBench(t, "main")
	for n := range 10 {
		b.commit("main", here, name(n))
	}
	hold := archive.Record{Type: archive.RecordHold, Cluster: here, Name: name(3), By: here}
	if _, err := b.catalogs["main"].Append(t.Context(), hold); err != nil {
		t.Fatal(err)
	}
	for n := range 10_000 {
		b.put("main", archive.RecordKey(here, fmt.Sprintf("gone-%d", n), 1), "{}")
	}
	lists, reads := b.recordLists("main"), b.markerReads("main")
	b.sync()
	if got := lists(); got != 1 {
		t.Errorf("the first sync listed the records %d times, want once", got)
	}
	if got := reads(); got != 10 {
		t.Errorf("the first sync read %d markers, want 10", got)
	}
	if !b.backup(name(3)).Status.Held {
		t.Error("the hold is not shown")
	}
	hold.Name = name(4)
	if _, err := b.catalogs["main"].Append(t.Context(), hold); err != nil {
		t.Fatal(err)
	}
	reads()
	for range 8 {
		b.sync()
	}
	if lists, reads := lists(), reads(); lists != 0 || reads != 0 {
		t.Errorf("8 syncs listed the records %d times and read %d markers", lists, reads)
	}
	b.commit("main", here, "new")
	reads()
	b.sync()
	if got := lists(); got != 1 {
		t.Errorf("the tenth sync listed the records %d times, want once", got)
	}
	if !b.backup(name(4)).Status.Held {
		t.Error("what was recorded meanwhile is not shown")
	}
	if got := reads(); got != 2 {
		t.Errorf("the tenth sync read %d markers, want the one with another record and the new one", got)
	}
}
