// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package selection

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gopherwood/ark/engine"
)

// maxSuggestions is how many near misses a warning names.
const maxSuggestions = 3

// unmatchedText says that p names nothing, and what may have been meant.
func unmatchedText(field string, p ResourcePattern, resources []engine.Resource) string {
	text := fmt.Sprintf("%s: no type is called %q", field, p.written)
	if near := nearMisses(p, resources); len(near) > 0 {
		return text + ": did you mean " + strings.Join(near, " or ") + "?"
	}
	return text
}

// nearMisses returns, quoted and best first, the types whose names are close to
// p: the right name in another group, or a few letters off.
func nearMisses(p ResourcePattern, resources []engine.Resource) []string {
	type miss struct {
		name     string
		distance int
	}
	// A third of the letters may be wrong, or short names would be near everything.
	limit := len(p.name) / 3
	var misses []miss
	for _, r := range resources {
		best := limit + 1
		for _, name := range append([]string{r.Name, r.Singular, r.Kind}, r.ShortNames...) {
			if name != "" {
				best = min(best, distance(p.name, strings.ToLower(name), limit))
			}
		}
		if best <= limit {
			misses = append(misses, miss{strconv.Quote(r.GroupResource().String()), best})
		}
	}
	slices.SortFunc(misses, func(a, b miss) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	names := make([]string, 0, maxSuggestions)
	for _, m := range misses[:min(len(misses), maxSuggestions)] {
		names = append(names, m.name)
	}
	return names
}

// distance is the Levenshtein distance of a and b in bytes, or limit+1 when it
// is greater than limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substituted := diagonal
			if a[i] != b[j] {
				substituted++
			}
			diagonal = row[j+1]
			row[j+1] = min(substituted, row[j]+1, row[j+1]+1)
		}
	}
	return min(row[len(b)], limit+1)
}
