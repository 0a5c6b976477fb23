// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform_test

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore/transform"
)

func TestModifiers(t *testing.T) {
	selector, err := labels.Parse("app=web")
	if err != nil {
		t.Fatal(err)
	}
	const doc = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"a","name":"web","labels":{"app":"web"}},"data":{"n":9007199254740993}}`
	tests := map[string]struct {
		spec transform.ModifierSpec
		want any // data.k, or the error
	}{
		"all objects, where nothing is selected": {transform.ModifierSpec{}, "v"},
		"by type":                                {transform.ModifierSpec{Resources: []string{"configmaps"}}, "v"},
		"not another type":                       {transform.ModifierSpec{Resources: []string{"secrets"}}, nil},
		"by archived namespace":                  {transform.ModifierSpec{Namespaces: []string{"a"}}, "v"},
		"not by the namespace that it goes into": {transform.ModifierSpec{Namespaces: []string{"b"}}, nil},
		"by name":                                {transform.ModifierSpec{Names: []string{"w*"}}, "v"},
		"not another name":                       {transform.ModifierSpec{Names: []string{"x*"}}, nil},
		"by label":                               {transform.ModifierSpec{Labels: selector}, "v"},
		"not by the mark of the restore":         {transform.ModifierSpec{Labels: labels.SelectorFromSet(labels.Set{"ark-restore": "r"})}, nil},
		"all fields of the target have to match": {transform.ModifierSpec{Names: []string{"web"}, Namespaces: []string{"c"}}, nil},
		"a patch that does not fit is an error": {
			transform.ModifierSpec{Patch: []byte(`[{"op":"remove","path":"/data/none"}]`)},
			`apply modifier "m": error in remove for path: '/data/none': unable to remove nonexistent key: none: missing value`,
		},
		"the mark of the restore outlives a patch of all labels": {
			transform.ModifierSpec{Patch: []byte(`[{"op":"replace","path":"/metadata/labels","value":{}},{"op":"add","path":"/data/k","value":"v"}]`)}, "v",
		},
		"the name cannot be changed": {
			transform.ModifierSpec{Patch: []byte(`[{"op":"replace","path":"/metadata/name","value":"x"}]`)},
			"modify object: the modifiers change metadata.name, but they must not change what it is: v1 ConfigMap b/web",
		},
		"the namespace cannot be changed": {
			transform.ModifierSpec{Patch: []byte(`[{"op":"replace","path":"/metadata/namespace","value":"kube-system"}]`)},
			"modify object: the modifiers change metadata.namespace, but they must not change what it is: v1 ConfigMap b/web",
		},
		"the kind cannot be changed": {
			transform.ModifierSpec{Patch: []byte(`[{"op":"replace","path":"/kind","value":"Secret"}]`)},
			"modify object: the modifiers change kind, but they must not change what it is: v1 ConfigMap b/web",
		},
	}
	types := []engine.Resource{{Version: "v1", Name: "configmaps", Kind: "ConfigMap"}, {Version: "v1", Name: "secrets", Kind: "Secret"}}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			tc.spec.Name = "m"
			if tc.spec.Patch == nil {
				tc.spec.Patch = []byte(`[{"op":"add","path":"/data/k","value":"v"}]`)
			}
			m, err := transform.NewModifier(tc.spec, types)
			if err != nil {
				t.Fatal(err)
			}
			tr := transform.Transformer{Label: "r", Namespaces: toB, Modifiers: []*transform.Modifier{m}}
			got, err := tr.Apply(transform.Subject{
				Resource: types[0], Manifest: decode(t, doc),
				Source: engine.Key{GroupResource: types[0].GroupResource(), Namespace: "a", Name: "web"},
			})
			if err != nil {
				if err.Error() != tc.want {
					t.Errorf("error = %v, want %v", err, tc.want)
				}
				return
			}
			if transform.Text(got.Manifest, "metadata", "labels", transform.RestoreLabel) != "r" {
				t.Error("the mark of the restore is gone")
			}
			data := got.Manifest["data"].(map[string]any)
			if data["k"] != tc.want || data["n"] != int64(9007199254740993) {
				t.Errorf("data = %v, want k = %v and n untouched", data, tc.want)
			}
		})
	}
}

func TestAPatchCannotBlowUpAnObject(t *testing.T) {
	patch := []byte(`[{"op":"add","path":"/x","value":{"s":"0123456789012345678901234567890123456789"}}`)
	for n := range 40 {
		patch = fmt.Appendf(patch, `,{"op":"copy","from":"/x","path":"/x/a%d"}`, n)
	}
	m, err := transform.NewModifier(transform.ModifierSpec{Name: "m", Patch: append(patch, ']')}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := transform.Transformer{Label: "r", Modifiers: []*transform.Modifier{m}}
	_, err = tr.Apply(transform.Subject{Resource: resource("configmaps"), Manifest: transform.Manifest{}})
	if err == nil {
		t.Error("a patch that doubles an object 40 times was applied")
	}
}
