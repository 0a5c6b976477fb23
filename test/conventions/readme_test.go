// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// row matches a row of the README's table of packages: its first cell is a
// folder, in backticks, and the row is about that and what is below it.
var row = regexp.MustCompile("^\\| *`([^`]+)`")

// The README's table cannot rot: every package is covered by the row with the
// longest match, and every row covers a package. The engine is what newcomers
// read first, so each of its parts has a row of its own.
func TestTheREADMEsTableOfPackages(t *testing.T) {
	rows := packageRows(t)
	used := map[string]bool{}
	for _, p := range mustList(t) {
		best := longest(rows, p.dir())
		switch {
		case best == "":
			t.Errorf("no row covers %s", p.dir())
		case best == "engine" && p.dir() != "engine":
			t.Errorf("%s has no row of its own", p.dir())
		}
		used[best] = true
	}
	for _, r := range rows {
		if !used[r] {
			t.Errorf("row %s covers no package that a longer one does not", r)
		}
	}
}

// longest returns the longest row that is about a folder.
func longest(rows []string, dir string) string {
	best := ""
	for _, r := range rows {
		if under(dir, r) && len(r) > len(best) {
			best = r
		}
	}
	return best
}

// packageRows returns the first cells of the table below "## Packages".
func packageRows(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile(root(t, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(content), "\n## Packages\n")
	if !found {
		t.Fatal("README.md has no section Packages")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var rows []string
	for line := range strings.Lines(section) {
		if m := row.FindStringSubmatch(line); m != nil {
			rows = append(rows, strings.TrimSuffix(m[1], "/"))
		}
	}
	if sorted := slices.Compact(slices.Sorted(slices.Values(rows))); len(sorted) != len(rows) || len(rows) == 0 {
		t.Fatalf("want rows, each once, got %v", rows)
	}
	return rows
}

func TestTheLongestRowIsAboutAFolder(t *testing.T) {
	rows := []string{"engine", "engine/kube", "cmd/ark"}
	for dir, want := range map[string]string{
		"engine":                   "engine",
		"engine/restore/transform": "engine",
		"engine/kube/discovery":    "engine/kube",
		"engines":                  "",
		"cmd":                      "",
	} {
		if got := longest(rows, dir); got != want {
			t.Errorf("%s: got row %q, want %q", dir, got, want)
		}
	}
}
