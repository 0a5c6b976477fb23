// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package definition

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
)

const (
	rich   = `{"type":"object","properties":{"metadata":{"type":"object"},"spec":{"type":"object","properties":{"hosts":{"type":"array","items":{"type":"string"}},"width":{"type":"integer"},"legacyWidth":{"type":"string"}}}}}`
	poor   = `{"type":"object","properties":{"spec":{"type":"object","properties":{"hosts":{"type":"array","items":{"type":"string"}},"width":{"type":"integer"}}}}}`
	strict = `{"type":"object","properties":{"spec":{"type":"object","required":["hosts"],"properties":{"hosts":{"type":"array","items":{"type":"string"}},"width":{"type":"integer"},"legacyWidth":{"type":"string"}}}}}`
	open   = `{"type":"object","x-kubernetes-preserve-unknown-fields":true}`
)

// door is the definition of a type; each version is its name, where an ampersand
// marks the stored one and a minus one that is not served, and its schema.
func door(t *testing.T, stored []string, strategy string, versions ...string) *Definition {
	t.Helper()
	var all []string
	for i := 0; i < len(versions); i += 2 {
		served, storage := "true", "false"
		name := versions[i]
		if strings.Contains(name, "-") {
			served = "false"
		}
		if strings.Contains(name, "&") {
			storage = "true"
		}
		all = append(all, `{"name":"`+strings.Trim(name, "-&")+`","served":`+served+`,"storage":`+storage+`,"schema":{"openAPIV3Schema":`+versions[i+1]+`}}`)
	}
	d, err := Read([]byte(`{"metadata":{"name":"doors.example.org"},"spec":{"group":"example.org","scope":"Namespaced","names":{"plural":"doors","kind":"Door"},` +
		`"conversion":{"strategy":"` + strategy + `"},"versions":[` + strings.Join(all, ",") + `]},"status":{"storedVersions":["` + strings.Join(stored, `","`) + `"]}}`))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWhichVersionLosesNothing(t *testing.T) {
	one, both := []string{"v1beta1"}, []string{"v1beta1", "v1"}
	for name, tc := range map[string]struct {
		definition *Definition
		served     []string
		want       Reading
	}{
		"the stored one, although another is preferred": {
			door(t, one, "None", "v1", poor, "v1beta1&", rich), []string{"v1", "v1beta1"}, Reading{Version: "v1beta1"},
		},
		"the stored one, where what was stored before had no other fields": {
			door(t, both, "None", "v1&", rich, "v1beta1", poor), []string{"v1", "v1beta1"}, Reading{Version: "v1"},
		},
		"the stored one, where a webhook converts what was stored before": {
			door(t, both, "Webhook", "v1&", poor, "v1beta1", rich), []string{"v1", "v1beta1"}, Reading{Version: "v1"},
		},
		"one that has the fields of all that is stored, where the stored one lacks some": {
			door(t, both, "None", "v1&", poor, "v1beta1", rich), []string{"v1", "v1beta1"}, Reading{Version: "v1beta1"},
		},
		"none, where the one with all fields could not be created again": {
			door(t, both, "None", "v1&", poor, "v1beta1", strict), []string{"v1", "v1beta1"},
			Reading{"v1", "may have objects that are stored in version v1beta1 still, and was read in v1, which lacks spec.legacyWidth: " +
				"look at them in version v1beta1, write them once more, and take v1beta1 out of the definition's status.storedVersions"},
		},
		"none, where nobody serves what is stored": {
			door(t, one, "None", "v1", poor, "-v1beta1&", rich), []string{"v1"},
			Reading{"v1", "is stored in version v1beta1, which is not served, and was read in v1, which lacks spec.legacyWidth: serve v1beta1, and take the backup again"},
		},
		"one with all fields, where nobody serves what is stored": {
			door(t, one, "None", "v2", poor, "v1", open, "-v1beta1&", poor), []string{"v2", "v1"},
			Reading{"v2", "is stored in version v1beta1, which is not served, and was read in v2: serve v1beta1, and take the backup again"},
		},
		"one of any fields, where nobody serves what is stored": {
			door(t, one, "None", "v2", poor, "v1", open, "-v1beta1&", rich), []string{"v2", "v1"},
			Reading{"v1", "is stored in version v1beta1, which is not served, and was read in v1: serve v1beta1, and take the backup again"},
		},
		"nobody knows of one that stores nothing": {door(t, one, "None", "v1", poor), []string{"v1"}, Reading{}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, tc.definition.Reading(tc.served)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhichFieldsASchemaDoesNotKeep(t *testing.T) {
	for name, tc := range map[string]struct {
		have, want string
		missing    []string
	}{
		"none of its own":                     {rich, rich, nil},
		"one within an object":                {poor, rich, []string{"spec.legacyWidth"}},
		"none, where it keeps unknown fields": {open, rich, nil},
		"any others, where only it does not":  {poor, open, []string{"*"}},
		"one within the elements of a list": {
			`{"properties":{"l":{"type":"array","items":{"type":"object","properties":{"a":{"type":"string"}}}}}}`,
			`{"properties":{"l":{"type":"array","items":{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}}}}}}`, []string{"l[].b"},
		},
		"one within the values of a map": {
			`{"properties":{"m":{"additionalProperties":{"type":"object"}}}}`,
			`{"properties":{"m":{"additionalProperties":{"type":"object","properties":{"b":{"type":"string"}}}}}}`, []string{"m.*.b"},
		},
		"a map, where it has named fields": {
			`{"properties":{"m":{"properties":{"a":{}}}}}`, `{"properties":{"m":{"additionalProperties":true}}}`, []string{"m.*"},
		},
		"a field of another type":      {`{"properties":{"a":{"type":"string"}}}`, `{"properties":{"a":{"type":"integer"}}}`, []string{"a"}},
		"a list, where it has nothing": {`{}`, `{"properties":{"a":{"type":"array","items":{"type":"string"}}}}`, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			d := door(t, nil, "None", "have", tc.have, "want", tc.want)
			if diff := cmp.Diff(tc.missing, lacks(d.schemaOf("have"), d.schemaOf("want"))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheTypeThatIsDefined(t *testing.T) {
	d := door(t, []string{"v1beta1"}, "None", "v1", poor, "v1beta1&", rich, "-v0", poor)
	d.Spec.Versions[1].Subresources.Status = &struct{}{}
	got, ok := d.Resource()
	want := engine.Resource{
		Group: "example.org", Version: "v1beta1", Name: "doors", Kind: "Door", Namespaced: true, Versions: []string{"v1", "v1beta1"},
		StatusSubresource: true, StatusVersions: []string{"v1beta1"},
	}
	if diff := cmp.Diff(want, got); !ok || diff != "" {
		t.Errorf("served %v (-want +got):\n%s", ok, diff)
	}
	if _, ok := door(t, nil, "None", "-v1&", poor).Resource(); ok {
		t.Error("a type of which no version is served is served")
	}
}

func TestWhatTheAPIServerSaysOfADefinition(t *testing.T) {
	for name, tc := range map[string]struct {
		body                  string
		established, rejected bool
		says                  string
	}{
		"nothing yet": {`{}`, false, false, "the API server has not said anything of it"},
		"accepted": {`{"status":{"conditions":[{"type":"NamesAccepted","status":"True"},{"type":"Established","status":"True"}]}}`, true, false,
			"the API server has not said anything of it"},
		"about to be accepted": {`{"status":{"conditions":[{"type":"NamesAccepted","status":"True"},{"type":"Established","status":"False","reason":"Installing","message":"the initial names have been accepted"}]}}`,
			false, false, "Established is False (Installing: the initial names have been accepted)"},
		"of a name that is taken": {`{"status":{"conditions":[{"type":"NamesAccepted","status":"False","reason":"KindConflict","message":"\"Door\" is already in use"}]}}`,
			false, true, `NamesAccepted is False (KindConflict: "Door" is already in use)`},
		"being deleted": {`{"metadata":{"deletionTimestamp":"2026-12-01T00:00:00Z"},"status":{"conditions":[{"type":"Terminating","status":"True","reason":"InstanceDeletionInProgress","message":"m"}]}}`,
			false, true, "Terminating is True (InstanceDeletionInProgress: m); it is being deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := Read([]byte(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			if d.Established() != tc.established || d.Rejected() != tc.rejected || d.Conditions() != tc.says {
				t.Errorf("established %v, rejected %v, %q", d.Established(), d.Rejected(), d.Conditions())
			}
		})
	}
}
