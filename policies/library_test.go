// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/format"
	"github.com/open-policy-agent/opa/v1/tester"
)

// regoFiles are all files of the library by path, tests included.
func regoFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(libraryFiles, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".rego") {
			return err
		}
		raw, err := libraryFiles.ReadFile(path)
		files[path] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestLibrary runs every Rego test as a subtest, each case of a table by itself.
func TestLibrary(t *testing.T) {
	modules := map[string]*ast.Module{}
	for path, rego := range regoFiles(t) {
		m, err := ast.ParseModuleWithOpts(path, rego, ast.ParserOptions{RegoVersion: ast.RegoV1})
		if err != nil {
			t.Fatal(err)
		}
		modules[path] = m
	}
	results, err := tester.NewRunner().
		SetModules(modules).
		RaiseBuiltinErrors(true).
		RunTests(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	for r := range results {
		t.Run(strings.TrimPrefix(r.Package, "data.")+"/"+r.Name, func(t *testing.T) {
			if len(r.SubResults) == 0 {
				t.Fatalf("%s: %s has no cases", r.Location, r.Name)
			}
			for name, sub := range r.SubResults {
				cases++
				t.Run(name, func(t *testing.T) {
					if sub.Fail {
						t.Errorf("%s failed", r.Location)
					}
				})
			}
			if !r.Pass() {
				t.Errorf("%s: %s", r.Location, r)
			}
		})
	}
	if cases < 20 {
		t.Errorf("%d cases ran: the tests were not found", cases)
	}
}

func TestEveryLibraryRuleHasTests(t *testing.T) {
	files := regoFiles(t)
	for path := range files {
		if isTest(path) {
			continue
		}
		if _, ok := files[strings.TrimSuffix(path, ".rego")+"_test.rego"]; !ok {
			t.Errorf("%s has no tests beside it", path)
		}
	}
}

func TestRegoIsFormatted(t *testing.T) {
	for path, rego := range regoFiles(t) {
		got, err := format.SourceWithOpts(path, []byte(rego), format.Opts{RegoVersion: ast.RegoV1})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if diff := cmp.Diff(string(got), rego); diff != "" {
			t.Errorf("%s is not formatted (-want +got):\n%s", path, diff)
		}
	}
}

func TestLibraryHelpersAreNamedAfterTheirRule(t *testing.T) {
	for name, rule := range library() {
		prefix := strings.ReplaceAll(name[strings.LastIndex(name, "/")+1:], "-", "_")
		m, errs := parse(name, rule.rego)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		for _, r := range m.parsed.Rules {
			if codeOf(m.entry, r) == "" && !strings.HasPrefix(ruleName(r), prefix) {
				t.Errorf("%s: helper %s must begin with %s, because modules share a package", name, ruleName(r), prefix)
			}
		}
	}
}

func TestLibraryDescribesItself(t *testing.T) {
	var got []LibraryRule
	for _, r := range Library() {
		if r.Title == "" || r.Description == "" || len(r.Reasons) == 0 {
			t.Errorf("%s lacks a title, a description or reasons", r.Name)
		}
		for _, reason := range r.Reasons {
			if reason.Text == "" {
				t.Errorf("%s: code %s has no text", r.Name, reason.Code)
			}
		}
		r.Title, r.Description = "", ""
		got = append(got, r)
	}
	want := []LibraryRule{
		{
			Name: "restore/foreign-cluster-rbac", EntryPoint: RestoreSelectPackage,
			Reasons: []LibraryReason{{
				"foreign-cluster-rbac",
				"Cluster-wide rights from another cluster: A ClusterRole or ClusterRoleBinding of another cluster's backup would be written. Exclude these types from the restore.",
			}},
		},
		{
			Name: "restore/protected-namespaces", EntryPoint: RestorePackage,
			Parameters: []Parameter{
				{"label", ParameterString, "Key of the label that protects a namespace which exists.", "ark.gopherwood.dev/protected"},
				{"namespaces", ParameterStrings, "Names of the namespaces that no restore may write into.", []any{"kube-system", "kube-public", "kube-node-lease", "ark-system"}},
			},
			Reasons: []LibraryReason{
				{"namespace-protected-by-label", "Namespace protected by label: The restore writes into a namespace that its owner protects."},
				{"protected-namespace", "Protected namespace: The restore writes into a namespace on which the cluster stands."},
			},
		},
		{
			Name: "restore/signed-only", EntryPoint: RestorePackage,
			Reasons: []LibraryReason{
				{"backup-not-verified", "Backup not verified: No trusted key signed the backup, so nobody vouches for what it holds."},
			},
		},
		{
			Name: "select/opt-out-label", EntryPoint: SelectPackage,
			Parameters: []Parameter{{"key", ParameterString, "Key of the label.", "ark.gopherwood.dev/exclude"}},
			Reasons: []LibraryReason{
				{"namespace-opted-out", "Namespace opted out: The object's namespace carries the label that keeps it out of backups."},
				{"opted-out", "Opted out: The object carries the label that keeps it out of backups."},
			},
		},
		{
			Name: "select/service-account-tokens", EntryPoint: SelectPackage,
			Reasons: []LibraryReason{{"service-account-token", "Service account token: The API server mints a new one; archiving it would only leak it."}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Library() (-want +got):\n%s", diff)
	}
}

func TestTheWholeLibraryCompilesTogether(t *testing.T) {
	var set Set
	for _, r := range Library() {
		set.Library = append(set.Library, LibraryUse{Name: r.Name})
	}
	p, err := Compile(t.Context(), set, Options{Mode: ClusterRules})
	if err != nil {
		t.Fatal(err)
	}
	if p.Count() != len(set.Library) || !p.HasSelect() || !p.HasRestore() || !p.HasRestoreSelect() {
		t.Errorf("Count() = %d, entry points %t %t %t", p.Count(), p.HasSelect(), p.HasRestore(), p.HasRestoreSelect())
	}
}
