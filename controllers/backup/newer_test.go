// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"testing"

	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/engine/retention"
)

// ofALaterVersion is a marker that this version cannot read.
const ofALaterVersion = `{"marker":{"format":2,"name":["new"]}}`

func TestABackupOfALaterVersionIsNotWaitedFor(t *testing.T) {
	f := setUp(t)
	f.catalog() // the store has an identity
	storetest.Put(t, f.store, archive.MarkerKey(f.uid, "newer"), ofALaterVersion)
	f.backup("newer")
	hasPrefix(t, "Ready", f.settle("newer"), "False ArchiveInvalid: read backup newer: decode marker: unknown format: ")
	if again := f.reconcile("newer").RequeueAfter; again != 0 {
		t.Errorf("RequeueAfter = %v, want none: only a newer version can read it", again)
	}
	if left := f.keys(archive.DataPrefix(f.uid, "newer")); len(left) > 0 {
		t.Errorf("it was taken again: %v", left)
	}
}

func TestASiblingThatCannotBeReadStopsNoExpiry(t *testing.T) {
	one := int32(1)
	for name, marker := range map[string]string{"junk": "junk", "of a later version": ofALaterVersion} {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t, 2)
			names := s.names()
			storetest.Put(t, s.store, archive.MarkerKey(someCluster, "s-20200101000000"), marker)
			if got := s.expire(names[0], retention.Policy{KeepLast: &one}); got != "" {
				t.Errorf("the older stays: %q", got)
			}
			if got := s.expire(names[1], retention.Policy{KeepLast: &one}); got != "kept: the newest" {
				t.Errorf("the newer: %q", got)
			}
			if got := s.expire("s-20200101000000", retention.Policy{KeepLast: &one}); got == "" {
				t.Error("the one that cannot be read went")
			}
		})
	}
}
