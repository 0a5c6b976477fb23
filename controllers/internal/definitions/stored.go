// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package definitions

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// pageSize is how many objects are asked for at a time.
const pageSize = 500

// maxNamed bounds how many fields a message names.
const maxNamed = 5

// stored returns the fields that stored objects have and their definition does not.
// The API server shows none of them any more; but the entries of field managers, which
// it does not prune, still tell of them until the object is written.
func (g *Guard) stored(ctx context.Context, k kind, definition schema) ([]string, error) {
	spec := child(versionOf(definition), "schema", "openAPIV3Schema", "properties", "spec")
	var found []string
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(k.name + "List"))
	for next := ""; ; {
		if err := g.Reader.List(ctx, list, client.Limit(pageSize), client.Continue(next)); err != nil {
			return nil, fmt.Errorf("list %s: %w", k.resource, err)
		}
		for i := range list.Items {
			if fields := beyond(list.Items[i].ManagedFields, spec); len(fields) > 0 && len(found) <= maxNamed {
				found = append(found, fmt.Sprintf("%s of %s %s", strings.Join(cut(fields), ", "), k.name, list.Items[i].Name))
			}
		}
		if next = list.Continue; next == "" {
			return found, nil
		}
	}
}

// beyond returns the fields of managers' entries that a schema does not have.
func beyond(entries []metav1.ManagedFieldsEntry, spec schema) []string {
	var found []string
	for i := range entries {
		e := &entries[i]
		if e.FieldsV1 == nil || e.APIVersion != v1alpha1.GroupVersion.String() {
			continue
		}
		var fields schema
		if json.Unmarshal(e.FieldsV1.GetRawBytes(), &fields) == nil {
			found = append(found, unknown(child(fields, "f:spec"), spec, "spec")...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// unknown walks a set of fields: see FieldsV1 in Kubernetes' API. A key of a list or
// a value of a set leads into the items.
func unknown(fields, s schema, path string) []string {
	if len(fields) == 0 || keepsAll(s) {
		return nil
	}
	if s == nil {
		return []string{path}
	}
	var found []string
	for key, within := range fields {
		inner, _ := within.(schema)
		name, field := strings.CutPrefix(key, "f:")
		switch {
		case key == ".":
		case !field: // k:, v: or i:
			if len(inner) > 0 {
				found = append(found, unknown(inner, child(s, "items"), path+"[]")...)
			}
		case s["additionalProperties"] != nil:
			if additional := child(s, "additionalProperties"); additional != nil {
				found = append(found, unknown(inner, additional, path+"[]")...)
			}
		case child(s, "properties", name) == nil:
			found = append(found, join(path, name))
		default:
			found = append(found, unknown(inner, child(s, "properties", name), join(path, name))...)
		}
	}
	return found
}

// cut keeps a list short.
func cut(list []string) []string {
	if len(list) <= maxNamed {
		return list
	}
	return append(slices.Clone(list[:maxNamed]), fmt.Sprintf("and %d more", len(list)-maxNamed))
}
