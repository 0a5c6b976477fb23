// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

// maxDepth is how deep generated objects are: deeper fields are left out unless
// they are required.
const maxDepth = 7

// schemas are those of an API server, by name, and the names of the kinds'.
type schemas struct {
	byName map[string]map[string]any
	kinds  map[schema.GroupVersionKind]string
}

// fetchSchemas reads the OpenAPI v3 documents of an API server.
func fetchSchemas(t *testing.T, cfg *rest.Config) *schemas {
	t.Helper()
	d, err := discovery.NewDiscoveryClientForConfig(cfg)
	must(t, err)
	paths, err := d.OpenAPIV3().Paths()
	must(t, err)
	s := &schemas{byName: map[string]map[string]any{}, kinds: map[schema.GroupVersionKind]string{}}
	for _, path := range paths {
		raw, err := path.Schema("application/json")
		must(t, err)
		var document struct {
			Components struct {
				Schemas map[string]map[string]any `json:"schemas"`
			} `json:"components"`
		}
		must(t, json.Unmarshal(raw, &document))
		for name, definition := range document.Components.Schemas {
			s.byName[name] = definition
			kinds, _ := definition["x-kubernetes-group-version-kind"].([]any)
			for _, k := range kinds {
				k, _ := k.(map[string]any)
				s.kinds[schema.GroupVersionKind{Group: str(k["group"]), Version: str(k["version"]), Kind: str(k["kind"])}] = name
			}
		}
	}
	return s
}

func str(v any) string { s, _ := v.(string); return s }

// resolve follows references. name is the last definition's.
func (s *schemas) resolve(definition map[string]any) (resolved map[string]any, name string) {
	for {
		ref := str(definition["$ref"])
		if all, ok := definition["allOf"].([]any); ok && len(all) == 1 {
			first, _ := all[0].(map[string]any)
			ref = str(first["$ref"])
		}
		if ref == "" {
			return definition, name
		}
		name = strings.TrimPrefix(ref, "#/components/schemas/")
		definition = s.byName[name]
	}
}

// generator makes values that schemas allow.
type generator struct {
	*schemas

	rand *rand.Rand
}

func (g *generator) pick(values ...any) any { return values[g.rand.IntN(len(values))] }

// value makes a value; key is the field that it is for.
func (g *generator) value(definition map[string]any, key string, depth int) any {
	definition, name := g.resolve(definition)
	if enum, ok := definition["enum"].([]any); ok {
		return g.pick(enum...)
	}
	switch {
	case strings.HasSuffix(name, ".Quantity"):
		return g.pick("1", "2Gi", "1500M")
	case strings.HasSuffix(name, ".ObjectMeta"), strings.HasSuffix(name, ".LabelSelector"):
		// Selectors must match the labels of templates: there is one of each.
		field := "labels"
		if strings.HasSuffix(name, "Selector") {
			field = "matchLabels"
		}
		return map[string]any{field: map[string]any{"a": "b"}}
	case key == "selector" && definition["additionalProperties"] != nil:
		return map[string]any{"a": "b"}
	case strings.HasSuffix(name, ".MicroTime"):
		return "2026-01-02T03:04:05.000006Z"
	case str(definition["format"]) == "int-or-string", definition["x-kubernetes-int-or-string"] == true:
		return g.pick(int64(1), int64(80), "50%")
	}
	switch str(definition["type"]) {
	case "boolean":
		return g.pick(true, false)
	case "integer":
		return g.pick(int64(0), int64(1), int64(2), int64(80))
	case "number":
		return g.pick(0.5, int64(3))
	case "string":
		return g.text(definition, key)
	case "array":
		items, _ := definition["items"].(map[string]any)
		list := []any{}
		for range 1 + g.rand.IntN(2) {
			list = append(list, g.value(items, key, depth+1))
		}
		return list
	}
	return g.object(definition, depth)
}

func (g *generator) text(definition map[string]any, key string) any {
	switch format := str(definition["format"]); {
	case format == "date-time":
		return "2026-01-02T03:04:05Z"
	case format == "byte":
		return g.pick("AAEC/w==", "")
	case key == "apiVersion":
		return "v1"
	}
	return g.pick("a", "b1", "x-y", "a.example/b", "/a", "10.1.2.3", "Grüße 世界 <&>\u2028", "line\nbreak", "v1")
}

func (g *generator) object(definition map[string]any, depth int) any {
	object := map[string]any{}
	if more, ok := definition["additionalProperties"].(map[string]any); ok {
		for _, key := range []string{"a", "b.c"}[:1+g.rand.IntN(2)] {
			object[key] = g.value(more, key, depth+1)
		}
	}
	required, _ := definition["required"].([]any)
	properties, _ := definition["properties"].(map[string]any)
	names := make([]string, 0, len(properties))
	for name := range properties {
		names = append(names, name)
	}
	slices.Sort(names) // so that a seed makes the same object each time
	for _, name := range names {
		wanted := depth < maxDepth && g.rand.IntN(3+depth) == 0
		if slices.Contains(required, any(name)) || wanted {
			property, _ := properties[name].(map[string]any)
			object[name] = g.value(property, name, depth+1)
		}
	}
	return object
}

// kind makes an object of a kind, or nil where there is no schema.
func (g *generator) kind(gvk schema.GroupVersionKind, namespace, name string) *object {
	definition := g.byName[g.kinds[gvk]]
	if definition == nil {
		return nil
	}
	content, ok := g.object(definition, 0).(map[string]any)
	if !ok {
		return nil
	}
	properties, _ := definition["properties"].(map[string]any)
	if spec, ok := properties["spec"].(map[string]any); ok {
		content["spec"] = g.value(spec, "spec", 1)
	}
	delete(content, "status")
	delete(content, "metadata")
	delete(content, "globalDefault") // a PriorityClass that is one changes Pods that are older
	o := &object{Object: content}
	o.SetGroupVersionKind(gvk)
	o.SetNamespace(namespace)
	o.SetName(name)
	o.SetLabels(map[string]string{"a": "b"})
	return o
}
