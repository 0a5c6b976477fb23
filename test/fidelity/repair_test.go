// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"errors"
	"regexp"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// maxRepairs is how often an object is changed to what the API server wants.
const maxRepairs = 30

var (
	step      = regexp.MustCompile(`([^.\[\]]+)|\[([^\]]*)\]`)
	supported = regexp.MustCompile(`supported values: "([^"]+)"`)
)

// repair changes what the API server complains of: what it does not want goes,
// what it lacks is made. It reports whether anything changed.
func (g *generator) repair(o *object, err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		return false
	}
	changed := false
	for _, cause := range status.Status().Details.Causes {
		var path []string
		for _, m := range step.FindAllStringSubmatch(cause.Field, -1) {
			path = append(path, m[1]+m[2])
		}
		if len(path) == 0 || path[0] == "metadata" {
			continue
		}
		// What cannot be made right goes with what it belongs to.
		if len(path) > 2 && g.rand.IntN(3) == 0 {
			path = path[:len(path)-1-g.rand.IntN(2)]
			cause = metav1.StatusCause{Type: metav1.CauseTypeForbidden}
		}
		definition := g.byName[g.kinds[o.GroupVersionKind()]]
		changed = g.mend(o.Object, definition, path, cause) || changed
	}
	return changed
}

// mend changes the field at a path.
func (g *generator) mend(v any, definition map[string]any, path []string, cause metav1.StatusCause) bool {
	definition, _ = g.resolve(definition)
	properties, _ := definition["properties"].(map[string]any)
	field, known := properties[path[0]].(map[string]any)
	if !known {
		field, _ = definition["additionalProperties"].(map[string]any)
	}
	switch v := v.(type) {
	case []any:
		i, err := strconv.Atoi(path[0])
		items, _ := definition["items"].(map[string]any)
		return err == nil && i < len(v) && len(path) > 1 && g.mend(v[i], items, path[1:], cause)
	case map[string]any:
		next, present := v[path[0]]
		if len(path) > 1 && present {
			if list, ok := next.([]any); ok && len(path) == 2 {
				return g.mendElement(v, path, list, cause)
			}
			return g.mend(next, field, path[1:], cause)
		}
		return g.replace(v, field, path[0], cause)
	}
	return false
}

// mendElement removes or replaces an element of a list.
func (g *generator) mendElement(parent map[string]any, path []string, list []any, cause metav1.StatusCause) bool {
	i, err := strconv.Atoi(path[1])
	if err != nil || i >= len(list) {
		return false
	}
	if m := supported.FindStringSubmatch(cause.Message); m != nil && isText(list[i]) {
		list[i] = m[1]
		return true
	}
	if list = append(list[:i:i], list[i+1:]...); len(list) == 0 {
		delete(parent, path[0])
		return true
	}
	parent[path[0]] = list
	return true
}

func isText(v any) bool { _, ok := v.(string); return ok }

func (g *generator) replace(parent map[string]any, field map[string]any, key string, cause metav1.StatusCause) bool {
	_, present := parent[key]
	switch m := supported.FindStringSubmatch(cause.Message); {
	case m != nil && str(field["type"]) == "string":
		parent[key] = m[1]
	case cause.Type == metav1.CauseTypeFieldValueRequired && field != nil:
		parent[key] = g.value(field, key, 2)
	case present && cause.Type == metav1.CauseTypeFieldValueInvalid && field != nil && g.rand.IntN(2) == 0:
		if parent[key] = g.value(field, key, 2); strings.Contains(cause.Message, "RFC 1123") {
			parent[key] = "a"
		}
	case present:
		delete(parent, key)
	default:
		return false
	}
	return true
}
