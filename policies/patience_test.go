// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// costly is rules that take too much for every object.
type costly struct{ asked int }

func (c *costly) Ask(context.Context, Question) (Answer, error) {
	c.asked++
	return nil, &BudgetError{Message: "too much"}
}

// A backup of a million objects must not pay for rules that fail on each.
func TestRulesThatAlwaysTakeTooMuchAreGivenUp(t *testing.T) {
	p, rules := newPatience(), &costly{}
	for range givenUpAfter + 10 {
		if _, err := p.eval(t.Context(), rules, Question{}); !overBudget(err) {
			t.Fatalf("eval() error = %v, want a BudgetError", err)
		}
	}
	if diff := cmp.Diff(givenUpAfter+hopelessAfter, rules.asked); diff != "" {
		t.Errorf("times asked (-want +got):\n%s", diff)
	}
	if _, err := p.eval(t.Context(), rules, Question{}); !errors.Is(err, errGivenUp) {
		t.Errorf("eval() error = %v, want %v", err, errGivenUp)
	}
}

func TestReasonsAreBounded(t *testing.T) {
	rules := mustCompile(t, inline("package ark.restore\n\nn := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n\ndeny contains {\"code\": \"x\", \"msg\": msg} if {\n\tsome a in n\n\tsome b in n\n\tmsg := sprintf(\"%d%d\", [a, b])\n}\n"), OptOut)
	got, err := mustGates(t, someRestore, false, GateRules{Rules: rules}).Request(t.Context(), somePlan)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Deny) != maxReasons || got.Deny[0].Message != "00" || got.Deny[maxReasons-1].Message != "63 (and 36 more reasons)" {
		t.Errorf("Request() = %d reasons, the last %+v", len(got.Deny), got.Deny[len(got.Deny)-1])
	}
}
