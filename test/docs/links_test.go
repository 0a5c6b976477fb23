// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	fenced  = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
)

// TestLinksBetweenPagesResolve follows every link that stays in the repository:
// the file exists, and so does the heading.
func TestLinksBetweenPagesResolve(t *testing.T) {
	followed := 0
	for _, page := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(fenced.ReplaceAllString(read(t, page), ""), -1) {
			target := m[1]
			if strings.Contains(target, "://") {
				continue
			}
			followed++
			file, anchor, _ := strings.Cut(target, "#")
			to := page
			if file != "" {
				to = path.Join(path.Dir(page), file)
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(to))); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", page, target)
				continue
			}
			if anchor != "" && !hasHeading(t, to, anchor) {
				t.Errorf("%s: %s has no heading for %s", page, to, target)
			}
		}
	}
	if followed < 20 {
		t.Errorf("followed only %d links", followed)
	}
}

// TestTheREADMELeadsToEveryPage looks for a link to each page that users read: what
// nothing leads to is not read.
func TestTheREADMELeadsToEveryPage(t *testing.T) {
	readme := read(t, "README.md")
	for _, page := range pages(t) {
		if page != "README.md" && !strings.Contains(readme, "]("+page+")") {
			t.Errorf("README.md has no link to %s", page)
		}
	}
}

// hasHeading reports whether a page has a heading that GitHub gives this anchor.
func hasHeading(t *testing.T, page, anchor string) bool {
	t.Helper()
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(read(t, page), ""), -1) {
		if slug(m[1]) == anchor {
			return true
		}
	}
	return false
}

var dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

func slug(heading string) string {
	return strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}
