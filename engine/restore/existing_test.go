// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
)

func TestExistingObjectsThatDiffer(t *testing.T) {
	const was, is = "archived", "live"
	tests := map[string]struct {
		existing restore.Existing
		archived string // one object
		live     string
		want     restore.Counts
		warning  string
		value    string // of data.k, afterwards
	}{
		"None leaves it and names what differs": {
			restore.ExistingNone, configMap(was, ""), configMap(is, ""),
			restore.Counts{Existing: 1, Unchanged: 1}, "configmaps/a/c: exists and differs in data.k", is,
		},
		"Update writes over it": {
			restore.ExistingUpdate, configMap(was, ""), configMap(is, ""),
			restore.Counts{Updated: 1, Unchanged: 1}, "", was,
		},
		"Recreate deletes it first": {
			restore.ExistingRecreate, configMap(was, ""), configMap(is, ""),
			restore.Counts{Updated: 1, Unchanged: 1}, "", was,
		},
		"Recreate of what a finalizer keeps fails with the cure": {
			restore.ExistingRecreate, configMap(was, ""), configMap(is, `,"finalizers":["foregroundDeletion"]`),
			restore.Counts{Failed: 1, Unchanged: 1}, "", is,
		},
		"A finalizer that came since is no difference": {
			restore.ExistingNone, configMap("same", `,"finalizers":["example/a"]`), configMap("same", `,"finalizers":["example/b","example/a"]`),
			restore.Counts{Unchanged: 2}, "", "same",
		},
		"A finalizer that only the archived object has is a difference": {
			restore.ExistingNone, configMap("same", `,"finalizers":["example/a","example/b"]`), configMap("same", `,"finalizers":["example/b"]`),
			restore.Counts{Existing: 1, Unchanged: 1}, "configmaps/a/c: exists and differs in metadata.finalizers", "same",
		},
		"What this restore made and somebody changed is left alone": {
			restore.ExistingUpdate, configMap(was, ""), configMap(is, `,"labels":{"ark-restore":"r1"}`),
			restore.Counts{Existing: 1, Unchanged: 1}, "configmaps/a/c: exists and differs in data.k: changed since this restore made it", is,
		},
		"What this restore made and somebody added to is unchanged": {
			restore.ExistingUpdate, configMap("same", ""), configMap("same", `,"labels":{"ark-restore":"r1","more":"1"}`),
			restore.Counts{Unchanged: 2}, "", "same",
		},
		"An annotation that only the live object has is a difference": {
			restore.ExistingNone, configMap("same", ""), configMap("same", `,"annotations":{"x":"y"}`),
			restore.Counts{Existing: 1, Unchanged: 1}, "configmaps/a/c: exists and differs in metadata.annotations", "same",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			source, target := newFakeCluster(t), newFakeCluster(t)
			for c, doc := range map[*fakeCluster]string{source: tc.archived, target: tc.live} {
				c.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
				c.add(doc)
			}
			req := request()
			req.Existing = tc.existing
			req.Selection.IncludedResources = []string{"configmaps", "namespaces"}
			var replaced bytes.Buffer
			report := mustRun(t, target, req, backup(t, source), restore.Options{Replaced: keepIn(&replaced)})
			report.Results.Skipped = 0
			if report.Results != tc.want {
				t.Errorf("Results = %+v, want %+v: %v %v", report.Results, tc.want, report.Warnings, report.Errors)
			}
			if tc.warning != "" && !slices.Contains(report.Warnings, tc.warning) {
				t.Errorf("Warnings = %v, want %q", report.Warnings, tc.warning)
			}
			data, _ := target.object("configmaps/a/c")["data"].(map[string]any)
			if data["k"] != tc.value {
				t.Errorf("data.k = %v, want %q", data["k"], tc.value)
			}
			if deleted := strings.Contains(replaced.String(), `"live"`); deleted != (tc.existing == restore.ExistingRecreate) {
				t.Errorf("recorded before deleting: %v", deleted)
			}
		})
	}
}

