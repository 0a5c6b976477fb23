// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package definitions_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/definitions"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

const configs = "configs.ark.gopherwood.dev"

// definition reads a definition.
func definition(t *testing.T, c client.Client, name string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	if err := c.Get(t.Context(), client.ObjectKey{Name: name}, o); err != nil {
		t.Fatal(err)
	}
	return o
}

// change edits the first version of a definition, and returns what undoes that.
func change(t *testing.T, c client.Client, name string, edit func(version map[string]any)) (undo func()) {
	t.Helper()
	o := definition(t, c, name)
	was := o.DeepCopy()
	versions, _, err := unstructured.NestedSlice(o.Object, "spec", "versions")
	if err != nil {
		t.Fatal(err)
	}
	edit(versions[0].(map[string]any))
	if err := unstructured.SetNestedSlice(o.Object, versions, "spec", "versions"); err != nil {
		t.Fatal(err)
	}
	if err := c.Update(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return func() {
		now := definition(t, c, name)
		now.Object["spec"] = was.Object["spec"]
		if err := c.Update(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
}

// properties are those of a schema.
func properties(t *testing.T, version map[string]any, path ...string) map[string]any {
	t.Helper()
	at, _, err := unstructured.NestedFieldNoCopy(version, append([]string{"schema", "openAPIV3Schema", "properties"}, path...)...)
	if err != nil || at == nil {
		t.Fatalf("no properties at %v: %v", path, err)
	}
	return at.(map[string]any)
}

func remove(t *testing.T, field string, path ...string) func(map[string]any) {
	t.Helper()
	return func(version map[string]any) {
		of := properties(t, version, path...)
		if of[field] == nil {
			t.Fatalf("there is no %s at %v", field, path)
		}
		delete(of, field)
	}
}

func TestADefinitionThatLacksWhatIsNeededIsFound(t *testing.T) {
	c := labtest.Client(t, labtest.Start(t, lab.Options{}))
	guard := &definitions.Guard{Reader: c}
	if err := guard.Check(t.Context()); err != nil {
		t.Fatalf("the chart's definitions lack something: %v", err)
	}
	tests := map[string]struct {
		of   string
		edit func(map[string]any)
		want string
	}{
		"the rules of a Config": {configs, func(v map[string]any) {
			// The rules of validation that name the fields go with them.
			spec := properties(t, v, "spec")
			delete(spec, "x-kubernetes-validations")
			of := properties(t, v, "spec", "properties")
			delete(of, "rules")
			delete(of, "requireGate")
		}, "lacks spec.rules, spec.requireGate, which"},
		"a field within a list": {configs, remove(t, "conditionalWrites", "status", "properties", "storage", "items", "properties"), "lacks status.storage[].conditionalWrites, which"},
		"the rules of a policy": {"backuppolicies.ark.gopherwood.dev", remove(t, "rules", "spec", "properties"), "lacks spec.rules, which"},
		"a field of a status":   {"restores.ark.gopherwood.dev", remove(t, "denials", "status", "properties"), "lacks status.denials, which"},
		"the subresource":       {configs, func(v map[string]any) { delete(v, "subresources") }, "lacks the subresource status, which"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			undo := change(t, c, tc.of, tc.edit)
			err := guard.Check(t.Context())
			undo()
			var known *step.Error
			if !errors.As(err, &known) || known.Reason != v1alpha1.DefinitionOutdatedReason || known.After != 0 || known.Watch == 0 ||
				!strings.HasPrefix(err.Error(), "the definition "+tc.of+" "+tc.want+" this version of Ark needs: apply the definitions of its chart") {
				t.Errorf("Check: %v, want a stall: %s …", err, tc.want)
			}
			if err := guard.Check(t.Context()); err != nil {
				t.Errorf("Check when it is put back: %v", err)
			}
		})
	}
}

// What a newer version of Ark has stored is not to be dropped by an older one.
func TestStoredObjectsThatNeedMoreThanTheirDefinitionAreFound(t *testing.T) {
	c := labtest.Client(t, labtest.Start(t, lab.Options{}))
	guard := &definitions.Guard{Reader: c}
	undo := change(t, c, configs, func(v map[string]any) {
		properties(t, v, "spec", "properties")["newerGate"] = map[string]any{"type": "object", "properties": map[string]any{"strict": map[string]any{"type": "boolean"}}}
	})
	cfg := func() *unstructured.Unstructured {
		o := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
			"clusterName": "here", "storage": []any{map[string]any{"name": "main", "url": "mem://main"}},
			"rules": []any{map[string]any{"name": "r", "library": "restore/foreign-cluster-rbac", "parameters": map[string]any{"a": map[string]any{"b": "c"}}}},
		}}}
		o.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Config"))
		o.SetName("default")
		return o
	}
	o := cfg()
	_ = unstructured.SetNestedField(o.Object, true, "spec", "newerGate", "strict")
	create(t, c, o)
	undo()
	err := guard.Check(t.Context())
	want := "the definition " + configs + " is older than what is stored, and lacks spec.newerGate of Config default: to write it would drop that."
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Fatalf("Check: %v, want %s", err, want)
	}
	// Nothing touches it until then; other kinds are served.
	guarded := guard.Client(c)
	var got v1alpha1.Config
	key := client.ObjectKey{Name: "default"}
	for what, err := range map[string]error{
		"get":          guarded.Get(t.Context(), key, &got),
		"list":         guarded.List(t.Context(), &v1alpha1.ConfigList{}),
		"create":       guarded.Create(t.Context(), &v1alpha1.Config{}),
		"update":       guarded.Update(t.Context(), &v1alpha1.Config{}),
		"patch":        guarded.Patch(t.Context(), &v1alpha1.Config{}, client.MergeFrom(&v1alpha1.Config{})),
		"delete":       guarded.Delete(t.Context(), &v1alpha1.Config{}),
		"status":       guarded.Status().Update(t.Context(), &v1alpha1.Config{}),
		"status patch": guarded.Status().Patch(t.Context(), &v1alpha1.Config{}, client.MergeFrom(&v1alpha1.Config{})),
	} {
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", what, err, want)
		}
	}
	if err := guarded.List(t.Context(), &v1alpha1.BackupList{}); err != nil {
		t.Error(err)
	}
	// The cure that the message names, for those who can do without.
	forget := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"managedFields":[{}]}}`))
	if err := c.Patch(t.Context(), o, forget); err != nil {
		t.Fatal(err)
	}
	if err := guard.Check(t.Context()); err != nil {
		t.Errorf("Check when nobody claims the field any more: %v", err)
	}
	if err := guarded.Get(t.Context(), key, &got); err != nil {
		t.Error(err)
	}
}

// create creates an object once the API server knows the changed definition.
func create(t *testing.T, c client.Client, o *unstructured.Unstructured) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		made := o.DeepCopy()
		if err := c.Create(ctx, made); err != nil {
			return false, err
		}
		if _, ok, _ := unstructured.NestedMap(made.Object, "spec", "newerGate"); ok {
			return true, nil
		}
		return false, c.Delete(ctx, made)
	})
	if err != nil {
		t.Fatal(err)
	}
}
