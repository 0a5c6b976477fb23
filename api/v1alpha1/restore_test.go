// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/gopherwood/ark/api/v1alpha1"
)

func TestRestore(t *testing.T) {
	const one = "spec: set exactly one of backupName, scheduleName and policyName"
	checkCreation(t, "Restore", map[string]request{
		"a backup is a source":               {spec: `{backupName: daily-20260101000000}`},
		"the latest of a Schedule is one":    {spec: `{scheduleName: shop.daily}`},
		"the latest of a policy is one":      {spec: `{policyName: shop}`},
		"a spec is required":                 {spec: ``, want: "spec: Required value"},
		"a restore needs a source":           {spec: `{dryRun: true}`, want: one},
		"two sources are one too many":       {spec: `{backupName: a, scheduleName: b}`, want: one},
		"three sources are two too many":     {spec: `{backupName: a, scheduleName: b, policyName: c}`, want: one},
		"a source's name cannot be empty":    {spec: `{backupName: ""}`, want: "spec.backupName: spec.backupName in body should be at least 1 chars long"},
		"the whole of a restore fits a spec": {spec: sampleRestore(t)},
		"the two kinds of selectors exclude each other": {
			spec: `{backupName: a, labelSelector: {}, orLabelSelectors: [{}]}`,
			want: "spec: set labelSelector or orLabelSelectors, not both",
		},
		"an unknown treatment of existing objects is refused": {
			spec: `{backupName: a, existingResourcePolicy: Overwrite}`,
			want: `spec.existingResourcePolicy: Unsupported value: "Overwrite": supported values: "None", "Update", "Recreate"`,
		},
		"an unknown state of workloads is refused": {
			spec: `{backupName: a, workloads: Stopped}`,
			want: `spec.workloads: Unsupported value: "Stopped": supported values: "AsArchived", "Paused"`,
		},
	})
}

func TestRestoreNamespaceMapping(t *testing.T) {
	const size = "spec.namespaceMapping: namespaces have 1 to 63 characters"
	pairs := strings.NewReplacer("[", "{", "]", "}")
	checkCreation(t, "Restore", map[string]request{
		"namespaces can be mapped":           {spec: `{backupName: a, namespaceMapping: {shop: shop-copy, blog: blog-copy}}`},
		"namespaces can be swapped":          {spec: `{backupName: a, namespaceMapping: {blue: green, green: blue}}`},
		"two namespaces cannot become one":   {spec: `{backupName: a, namespaceMapping: {shop: x, blog: x}}`, want: "spec: two namespaces cannot be mapped onto one"},
		"64 namespaces can be mapped":        {spec: `{backupName: a, namespaceMapping: ` + pairs.Replace(list(64, "a%[1]d: b%[1]d")) + `}`},
		"a source cannot be empty":           {spec: `{backupName: a, namespaceMapping: {"": x}}`, want: size},
		"a source has at most 63 characters": {spec: `{backupName: a, namespaceMapping: {` + strings.Repeat("x", 64) + `: x}}`, want: size},
		"65 namespaces are too many": {
			spec: `{backupName: a, namespaceMapping: ` + pairs.Replace(list(65, "a%[1]d: b%[1]d")) + `}`,
			want: "spec.namespaceMapping: Too many: 65: must have at most 64 items",
		},
		"a target is the name of a namespace": {
			spec: `{backupName: a, namespaceMapping: {shop: Shop_2}}`,
			want: "spec.namespaceMapping.shop: spec.namespaceMapping.shop in body should match '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'",
		},
	})
}

