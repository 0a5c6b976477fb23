// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strings"
	"testing"
)

const badDuration = "write a positive duration in hours, minutes and seconds, such as 720h or 1h30m: " +
	"there is no unit for days"

func TestBackup(t *testing.T) {
	checkCreation(t, "Backup", map[string]request{
		"an empty spec covers everything":          {spec: `{}`},
		"a spec is required":                       {spec: ``, want: "spec: Required value"},
		"a template alone is accepted":             {spec: `{template: {}}`},
		"a policy alone is accepted":               {spec: `{policyName: daily}`},
		"a hold alone is accepted":                 {spec: `{hold: true}`},
		"a released backup may be deleted":         {spec: `{hold: false, deletion: {reason: "merged"}}`},
		"a ttl in hours is accepted":               {spec: `{ttl: 720h}`},
		"a ttl as Go prints it is accepted":        {spec: `{ttl: 720h0m0s}`},
		"a ttl with a fraction is accepted":        {spec: `{ttl: 1.5h}`},
		"template and policy exclude each other":   {spec: `{template: {}, policyName: daily}`, want: "spec: set template or policyName, not both"},
		"a backup on hold cannot be deleted":       {spec: `{hold: true, deletion: {reason: "space"}}`, want: "spec: a backup on hold cannot be deleted: set hold to false first"},
		"a deletion needs a reason":                {spec: `{deletion: {}}`, want: "spec.deletion.reason: Required value"},
		"the reason of a deletion cannot be empty": {spec: `{deletion: {reason: ""}}`, want: "spec.deletion.reason: spec.deletion.reason in body should be at least 1 chars long"},
		"a policy's name cannot be empty":          {spec: `{policyName: ""}`, want: "spec.policyName: spec.policyName in body should be at least 1 chars long"},
		"days are no unit":                         {spec: `{ttl: 3d}`, want: "spec.ttl: " + badDuration},
		"a ttl needs a unit":                       {spec: `{ttl: "3"}`, want: "spec.ttl: " + badDuration},
		"a ttl cannot be empty":                    {spec: `{ttl: ""}`, want: "spec.ttl: " + badDuration},
		"a ttl cannot be zero":                     {spec: `{ttl: 0s}`, want: "spec.ttl: " + badDuration},
		"a ttl cannot be negative":                 {spec: `{ttl: -1h}`, want: "spec.ttl: " + badDuration},
		"a ttl that overflows is refused":          {spec: `{ttl: 9999999h}`, want: "spec.ttl: " + badDuration},
		"a unit can be used once":                  {spec: `{ttl: 999999h999999h999999h}`, want: "spec.ttl: " + badDuration},
	})
}

func TestBackupIsARecord(t *testing.T) {
	const (
		template = "spec: template is immutable: create a new Backup instead"
		policy   = "spec: policyName is immutable: create a new Backup instead"
		shorter  = "spec: ttl may only grow: to remove a backup early, set spec.deletion"
		final    = "spec: deletion cannot be taken back or changed"
	)
	checkChange(t, "Backup", map[string]change{
		"nothing changes":                      {before: `{policyName: daily, ttl: 1h}`, after: `{policyName: daily, ttl: 1h}`},
		"a template cannot be added":           {before: `{}`, after: `{template: {}}`, want: template},
		"a template cannot be removed":         {before: `{template: {}}`, after: `{}`, want: template},
		"a template cannot be changed":         {before: `{template: {}}`, after: `{template: {ttl: 1h}}`, want: template},
		"a template's field cannot be removed": {before: `{template: {ttl: 1h}}`, after: `{template: {}}`, want: template},
		"a policy cannot be added":             {before: `{}`, after: `{policyName: daily}`, want: policy},
		"a policy cannot be removed":           {before: `{policyName: daily}`, after: `{}`, want: policy},
		"a policy cannot be changed":           {before: `{policyName: daily}`, after: `{policyName: weekly}`, want: policy},
		"a policy cannot become a template":    {before: `{policyName: daily}`, after: `{template: {}}`, want: template + "; " + policy},
		"a ttl can be added":                   {before: `{}`, after: `{ttl: 1h}`},
		"a ttl can grow":                       {before: `{ttl: 1h}`, after: `{ttl: 61m}`},
		"a ttl can be written differently":     {before: `{ttl: 1h}`, after: `{ttl: 60m}`},
		"a ttl cannot shrink":                  {before: `{ttl: 1h}`, after: `{ttl: 59m}`, want: shorter},
		"a ttl cannot be removed":              {before: `{ttl: 1h}`, after: `{}`, want: shorter},
		"a hold can be added":                  {before: `{}`, after: `{hold: true}`},
		"a hold can be released":               {before: `{hold: true}`, after: `{hold: false}`},
		"a hold can be removed":                {before: `{hold: true}`, after: `{}`},
		"a deletion can be asked for":          {before: `{ttl: 1h}`, after: `{ttl: 1h, deletion: {reason: "space"}}`},
		"a deletion cannot be taken back":      {before: `{deletion: {reason: "space"}}`, after: `{}`, want: final},
		"a deletion's reason cannot change":    {before: `{deletion: {reason: "space"}}`, after: `{deletion: {reason: "law"}}`, want: final},
		"a deletion with a release is accepted": {
			before: `{hold: true}`, after: `{hold: false, deletion: {reason: "space"}}`,
		},
		"a deletion under a hold is refused": {
			before: `{hold: true}`, after: `{hold: true, deletion: {reason: "space"}}`,
			want: "spec: a backup on hold cannot be deleted: set hold to false first",
		},
		"a hold after a deletion was asked for is refused": {
			before: `{deletion: {reason: "space"}}`, after: `{hold: true, deletion: {reason: "space"}}`,
			want: "spec: a backup on hold cannot be deleted: set hold to false first",
		},
	})
}

