// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package access

import "strings"

// Flags names, for the fields of a spec, the flag that sets them. Where the API
// server refuses a field, the message names the flag too.
var Flags = map[string]string{
	"includedNamespaces":      "include-namespaces",
	"excludedNamespaces":      "exclude-namespaces",
	"includedResources":       "include-resources",
	"excludedResources":       "exclude-resources",
	"labelSelector":           "selector",
	"orLabelSelectors":        "or-selector",
	"includeClusterResources": "include-cluster-resources",
	"ttl":                     "ttl",
	"storageLocation":         "storage-location",
	"pointInTime":             "point-in-time",
	"allowEmpty":              "allow-empty",

	"policyName": "from-policy",
	"hold":       "hold",

	"backupName":             "from-backup",
	"scheduleName":           "from-schedule",
	"names":                  "names",
	"namespaceMapping":       "namespace-mappings",
	"existingResourcePolicy": "existing-resource-policy",
	"preserveNodePorts":      "preserve-nodeports",
	"restoreStatus":          "restore-status",
	"workloads":              "workloads",
	"modifiers":              "modifiers",
	"dryRun":                 "dry-run",

	"cron":              "cron",
	"timeZone":          "time-zone",
	"suspend":           "suspend",
	"startingDeadline":  "starting-deadline",
	"concurrencyPolicy": "concurrency-policy",
	"keepLast":          "keep-last",
	"keepHourly":        "keep-hourly",
	"keepDaily":         "keep-daily",
	"keepWeekly":        "keep-weekly",
	"keepMonthly":       "keep-monthly",
	"keepYearly":        "keep-yearly",
}

// Flagged puts the flag in place of the field that a text about one begins with,
// such as "includedNamespaces[0]: …".
func Flagged(text string) string {
	field, rest, _ := strings.Cut(text, ":")
	name, _, _ := strings.Cut(field, "[")
	if flag, ok := Flags[name]; ok {
		return "--" + flag + ":" + rest
	}
	return text
}
