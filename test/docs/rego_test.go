// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/tester"

	"github.com/gopherwood/ark/policies"
)

// Notes behind the fence of a block of Rego that is not simply a rule.
const (
	// refused blocks show what does not compile.
	refused = "refused"
	// unitTest blocks are tests of the rules before them on the page.
	unitTest = "test"
)

// modeOf returns in which mode a module of a page can be used: one with an
// include rule under OptIn, any other under OptOut.
func modeOf(rego string) policies.Mode {
	if strings.Contains(rego, "package "+policies.SelectPackage+"\n") && strings.Contains(rego, "\ninclude contains") {
		return policies.OptIn
	}
	return policies.OptOut
}

func TestEveryRuleInTheDocsCompiles(t *testing.T) {
	for _, b := range blocks(t, "rego") {
		if b.note == unitTest {
			continue
		}
		t.Run(fmt.Sprintf("%s:%d", b.page, b.line), func(t *testing.T) {
			set := policies.Set{Modules: []policies.Source{{Rule: "shown", Rego: b.text}}}
			_, err := policies.Compile(t.Context(), set, policies.Options{Mode: modeOf(b.text)})
			if (err != nil) != (b.note == refused) {
				t.Errorf("%s: got error %v", b.note, err)
			}
		})
	}
}

func TestRegoInTheDocsIsFormatted(t *testing.T) {
	for _, b := range blocks(t, "rego") {
		want, err := format.SourceWithOpts(b.page, []byte(b.text), format.Opts{RegoVersion: ast.RegoV1})
		if err != nil {
			t.Errorf("%s:%d: %v", b.page, b.line, err)
			continue
		}
		if diff := cmp.Diff(string(want), b.text); diff != "" {
			t.Errorf("%s:%d (-formatted +page):\n%s", b.page, b.line, diff)
		}
	}
}

// TestTheTestsInTheDocsPass runs the tests that a page shows against the rules
// that it shows.
func TestTheTestsInTheDocsPass(t *testing.T) {
	ran := 0
	for _, page := range pages(t) {
		modules := map[string]*ast.Module{}
		tests := 0
		for _, b := range blocksOf(t, page) {
			if b.language != "rego" || b.note == refused {
				continue
			}
			if b.note == unitTest {
				tests++
			}
			name := fmt.Sprintf("%s:%d", page, b.line)
			m, err := ast.ParseModuleWithOpts(name, b.text, ast.ParserOptions{RegoVersion: ast.RegoV1})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			modules[name] = m
		}
		if tests == 0 {
			continue
		}
		results, err := tester.NewRunner().SetModules(modules).RaiseBuiltinErrors(true).RunTests(t.Context(), nil)
		if err != nil {
			t.Fatalf("%s: %v", page, err)
		}
		for r := range results {
			ran++
			if !r.Pass() {
				t.Errorf("%s: %s", r.Location, r)
			}
		}
	}
	if ran == 0 {
		t.Error("no test ran")
	}
}
