// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package definitions

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// kind is one of Ark's.
type kind struct {
	resource, name string
	// object is its Go type.
	object reflect.Type
}

// kinds are all of them.
var kinds = []kind{
	{"configs", "Config", reflect.TypeFor[v1alpha1.Config]()},
	{"backuppolicies", "BackupPolicy", reflect.TypeFor[v1alpha1.BackupPolicy]()},
	{"schedules", "Schedule", reflect.TypeFor[v1alpha1.Schedule]()},
	{"backups", "Backup", reflect.TypeFor[v1alpha1.Backup]()},
	{"restores", "Restore", reflect.TypeFor[v1alpha1.Restore]()},
}

func (k kind) definition() string { return k.resource + "." + v1alpha1.GroupVersion.Group }

// schema is a part of an OpenAPI schema, as JSON.
type schema = map[string]any

// keepsAll reports whether what the schema does not know is kept.
func keepsAll(s schema) bool { return s["x-kubernetes-preserve-unknown-fields"] == true }

func child(s schema, path ...string) schema {
	for _, p := range path {
		s, _ = s[p].(schema)
	}
	return s
}

// marshaler is what says itself how it is written: such a type is a value.
var marshaler = reflect.TypeFor[json.Marshaler]()

// lacking returns the fields of a type that a schema does not have, as paths.
func lacking(t reflect.Type, s schema, path string) []string {
	if s == nil {
		return []string{path}
	}
	if keepsAll(s) || reflect.PointerTo(t).Implements(marshaler) {
		return nil
	}
	switch t.Kind() { //nolint:exhaustive // the others have nothing within
	case reflect.Pointer:
		return lacking(t.Elem(), s, path)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return nil
		}
		return lacking(t.Elem(), child(s, "items"), path+"[]")
	case reflect.Map:
		if s["additionalProperties"] == true {
			return nil
		}
		return lacking(t.Elem(), child(s, "additionalProperties"), path+"[]")
	case reflect.Struct:
		return lackingFields(t, s, path)
	}
	return nil
}

func lackingFields(t reflect.Type, s schema, path string) []string {
	var missing []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported():
		case name == "" && f.Anonymous:
			missing = append(missing, lackingFields(f.Type, s, path)...)
		default:
			missing = append(missing, lacking(f.Type, child(s, "properties", name), join(path, name))...)
		}
	}
	return missing
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// needs returns what a definition lacks of what this program reads and writes.
func (k kind) needs(definition schema) []string {
	version := versionOf(definition)
	switch {
	case child(definition, "spec")["scope"] != "Cluster":
		return []string{"the scope Cluster"}
	case version == nil || version["served"] != true:
		return []string{"the version " + v1alpha1.GroupVersion.Version}
	}
	var missing []string
	if child(version, "subresources", "status") == nil {
		missing = append(missing, "the subresource status")
	}
	properties := child(version, "schema", "openAPIV3Schema", "properties")
	for _, part := range []string{"spec", "status"} {
		f, ok := fieldOf(k.object, part)
		if ok {
			missing = append(missing, lacking(f, child(properties, part), part)...)
		}
	}
	return missing
}

// fieldOf is the type of a field by the name that it is written as.
func fieldOf(t reflect.Type, name string) (reflect.Type, bool) {
	for f := range t.Fields() {
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag == name {
			return f.Type, true
		}
	}
	return nil, false
}

// versionOf is the version that this program speaks, or nil.
func versionOf(definition schema) schema {
	versions, _ := child(definition, "spec")["versions"].([]any)
	for _, v := range versions {
		if version, ok := v.(schema); ok && version["name"] == v1alpha1.GroupVersion.Version {
			return version
		}
	}
	return nil
}
