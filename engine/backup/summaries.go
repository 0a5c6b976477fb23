// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/collect"
)

// maxSummaries bounds what a marker tells of types, as JSON: half of what a marker
// may have.
const maxSummaries = archive.MaxDocument / 2

// fitSummaries leaves out of the report the types with the fewest objects, where it
// has more than a marker can hold: a cluster with thousands of types has a backup
// like any other.
func fitSummaries(report *collect.Report) error {
	all := report.Resources
	names := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
		return cmp.Or(cmp.Compare(objectsOf(all[b]), objectsOf(all[a])), cmp.Compare(a, b))
	})
	size, kept := 0, 0
	for _, name := range names[:min(len(names), archive.MaxTypes)] {
		summary, err := json.Marshal(map[string]archive.ResourceSummary{name: all[name]})
		if err != nil {
			return fmt.Errorf("encode what became of %s: %w", name, err)
		}
		if size += len(summary); size > maxSummaries {
			break
		}
		kept++
	}
	for i, name := range names[kept:] {
		delete(report.Resources, name)
		if kept+i >= archive.MaxTypes {
			delete(report.Results.Resources, name)
		}
	}
	if kept < len(names) {
		report.Results.Warn(archive.Message{
			Message: fmt.Sprintf("%d of %d types are not listed one by one, those with the fewest objects: there are too many", len(names)-kept, len(names)),
		})
	}
	return nil
}

func objectsOf(r archive.ResourceSummary) int64 { return r.Included + r.Excluded + r.Failed }
