// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// nested is n times before, then middle, then n times after, in a rule of rego.v2.
func nested(n int, before, middle, after string) string {
	return "package ark.select\n\nimport rego.v2\n\nexclude contains \"x\" if {\n\tcount([" +
		strings.Repeat(before, n) + middle + strings.Repeat(after, n) + "]) > 0\n}\n"
}

func TestCompileRefusesWhatWouldTakeItTooLong(t *testing.T) {
	const (
		brackets       = "r.rego:6: brackets are nested deeper than 32: split the rule"
		comprehensions = "r.rego:5: comprehensions are nested deeper than 4: give the inner ones rules of their own"
		depth          = "r.rego:5: the rule is nested too deep, or chains too many operators: split it"
	)
	lines := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i, i+1)
		}
		return b.String()
	}
	tests := map[string]struct{ rego, want string }{
		"arrays within arrays":             {nested(29, "[", "1", "]"), ""},
		"too many arrays within arrays":    {nested(30, "[", "1", "]"), brackets},
		"braces that are never closed":     {nested(20000, "{", "", ""), brackets},
		"sets whose heads are sets":        {nested(3, "{", "1", "|1}"), ""},
		"too many sets whose heads are":    {nested(5, "{", "1", "|1}"), comprehensions},
		"comprehensions in bodies":         {nested(4, "[1|", "1", "]"), ""},
		"too many comprehensions":          {nested(5, "[1|", "1", "]"), comprehensions},
		"a long sum":                       {nested(1, strings.Repeat("1+", 25), "1", ""), ""},
		"too long a sum":                   {nested(1, strings.Repeat("1+", 500), "1", ""), depth},
		"a template within a template":     {nested(10, "$\"{", "1", "}\""), ""},
		"too many templates":               {nested(16, "$\"{", "1", "}\""), brackets},
		"braces hidden in a template":      {nested(1, "$\"{"+strings.Repeat("{", 40), "", ""), brackets},
		"brackets in strings and comments": {nested(1, strings.Repeat(`"[\"{", `, 40)+strings.Repeat("`[\\`, ", 40)+"# "+strings.Repeat("[", 99)+"\n", "1", ""), ""},
		"an escaped brace in a template":   {nested(1, strings.Repeat(`$"\{[(", `, 40), "1", ""), ""},
		"brackets in a string left open":   {nested(1, "\""+strings.Repeat("[", 99), "", ""), "r.rego:6: illegal token\nr.rego:6: non-terminated string"},
		"an expression too many": {
			"package ark.select\n\nexclude contains \"x\" if {\n" + lines(257, "\tinput.object.spec.a%d == %d\n") + "}\n",
			"r.rego:3: the rule has 257 expressions; the limit is 256: split it",
		},
		"a rule too many": {
			"package ark.select\n\nexclude contains \"x\" if a0\n\na1000 := 1\n\n" + lines(1000, "a%d if a%d\n"),
			"the modules have 1002 rules together; the limit is 1000",
		},
		"an else too many": {
			"package ark.select\n\nexclude contains \"x\" if a0\n\na0 := 1 if input.object.a\n" + strings.Repeat("else := 2 if input.object.b\n", 200),
			"r.rego:5: the rule is nested too deep, or chains too many operators: split it",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Compile(t.Context(), inline(tc.rego), Options{Mode: OptOut})
			if diff := cmp.Diff(tc.want, errorText(err)); diff != "" {
				t.Errorf("Compile() error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrorsFitIntoAStatus(t *testing.T) {
	var b strings.Builder
	b.WriteString("package ark.select\n")
	for range 100 {
		fmt.Fprintf(&b, "\nexclude contains data.a%s\n", strings.Repeat(".bcdefgh", 60))
	}
	_, err := Compile(t.Context(), inline(b.String()), Options{Mode: OptOut})
	text := errorText(err)
	if lines := strings.Count(text, "\n") + 1; lines != maxErrors+1 || !strings.HasSuffix(text, "\nand 180 more mistakes") || len(text) > 32<<10 {
		t.Errorf("%d errors in %d bytes, ending in %q", lines, len(text), text[max(0, len(text)-40):])
	}
}
