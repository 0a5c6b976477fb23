// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/tester"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/test/lab/labtest"
	"github.com/gopherwood/ark/test/manifests"
)

func TestTheAPIServerTakesEveryExample(t *testing.T) {
	c := labtest.Client(t, labtest.Shared(t))
	for _, e := range examples(t) {
		t.Run(e.name, func(t *testing.T) {
			if len(e.objects) == 0 {
				t.Fatal("it holds no manifests")
			}
			for _, o := range e.objects {
				kind, name := o.GetObjectKind().GroupVersionKind().Kind, o.GetName()
				copied, ok := o.DeepCopyObject().(client.Object)
				if !ok {
					t.Fatalf("%s %s cannot be copied", kind, name)
				}
				if err := c.Create(t.Context(), copied, client.DryRunAll, client.FieldValidation("Strict")); err != nil {
					t.Errorf("%s %s: %v", kind, name, err)
				}
			}
		})
	}
}

func TestTheRulesOfEveryExampleCompile(t *testing.T) {
	compiled := 0
	for _, e := range examples(t) {
		for _, o := range e.objects {
			policy, err := manifests.Compile(t.Context(), o, configMaps(e.objects))
			if err != nil {
				t.Errorf("%s: %s: %v", e.name, o.GetName(), err)
			}
			if policy != nil {
				compiled += policy.Count()
			}
		}
	}
	if compiled < 8 {
		t.Errorf("only %d modules were compiled", compiled)
	}
}

// TestTheRulesOfTheExamplesPassTheirTests runs every Rego test as a subtest, each
// case of a table by itself.
func TestTheRulesOfTheExamplesPassTheirTests(t *testing.T) {
	cases := 0
	for _, e := range examples(t) {
		files := e.files(t, "rules/*.rego")
		if len(files) == 0 {
			continue
		}
		modules := map[string]*ast.Module{}
		for _, file := range files {
			modules[file] = parse(t, file)
		}
		results, err := tester.NewRunner().SetModules(modules).RaiseBuiltinErrors(true).RunTests(t.Context(), nil)
		if err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		for r := range results {
			for name, sub := range r.SubResults {
				cases++
				t.Run(e.name+"/"+r.Name+"/"+name, func(t *testing.T) {
					if sub.Fail {
						t.Errorf("%s failed", r.Location)
					}
				})
			}
			if !r.Pass() {
				t.Errorf("%s: %s: %s", e.name, r.Location, r)
			}
		}
	}
	if cases == 0 {
		t.Error("no case ran")
	}
}

// parse reads a module, and fails the test when it is not formatted.
func parse(t *testing.T, file string) *ast.Module {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	formatted, err := format.SourceWithOpts(file, content, format.Opts{RegoVersion: ast.RegoV1})
	if err != nil {
		t.Fatal(err)
	}
	if string(formatted) != string(content) {
		t.Errorf("%s is not formatted: run opa fmt -w on it", file)
	}
	m, err := ast.ParseModuleWithOpts(file, string(content), ast.ParserOptions{RegoVersion: ast.RegoV1})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestEveryExampleSaysWhatItIsFor(t *testing.T) {
	for _, e := range examples(t) {
		content, err := os.ReadFile(filepath.Join(e.dir, "README.md"))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, file := range e.files(t, "*.yaml") {
			if !strings.Contains(string(content), "]("+filepath.Base(file)+")") {
				t.Errorf("%s: README.md says nothing of %s", e.name, filepath.Base(file))
			}
		}
	}
}
