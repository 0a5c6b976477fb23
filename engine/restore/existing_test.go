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
			restore.ExistingRecreate, configMap(was, ""), configMap(is, `,"finalizers":["example/keep"]`),
			restore.Counts{Failed: 1, Unchanged: 1}, "", is,
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
			report := mustRun(t, target, req, backup(t, source), restore.Options{Replaced: &replaced})
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

func configMap(value, metadata string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"a","name":"c"%s},"data":{"k":%q}}`, metadata, value)
}

func TestWhatIsNeverRecreated(t *testing.T) {
	source, target := shop(t), shop(t)
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
	report := mustRun(t, target, req, backup(t, source), restore.Options{Replaced: &bytes.Buffer{}})
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
	} {
		if kept[key] != want {
			t.Errorf("%s was kept: %v, want %v", key, kept[key], want)
		}
	}
	if report.Results.Existing != 5 {
		t.Errorf("Results = %+v, want the 5 kept ones as existing; %v", report.Results, report.Warnings)
	}
}
