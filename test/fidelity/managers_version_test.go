// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// railDefinition is of a type that is stored in v1, where a field has a default, and
// applied in v2beta1, which does not have that field.
const railDefinition = `{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: rails.managers.example.org}, spec: {
	group: managers.example.org, scope: Namespaced, names: {kind: Rail, listKind: RailList, plural: rails, singular: rail}, versions: [
		{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {
			audit: {type: boolean, default: true}, size: {type: integer}}}}}}},
		{name: v2beta1, served: true, storage: false, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {
			size: {type: integer}}}}}}}]}}`

// applyRail applies the size of a Rail as gitops does, in v2beta1 and without force.
func applyRail(ctx context.Context, s *stage, size int64, opts ...client.ApplyOption) error {
	rail := newObject("managers.example.org/v2beta1", "Rail", "managers-version", "rail")
	if err := unstructured.SetNestedField(rail.Object, size, "spec", "size"); err != nil {
		return err
	}
	return s.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(rail), append(opts, client.FieldOwner("gitops"))...)
}

func appliedInAnotherVersion(t *testing.T, s *stage) []*object {
	t.Helper()
	namespace, definition := newObject("v1", "Namespace", "", "managers-version"), parse(t, railDefinition)[0]
	s.create(t, namespace, definition)
	eventually(t, "apply the Rail", func(ctx context.Context) error { return applyRail(ctx, s, 2) })
	return []*object{namespace, definition, newObject("managers.example.org/v1", "Rail", "managers-version", "rail")}
}

func appliesInItsVersionAgain(t *testing.T, s *stage, _ *restored) {
	t.Helper()
	if err := applyRail(t.Context(), s, 3, client.DryRunAll); err != nil {
		t.Errorf("an apply of another value: %v", err)
	}
	must(t, applyRail(t.Context(), s, 2))
	got := map[string]string{}
	for _, e := range s.get(t, newObject("managers.example.org/v1", "Rail", "managers-version", "rail")).GetManagedFields() {
		got[e.Manager+" "+string(e.Operation)] = e.APIVersion
	}
	if diff := cmp.Diff(map[string]string{"gitops Apply": "managers.example.org/v2beta1"}, got); diff != "" {
		t.Errorf("field managers (-want +got):\n%s", diff)
	}
}
