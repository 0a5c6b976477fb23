// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package selection_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/gopherwood/ark/engine/selection"
)

func TestGlobMatch(t *testing.T) {
	tests := map[string]struct {
		pattern, name string
		want          bool
	}{
		"a plain name matches itself":                   {"team-a", "team-a", true},
		"a plain name matches nothing longer":           {"team-a", "team-ab", false},
		"a plain name matches nothing shorter":          {"team-a", "team-", false},
		"a star matches everything":                     {"*", "kube-system", true},
		"a star matches the empty name":                 {"*", "", true},
		"a trailing star matches no characters too":     {"team-*", "team-", true},
		"a leading star matches a suffix":               {"*-prod", "shop-prod", true},
		"a leading star goes past the first candidate":  {"*-prod", "a-prod-prod", true},
		"two stars find what lies between them":         {"a*b*c", "axxbyyc", true},
		"a star gives characters back to what follows":  {"a*bc", "abcbbc", true},
		"two stars do not match in the wrong order":     {"*b*a", "ab", false},
		"a question mark is one character":              {"team-?", "team-a", true},
		"a question mark is not none":                   {"team-?", "team-", false},
		"a question mark is not two":                    {"team-?", "team-ab", false},
		"a question mark is one character beyond ASCII": {"caf?", "café", true},
		"case matters": {"Team", "team", false},
		"what looks like an expression stands for itself":   {"a.c", "abc", false},
		"what looks like a class stands for itself":         {"[ab]", "a", false},
		"names with colons match":                           {"system:*", "system:node:x", true},
		"many stars end quickly on a long name":             {strings.Repeat("*a", 100) + "b", strings.Repeat("a", 253), false},
		"a star behind the end of the name matches nothing": {"ab*?", "ab", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			g, err := selection.NewGlob(tc.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := g.Match(tc.name); got != tc.want {
				t.Errorf("NewGlob(%q).Match(%q) = %v, want %v", tc.pattern, tc.name, got, tc.want)
			}
		})
	}
}

func TestZeroGlobMatchesNothing(t *testing.T) {
	if g := (selection.Glob{}); g.Match("") || g.Match("a") || g.MatchesAll() {
		t.Error("the zero Glob matches something")
	}
}

func TestNewGlobsNamesTheEntryInItsErrors(t *testing.T) {
	tests := map[string]struct {
		patterns []string
		want     string
	}{
		"an empty pattern":    {[]string{"a", ""}, `names[1]: "" is empty: write a name, or "*" for all`},
		"a pattern too long":  {[]string{strings.Repeat("a", 254)}, "names[0]: \"" + strings.Repeat("a", 254) + "\" has 254 bytes: names have at most 253"},
		"a pattern not UTF-8": {[]string{"\xff"}, `names[0]: "\xff" is not UTF-8`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := selection.NewGlobs("names", tc.patterns)
			if err == nil || err.Error() != tc.want {
				t.Errorf("NewGlobs() error = %v, want %s", err, tc.want)
			}
		})
	}
}

// FuzzGlobMatch holds the matcher equal to the regular expression that a glob
// stands for.
func FuzzGlobMatch(f *testing.F) {
	f.Add("a*b?c", "aXXbYc")
	f.Add("*a*a*", "banana")
	f.Add("?*", "é")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		g, err := selection.NewGlob(pattern)
		if err != nil || strings.ToValidUTF8(name, "") != name {
			t.Skip()
		}
		expr := strings.NewReplacer(`\*`, "(?s:.*)", `\?`, "(?s:.)").Replace(regexp.QuoteMeta(pattern))
		want := regexp.MustCompile("^(?:" + expr + ")$").MatchString(name)
		if got := g.Match(name); got != want {
			t.Errorf("NewGlob(%q).Match(%q) = %v, want %v", pattern, name, got, want)
		}
		if g.MatchesAll() && !g.Match(name) {
			t.Errorf("NewGlob(%q) matches all, but not %q", pattern, name)
		}
	})
}
