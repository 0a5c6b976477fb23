// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	numbers "k8s.io/apimachinery/pkg/util/json"
)

// Manifest is an object as decoded JSON: numbers are int64 where they fit and
// float64 otherwise; unknown fields and nulls are kept.
type Manifest = map[string]any

// Decode reads one object.
func Decode(raw []byte) (Manifest, error) {
	var m Manifest
	if err := numbers.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("decode object: %w", err)
	}
	if m == nil {
		return nil, errors.New("decode object: it is null")
	}
	return m, nil
}

// Encode writes m as JSON. It does not make it safe for HTML: that makes six bytes
// of one, and an object of a megabyte more than an API server takes.
func Encode(m Manifest) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(m); err != nil {
		return nil, fmt.Errorf("encode object: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Clone returns a copy that shares nothing with m.
func Clone(m Manifest) Manifest {
	if m == nil {
		return nil
	}
	c := make(Manifest, len(m))
	for k, v := range m {
		c[k] = cloneValue(v)
	}
	return c
}

func cloneValue(v any) any {
	switch v := v.(type) {
	case Manifest:
		return Clone(v)
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = cloneValue(v[i])
		}
		return c
	}
	return v
}

// Text returns the string at path, or nothing.
func Text(m Manifest, path ...string) string {
	last := len(path) - 1
	s, _ := child(m, path[:last]...)[path[last]].(string)
	return s
}

// child returns the object at path, or nil: a nil map reads as empty.
func child(m Manifest, path ...string) Manifest {
	for _, p := range path {
		m, _ = m[p].(Manifest)
	}
	return m
}

// ensure returns the object at path, and makes it where there is none.
func ensure(m Manifest, path ...string) Manifest {
	for _, p := range path {
		next, ok := m[p].(Manifest)
		if !ok {
			next = Manifest{}
			m[p] = next
		}
		m = next
	}
	return m
}

// objects returns the objects of the list at path; other elements are left out.
func objects(m Manifest, path ...string) []Manifest {
	last := len(path) - 1
	list, _ := child(m, path[:last]...)[path[last]].([]any)
	found := make([]Manifest, 0, len(list))
	for _, v := range list {
		if o, ok := v.(Manifest); ok {
			found = append(found, o)
		}
	}
	return found
}

// removeFrom deletes keys of the object at path, and the object itself when
// nothing is left in it.
func removeFrom(m Manifest, path []string, keys ...string) {
	parent := child(m, path...)
	if parent == nil {
		return
	}
	for _, k := range keys {
		delete(parent, k)
	}
	if len(parent) == 0 {
		last := len(path) - 1
		delete(child(m, path[:last]...), path[last])
	}
}

var (
	labelsPath      = []string{"metadata", "labels"}
	annotationsPath = []string{"metadata", "annotations"}
)

// HasCondition reports whether a condition of that type is true in the status.
func HasCondition(m Manifest, conditionType string) bool {
	for _, c := range objects(m, "status", "conditions") {
		if c["type"] == conditionType && c["status"] == "True" {
			return true
		}
	}
	return false
}
