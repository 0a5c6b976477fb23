// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// nameRule is what the API server says of a name that no archive can hold.
func nameRule(kind string) string {
	return "metadata: the name of a " + kind + " can have at most 200 characters, and no part of more than 63 between its dots: choose a shorter one"
}

func TestNamesAreThoseThatAnArchiveCanHold(t *testing.T) {
	part := strings.Repeat("a", 63)
	names := map[string]string{
		"a short name":                 "shop",
		"a part of 63 characters":      part,
		"several such parts":           part + "." + part + "." + part,
		"200 characters":               part + "." + part + "." + part + "." + strings.Repeat("b", 8),
		"201 characters":               part + "." + part + "." + part + "." + strings.Repeat("b", 9),
		"253 characters":               part + "." + part + "." + part + "." + strings.Repeat("b", 61),
		"a part of 64 characters":      part + "a",
		"such a part behind a dot":     "shop." + part + "a",
		"such a part before a dot":     part + "a.shop",
		"63 characters and a long one": part + "." + strings.Repeat("b", 64),
	}
	for _, kind := range []string{"Backup", "Restore", "BackupPolicy"} {
		tests := map[string]request{}
		for name, of := range names {
			r := request{name: of, spec: minimal[kind]}
			if archive.CheckName(of) != nil {
				r.want = nameRule(kind)
			}
			tests[kind+" of "+name] = r
		}
		checkCreation(t, kind, tests)
	}
}

// Status could not be written otherwise, and nobody would learn what is wrong.
func TestAStoredObjectOfALongerNameCanBeReportedOn(t *testing.T) {
	c := labtest.Client(t, labtest.Shared(t))
	kinds, err := labtest.Kinds()
	if err != nil {
		t.Fatal(err)
	}
	for _, crd := range kinds {
		kind := crd.Spec.Names.Kind
		if kind != "Backup" && kind != "Restore" && kind != "BackupPolicy" {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			crd.Spec.Group = "earlier.example.org"
			crd.Name = crd.Spec.Names.Plural + "." + crd.Spec.Group
			schema := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
			rules := schema.XValidations
			schema.XValidations = nil
			if err := c.Create(t.Context(), crd); err != nil {
				t.Fatal(err)
			}
			stored := object(t, kind, strings.Repeat("a", 64), minimal[kind])
			stored.SetAPIVersion(crd.Spec.Group + "/v1alpha1")
			until(t, func() bool { return c.Create(t.Context(), stored) == nil })

			// The API server writes into its status meanwhile.
			before := client.MergeFrom(crd.DeepCopy())
			crd.Spec.Versions[0].Schema.OpenAPIV3Schema.XValidations = rules
			if err := c.Patch(t.Context(), crd, before); err != nil {
				t.Fatal(err)
			}
			another := &unstructured.Unstructured{Object: map[string]any{"spec": stored.Object["spec"]}}
			another.SetGroupVersionKind(stored.GroupVersionKind())
			another.SetName(strings.Repeat("b", 64))
			var refused string
			until(t, func() bool {
				err := c.Create(t.Context(), another.DeepCopy(), client.DryRunAll)
				if err == nil {
					return false
				}
				refused = complaints(t, err)
				return true
			})
			if diff := cmp.Diff(nameRule(kind), refused); diff != "" {
				t.Errorf("complaints (-want +got):\n%s", diff)
			}
			stored.Object["status"] = map[string]any{"observedGeneration": int64(1)}
			if err := c.Status().Update(t.Context(), stored); err != nil {
				t.Error(err)
			}
			stored.SetFinalizers(nil)
			if err := c.Update(t.Context(), stored); err != nil {
				t.Error(err)
			}
			if err := c.Delete(t.Context(), &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: crd.Name}}); err != nil {
				t.Error(err)
			}
		})
	}
}

// until waits for the API server to serve what it was given.
func until(t *testing.T, done func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true,
		func(context.Context) (bool, error) { return done(), nil })
	if err != nil {
		t.Fatal(err)
	}
}
