// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// inline is a set of one module named r.
func inline(rego string) Set { return Set{Modules: []Source{{Rule: "r", Rego: rego}}} }

func mustCompile(t testing.TB, set Set, mode Mode) *Policy {
	t.Helper()
	p, err := Compile(t.Context(), set, Options{Mode: mode})
	if err != nil {
		t.Fatalf("Compile() error:\n%v", err)
	}
	return p
}

const fieldsOfInput = "backup, contract, namespace, object, resource"

func TestCompileRefusesWhatBreaksTheContract(t *testing.T) {
	const negation = "this not is false, not true, where a field within it is missing: add import rego.v2 below the package, which makes it true"
	tests := map[string]struct {
		rego string
		want []string
	}{
		"a module that is no Rego": {
			"package ark.select\n\nexclude contains",
			[]string{"r.rego:3: unexpected eof token", "r.rego:3: unexpected eof token: expected rule key term (e.g., exclude contains <VALUE> { ... })"},
		},
		"an empty module":      {"", []string{"r.rego: empty module"}},
		"a module of comments": {"# nothing\n", []string{"r.rego: empty module"}},
		"another package": {
			"package backup\n\nexclude contains \"x\"\n",
			[]string{"r.rego:1: package backup is never asked: a module's package must be ark.select, ark.restore or ark.restore_select"},
		},
		"a package below an entry point": {
			"package ark.select.mine\n\nexclude contains \"x\"\n",
			[]string{"r.rego:1: package ark.select.mine is never asked: a module's package must be ark.select, ark.restore or ark.restore_select"},
		},
		"a package that Ark does not have": {
			"package ark.volume\n\nskip contains \"x\"\n",
			[]string{"r.rego:1: package ark.volume is never asked: a module's package must be ark.select, ark.restore or ark.restore_select"},
		},
		"an object that looks like a set": {
			"package ark.select\n\nexclude[\"x\"] if input.resource.kind == \"Pod\"\n",
			[]string{"r.rego:3: exclude.x adds to an object, but exclude must be a set: write exclude contains \"...\" if { ... }"},
		},
		"a set within an object": {
			"package ark.select\n\nexclude.pods contains \"x\"\n",
			[]string{"r.rego:3: exclude.pods adds to an object, but exclude must be a set: write exclude contains \"...\" if { ... }"},
		},
		"a single value": {
			"package ark.select\n\nexclude := {\"x\"}\n",
			[]string{"r.rego:3: exclude has a single value, but must be a set: write exclude contains \"...\" if { ... }"},
		},
		"a boolean": {
			"package ark.select\n\nexclude if input.resource.kind == \"Pod\"\n",
			[]string{"r.rego:3: exclude has a single value, but must be a set: write exclude contains \"...\" if { ... }"},
		},
		"a default": {
			"package ark.select\n\ndefault exclude := \"x\"\n",
			[]string{"r.rego:3: exclude has a single value, but must be a set: write exclude contains \"...\" if { ... }"},
		},
		"a function": {
			"package ark.restore\n\ndeny(x) := x\n",
			[]string{"r.rego:3: deny is a function, but must be a set: write deny contains {\"code\": \"...\", \"msg\": \"...\"} if { ... }"},
		},
		"a computed code": {
			"package ark.select\n\nexclude contains input.resource.kind\n",
			[]string{"r.rego:3: a reason code must be a constant string, not computed: write one rule for each code"},
		},
		"a code in a variable": {
			"package ark.select\n\nexclude contains code if code := \"x\"\n",
			[]string{"r.rego:3: a reason code must be a constant string, not computed: write one rule for each code"},
		},
		"a code in a template string": {
			"package ark.select\n\nexclude contains $\"no-{input.resource.kind}\"\n",
			[]string{"r.rego:3: a reason code must be a constant string, not computed: write one rule for each code"},
		},
		"a code with capitals": {
			"package ark.select\n\nexclude contains \"NoPods\"\n",
			[]string{"r.rego:3: reason code \"NoPods\" must be 1 to 63 characters of a-z, 0-9 and -, and not begin with -"},
		},
		"an empty code": {
			"package ark.select\n\nexclude contains \"\"\n",
			[]string{"r.rego:3: reason code \"\" must be 1 to 63 characters of a-z, 0-9 and -, and not begin with -"},
		},
		"a gate that gives a code alone": {
			"package ark.restore\n\ndeny contains \"x\"\n",
			[]string{"r.rego:3: deny must contain an object that is written in the head: deny contains {\"code\": \"...\", \"msg\": \"...\"} if { ... }"},
		},
		"a gate whose reason is computed": {
			"package ark.restore\n\ndeny contains reason if reason := {\"code\": \"x\", \"msg\": \"y\"}\n",
			[]string{"r.rego:3: deny must contain an object that is written in the head: deny contains {\"code\": \"...\", \"msg\": \"...\"} if { ... }"},
		},
		"a gate whose code is computed": {
			"package ark.restore\n\ndeny contains {\"code\": input.restore.name, \"msg\": \"y\"}\n",
			[]string{"r.rego:3: a reason code must be a constant string, not computed: write one rule for each code"},
		},
		"a reason without a message, and with a field too many": {
			"package ark.restore\n\nwarn contains {\"code\": \"x\", \"message\": \"y\"}\n",
			[]string{
				"r.rego:3: \"message\" is not a field of a reason, which has code and msg",
				"r.rego:3: the reason lacks msg: write warn contains {\"code\": \"...\", \"msg\": \"...\"} if { ... }",
			},
		},
		"an entry rule of another package": {
			"package ark.select\n\nexclude contains \"x\"\n\ndeny contains \"y\"\n",
			[]string{"r.rego:5: deny is not an entry rule of package ark.select, which has exclude and include: it would never be asked; give a helper another name"},
		},
		"an approval, which Ark does not have": {
			"package ark.restore\n\nrequire_approval contains {\"code\": \"x\", \"msg\": \"y\"}\n",
			[]string{"r.rego:3: require_approval is not an entry rule of package ark.restore, which has deny and warn: it would never be asked; give a helper another name"},
		},
		"a package of helpers alone": {
			"package ark.select\n\nexlude contains \"x\"\n",
			[]string{"no module of package ark.select defines exclude or include: its rules have no effect; write exclude contains \"...\" if { ... }"},
		},
		"data that is not ours": {
			"package ark.select\n\nimport data.inventory\n\nexclude contains \"x\" if inventory.a == data.b.c\n",
			[]string{
				"r.rego:3: data.inventory is out of reach: a module sees data.ark.select, data.ark.parameters and input",
				"r.rego:5: data.b.c is out of reach: a module sees data.ark.select, data.ark.parameters and input",
			},
		},
		"another entry point's rules": {
			"package ark.select\n\nexclude contains \"x\" if data.ark.restore.deny\n",
			[]string{"r.rego:3: data.ark.restore.deny is out of reach: a module sees data.ark.select, data.ark.parameters and input"},
		},
		"all data": {
			"package ark.select\n\nexclude contains \"x\" if count(data) > 0\n",
			[]string{"r.rego:3: data is out of reach: a module sees data.ark.select, data.ark.parameters and input"},
		},
		"a computed way into data": {
			"package ark.select\n\nexclude contains \"x\" if data.ark[input.resource.kind]\n",
			[]string{"r.rego:3: data.ark[input.resource.kind] is out of reach: a module sees data.ark.select, data.ark.parameters and input"},
		},
		"a not that a missing field makes false": {
			"package ark.select\n\nexclude contains \"x\" if not startswith(input.object.metadata.generateName, \"a\")\n",
			[]string{"r.rego:3: " + negation},
		},
		"a not around a membership": {
			"package ark.select\n\nexclude contains \"x\" if not \"keep\" in input.object.metadata.finalizers\n",
			[]string{"r.rego:3: " + negation},
		},
		"a not around a comparison": {
			"package ark.select\n\nexclude contains \"x\" if not input.object.spec.replicas > 3\n",
			[]string{"r.rego:3: " + negation},
		},
		"a not around a nested call": {
			"package ark.select\n\nexclude contains \"x\" if not lower(input.object.spec.mode) == \"a\"\n",
			[]string{"r.rego:3: " + negation},
		},
		"a not in a comprehension": {
			"package ark.select\n\nexclude contains \"x\" if count([1 | some c in input.object.spec.containers; not endswith(c.image, \"x\")]) > 0\n",
			[]string{"r.rego:3: " + negation},
		},
		"the network": {
			"package ark.select\n\nexclude contains \"x\" if http.send({\"method\": \"get\", \"url\": \"http://localhost\"})\n",
			[]string{"r.rego:3: undefined function http.send: rules cannot reach the network, the clock or the environment, nor call what has no bounds"},
		},
		"the clock": {
			"package ark.select\n\nexclude contains \"x\" if time.now_ns() > 0\n",
			[]string{"r.rego:3: undefined function time.now_ns: rules cannot reach the network, the clock or the environment, nor call what has no bounds"},
		},
		"a function that does not exist": {
			"package ark.select\n\nexclude contains \"x\" if nothing(1)\n",
			[]string{"r.rego:3: undefined function nothing"},
		},
		"a field that the input does not have": {
			"package ark.select\n\nexclude contains \"x\" if input.objct.metadata.name == \"a\"\n",
			[]string{"r.rego:3: undefined ref: input.objct.metadata.name: no such field; there are " + fieldsOfInput},
		},
		"a field that another entry point has": {
			"package ark.restore\n\ndeny contains {\"code\": \"x\", \"msg\": \"y\"} if input.object.metadata.name == \"a\"\n",
			[]string{"r.rego:3: undefined ref: input.object.metadata.name: no such field; there are backup, contract, plan, restore, target"},
		},
		"a field that no metadata has": {
			"package ark.select\n\nimport input.object as o\n\nexclude contains \"x\" if o.metadata.tittle == \"a\"\n",
			[]string{"r.rego:5: input.object.metadata.tittle: no such field as tittle; there are annotations, creationTimestamp, deletionGracePeriodSeconds, deletionTimestamp, finalizers, generateName, generation, labels, name, namespace, ownerReferences, resourceVersion, selfLink, uid"},
		},
		"a schema of the author's that hides a field's absence": {
			"package ark.select\n\n# METADATA\n# schemas:\n#   - input: {\"type\": \"object\", \"properties\": {\"objct\": {}}}\nexclude contains \"x\" if input.objct == \"a\"\n",
			[]string{"r.rego:6: undefined ref: input.objct: no such field; there are " + fieldsOfInput},
		},
		"types that never match": {
			"package ark.select\n\nexclude contains \"x\" if input.resource.namespaced == \"yes\"\n",
			[]string{"r.rego:3: match error"},
		},
		"a variable that is not used": {
			"package ark.select\n\nexclude contains \"x\" if {\n\tkind := input.resource.kind\n}\n",
			[]string{"r.rego:4: assigned var kind unused"},
		},
		"an include rule under OptOut": {
			"package ark.select\n\ninclude contains \"x\"\n",
			[]string{"r.rego:3: include has no place under selection OptOut, which takes everything that no rule excludes: set selection to OptIn, or write an exclude rule"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := Compile(t.Context(), inline(tc.rego), Options{Mode: OptOut})
			if diff := cmp.Diff(strings.Join(tc.want, "\n"), errorText(err)); diff != "" {
				t.Errorf("Compile() error (-want +got):\n%s", diff)
			}
			var list Errors
			if !errors.As(err, &list) || p != nil {
				t.Errorf("Compile() = %v, %T, want no policy and Errors", p, err)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestCompileTakesWhatKeepsTheContract(t *testing.T) {
	tests := map[string]string{
		"a set without conditions":             "package ark.select\n\nexclude contains \"x\"\n",
		"a not of a bare reference":            "package ark.select\n\nexclude contains \"x\" if not input.object.spec.replicas\n",
		"a not of an equality":                 "package ark.select\n\nexclude contains \"x\" if not input.object.spec.mode == \"a\"\n",
		"a not of variables":                   "package ark.select\n\nexclude contains \"x\" if {\n\tkind := input.resource.kind\n\tnot startswith(kind, \"A\")\n}\n",
		"a not of a count of a comprehension":  "package ark.select\n\nexclude contains \"x\" if not count([c | some c in input.object.spec.containers]) > 3\n",
		"any not with rego.v2":                 "package ark.select\n\nimport rego.v2\n\nexclude contains \"x\" if not startswith(input.object.metadata.name, \"a\")\n",
		"any not with the future keyword":      "package ark.select\n\nimport future.keywords.not\n\nexclude contains \"x\" if not startswith(input.object.metadata.name, \"a\")\n",
		"a message that is computed":           "package ark.restore\n\ndeny contains {\"code\": \"x\", \"msg\": msg} if msg := sprintf(\"no: %s\", [input.restore.name])\n",
		"helpers, also by their full name":     "package ark.select\n\nexclude contains \"x\" if data.ark.select.small(input.resource.kind)\n\nsmall(s) if count(s) < 4\n",
		"top-level fields of any kind":         "package ark.select\n\nexclude contains \"x\" if input.object.roleRef.name == \"a\"\n",
		"print, which does nothing here":       "package ark.select\n\nexclude contains \"x\" if print(input.resource.kind)\n",
		"metadata of the package and of rules": "# METADATA\n# title: Mine\n# scope: package\npackage ark.select\n\n# METADATA\n# title: X\nexclude contains \"x\"\n",
	}
	for name, rego := range tests {
		t.Run(name, func(t *testing.T) {
			p := mustCompile(t, inline(rego), OptOut)
			if p.Count() != 1 {
				t.Errorf("Count() = %d, want 1", p.Count())
			}
		})
	}
}

func TestDescribeIsWhatMetadataSays(t *testing.T) {
	p := mustCompile(t, Set{Modules: []Source{
		{Rule: "a", Rego: "package ark.select\n\n# METADATA\n# title: Caches\n# description: |\n#   They fill up\n#   by themselves.\nexclude contains \"cache\"\n\nexclude contains \"plain\"\n"},
		{Rule: "b", Rego: "package ark.restore\n\n# METADATA\n# title: Friday\ndeny contains {\"code\": \"friday\", \"msg\": \"no\"}\n"},
		{Rule: "c", Rego: "package ark.restore_select\n\n# METADATA\n# description: " + strings.Repeat("é", 1000) + "\nskip contains \"long\"\n"},
	}}, OptOut)
	got := map[string]string{}
	for _, code := range append(p.Codes(), "unknown") {
		got[code] = p.Describe(code)
	}
	want := map[string]string{
		"cache": "Caches: They fill up by themselves.", "plain": "", "friday": "Friday", "unknown": "",
		"long": strings.Repeat("é", 510) + "…",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Describe() (-want +got):\n%s", diff)
	}
}

func TestFromFilesTakesModulesInTheOrderOfTheirKeys(t *testing.T) {
	files := map[string]string{"b.rego": "B", "a.rego": "A", "a_test.rego": "T", "README": "R"}
	got, digest, err := FromFiles("r", files)
	if err != nil {
		t.Fatal(err)
	}
	want := []Source{{Rule: "r", File: "a.rego", Rego: "A"}, {Rule: "r", File: "b.rego", Rego: "B"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("FromFiles() (-want +got):\n%s", diff)
	}
	if want := hash([]byte("a.rego\x00A\x00b.rego\x00B\x00")); digest != want {
		t.Errorf("digest = %s, want %s", digest, want)
	}
	_, _, err = FromFiles("r", map[string]string{"a_test.rego": "T"})
	if want := `rule r: no key ends in ".rego" (those that end in "_test.rego" are tests and do not count)`; errorText(err) != want {
		t.Errorf("FromFiles() error = %v, want %s", err, want)
	}
}
