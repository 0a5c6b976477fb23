// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
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

// What all of the cluster shares may be newer than the backup of one namespace.
func TestWhatIsOnlyNeededIsNeverWrittenOver(t *testing.T) {
	const carts = "customresourcedefinitions.apiextensions.k8s.io/carts.shop.example"
	const role, binding = "clusterroles.rbac.authorization.k8s.io/web-reader", "clusterrolebindings.rbac.authorization.k8s.io/web-reads"
	tests := map[string]struct {
		ask  func(*restore.Request)
		kept []string
	}{
		"of a namespace": {func(*restore.Request) {}, []string{carts, role, binding}},
		"of a namespace, with ClusterRoles": {
			func(r *restore.Request) { r.Selection.IncludedResources = []string{"serviceaccounts", "clusterroles"} },
			[]string{binding},
		},
		"of a namespace, with all that is cluster-scoped": {func(r *restore.Request) { r.Selection.ClusterResources = new(true) }, nil},
	}
	for name, tc := range tests {
		for _, existing := range []restore.Existing{restore.ExistingUpdate, restore.ExistingRecreate} {
			t.Run(fmt.Sprintf("%s, with %s", name, existing), func(t *testing.T) {
				source, target := shop(t), shop(t)
				change(target, carts, func(m transform.Manifest) { m["spec"].(transform.Manifest)["scope"] = "upgraded" })
				change(target, role, func(m transform.Manifest) { m["rules"] = []any{"new"} })
				change(target, binding, func(m transform.Manifest) { m["subjects"] = []any{"new"} })
				req := request()
				req.Existing, req.Selection.IncludedNamespaces = existing, []string{"shop"}
				tc.ask(&req)
				report := mustRun(t, target, req, backup(t, source), restore.Options{Replaced: keepIn(&bytes.Buffer{})})
				for _, w := range target.writes() {
					if verb, key, _ := strings.Cut(w, " "); verb != "POST" && slices.Contains(tc.kept, key) {
						t.Errorf("wrote %s", w)
					}
				}
				var kept []string
				for _, w := range report.Warnings {
					if key, _, ok := strings.Cut(w, ": exists and differs in "); ok && strings.Contains(w, ": it is only needed by what is restored") {
						kept = append(kept, key)
					}
				}
				slices.Sort(kept)
				if diff := cmp.Diff(slices.Sorted(slices.Values(tc.kept)), kept); diff != "" {
					t.Errorf("kept (-want +got):\n%s\n%v", diff, report.Warnings)
				}
			})
		}
	}
}

// A volume that no claim has is nobody else's.
func TestAFreeVolumeIsReservedForTheClaimThatNeedsIt(t *testing.T) {
	source, target := shop(t), shop(t)
	change(target, "persistentvolumes/disk", func(m transform.Manifest) { delete(m["spec"].(transform.Manifest), "claimRef") })
	maps.DeleteFunc(target.objects, func(key engine.Key, _ transform.Manifest) bool { return key.Resource == "persistentvolumeclaims" })
	req := request()
	req.Existing, req.Selection.IncludedNamespaces = restore.ExistingUpdate, []string{"shop"}
	report := mustRun(t, target, req, backup(t, source), restore.Options{})
	if got := transform.Text(target.object("persistentvolumes/disk"), "spec", "claimRef", "name"); got != "data" {
		t.Errorf("the volume is reserved for %q, want data: %v", got, report.Warnings)
	}
	if got := transform.Text(target.object("persistentvolumeclaims/shop/data"), "spec", "volumeName"); got != "disk" {
		t.Errorf("the claim asks for %q, want disk: %v", got, report.Warnings)
	}
}

// change edits an object in place.
func change(c *fakeCluster, key string, edit func(transform.Manifest)) {
	for k, m := range c.objects {
		if k.String() == key {
			edit(m)
		}
	}
}
