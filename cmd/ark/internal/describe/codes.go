// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"strconv"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// codes writes how often each reason code fired, with what it means where Ark
// itself gave it.
func (p *page) codes(heading string, counts []v1alpha1.CodeCount) {
	if len(counts) == 0 {
		return
	}
	p.section("%s:", heading)
	p.table("  ", func(row func(...string)) {
		for _, c := range counts {
			row(strconv.FormatInt(c.Count, 10), c.Code, meaning(c.Code))
		}
	})
}

// meaning explains a reason code. Those that Ark does not know are of rules,
// which explain them themselves.
func meaning(code string) string {
	if m, ok := meanings[code]; ok {
		return m
	}
	return "(a rule's code)"
}