func TestRestoreModifiers(t *testing.T) {
	checkCreation(t, "Restore", map[string]request{
		"a modifier can change everything": {spec: `{backupName: a, modifiers: [{name: x, patch: "[]"}]}`},
		"a modifier can select": {
			spec: `{backupName: a, modifiers: [{name: x, patch: "[]", target: {resources: [deployments.apps], namespaces: ["team-*"], names: [web], labelSelector: {}}}]}`,
		},
		"a modifier needs a patch": {
			spec: `{backupName: a, modifiers: [{name: x}]}`,
			want: "spec.modifiers[0].patch: Required value",
		},
		"a modifier needs a name": {
			spec: `{backupName: a, modifiers: [{patch: "[]"}]}`,
			want: "spec.modifiers[0].name: Required value",
		},
		"two modifiers cannot have one name": {
			spec: `{backupName: a, modifiers: [{name: x, patch: "[]"}, {name: x, patch: "[]"}]}`,
			want: `spec.modifiers[1]: Duplicate value: {"name":"x"}`,
		},
		"a patch has at most 16384 characters": {
			spec: `{backupName: a, modifiers: [{name: x, patch: "` + strings.Repeat("x", 16385) + `"}]}`,
			want: "spec.modifiers[0].patch: Too long: may not be more than 16384 bytes",
		},
		"33 modifiers are too many": {
			spec: `{backupName: a, modifiers: ` + list(33, `{name: m%d, patch: "[]"}`) + `}`,
			want: "spec.modifiers: Too many: 33: must have at most 32 items",
		},
	})
}

// restoreFields holds a value for every field of a RestoreSpec but the sources.
var restoreFields = map[string]string{
	"includedNamespaces":      `[shop]`,
	"excludedNamespaces":      `[blog]`,
	"includedResources":       `[deployments]`,
	"excludedResources":       `[events]`,
	"labelSelector":           `{matchLabels: {app: shop}}`,
	"orLabelSelectors":        `[{matchLabels: {app: shop}}]`,
	"names":                   `[web]`,
	"includeClusterResources": `false`,
	"namespaceMapping":        `{shop: copy}`,
	"existingResourcePolicy":  `Update`,
	"preserveNodePorts":       `true`,
	"restoreStatus":           `[widgets]`,
	"workloads":               `Paused`,
	"modifiers":               `[{name: x, patch: "[]"}]`,
	"dryRun":                  `true`,
}

func TestRestoreIsARecord(t *testing.T) {
	const (
		immutable = "spec: spec is immutable: create a new Restore instead"
		one       = "spec: set exactly one of backupName, scheduleName and policyName"
	)
	tests := map[string]change{
		"nothing changes":            {before: `{backupName: a, dryRun: true}`, after: `{backupName: a, dryRun: true}`},
		"the backup cannot change":   {before: `{backupName: a}`, after: `{backupName: b}`, want: immutable},
		"the source cannot change":   {before: `{backupName: a}`, after: `{scheduleName: a}`, want: immutable},
		"a source cannot be added":   {before: `{backupName: a}`, after: `{backupName: a, policyName: b}`, want: immutable + "; " + one},
		"the source cannot be taken": {before: `{backupName: a}`, after: `{}`, want: immutable + "; " + one},
		"a dry run stays one":        {before: `{backupName: a, dryRun: true}`, after: `{backupName: a, dryRun: false}`, want: immutable},
	}
	for _, field := range restoreSpecFields() {
		value, ok := restoreFields[field]
		if !ok {
			t.Errorf("restoreFields has no value for %s", field)
			continue
		}
		without, with := `{backupName: a}`, `{backupName: a, `+field+`: `+value+`}`
		tests[field+" cannot be added"] = change{before: without, after: with, want: immutable}
		tests[field+" cannot be removed"] = change{before: with, after: without, want: immutable}
	}
	checkChange(t, "Restore", tests)
}

// restoreSpecFields lists the fields of a RestoreSpec but the sources.
func restoreSpecFields() []string {
	var fields []string
	for f := range reflect.TypeFor[v1alpha1.RestoreSpec]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch name {
		case "backupName", "scheduleName", "policyName":
		default:
			fields = append(fields, name)
		}
	}
	return fields
}

// sampleRestore sets every field that can be set at once.
func sampleRestore(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("backupName: a\n")
	for field, value := range restoreFields {
		if field != "orLabelSelectors" {
			b.WriteString(field + ": " + value + "\n")
		}
	}
	return b.String()
}
