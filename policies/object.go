// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/gopherwood/ark/engine"
)

// lastApplied is where kubectl apply repeats an object, data included.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// objectFields are the top-level fields of an object that rules read.
type objectFields struct {
	All   bool            `json:"all,omitempty"`
	Named map[string]bool `json:"named,omitempty"`
}

// fieldsOf finds what the compiled rules read of input.object. Whenever they
// take the object as a whole, or a field whose name is computed, that is all.
func fieldsOf(compiler *ast.Compiler) objectFields {
	fields := objectFields{Named: map[string]bool{}}
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
				fields.All = true
			}
			fields.Named[field] = true
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

func (f objectFields) reads(field string) bool { return f.All || f.Named[field] }

// none reports that no rule looks at the object at all.
func (f objectFields) none() bool { return !f.All && len(f.Named) == 0 }

// union is what either reads.
func (f objectFields) union(g objectFields) objectFields {
	named := make(map[string]bool, len(f.Named)+len(g.Named))
	maps.Copy(named, f.Named)
	maps.Copy(named, g.Named)
	return objectFields{All: f.All || g.All, Named: named}
}

// objectValue is input.object: what of raw the rules read and may read.
func objectValue(o engine.Object, fields objectFields) ([]byte, error) {
	if fields.none() {
		return []byte("{}"), nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(o.Raw, &raw); err != nil {
		return nil, fmt.Errorf("decode object: %w", err)
	}
	confidential := holdsData(o.Resource, raw)
	d := make(document, 0, len(raw)+1)
	if confidential {
		keys, err := dataKeys(raw)
		if err != nil {
			return nil, err
		}
		d = d.value("dataKeys", keys)
	}
	for field, value := range raw {
		if !fields.reads(field) || hidden(field, confidential) {
			continue
		}
		if field == "metadata" && confidential {
			var err error
			if value, err = withoutCopy(value); err != nil {
				return nil, err
			}
		}
		d = d.value(field, value)
	}
	return d.object(), nil
}

// hidden reports whether rules never see a field: type and kind are in
// input.resource.
func hidden(field string, confidential bool) bool {
	return field == "apiVersion" || field == "kind" || confidential && !shown[field]
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
func dataKeys(raw map[string]json.RawMessage) ([]byte, error) {
	keys := []string{}
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
	return json.Marshal(slices.Compact(keys))
}

// withoutCopy takes out of metadata what repeats the whole object. Numbers and all
// that is not looked at stay as they are.
func withoutCopy(metadata json.RawMessage) (json.RawMessage, error) {
	var fields, annotations map[string]json.RawMessage
	if err := json.Unmarshal(metadata, &fields); err != nil {
		return nil, fmt.Errorf("decode metadata: %w", err)
	}
	delete(fields, "managedFields")
	if raw, ok := fields["annotations"]; ok {
		if err := json.Unmarshal(raw, &annotations); err != nil {
			return nil, fmt.Errorf("decode annotations: %w", err)
		}
		delete(annotations, lastApplied)
		rest, err := json.Marshal(annotations)
		if err != nil {
			return nil, fmt.Errorf("encode annotations: %w", err)
		}
		fields["annotations"] = rest
	}
	return json.Marshal(fields)
}
