// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/selection"
)

// storedIn is a definition of widgets with the versions v2 and v1, of which one is
// stored and has a field of its own.
func storedIn(version, otherStored string) string {
	body := func(name string) string {
		storage, own := "false", ""
		if name == version {
			storage = "true"
		}
		if name == "v1" {
			own = `,"properties":{"old":{"type":"string"}}`
		}
		return `{"name":"` + name + `","served":true,"storage":` + storage + `,"schema":{"openAPIV3Schema":{"type":"object"` + own + `}}}`
	}
	stored := `"` + version + `"`
	if otherStored != "" {
		stored = `"` + otherStored + `",` + stored
	}
	return `{"spec":{"group":"example.org","scope":"Namespaced","names":{"plural":"widgets","kind":"Widget"},"versions":[` + body("v2") + `,` + body("v1") + `]},` +
		`"status":{"storedVersions":[` + stored + `],"conditions":[{"type":"Established","status":"True"}]}}`
}

func TestCustomTypesAreReadAsTheyAreStored(t *testing.T) {
	errDown := errors.New("etcd is down")
	object := definitions + "/" + widgets
	for name, tc := range map[string]struct {
		// before is the definition when the backup begins, and after at its moment.
		before, after string
		sabotage      func(*cluster)
		template      selection.Template
		version       string
		warnings      []archive.Message
	}{
		"in the stored version, although another is preferred": {before: storedIn("v1", ""), version: "v1"},
		"in the preferred version, where that is stored":       {before: storedIn("v2", ""), version: "v2"},
		"in one that has the fields of all that are stored":    {before: storedIn("v2", "v1"), version: "v1"},
		"in the preferred version, where definitions cannot be listed": {
			before: storedIn("v1", ""), sabotage: func(c *cluster) { c.fail[definitions] = failure{0, errDown} },
			template: selection.Template{ExcludedResources: []string{"customresourcedefinitions"}}, version: "v2",
			warnings: []archive.Message{
				{Object: definitions, Code: "other-version", Message: "custom types may not have been read in the version that they are stored in, because definitions could not be listed: etcd is down"},
				{Object: widgets, Code: "other-version", Message: "was read in version v2, and nobody knows whether it is stored in that: fields that only v1 has may be missing, " +
					"because definitions could not be listed: etcd is down"},
			},
		},
		"in the version that was stored, where another is since": {
			before: storedIn("v2", ""), after: storedIn("v1", "v2"), version: "v2",
			warnings: []archive.Message{{Object: widgets, Code: "other-version", Message: "was read in version v2, and should have been in v1, " +
				"because its definition was changed while the backup began: take the backup again"}},
		},
		"and that is noticed where definitions are not in the backup, too": {
			before: storedIn("v2", ""), after: storedIn("v1", "v2"), version: "v2", template: selection.Template{ClusterResources: new(false)},
			warnings: []archive.Message{{Object: widgets, Code: "other-version", Message: "was read in version v2, and should have been in v1, " +
				"because its definition was changed while the backup began: take the backup again"}},
		},
		"in another version, where the stored one is no longer served": {
			before: storedIn("v1", ""), sabotage: func(c *cluster) { c.refuse = map[string]error{widgets + " in v1": engine.ErrNotFound} }, version: "v2",
			warnings: []archive.Message{{Object: widgets, Code: "other-version", Message: "was read in version v2, and should have been in v1, " +
				"because its definition was changed while the backup began: take the backup again"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := town(t)
			i := slices.IndexFunc(c.resources, func(r engine.Resource) bool { return r.GroupResource().String() == widgets })
			c.resources[i].Version, c.resources[i].Versions = "v2", []string{"v2", "v1"}
			c.add(t, object, tc.before)
			if tc.sabotage != nil {
				tc.sabotage(c)
			}
			c.asked = func(name string) error { // between the first list and the others
				if name == widgets && tc.after != "" {
					c.add(t, object, tc.after)
				}
				return nil
			}
			s := newSink()
			report := run(t, c, nil, s, collect.Options{Template: tc.template})
			if got := s.entries[widgets+"/shop/w"].Version; got != tc.version {
				t.Errorf("read in %q, want %q", got, tc.version)
			}
			if got := report.Resources[widgets].Version; got != tc.version {
				t.Errorf("the report says %q, want %q", got, tc.version)
			}
			if diff := cmp.Diff(tc.warnings, report.Results.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}