// A controller that holds an object since the backup has to be asked before it goes.
func TestUpdateKeepsTheFinalizersThatCameSince(t *testing.T) {
	source, target := newFakeCluster(t), newFakeCluster(t)
	for c, doc := range map[*fakeCluster]string{
		source: configMap("archived", `,"finalizers":["example/then","example/both"]`),
		target: configMap("live", `,"finalizers":["example/now","example/both"]`),
	} {
		c.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
		c.add(doc)
	}
	req := request()
	req.Existing = restore.ExistingUpdate
	report := mustRun(t, target, req, backup(t, source), restore.Options{})
	if report.Results.Updated != 1 {
		t.Errorf("Results = %+v, want the ConfigMap updated: %v", report.Results, report.Errors)
	}
	want := []any{"example/now", "example/both", "example/then"}
	if diff := cmp.Diff(any(want), target.object("configmaps/a/c")["metadata"].(map[string]any)["finalizers"]); diff != "" {
		t.Errorf("finalizers (-want +got):\n%s", diff)
	}
}

// What was made since the backup is in no archive: nothing may be lost with the
// object that owns it.
func TestRecreateSparesWhatTheArchiveDoesNotKnow(t *testing.T) {
	source, target := newFakeCluster(t), newFakeCluster(t)
	for _, c := range []*fakeCluster{source, target} {
		c.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
	}
	for _, o := range []struct{ apiVersion, kind string }{{"v1", "ConfigMap"}, {"apps/v1", "StatefulSet"}, {"batch/v1", "Job"}} {
		object := func(spec string) string {
			return fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"namespace":"a","name":"o"},"spec":{%s}}`, o.apiVersion, o.kind, spec)
		}
		source.add(object(`"is":"archived"`))
		uid := target.add(object(`"is":"live"`))
		target.add(fmt.Sprintf(`{"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"a","name":"of-%s","ownerReferences":[
			{"apiVersion":%q,"kind":%q,"name":"o","uid":%q}]}}`, strings.ToLower(o.kind), o.apiVersion, o.kind, uid))
	}
	req := request()
	req.Existing = restore.ExistingRecreate
	report := mustRun(t, target, req, backup(t, source), restore.Options{Replaced: keepIn(&bytes.Buffer{})})
	if report.Results.Updated != 3 {
		t.Errorf("Results = %+v, want 3 recreated: %v", report.Results, report.Errors)
	}
	for key, want := range map[string]bool{
		"secrets/a/of-configmap": true, "secrets/a/of-statefulset": true,
		"secrets/a/of-job": false, // the pods of a Job must not outlive it
	} {
		if is := target.object(key) != nil; is != want {
			t.Errorf("%s is there: %v, want %v", key, is, want)
		}
	}
}

func TestRecreateSparesTheOwnerOfVolumes(t *testing.T) {
	source, target := newFakeCluster(t), newFakeCluster(t)
	for c, is := range map[*fakeCluster]string{source: "archived", target: "live"} {
		c.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
		uid := c.add(fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"namespace":"a","name":"db"},"spec":{"is":%q}}`, is))
		c.add(fmt.Sprintf(`{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"namespace":"a","name":"data-db-0","ownerReferences":[
			{"apiVersion":"apps/v1","kind":"StatefulSet","name":"db","uid":%q,"controller":true}]}}`, uid))
	}
	req := request()
	req.Existing = restore.ExistingRecreate
	report := mustRun(t, target, req, backup(t, source), restore.Options{Replaced: keepIn(&bytes.Buffer{})})
	want := "statefulsets.apps/a/db: exists and differs in spec.is: not recreated: it owns other objects, which would be deleted with it"
	if !slices.Contains(report.Warnings, want) {
		t.Errorf("Warnings = %v, want %q", report.Warnings, want)
	}
}

func TestALeaseIsNeverTakenFromItsHolder(t *testing.T) {
	for _, existing := range []restore.Existing{restore.ExistingUpdate, restore.ExistingRecreate} {
		source, target := newFakeCluster(t), newFakeCluster(t)
		for c, holder := range map[*fakeCluster]string{source: "old", target: "new"} {
			c.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
			c.add(fmt.Sprintf(`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"namespace":"a","name":"leader"},"spec":{"holderIdentity":%q}}`, holder))
		}
		req := request()
		req.Existing = existing
		report := mustRun(t, target, req, backup(t, source), restore.Options{Replaced: keepIn(&bytes.Buffer{})})
		if got := transform.Text(target.object("leases.coordination.k8s.io/a/leader"), "spec", "holderIdentity"); got != "new" {
			t.Errorf("%s: held by %q, want new", existing, got)
		}
		want := "leases.coordination.k8s.io/a/leader: exists and differs in spec.holderIdentity: whoever holds it now would lose it"
		if !slices.Contains(report.Warnings, want) {
			t.Errorf("%s: Warnings = %v, want %q", existing, report.Warnings, want)
		}
	}
}

