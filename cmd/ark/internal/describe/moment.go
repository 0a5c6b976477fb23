// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxApart bounds the types that are named as not being of the moment.
const maxApart = 8

// moment tells of which moment a stored backup is, and what of it is not.
func moment(stored Stored) string {
	switch {
	case len(stored.Resources) == 0:
		return ""
	case stored.Revision == "":
		return "no: each type is as it was when its turn came"
	}
	text := "all types as of revision " + stored.Revision
	apart := notOfMoment(stored)
	if len(apart) == 0 {
		return text
	}
	if more := len(apart) - maxApart; more > 0 {
		apart = append(apart[:maxApart], fmt.Sprintf("and %d more", more))
	}
	return text + ", except " + strings.Join(apart, ", ")
}

// notOfMoment names the types that were listed at other revisions, and why.
func notOfMoment(stored Stored) []string {
	var apart []string
	for _, name := range slices.Sorted(maps.Keys(stored.Resources)) {
		switch r := stored.Resources[name]; {
		case r.OwnHistory:
			apart = append(apart, name+" (of another etcd or API server)")
		case r.RestRevision != "":
			apart = append(apart, fmt.Sprintf("%s (of %s to %s)", name, r.Revision, r.RestRevision))
		case r.Revision != "" && r.Revision != stored.Revision:
			apart = append(apart, fmt.Sprintf("%s (of %s)", name, r.Revision))
		}
	}
	return apart
}