func TestBackupTemplate(t *testing.T) {
	const glob = "should match '^[a-z0-9*?]([-a-z0-9*?]*[a-z0-9*?])?$'"
	checkCreation(t, "Backup", map[string]request{
		"globs of namespaces are accepted": {spec: `{template: {includedNamespaces: ["*", "team-?", "*-prod"], excludedNamespaces: ["kube-*"]}}`},
		"types are accepted in every form": {spec: `{template: {includedResources: ["deployments", "deployments.apps", "Deployment", "*.apps", "*"], excludedResources: ["events"]}}`},
		"a label selector is accepted":     {spec: `{template: {labelSelector: {matchLabels: {app: shop}}}}`},
		"alternative selectors are accepted": {
			spec: `{template: {orLabelSelectors: [{matchLabels: {app: shop}}, {matchLabels: {app: blog}}]}}`,
		},
		"the two kinds of selectors exclude each other": {
			spec: `{template: {labelSelector: {}, orLabelSelectors: [{}]}}`,
			want: "spec.template: set labelSelector or orLabelSelectors, not both",
		},
		"the name of a namespace is in lower case": {
			spec: `{template: {includedNamespaces: [Shop]}}`,
			want: "spec.template.includedNamespaces[0]: spec.template.includedNamespaces[0] in body " + glob,
		},
		"the name of a namespace cannot be empty": {
			spec: `{template: {excludedNamespaces: [""]}}`,
			want: "spec.template.excludedNamespaces[0]: spec.template.excludedNamespaces[0] in body " + glob,
		},
		"a namespace is named once": {
			spec: `{template: {includedNamespaces: [shop, shop]}}`,
			want: `spec.template.includedNamespaces[1]: Duplicate value: "shop"`,
		},
		"the name of a type cannot be empty": {
			spec: `{template: {includedResources: [""]}}`,
			want: "spec.template.includedResources[0]: spec.template.includedResources[0] in body should be at least 1 chars long",
		},
		"256 namespaces are accepted": {spec: `{template: {includedNamespaces: ` + list(256, "n%d") + `}}`},
		"257 namespaces are too many": {
			spec: `{template: {includedNamespaces: ` + list(257, "n%d") + `}}`,
			want: "spec.template.includedNamespaces: Too many: 257: must have at most 256 items",
		},
		"17 alternative selectors are too many": {
			spec: `{template: {orLabelSelectors: ` + list(17, "{matchLabels: {n: x%d}}") + `}}`,
			want: "spec.template.orLabelSelectors: Too many: 17: must have at most 16 items",
		},
		"a location's name has at most 63 characters": {
			spec: `{template: {storageLocation: ` + strings.Repeat("x", 64) + `}}`,
			want: "spec.template.storageLocation: Too long: may not be more than 63 bytes",
		},
		"a backup of no one moment is accepted": {spec: `{template: {pointInTime: "Off"}}`},
		"a moment is sought or not": {
			spec: `{template: {pointInTime: Always}}`,
			want: `spec.template.pointInTime: Unsupported value: "Always": supported values: "BestEffort", "Off"`,
		},
		"a template's ttl has no days": {
			spec: `{template: {ttl: 30d}}`,
			want: "spec.template.ttl: " + badDuration,
		},
	})
}
