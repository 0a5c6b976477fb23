// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gopherwood/ark/engine/restore"
)

// Written over with the UID of another claim, a volume is Released, and its disk
// deleted.
func TestWhatIsBoundToAnotherIsNeverWrittenOver(t *testing.T) {
	const volume = `{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"disk"},"spec":{"persistentVolumeReclaimPolicy":"Delete"%s}}`
	const content = `{"apiVersion":"snapshot.storage.k8s.io/v1","kind":"VolumeSnapshotContent","metadata":{"name":"disk"},"spec":{"deletionPolicy":"Delete"%s}}`
	const group = `{"apiVersion":"groupsnapshot.storage.k8s.io/v1","kind":"VolumeGroupSnapshotContent","metadata":{"name":"disk"},"spec":{"deletionPolicy":"Delete"%s}}`
	tests := map[string]struct{ object, reference, archived, live, key string }{
		"a volume of a claim of another namespace": {
			volume, "claimRef", `{"namespace":"shop","name":"data","uid":"u1","resourceVersion":"1"}`,
			`{"namespace":"shop2","name":"data","uid":"u2","resourceVersion":"2"}`, "persistentvolumes/disk",
		},
		"a volume that had no claim": {
			volume, "claimRef", "", `{"namespace":"shop2","name":"data","uid":"u2","resourceVersion":"2"}`, "persistentvolumes/disk",
		},
		"a content of another snapshot": {
			content, "volumeSnapshotRef", `{"namespace":"shop","name":"data","uid":"u1"}`,
			`{"namespace":"shop2","name":"data","uid":"u2"}`, "volumesnapshotcontents.snapshot.storage.k8s.io/disk",
		},
		"a content of another group": {
			group, "volumeGroupSnapshotRef", `{"namespace":"shop","name":"data","uid":"u1"}`,
			`{"namespace":"shop2","name":"data","uid":"u2"}`, "volumegroupsnapshotcontents.groupsnapshot.storage.k8s.io/disk",
		},
	}
	for name, tc := range tests {
		for _, existing := range []restore.Existing{restore.ExistingUpdate, restore.ExistingRecreate} {
			t.Run(fmt.Sprintf("%s, with %s", name, existing), func(t *testing.T) {
				source, target := newFakeCluster(t), newFakeCluster(t)
				for c, ref := range map[*fakeCluster]string{source: tc.archived, target: tc.live} {
					if ref != "" {
						ref = fmt.Sprintf(`,%q:%s`, tc.reference, ref)
					}
					c.add(fmt.Sprintf(tc.object, ref))
				}
				req := request()
				req.Existing = existing
				report := mustRun(t, target, req, backup(t, source), restore.Options{Replaced: keepIn(&bytes.Buffer{})})
				if w := target.writes(); !slices.Equal(w, []string{"POST " + tc.key}) { // which is refused: it exists
					t.Errorf("wrote %v", w)
				}
				if report.Results.Existing != 1 || len(report.Warnings) != 1 || !strings.HasSuffix(report.Warnings[0], ": it is bound to shop2/data") {
					t.Errorf("Results = %+v, Warnings = %v, want it kept, being bound to shop2/data", report.Results, report.Warnings)
				}
			})
		}
	}
}
