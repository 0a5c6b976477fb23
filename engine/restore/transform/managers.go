// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"slices"
	"unicode"

	"github.com/gopherwood/ark/engine"
)

const (
	byApply  = "Apply"
	byUpdate = "Update"

	// maxManager is the longest name of a field manager, in bytes, that an API server
	// takes.
	maxManager = 128
)

// owner identifies an entry of managedFields. The version is left out, as the API
// server does for those that apply.
type owner struct{ name, operation, subresource string }

func ownerOf(entry Manifest) owner {
	return owner{Text(entry, "manager"), Text(entry, "operation"), Text(entry, "subresource")}
}

// managers returns the entries that are worth putting back, and the name under which
// to create the object where that makes the one there is. Entries about status are
// left out where status is not part of the object.
func managers(entries []Manifest, statusApart bool) (kept []any, sole string) {
	for _, e := range entries {
		if !statusApart || Text(e, "subresource") != "status" {
			kept = append(kept, e)
			sole = creator(e)
		}
	}
	if len(kept) != 1 {
		sole = ""
	}
	return kept, sole
}

// creator returns the name of an entry as a create under that name makes it, or
// nothing. An API server refuses other names in a request than those it had to take
// in an object.
func creator(entry Manifest) string {
	o := ownerOf(entry)
	if o.operation != byUpdate || o.subresource != "" || len(o.name) > maxManager {
		return ""
	}
	for _, char := range o.name {
		if !unicode.IsPrint(char) {
			return ""
		}
	}
	return o.name
}

// Creator returns the name under which to create the object as it is sent, so that
// it belongs to whom it belonged, or nothing: a create makes everything its own that
// is sent, defaults included, and what an applier owns and does not apply goes.
func (r *Result) Creator(sent Manifest) string {
	if r.sole == "" {
		return ""
	}
	entry, _ := r.ManagedFields[0].(Manifest)
	fields := child(entry, "fieldsV1")
	for name, value := range sent {
		switch name {
		case "apiVersion", "kind":
		case "metadata":
			meta, _ := value.(Manifest)
			if !ownsMetadata(child(fields, "f:metadata"), meta) {
				return ""
			}
		default:
			if !owns(fields, name, value) {
				return ""
			}
		}
	}
	return r.sole
}

// ownsMetadata reports whether what the fields of an entry say of metadata is all
// that is sent of it, apart from the mark of the restore.
func ownsMetadata(fields, sent Manifest) bool {
	for name, value := range sent {
		_, owned := fields["f:"+name]
		switch name {
		case "name", "namespace":
			continue
		case "ownerReferences": // each by its UID, which is another now
			if owned {
				continue
			}
		case "labels":
			if others, _ := value.(Manifest); len(others) == 1 && others[RestoreLabel] != nil {
				continue
			}
		}
		if !owns(fields, name, value) {
			return false
		}
	}
	return true
}

// owns reports whether the fields of an entry hold a field and all within. It is
// sure of no list whose items have keys, within which there may be defaults.
func owns(fields Manifest, name string, value any) bool {
	if name == RestoreLabel {
		return true
	}
	within, _ := fields["f:"+name].(Manifest)
	if within == nil {
		return false
	}
	if len(within) == 0 {
		return true // as a whole
	}
	switch v := value.(type) {
	case Manifest:
		for key, val := range v {
			if !owns(within, key, val) {
				return false
			}
		}
		return true
	case []any:
		return ownsItems(within, v)
	}
	return false
}

// ownsItems reports whether the fields of an entry hold all items of a set.
func ownsItems(fields Manifest, list []any) bool {
	items := len(fields)
	if _, itself := fields["."]; itself {
		items--
	}
	return items == len(list) && !slices.ContainsFunc(list, func(item any) bool {
		_, keyed := item.(Manifest)
		return keyed
	})
}

// LacksManagers reports whether those who own fields by archived managedFields still
// have to get them back: a restore owns some in their place, or nobody does. Whoever
// took fields over since then keeps them.
func LacksManagers(live Manifest, archived []any) bool {
	entries := slices.DeleteFunc(objects(live, "metadata", "managedFields"), func(e Manifest) bool { return Text(e, "subresource") == "status" })
	switch {
	case len(archived) == 0:
		return false
	case len(entries) == 0:
		return true
	case !isOurs(entries):
		return false
	case isOurs(asManifests(archived)): // from a restore before the backup
		return len(MissingManagers(entries, archived)) > 0
	}
	return true
}

// MissingManagers are those archived entries whose owners are not among the live ones.
func MissingManagers(live []Manifest, archived []any) []Manifest {
	known := map[owner]bool{}
	for _, e := range live {
		known[ownerOf(e)] = true
	}
	var missing []Manifest
	for _, e := range asManifests(archived) {
		if !known[ownerOf(e)] {
			missing = append(missing, e)
		}
	}
	return missing
}

// ManagersOf are the entries of an object's managedFields.
func ManagersOf(m Manifest) []Manifest { return objects(m, "metadata", "managedFields") }

// ManagersIn are entries as of another version. Whoever applies is the same manager in
// each: the API server leaves the version out of what it tells appliers apart by, and
// puts in the one of their next apply (BuildManagerIdentifier in apimachinery).
func ManagersIn(version string, entries []any) []any {
	all := make([]any, 0, len(entries))
	for _, e := range asManifests(entries) {
		e = Clone(e)
		e["apiVersion"] = version
		all = append(all, e)
	}
	return all
}

// isOurs reports whether a restore owns more than the owner references, which it
// completes when everything else is done.
func isOurs(entries []Manifest) bool {
	for _, e := range entries {
		if ownerOf(e) != (owner{engine.FieldManager, byUpdate, ""}) {
			continue
		}
		fields := child(e, "fieldsV1")
		metadata := child(fields, "f:metadata")
		_, references := metadata["f:ownerReferences"]
		if len(fields) > 0 && (len(fields) > 1 || len(metadata) != 1 || !references) {
			return true
		}
	}
	return false
}

func asManifests(values []any) []Manifest {
	var all []Manifest
	for _, v := range values {
		if m, ok := v.(Manifest); ok {
			all = append(all, m)
		}
	}
	return all
}
