// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"testing"

	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
)

func TestWhatALaterVersionWroteIsNotWaitedFor(t *testing.T) {
	tests := map[string]struct {
		key     func(f *fixture) string
		content string
		want    string
	}{
		"the backup": {
			func(f *fixture) string { return archive.MarkerKey(f.uid, "first") }, `{"marker":{"format":2}}`,
			"False ArchiveInvalid: read backup first: decode marker: unknown format: ",
		},
		"the record of a restore of this name": {
			func(f *fixture) string { return archive.RestoreKey(f.uid, "newer", "uid-1", archive.RestoreFile) }, `{"format":2}`,
			"False NameTaken: find restore newer: ",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			key := tc.key(f)
			if err := f.store.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			storetest.Put(t, f.store, key, tc.content)
			f.restore("newer")
			hasPrefix(t, "Ready", f.settle("newer"), tc.want)
			if f.there() {
				t.Error("something was restored")
			}
		})
	}
}
