// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/util"

	"github.com/gopherwood/ark/engine"
)

// lastApplied is where kubectl apply repeats an object, data included.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// objectFields are the top-level fields of an object that rules read.
type objectFields struct {
	all   bool
	named map[string]bool
}

// fieldsOf finds what the compiled rules read of input.object. Whenever they
// take the object as a whole, or a field whose name is computed, that is all.
func fieldsOf(compiler *ast.Compiler) objectFields {
	fields := objectFields{named: map[string]bool{}}
	for _, m := range compiler.Modules {
		ast.WalkRefs(m, func(ref ast.Ref) bool {
			if !ref.HasPrefix(ast.InputRootRef) {
				return false
			}
			first, ok := constantAt(ref, 1)
			if ok && first != "object" {
				return false
			}
			field, ok := constantAt(ref, 2)
			if !ok {
				fields.all = true
			}
			fields.named[field] = true
			return false
		})
	}
	return fields
}

func constantAt(ref ast.Ref, i int) (string, bool) {
	if i >= len(ref) {
		return "", false
	}
	s, ok := ref[i].Value.(ast.String)
	return string(s), ok
}

func (f objectFields) reads(field string) bool { return f.all || f.named[field] }

// none reports that no rule looks at the object at all.
func (f objectFields) none() bool { return !f.all && len(f.named) == 0 }

// union is what either reads.
func (f objectFields) union(g objectFields) objectFields {
	named := make(map[string]bool, len(f.named)+len(g.named))
	maps.Copy(named, f.named)
	maps.Copy(named, g.named)
	return objectFields{all: f.all || g.all, named: named}
}

// objectValue is input.object: what of raw the rules read and may read.
func objectValue(o engine.Object, fields objectFields) (ast.Value, error) {
	if fields.none() {
		return ast.NewObject(), nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(o.Raw, &raw); err != nil {
		return nil, fmt.Errorf("decode object: %w", err)
	}
	confidential := holdsData(o.Resource, raw)
	terms := make([][2]*ast.Term, 0, len(raw)+1)
	if confidential {
		keys, err := dataKeys(raw)
		if err != nil {
			return nil, err
		}
		terms = append(terms, ast.Item(ast.InternedTerm("dataKeys"), ast.NewTerm(keys)))
	}
	for field, value := range raw {
		if !fields.reads(field) || field == "apiVersion" || field == "kind" || (confidential && !shown[field]) {
			continue
		}
		v, err := fieldValue(field, value, confidential)
		if err != nil {
			return nil, fmt.Errorf("decode %s: %w", field, err)
		}
		terms = append(terms, ast.Item(ast.StringTerm(field), ast.NewTerm(v)))
	}
	return ast.NewObject(terms...), nil
}

// shown are the fields of a Secret or ConfigMap that rules see.
var shown = map[string]bool{"metadata": true, "type": true, "immutable": true}

// holdsData reports whether an object is a Secret or ConfigMap by its type, or
// by its own word: an archive could disagree with itself.
func holdsData(r engine.Resource, raw map[string]json.RawMessage) bool {
	if r.Group == "" && (r.Name == "secrets" || r.Name == "configmaps") {
		return true
	}
	var kind string
	if err := json.Unmarshal(raw["kind"], &kind); err != nil {
		return false
	}
	return kind == "Secret" || kind == "ConfigMap"
}

// dataKeys are the sorted keys of all data.
func dataKeys(raw map[string]json.RawMessage) (ast.Value, error) {
	var keys []string
	for _, field := range []string{"data", "binaryData", "stringData"} {
		var data map[string]json.RawMessage
		if len(raw[field]) == 0 {
			continue
		}
		if err := json.Unmarshal(raw[field], &data); err != nil {
			return nil, fmt.Errorf("decode keys of %s: %w", field, err)
		}
		keys = slices.AppendSeq(keys, maps.Keys(data))
	}
	slices.Sort(keys)
	return ast.InterfaceToValue(slices.Compact(keys))
}

// fieldValue decodes a top-level field. Numbers stay exact.
func fieldValue(field string, raw json.RawMessage, confidential bool) (ast.Value, error) {
	var v any
	if err := util.UnmarshalJSON(raw, &v); err != nil {
		return nil, err
	}
	if metadata, ok := v.(map[string]any); ok && field == "metadata" {
		delete(metadata, "managedFields")
		if annotations, ok := metadata["annotations"].(map[string]any); ok && confidential {
			delete(annotations, lastApplied)
		}
	}
	return ast.InterfaceToValue(v)
}
