// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A table of codes stands behind a comment that names the Go files whose
// constants it explains, and what their names begin with:
//
//	<!-- codes: engine/restore/skip.go engine/restore/gate.go Code -->
var codesMark = regexp.MustCompile(`(?m)^<!-- codes: (.+) (\w+) -->\n((?:\|.*\n)+)`)

// TestTablesOfCodesNameEveryConstant holds each such table to the code: every
// constant has a row, and every row a constant.
func TestTablesOfCodesNameEveryConstant(t *testing.T) {
	tables := 0
	for _, page := range pages(t) {
		content := read(t, page)
		for _, m := range codesMark.FindAllStringSubmatch(content, -1) {
			tables++
			var declared []string
			for file := range strings.FieldsSeq(m[1]) {
				declared = append(declared, constants(t, file, m[2])...)
			}
			slices.Sort(declared)
			if diff := cmp.Diff(slices.Compact(declared), rows(m[3])); diff != "" {
				t.Errorf("%s, codes of %s (-declared +on the page):\n%s", page, m[1], diff)
			}
		}
	}
	if tables < 3 {
		t.Errorf("found %d tables of codes", tables)
	}
}

// rows returns the first cells of a table that are in backticks, sorted.
func rows(table string) []string {
	var found []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(table, -1) {
		found = append(found, m[1])
	}
	slices.Sort(found)
	return found
}

// constants returns the values of the string constants of a file whose names
// begin with prefix.
func constants(t *testing.T, file, prefix string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, prefix) || len(spec.Values) == 0 {
			return true
		}
		literal, ok := spec.Values[0].(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		value, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, value)
		return true
	})
	if len(values) == 0 {
		t.Fatalf("%s declares no constant %s…", file, prefix)
	}
	return values
}