func configMap(value, metadata string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"a","name":"c"%s},"data":{"k":%q}}`, metadata, value)
}

func TestWhatIsNeverRecreated(t *testing.T) {
	source, target := shop(t), shop(t)
	held := map[*fakeCluster]string{source: "", target: `,"finalizers":["example/database"]`} // a finalizer that came since counts
	for _, c := range []*fakeCluster{source, target} {
		for _, doc := range []string{
			`{"apiVersion":"snapshot.storage.k8s.io/v1","kind":"VolumeSnapshot","metadata":{"namespace":"shop","name":"s"},"spec":{}}`,
			`{"apiVersion":"snapshot.storage.k8s.io/v1","kind":"VolumeSnapshotContent","metadata":{"name":"s"},"spec":{}}`,
			`{"apiVersion":"groupsnapshot.storage.k8s.io/v1","kind":"VolumeGroupSnapshot","metadata":{"namespace":"shop","name":"g"},"spec":{}}`,
			`{"apiVersion":"groupsnapshot.storage.k8s.io/v1","kind":"VolumeGroupSnapshotContent","metadata":{"name":"g"},"spec":{}}`,
			`{"apiVersion":"shop.example/v1","kind":"Cart","metadata":{"namespace":"shop","name":"held"` + held[c] + `},"spec":{}}`,
		} {
			c.add(doc)
		}
	}
	for key, m := range target.objects { // everything differs
		meta := m["metadata"].(map[string]any)
		meta["annotations"] = map[string]any{"changed": key.Name}
	}
	uids := map[string]string{}
	for _, key := range target.keys() {
		uids[key] = transform.Text(target.object(key), "metadata", "uid")
	}
	req := request()
	req.Existing = restore.ExistingRecreate
	report := mustRun(t, target, req, backup(t, source), restore.Options{Replaced: keepIn(&bytes.Buffer{})})
	kept := map[string]bool{}
	for _, key := range target.keys() {
		kept[key] = uids[key] == transform.Text(target.object(key), "metadata", "uid")
	}
	for key, want := range map[string]bool{
		"namespaces/shop": true, "persistentvolumes/disk": true, "persistentvolumeclaims/shop/data": true,
		"customresourcedefinitions.apiextensions.k8s.io/carts.shop.example": true,
		"carts.shop.example/shop/main":                                      true,  // it owns a ConfigMap
		"deployments.apps/shop/web":                                         false, // what it owns is remade
		"secrets/shop/web-key":                                              false,
		"volumesnapshots.snapshot.storage.k8s.io/shop/s":                    true,
		"volumesnapshotcontents.snapshot.storage.k8s.io/s":                  true,
		"volumegroupsnapshots.groupsnapshot.storage.k8s.io/shop/g":          true,
		"volumegroupsnapshotcontents.groupsnapshot.storage.k8s.io/g":        true,
		"carts.shop.example/shop/held":                                      true, // a finalizer may delete data elsewhere
	} {
		if kept[key] != want {
			t.Errorf("%s was kept: %v, want %v", key, kept[key], want)
		}
	}
	if report.Results.Existing != 10 {
		t.Errorf("Results = %+v, want the 10 kept ones as existing; %v", report.Results, report.Warnings)
	}
	for _, want := range []string{
		"volumesnapshots.snapshot.storage.k8s.io/shop/s: exists and differs in metadata.annotations: not recreated: no VolumeSnapshot is ever deleted",
		"carts.shop.example/shop/held: exists and differs in metadata.annotations: not recreated: " +
			"its finalizer example/database may delete what it stands for outside the cluster",
	} {
		if !slices.Contains(report.Warnings, want) {
			t.Errorf("Warnings = %v, want %q", report.Warnings, want)
		}
	}
}
