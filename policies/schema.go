// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
)

// inputSchema describes an input document.
type inputSchema struct {
	raw  []byte
	root map[string]any
}

func newSchema(raw []byte) *inputSchema {
	s := &inputSchema{raw: raw}
	if err := json.Unmarshal(raw, &s.root); err != nil {
		panic(fmt.Errorf("read embedded schema: %w", err)) // a test reads them all
	}
	return s
}

// forTypeChecker is the schema as OPA understands it: OPA closes every object
// that names properties, so an open one must not name any. What is lost by that
// unknownField makes good.
func (s *inputSchema) forTypeChecker() *ast.SchemaSet {
	set := ast.NewSchemaSet()
	set.Put(ast.SchemaRootRef, withoutOpenProperties(s.root))
	return set
}

func withoutOpenProperties(node map[string]any) map[string]any {
	out := maps.Clone(node)
	properties, ok := node["properties"].(map[string]any)
	if !ok {
		return out
	}
	if node["additionalProperties"] == true {
		delete(out, "properties")
		return out
	}
	closed := make(map[string]any, len(properties))
	for name, p := range properties {
		closed[name] = withoutOpenProperties(p.(map[string]any))
	}
	out["properties"] = closed
	return out
}

// unknownField returns the first field of a reference into the input that the
// schema rules out, and the fields there are.
func (s *inputSchema) unknownField(ref ast.Ref) (field string, known []string) {
	node := s.root
	for _, term := range ref[1:] {
		name, constant := term.Value.(ast.String)
		properties, described := node["properties"].(map[string]any)
		if !constant || !described {
			return "", nil
		}
		next, ok := properties[string(name)].(map[string]any)
		switch {
		case ok:
			node = next
		case node["additionalProperties"] == false:
			return string(name), slices.Sorted(maps.Keys(properties))
		default:
			return "", nil
		}
	}
	return "", nil
}
