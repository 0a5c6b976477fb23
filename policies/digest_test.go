// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"regexp"
	"testing"
)

const someRules = "package ark.select\n\nexclude contains \"x\" if input.resource.kind == \"Pod\"\n"

func TestDigestIsTheSameForEveryOrder(t *testing.T) {
	a, b := Source{Rule: "a", Rego: someRules}, Source{Rule: "b", File: "k.rego", Rego: someRules}
	tokens := LibraryUse{Name: "select/service-account-tokens"}
	label := LibraryUse{Name: "select/opt-out-label", Parameters: map[string]any{"key": "k"}}
	first := mustCompile(t, Set{[]Source{a, b}, []LibraryUse{tokens, label}}, OptOut).Digest()
	if !regexp.MustCompile(`^sha256:[0-9a-f]{64}$`).MatchString(first) {
		t.Errorf("Digest() = %q", first)
	}
	for range 8 {
		again := mustCompile(t, Set{[]Source{b, a}, []LibraryUse{label, tokens}}, OptOut).Digest()
		if again != first {
			t.Fatalf("Digest() = %s, then %s", first, again)
		}
	}
}

func TestDigestCoversWhateverDecides(t *testing.T) {
	label := func(key string) Set {
		return Set{Library: []LibraryUse{{Name: "select/opt-out-label", Parameters: map[string]any{"key": key}}}}
	}
	digests := map[string]string{}
	for name, p := range map[string]*Policy{
		"no rules":           mustCompile(t, Set{}, OptOut),
		"no rules, Config's": mustCompile(t, Set{}, ClusterRules),
		"a rule":             mustCompile(t, inline(someRules), OptOut),
		"a rule, Config's":   mustCompile(t, inline(someRules), ClusterRules),
		"another rule":       mustCompile(t, inline(someRules+"\nexclude contains \"y\"\n"), OptOut),
		"another name":       mustCompile(t, Set{Modules: []Source{{Rule: "s", Rego: someRules}}}, OptOut),
		"another file":       mustCompile(t, Set{Modules: []Source{{Rule: "r", File: "f.rego", Rego: someRules}}}, OptOut),
		"a library rule":     mustCompile(t, label("a"), OptOut),
		"another parameter":  mustCompile(t, label("b"), OptOut),
	} {
		if other, taken := digests[p.Digest()]; taken {
			t.Errorf("%s and %s have the same digest", name, other)
		}
		digests[p.Digest()] = name
	}
	defaults := mustCompile(t, Set{Library: []LibraryUse{{Name: "select/opt-out-label"}}}, OptOut).Digest()
	if digests[defaults] != "" || defaults != mustCompile(t, label("ark.gopherwood.dev/exclude"), OptOut).Digest() {
		t.Error("a parameter that has its default's value changes the digest, or another does not")
	}
}
