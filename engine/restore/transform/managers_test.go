// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform_test

import (
	"strings"
	"testing"

	"github.com/gopherwood/ark/engine/restore/transform"
)

func TestUnderWhoseNameAnObjectIsCreated(t *testing.T) {
	entry := func(manager, operation, subresource string) string {
		return `{"manager":"` + manager + `","operation":"` + operation + `","subresource":"` + subresource + `"}`
	}
	long := strings.Repeat("m", 128)
	for name, tc := range map[string]struct {
		entries []string
		kept    int
		want    string
	}{
		"none":             {nil, 0, ""},
		"one that updated": {[]string{entry("helm", "Update", "")}, 1, "helm"},
		"one that updated, and status of its own":      {[]string{entry("helm", "Update", ""), entry("kubelet", "Update", "status")}, 1, "helm"},
		"one that applied":                             {[]string{entry("helm", "Apply", "")}, 1, ""},
		"two":                                          {[]string{entry("helm", "Update", ""), entry("kubectl-edit", "Update", "")}, 2, ""},
		"one that updated, and a scale":                {[]string{entry("helm", "Update", ""), entry("autoscaler", "Update", "scale")}, 2, ""},
		"one whose name no request may have":           {[]string{entry(`a\u0007b`, "Update", "")}, 1, ""},
		"one with the longest name":                    {[]string{entry(long, "Update", "")}, 1, long},
		"one with a name of more than that":            {[]string{entry(long+"m", "Update", "")}, 1, ""},
		"one without a name":                           {[]string{entry("", "Update", "")}, 1, ""},
		"one that scaled alone":                        {[]string{entry("autoscaler", "Update", "scale")}, 1, ""},
		"nobody of the object, only of its own status": {[]string{entry("kubelet", "Update", "status")}, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := apply(t, transform.Transformer{}, "pods", `{"metadata":{"managedFields":[`+strings.Join(tc.entries, ",")+`]}}`, false)
			if got.Creator(transform.Manifest{"kind": "Pod"}) != tc.want || len(got.ManagedFields) != tc.kept {
				t.Errorf("Creator = %q of %d entries, want %q of %d", got.Creator(transform.Manifest{"kind": "Pod"}), len(got.ManagedFields), tc.want, tc.kept)
			}
		})
	}
}

func TestWhoHasToGetFieldsBack(t *testing.T) {
	const (
		helm  = `{"manager":"helm","operation":"Update","fieldsV1":{"f:data":{}}}`
		edit  = `{"manager":"kubectl-edit","operation":"Update","fieldsV1":{"f:data":{}}}`
		argo  = `{"manager":"argocd","operation":"Apply","fieldsV1":{"f:data":{}}}`
		ark   = `{"manager":"ark","operation":"Update","fieldsV1":{"f:data":{}}}`
		label = `{"manager":"ark","operation":"Update","fieldsV1":{"f:metadata":{"f:labels":{},"f:ownerReferences":{}}}}`
		owner = `{"manager":"ark","operation":"Update","fieldsV1":{"f:metadata":{"f:ownerReferences":{}}}}`
		other = `{"manager":"kubelet","operation":"Update","subresource":"status","fieldsV1":{"f:status":{}}}`
	)
	for name, tc := range map[string]struct {
		archived, live string
		want           bool
	}{
		"the restore owns the fields":                       {helm + "," + edit, ark, true},
		"the restore owns one of them":                      {helm + "," + edit, helm + "," + edit + "," + ark, true},
		"the restore owns a label":                          {helm + "," + edit, helm + "," + edit + "," + label, true},
		"the restore owns the owner references":             {helm + "," + edit, helm + "," + edit + "," + owner, false},
		"everybody owns them again":                         {helm + "," + edit, helm + "," + edit, false},
		"somebody took them over since":                     {helm + "," + edit, argo, false},
		"nobody owns any":                                   {argo, "", true},
		"nobody owns any, and a controller wrote status":    {argo, other, true},
		"the archive tells of nobody":                       {"", ark, false},
		"an earlier restore owned them, too":                {argo + "," + ark, argo + "," + ark, false},
		"an earlier restore owned them, and one is missing": {argo + "," + ark, ark, true},
	} {
		t.Run(name, func(t *testing.T) {
			archived := apply(t, transform.Transformer{}, "configmaps", `{"metadata":{"managedFields":[`+tc.archived+`]}}`, false).ManagedFields
			live := decode(t, `{"metadata":{"managedFields":[`+tc.live+`]}}`)
			if got := transform.LacksManagers(live, archived); got != tc.want {
				t.Errorf("LacksManagers = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestACreateOwnsNoMoreThanItsManagerDid(t *testing.T) {
	for name, tc := range map[string]struct {
		fields, sent string
		want         string
	}{
		"all that is sent":     {`{"f:data":{".":{},"f:k":{}}}`, `{"data":{"k":"v"}}`, "helm"},
		"a value more":         {`{"f:data":{".":{},"f:k":{}}}`, `{"data":{"k":"v","more":"v"}}`, ""},
		"a field more":         {`{"f:data":{".":{},"f:k":{}}}`, `{"data":{"k":"v"},"immutable":true}`, ""},
		"a default":            {`{"f:spec":{"f:a":{}}}`, `{"spec":{"a":1,"replicas":0}}`, ""},
		"a map as a whole":     {`{"f:spec":{}}`, `{"spec":{"a":1,"replicas":0}}`, "helm"},
		"a map itself only":    {`{"f:data":{".":{}}}`, `{"data":{"k":"v"}}`, ""},
		"a list as a whole":    {`{"f:rules":{}}`, `{"rules":[{"verbs":["get"]}]}`, "helm"},
		"a list of keyed":      {`{"f:ports":{".":{},"k:{\"port\":80}":{".":{},"f:port":{}}}}`, `{"ports":[{"port":80,"protocol":"TCP"}]}`, ""},
		"a set":                {`{"f:metadata":{"f:finalizers":{".":{},"v:\"a\"":{}}}}`, `{"metadata":{"finalizers":["a"]}}`, "helm"},
		"a set with one more":  {`{"f:metadata":{"f:finalizers":{".":{},"v:\"a\"":{}}}}`, `{"metadata":{"finalizers":["a","b"]}}`, ""},
		"the mark":             {`{"f:data":{}}`, `{"metadata":{"name":"x","labels":{"ark-restore":"r"}},"data":{}}`, "helm"},
		"the mark and a label": {`{"f:metadata":{"f:labels":{".":{},"f:a":{}}}}`, `{"metadata":{"labels":{"ark-restore":"r","a":"1"}}}`, "helm"},
		"somebody's label":     {`{"f:data":{}}`, `{"metadata":{"labels":{"ark-restore":"r","a":"1"}}}`, ""},
		"an owner":             {`{"f:metadata":{"f:ownerReferences":{".":{},"k:{\"uid\":\"old\"}":{}}}}`, `{"metadata":{"ownerReferences":[{"uid":"new"}]}}`, "helm"},
		"somebody's owner":     {`{"f:data":{}}`, `{"metadata":{"ownerReferences":[{"uid":"new"}]}}`, ""},
		"no fields":            {`null`, `{"data":{"k":"v"}}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := apply(t, transform.Transformer{}, "configmaps", `{"metadata":{"managedFields":[{"manager":"helm","operation":"Update","fieldsV1":`+tc.fields+`}]}}`, false)
			if got := r.Creator(decode(t, tc.sent)); got != tc.want {
				t.Errorf("Creator = %q, want %q", got, tc.want)
			}
		})
	}
}
