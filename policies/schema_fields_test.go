// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore"
)

// fullObject has every field of metadata that an API server serves.
const fullObject = `{"apiVersion":"v1","kind":"Full","type":"t","spec":{"a":1},"status":{"b":2},"metadata":{
	"name":"web","generateName":"w","namespace":"shop","uid":"u","resourceVersion":"1","generation":1,
	"creationTimestamp":"2026-11-23T03:00:00Z","deletionTimestamp":"2026-11-23T03:00:00Z","deletionGracePeriodSeconds":30,
	"labels":{"a":"b"},"annotations":{"a":"b"},"finalizers":["f"],"ownerReferences":[{"uid":"o"}],"selfLink":"/l"}}`

// inputs are documents as the code makes them that have, together, every field
// that there is.
func inputs(t *testing.T) map[*entryPoint][]any {
	t.Helper()
	all := map[*entryPoint][]any{}
	add := func(entry *entryPoint, input document, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		value, err := (&compiled{}).input(input)
		if err != nil {
			t.Fatal(err)
		}
		seen, err := ast.JSON(value)
		if err != nil {
			t.Fatal(err)
		}
		all[entry] = append(all[entry], seen)
	}
	everything := mustCompile(t, Set{Modules: []Source{
		{Rule: "select", Rego: excludes("x", "count(input.object) > 99")},
		{Rule: "gate", Rego: "package ark.restore_select\n\nskip contains \"x\" if count(input.object) > 99\n"},
	}}, OptOut)
	s := mustSelector(t, everything)
	g := mustGates(t, someRestore, false, GateRules{Rules: everything})
	add(requestGate, g.requestInput(somePlan), nil)
	for _, o := range []engine.Object{
		object(deployments, fullObject),
		object(secrets, `{"metadata":{"name":"s"},"type":"Opaque","data":{"a":"b"}}`),
	} {
		input, err := s.input(o, shop)
		add(selection, input, err)
		input, err = g.objectInput(restore.Candidate{
			Object: o, Source: engine.Key{Namespace: "shop", Name: "web"}, Action: restore.ActionCreate, Target: &somePlan.Namespaces[1],
		})
		add(objectGate, input, err)
	}
	return all
}

// A rule that reads a field that nothing sets never fires: a gate that never
// closes, although its policy is Ready.
func TestEveryFieldOfASchemaIsSetAndEveryFieldThatIsSetIsInIt(t *testing.T) {
	for entry, documents := range inputs(t) {
		t.Run(entry.pkg, func(t *testing.T) {
			described, set := map[string]bool{}, map[string]bool{}
			describedFields(entry.schema.root, "input", described)
			for _, d := range documents {
				setFields(t, entry.schema.root, d, "input", set)
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(described)), slices.Sorted(maps.Keys(set))); diff != "" {
				t.Errorf("fields (-in the schema +set by the code):\n%s", diff)
			}
		})
	}
}

// describedFields notes every field that a schema names.
func describedFields(node map[string]any, path string, into map[string]bool) {
	properties, _ := node["properties"].(map[string]any)
	for name, p := range properties {
		into[path+"."+name] = true
		describedFields(p.(map[string]any), path+"."+name, into)
	}
	if items, ok := node["items"].(map[string]any); ok {
		describedFields(items, path+"[_]", into)
	}
}

// setFields notes every field of a document, as far down as the schema
// describes it. What an open object has besides is its own.
func setFields(t *testing.T, node map[string]any, value any, path string, into map[string]bool) {
	t.Helper()
	switch value := value.(type) {
	case []any:
		if items, ok := node["items"].(map[string]any); ok {
			for _, v := range value {
				setFields(t, items, v, path+"[_]", into)
			}
		}
	case map[string]any:
		properties, described := node["properties"].(map[string]any)
		for name, v := range value {
			p, known := properties[name].(map[string]any)
			if !described || !known && node["additionalProperties"] == true {
				continue
			}
			if known && (v == nil || v == "") {
				continue // that it is set is for another document to show
			}
			into[path+"."+name] = true
			if known {
				setFields(t, p, v, path+"."+name, into)
			}
		}
	case string, bool, json.Number, nil:
	default:
		t.Errorf("%s is a %T", path, value)
	}
}

func TestARuleOnWhatNobodyProvesIsRefused(t *testing.T) {
	const rego = "package ark.restore\n\ndeny contains {\"code\": \"x\", \"msg\": \"y\"} if input.restore.requestedBy == \"mallory\"\n"
	_, err := Compile(t.Context(), inline(rego), Options{Mode: OptOut})
	if diff := cmp.Diff("r.rego:3: undefined ref: input.restore.requestedBy: no such field; there are name", errorText(err)); diff != "" {
		t.Errorf("Compile() error (-want +got):\n%s", diff)
	}
}
