// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompileJudgesTheSetAsAWhole(t *testing.T) {
	const exclude = "package ark.select\n\nexclude contains \"x\"\n"
	const include = "package ark.select\n\ninclude contains \"y\"\n"
	long := strings.Repeat("#", MaxModuleBytes)
	var many []Source
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i"} {
		many = append(many, Source{Rule: name, Rego: long})
	}
	tests := map[string]struct {
		set  Set
		mode Mode
		want string
	}{
		"include under the Config": {
			inline(include), ClusterRules,
			"r.rego:3: rules of the Config can only exclude: move include into a BackupPolicy with selection OptIn",
		},
		"OptIn without include": {
			inline(exclude), OptIn,
			"selection OptIn takes only what a rule includes, and no rule does: add an include rule to package ark.select, or set selection to OptOut",
		},
		"OptIn without rules": {
			Set{}, OptIn,
			"selection OptIn takes only what a rule includes, and no rule does: add an include rule to package ark.select, or set selection to OptOut",
		},
		"an unknown library rule": {
			Set{Library: []LibraryUse{{Name: "select/nothing"}}}, OptOut,
			"there is no library rule \"select/nothing\"; there are restore/foreign-cluster-rbac, restore/protected-namespaces, restore/signed-only, select/opt-out-label, select/service-account-tokens",
		},
		"a library rule used twice": {
			Set{Library: []LibraryUse{{Name: "select/opt-out-label"}, {Name: "select/opt-out-label"}}}, OptOut,
			"library/select/opt-out-label: the rule is used twice: leave one out",
		},
		"an unknown parameter": {
			Set{Library: []LibraryUse{{Name: "restore/protected-namespaces", Parameters: map[string]any{"names": "x"}}}}, OptOut,
			"library/restore/protected-namespaces: there is no parameter \"names\"; there are label, namespaces",
		},
		"a parameter for a rule that takes none": {
			Set{Library: []LibraryUse{{Name: "select/service-account-tokens", Parameters: map[string]any{"key": "x"}}}}, OptOut,
			"library/select/service-account-tokens: there is no parameter \"key\": the rule takes none",
		},
		"parameters of the wrong type": {
			Set{Library: []LibraryUse{{Name: "restore/protected-namespaces", Parameters: map[string]any{"label": true, "namespaces": []any{"a", 1}}}}}, OptOut,
			"library/restore/protected-namespaces: parameter \"label\" must be a string\n" +
				"library/restore/protected-namespaces: parameter \"namespaces\" must be a list of strings",
		},
		"a module that adds to a library rule's helper": {
			Set{
				Modules: []Source{{Rule: "r", Rego: exclude + "\nopt_out_label_key := \"mine\"\n"}},
				Library: []LibraryUse{{Name: "select/opt-out-label"}},
			}, OptOut,
			"r.rego:5: opt_out_label_key is a name of the library rule select/opt-out-label: choose another",
		},
		"mistakes in several modules": {
			Set{Modules: []Source{
				{Rule: "z", File: "b.rego", Rego: "package ark.select\n\nexclude := 1\n"},
				{Rule: "a", Rego: "package x\n"},
			}}, OptOut,
			"a.rego:1: package x is never asked: a module's package must be ark.select, ark.restore or ark.restore_select\n" +
				"z/b.rego:3: exclude has a single value, but must be a set: write exclude contains \"...\" if { ... }",
		},
		"mistakes that only the compiler finds, in two entry points": {
			Set{Modules: []Source{
				{Rule: "a", Rego: "package ark.select\n\nexclude contains \"x\" if input.x\n"},
				{Rule: "b", Rego: "package ark.restore\n\nwarn contains {\"code\": \"x\", \"msg\": \"y\"} if input.y\n"},
			}}, OptOut,
			"a.rego:3: undefined ref: input.x: no such field; there are " + fieldsOfInput + "\n" +
				"b.rego:3: undefined ref: input.y: no such field; there are backup, contract, plan, restore, target",
		},
		"a test among the modules": {
			Set{Modules: []Source{{Rule: "r", File: "a_test.rego", Rego: exclude}}}, OptOut,
			"r/a_test.rego: files that end in _test.rego are tests, and are not deployed: leave it out",
		},
		"two modules of one name": {
			Set{Modules: []Source{{Rule: "r", Rego: exclude}, {Rule: "r", Rego: exclude}}}, OptOut,
			"r.rego: there are two modules of this name: rename one",
		},
		"a module that is too long": {
			inline(exclude + long), OptOut,
			"r.rego: the module has 65577 bytes; the limit is 65536: split it",
		},
		"a set that is too long": {
			Set{Modules: many}, OptOut,
			"the modules have 589824 bytes together; the limit is 524288",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Compile(t.Context(), tc.set, Options{Mode: tc.mode})
			if diff := cmp.Diff(tc.want, errorText(err)); diff != "" {
				t.Errorf("Compile() error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompileNeedsAModeAndTime(t *testing.T) {
	if _, err := Compile(t.Context(), Set{}, Options{}); errorText(err) != `compile rules: mode "" is none of Cluster, OptOut and OptIn` {
		t.Errorf("Compile() without mode: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Compile(ctx, Set{}, Options{Mode: OptOut}); !errors.Is(err, context.Canceled) {
		t.Errorf("Compile() after cancel: %v", err)
	}
}

func TestCompileOfNoRulesHasNone(t *testing.T) {
	p := mustCompile(t, Set{}, OptOut)
	if p.Count() != 0 || p.HasSelect() || p.HasRestore() || p.HasRestoreSelect() || len(p.Codes()) != 0 {
		t.Errorf("a set without rules has %d modules and codes %v", p.Count(), p.Codes())
	}
}

func TestSetsCompileAtTheSameTime(t *testing.T) {
	set := Set{Modules: []Source{{Rule: "r", Rego: someRules}}}
	for _, r := range Library() {
		set.Library = append(set.Library, LibraryUse{Name: r.Name})
	}
	want := mustCompile(t, set, OptOut).Digest()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			p, err := Compile(t.Context(), set, Options{Mode: OptOut})
			if err != nil || p.Digest() != want {
				t.Errorf("Compile() = %v, %v", p, err)
			}
		})
	}
	all.Wait()
}
