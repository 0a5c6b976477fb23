// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package announce_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReasonsOfEventsAreThoseOfTheAPI looks at every call that announces: its
// reason is a constant of the API or the reason of a condition, and every constant
// is announced somewhere.
func TestReasonsOfEventsAreThoseOfTheAPI(t *testing.T) {
	calls := 0
	var used []string
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || !announces(call) {
				return true
			}
			calls++
			reason, ok := call.Args[2].(*ast.SelectorExpr)
			switch {
			case !ok:
				t.Errorf("%s announces with a reason that is neither a constant of the API nor a condition's", path)
			case strings.HasPrefix(reason.Sel.Name, "Event"):
				used = append(used, reason.Sel.Name)
			case reason.Sel.Name != "Reason" && !strings.HasSuffix(reason.Sel.Name, "Reason"):
				t.Errorf("%s announces with the reason %s", path, reason.Sel.Name)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if calls < 10 {
		t.Errorf("found %d calls: does the search still work?", calls)
	}
	slices.Sort(used)
	if diff := cmp.Diff(declared(t), slices.Compact(used)); diff != "" {
		t.Errorf("reasons (-declared +announced):\n%s", diff)
	}
}

// announces reports whether a call is announce.Normal or announce.Warning.
func announces(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) != 5 || f.Sel.Name != "Normal" && f.Sel.Name != "Warning" {
		return false
	}
	pkg, ok := f.X.(*ast.Ident)
	return ok && pkg.Name == "announce"
}

// declared returns the names of the API's reasons of Events, sorted.
func declared(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../../..", "api/v1alpha1/events.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			names = append(names, spec.Names[0].Name)
		}
		return true
	})
	slices.Sort(names)
	return names
}
