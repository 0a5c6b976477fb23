// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package definition

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/json"
)

// Reading is the version to read the objects of a type in.
type Reading struct {
	Version string
	// Doubt says what may be missing of objects that are read like that; empty where
	// nothing can be.
	Doubt string
}

// Reading chooses among the versions that are served, the preferred one first, that
// in which objects lose nothing.
//
// That is the version they are stored in: nothing is converted. An object that was
// last written when another version was stored is converted all the same, and
// without a webhook the API server only drops what the version read does not have
// ("Versions in CustomResourceDefinitions" in Kubernetes' documentation). Then a
// version that has the fields of all stored ones loses nothing, if there is one. A
// webhook is trusted to convert without loss, as Kubernetes asks of it.
func (d *Definition) Reading(served []string) Reading {
	stored := d.storedIn()
	if len(served) == 0 || stored == "" {
		return Reading{}
	}
	isServed, webhook := slices.Contains(served, stored), d.Spec.Conversion.Strategy == "Webhook"
	choice := served[0]
	if isServed {
		choice = stored
	}
	missing := d.missing(choice)
	if isServed && (webhook || len(missing) == 0) {
		return Reading{Version: choice}
	}
	if !webhook && len(missing) > 0 {
		choice, missing = d.complete(served, choice, missing)
	}
	if !isServed {
		return Reading{choice, fmt.Sprintf("is stored in version %s, which is not served, and was read in %s%s: serve %s, and take the backup again",
			stored, choice, without(missing), stored)}
	}
	if len(missing) == 0 {
		return Reading{Version: choice}
	}
	older := strings.Join(d.older(), " or ")
	return Reading{choice, fmt.Sprintf("may have objects that are stored in version %s still, and was read in %s%s: look at them in version %s, "+
		"write them once more, and take %s out of the definition's status.storedVersions",
		older, choice, without(missing), older, older)}
}

// storedIn is the version that objects are written in now.
func (d *Definition) storedIn() string {
	for _, v := range d.Spec.Versions {
		if v.Storage {
			return v.Name
		}
	}
	return ""
}

// older are the other versions that objects may be stored in.
func (d *Definition) older() []string {
	stored := d.storedIn()
	return slices.DeleteFunc(slices.Clone(d.Status.StoredVersions), func(v string) bool { return v == stored })
}

// missing names the fields of stored versions that another version does not have.
func (d *Definition) missing(in string) []string {
	var fields []string
	for _, stored := range append(d.older(), d.storedIn()) {
		if stored != in {
			fields = append(fields, lacks(d.schemaOf(in), d.schemaOf(stored))...)
		}
	}
	slices.Sort(fields)
	return slices.Compact(fields)
}

// complete returns a version that misses nothing, and asks no more of objects than
// the one chosen: what is read in it has to be created in it.
func (d *Definition) complete(served []string, choice string, missing []string) (string, []string) {
	for _, v := range served {
		if v != choice && len(d.missing(v)) == 0 && !asksMore(d.schemaOf(v), d.schemaOf(choice)) {
			return v, nil
		}
	}
	return choice, missing
}

// schemaOf is the schema of a version. One that cannot be read keeps no field.
func (d *Definition) schemaOf(name string) *schema {
	for _, v := range d.Spec.Versions {
		s := &schema{}
		if v.Name == name && json.Unmarshal(v.Schema.OpenAPI, s) == nil {
			return s
		}
	}
	return nil
}

// maxFields bounds how many missing fields a doubt names.
const maxFields = 6

func without(missing []string) string {
	switch n := len(missing); {
	case n == 0:
		return ""
	case n > maxFields:
		return fmt.Sprintf(", which lacks %s and %d more fields", strings.Join(missing[:maxFields], ", "), n-maxFields)
	}
	return ", which lacks " + strings.Join(missing, ", ")
}
