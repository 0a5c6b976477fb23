// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"k8s.io/apimachinery/pkg/util/json"
)

// lastApplied is the annotation in which kubectl keeps the manifest that it applied.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// authors tells which fields of an archived object somebody wrote. What admission or
// the storage of the API server filled in is in no manager's fields: these are
// taken from the request before either.
type authors struct {
	// applied is what kubectl applied last; nil for none.
	applied Manifest
	// entries are the archived managedFields.
	entries []Manifest
}

// readAuthors reads who wrote what of an archived object.
func readAuthors(m Manifest, entries []Manifest, r *Result) authors {
	a := authors{entries: entries}
	annotation := Text(m, "metadata", "annotations", lastApplied)
	if annotation == "" {
		return a
	}
	if err := json.Unmarshal([]byte(annotation), &a.applied); err != nil {
		r.Notes = append(r.Notes, "has a last-applied annotation that is not JSON")
	}
	return a
}

// known reports whether anything tells who wrote the object: field managers can be
// switched off for an object, and those of a subresource tell of that only.
func (a authors) known() bool {
	if a.applied != nil {
		return true
	}
	for _, e := range a.entries {
		if sub, _ := e["subresource"].(string); sub == "" && e["fieldsV1"] != nil {
			return true
		}
	}
	return false
}

// wrote reports whether somebody wrote the field at path, or any of those within.
func (a authors) wrote(path ...string) bool {
	last := len(path) - 1
	if child(a.applied, path[:last]...)[path[last]] != nil {
		return true
	}
	for _, e := range a.entries {
		if writtenBy(e, path) {
			return true
		}
	}
	return false
}

// nobodyWrote reports whether it is certain that the field at path was filled in.
func (a authors) nobodyWrote(path ...string) bool { return a.known() && !a.wrote(path...) }

// writtenBy reports whether the field at path is in the fields of an entry.
func writtenBy(entry Manifest, path []string) bool {
	fields := child(entry, "fieldsV1")
	for i, p := range path {
		value, ok := fields["f:"+p]
		if !ok || i == len(path)-1 {
			return ok
		}
		fields, _ = value.(Manifest)
	}
	return false
}

// dropFilledIn removes the field at path when nobody wrote it, and returns whether
// there was one to remove.
func (a authors) dropFilledIn(m Manifest, path ...string) bool {
	last := len(path) - 1
	parent := child(m, path[:last]...)
	if _, has := parent[path[last]]; !has || !a.nobodyWrote(path...) {
		return false
	}
	delete(parent, path[last])
	return true
}
