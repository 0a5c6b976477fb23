// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package definition

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/json"
)

// schema is what decides which fields of an object are kept, and what is asked of
// them.
type schema struct {
	Type       string             `json:"type"`
	Properties map[string]*schema `json:"properties"`
	// Items are those of a list; a structural schema has one for all.
	Items      *schema  `json:"items"`
	Additional anyField `json:"additionalProperties"`
	Required   []string `json:"required"`
	// Default is what a field without a value gets.
	Default  any  `json:"default"`
	Preserve bool `json:"x-kubernetes-preserve-unknown-fields"`
}

// anyField is additionalProperties: a schema, or whether any are allowed.
type anyField struct {
	schema  *schema
	allowed bool
}

// UnmarshalJSON reads either form.
func (a *anyField) UnmarshalJSON(raw []byte) error {
	if !bytes.HasPrefix(raw, []byte("{")) {
		return json.Unmarshal(raw, &a.allowed)
	}
	a.allowed, a.schema = true, &schema{}
	return json.Unmarshal(raw, a.schema)
}

// lacks names the fields of one schema that another does not keep. Metadata has the
// same fields in all versions.
func lacks(have, want *schema) []string {
	var l lacking
	l.compare("", have, want)
	return l
}

// lacking are the fields found so far.
type lacking []string

func (l *lacking) compare(path string, have, want *schema) {
	if want == nil {
		return
	}
	have = cmp.Or(have, &schema{})
	if have.isOther(want) {
		*l = append(*l, path)
		return
	}
	if want.takesAny() && !have.takesAny() {
		*l = append(*l, join(path, "*"))
	}
	for _, name := range slices.Sorted(maps.Keys(want.Properties)) {
		if path != "" || !inEvery(name) {
			l.field(join(path, name), have, name, want.Properties[name])
		}
	}
	if have.Additional.schema != nil {
		l.compare(join(path, "*"), have.Additional.schema, want.Additional.schema)
	}
	if have.Items != nil || !have.Preserve {
		l.compare(path+"[]", have.Items, want.Items)
	}
}

// field compares what two schemas say of a field.
func (l *lacking) field(path string, have *schema, name string, want *schema) {
	field, known := have.Properties[name]
	if !known {
		field = have.Additional.schema
	}
	switch {
	case field != nil:
		l.compare(path, field, want)
	case !have.takesAny():
		*l = append(*l, path)
	}
}

// isOther reports whether values of another schema are of another type.
func (s *schema) isOther(other *schema) bool {
	return s.Type != other.Type && s.Type != "" && other.Type != ""
}

// takesAny reports whether fields of any name are kept.
func (s *schema) takesAny() bool { return s.Preserve || s.Additional.allowed }

// asksMore reports whether a schema has required fields or defaults that another has
// not: an object of the other might be refused, or come to have more than it had.
func asksMore(this, that *schema) bool {
	if this == nil {
		return false
	}
	that = cmp.Or(that, &schema{})
	if this.Default != nil && that.Default == nil {
		return true
	}
	for _, name := range this.Required {
		if !slices.Contains(that.Required, name) {
			return true
		}
	}
	for name, field := range this.Properties {
		if asksMore(field, that.Properties[name]) {
			return true
		}
	}
	return asksMore(this.Items, that.Items) || asksMore(this.Additional.schema, that.Additional.schema)
}

// inEvery reports whether objects of every version have a field.
func inEvery(name string) bool { return name == "metadata" || name == "apiVersion" || name == "kind" }

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
