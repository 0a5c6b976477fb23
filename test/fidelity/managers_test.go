// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/csaupgrade"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// clientSide are objects by their field managers, as clients write them that do not
// apply on the server. That of edited is not the only one.
var clientSide = map[string]string{
	"helm":                      `{apiVersion: v1, kind: ConfigMap, metadata: {namespace: client-side, name: release}, data: {k: VALUE}}`,
	"kubectl-client-side-apply": `{apiVersion: v1, kind: ConfigMap, metadata: {namespace: client-side, name: applied}, data: {k: VALUE}}`,
	"edited":                    `{apiVersion: v1, kind: ConfigMap, metadata: {namespace: client-side, name: edited}, data: {k: VALUE}}`,
	"scaled": `{apiVersion: apps/v1, kind: Deployment, metadata: {namespace: client-side, name: scaled, annotations: {k: VALUE}}, spec: {
		selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}}}`,
}

// clientSideObject is the object of a manager with a value.
func clientSideObject(tb testing.TB, manager, value string) *object {
	tb.Helper()
	o := parse(tb, clientSide[manager])[0]
	path := []string{"data", "k"}
	if o.GetKind() == "Deployment" {
		path = []string{"metadata", "annotations", "k"}
	}
	must(tb, unstructured.SetNestedField(o.Object, value, path...))
	return o
}

func clientSideApplied(t *testing.T, s *stage) []*object {
	t.Helper()
	objects := []*object{newObject("v1", "Namespace", "", "client-side")}
	s.create(t, objects...)
	for manager := range clientSide {
		o := clientSideObject(t, manager, "v")
		must(t, s.client.Create(t.Context(), o.DeepCopy(), client.FieldOwner(manager)))
		objects = append(objects, o)
	}
	edited := s.get(t, clientSideObject(t, "edited", "v"))
	edited.SetLabels(map[string]string{"by": "hand"})
	must(t, s.client.Update(t.Context(), edited, client.FieldOwner("kubectl-edit")))
	scale := client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":0}}`))
	must(t, s.client.SubResource("scale").Patch(t.Context(), newObject("apps/v1", "Deployment", "client-side", "scaled"), scale, client.FieldOwner("autoscaler")))
	s.field(t, newObject("apps/v1", "Deployment", "client-side", "scaled"), int64(0), "spec", "replicas")
	return objects
}

// upgradesWithoutConflict does as a client that begins to apply on the server: it
// makes what it owns by updates its own by applies, and applies other values.
func upgradesWithoutConflict(t *testing.T, s *stage, _ *restored) {
	t.Helper()
	want := map[string][]string{
		"helm": {"helm"}, "kubectl-client-side-apply": {"kubectl-client-side-apply"}, "edited": {"edited", "kubectl-edit"}, "scaled": {"scaled"},
	}
	got := map[string][]string{}
	for _, manager := range slices.Sorted(maps.Keys(clientSide)) {
		live := s.get(t, clientSideObject(t, manager, "v"))
		for _, e := range live.GetManagedFields() {
			if e.Subresource != "status" {
				got[manager] = append(got[manager], e.Manager)
			}
		}
		slices.Sort(got[manager])
		before := live.GetManagedFields()
		must(t, csaupgrade.UpgradeManagedFields(live, sets.New(manager), manager))
		s.putManagers(t, live, live.GetManagedFields())
		changed := clientSideObject(t, manager, "changed")
		if err := s.client.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(changed), client.FieldOwner(manager), client.DryRunAll); err != nil {
			t.Errorf("the first server-side apply of %s: %v", manager, err)
		}
		if n, _, _ := unstructured.NestedInt64(changed.Object, "spec", "replicas"); n != 0 {
			t.Errorf("the first server-side apply of %s makes %d replicas of none", manager, n)
		}
		s.putManagers(t, live, before)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("field managers (-want +got):\n%s", diff)
	}
}

// putManagers replaces the field managers of an object.
func (s *stage) putManagers(t *testing.T, o *object, entries []metav1.ManagedFieldsEntry) {
	t.Helper()
	raw, err := json.Marshal(map[string]any{"metadata": map[string]any{"managedFields": entries}})
	must(t, err)
	must(t, s.client.Patch(t.Context(), o.DeepCopy(), client.RawPatch(types.MergePatchType, raw)))
}
