// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strings"
	"testing"
)

func TestBackupPolicy(t *testing.T) {
	const tooLong = "spec.schedules: the policy's name, a dot and a schedule entry's name must together have at most 32 characters"
	checkCreation(t, "BackupPolicy", map[string]request{
		"an empty policy is accepted": {spec: `{}`},
		"a whole one is accepted": {spec: `
suspend: true
schedules:
  - {name: daily, cron: "0 3 * * *", timeZone: Europe/Berlin, startingDeadline: 1h, retention: {keepLast: 0, keepDaily: 7}}
  - {name: weekly, cron: "@weekly"}
template: {includedNamespaces: [shop]}
selection: OptIn
onRuleError: Fail
rules: [{name: only-apps, rego: "package ark.select"}]
`},
		"32 characters make a Schedule's name": {
			name: strings.Repeat("p", 26), spec: `{schedules: [{name: daily, cron: "@daily"}]}`,
		},
		"33 characters are one too many": {
			name: strings.Repeat("p", 27), spec: `{schedules: [{name: daily, cron: "@daily"}]}`,
			want: tooLong,
		},
		"a policy without schedules can have a name of 200 characters": {name: strings.Repeat("p", 49) + strings.Repeat("."+strings.Repeat("p", 49), 3) + "p", spec: `{}`},
		"two entries cannot have one name": {
			spec: `{schedules: [{name: a, cron: "@daily"}, {name: a, cron: "@hourly"}]}`,
			want: `spec.schedules[1]: Duplicate value: {"name":"a"}`,
		},
		"an entry's name has no dot": {
			spec: `{schedules: [{name: a.b, cron: "@daily"}]}`,
			want: "spec.schedules[0].name: spec.schedules[0].name in body should match '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'",
		},
		"an entry says when": {spec: `{schedules: [{name: a}]}`, want: "spec.schedules[0].cron: Required value"},
		"17 entries are too many": {
			spec: `{schedules: ` + list(17, `{name: e%d, cron: "@daily"}`) + `}`,
			want: "spec.schedules: Too many: 17: must have at most 16 items",
		},
		"a starting deadline is a duration": {
			spec: `{schedules: [{name: a, cron: "@daily", startingDeadline: soon}]}`,
			want: "spec.schedules[0].startingDeadline: " + badDuration,
		},
		"an empty retention says nothing": {
			spec: `{schedules: [{name: a, cron: "@daily", retention: {}}]}`,
			want: "spec.schedules[0].retention: spec.schedules[0].retention in body should have at least 1 properties",
		},
		"a negative number is not kept": {
			spec: `{schedules: [{name: a, cron: "@daily", retention: {keepLast: -1}}]}`,
			want: "spec.schedules[0].retention.keepLast: spec.schedules[0].retention.keepLast in body should be greater than or equal to 0",
		},
		"an unknown selection is refused": {
			spec: `{selection: Everything}`,
			want: `spec.selection: Unsupported value: "Everything": supported values: "OptOut", "OptIn"`,
		},
		"an unknown treatment of rule errors is refused": {
			spec: `{onRuleError: Skip}`,
			want: `spec.onRuleError: Unsupported value: "Skip": supported values: "Include", "Fail"`,
		},
	})
}

func TestRules(t *testing.T) {
	const one = "spec.rules[0]: set exactly one of rego, configMap and library"
	checkCreation(t, "BackupPolicy", map[string]request{
		"a rule can be inline":              {spec: `{rules: [{name: a, rego: "package ark.select"}]}`},
		"a rule can be in a ConfigMap":      {spec: `{rules: [{name: a, configMap: {name: rules, sha256: ` + strings.Repeat("a", 64) + `}}]}`},
		"a rule can be from the library":    {spec: `{rules: [{name: a, library: restore/protected-namespaces, parameters: {namespaces: [kube-system], deep: {er: 1}}}]}`},
		"a rule needs a source":             {spec: `{rules: [{name: a}]}`, want: one},
		"two sources are one too many":      {spec: `{rules: [{name: a, rego: "package ark.select", library: select/opt-out}]}`, want: one},
		"three sources are two too many":    {spec: `{rules: [{name: a, rego: x, library: select/opt-out, configMap: {name: b}}]}`, want: one},
		"a ConfigMap is named":              {spec: `{rules: [{name: a, configMap: {}}]}`, want: "spec.rules[0].configMap.name: Required value"},
		"a digest is 64 hexadecimal digits": {spec: `{rules: [{name: a, configMap: {name: b, sha256: abc}}]}`, want: "spec.rules[0].configMap.sha256: spec.rules[0].configMap.sha256 in body should match '^[0-9a-f]{64}$'"},
		"two rules cannot have one name":    {spec: `{rules: [{name: a, rego: x}, {name: a, rego: z}]}`, want: `spec.rules[1]: Duplicate value: {"name":"a"}`},
		"a module has at most 64 KiB":       {spec: `{rules: [{name: a, rego: "` + strings.Repeat("x", 65537) + `"}]}`, want: "spec.rules[0].rego: Too long: may not be more than 65536 bytes"},
		"33 rules are too many":             {spec: `{rules: ` + list(33, `{name: r%d, rego: x}`) + `}`, want: "spec.rules: Too many: 33: must have at most 32 items"},
		"parameters need a rule of the library": {
			spec: `{rules: [{name: a, rego: "package ark.select", parameters: {b: c}}]}`,
			want: "spec.rules[0]: parameters belong to library rules only",
		},
		"a rule's name is simple": {
			spec: `{rules: [{name: No.Tokens, rego: x}]}`,
			want: "spec.rules[0].name: spec.rules[0].name in body should match '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'",
		},
	})
}

func TestSchedule(t *testing.T) {
	const one = "spec: set exactly one of template and policyName"
	checkCreation(t, "Schedule", map[string]request{
		"a template is taken":          {spec: `{cron: "@daily", template: {}}`},
		"a policy is taken":            {spec: `{cron: "0 3 * * *", policyName: shop, suspend: true, concurrencyPolicy: Allow, startingDeadline: 10m, timeZone: Asia/Tokyo, retention: {keepLast: 3}}`},
		"a Schedule takes something":   {spec: `{cron: "@daily"}`, want: one},
		"a Schedule takes one thing":   {spec: `{cron: "@daily", template: {}, policyName: shop}`, want: one},
		"a Schedule says when":         {spec: `{template: {}}`, want: "spec.cron: Required value"},
		"a name of 32 characters fits": {name: strings.Repeat("s", 32), spec: `{cron: "@daily", template: {}}`},
		"a name of 33 characters does not": {
			name: strings.Repeat("s", 33), spec: `{cron: "@daily", template: {}}`,
			want: "metadata: the name of a Schedule can have at most 32 characters, so that the names of its backups and of their restores fit a label",
		},
		"backups are not replaced half way": {
			spec: `{cron: "@daily", template: {}, concurrencyPolicy: Replace}`,
			want: `spec.concurrencyPolicy: Unsupported value: "Replace": supported values: "Forbid", "Allow"`,
		},
		"a starting deadline is a duration": {
			spec: `{cron: "@daily", template: {}, startingDeadline: 1d}`,
			want: "spec.startingDeadline: " + badDuration,
		},
	})
}
