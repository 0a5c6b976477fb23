// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/gopherwood/ark/engine/restore"
)

// Codes that Gates gives by itself.
const (
	// CodePolicyError: a gate could not be asked, or did not answer in time.
	CodePolicyError = "policy-error"
	// CodeNoGate: no restore rule covers the restore.
	CodeNoGate = "no-gate"
)

// GateRules are the rules of one policy that a restore has to pass. Exactly one
// of Rules and Broken is set.
type GateRules struct {
	// Policy names the BackupPolicy; empty for the Config.
	Policy string
	Rules  *Policy
	// Broken is why there are no rules that could be asked: it denies the restore.
	Broken error
}

// Gates asks several policies about one restore. Each can deny.
type Gates struct {
	rules       []GateRules
	requireGate bool
	facts       map[string]ast.Value
	target      document
	fields      objectFields
	patience    *patience
	requestTime time.Duration
}

var _ restore.Gate = (*Gates)(nil)

// NewGates asks all of rules. requireGate denies a restore that none of them
// covers; without it such a restore is allowed with a warning.
func NewGates(facts RestoreFacts, rules []GateRules, requireGate bool) (*Gates, error) {
	backup, err := facts.Backup.value()
	if err != nil {
		return nil, err
	}
	g := &Gates{
		rules:       rules,
		requireGate: requireGate,
		facts:       map[string]ast.Value{"restore": facts.value(), "backup": backup},
		target:      document{}.value("cluster", facts.Target.value()).text("time", timeValue(facts.Time)),
		patience:    newPatience(),
		requestTime: requestLimit,
	}
	for _, r := range rules {
		if (r.Rules == nil) == (r.Broken == nil) {
			return nil, fmt.Errorf("gate of policy %q: %w", r.Policy, errGateRules)
		}
		if r.Rules != nil && r.Rules.HasRestoreSelect() {
			g.fields = g.fields.union(r.Rules.units[objectGate].fields)
		}
	}
	return g, nil
}

var errGateRules = errors.New("set exactly one of the rules and the reason why there are none")

// Request asks the rules of ark.restore. A gate that fails denies, and the
// others are asked all the same, so that a person sees all reasons at once. The
// only error is that ctx ended.
func (g *Gates) Request(ctx context.Context, plan restore.Summary) (restore.Verdict, error) {
	var verdict restore.Verdict
	input := g.requestInput(plan)
	gated := false
	for _, r := range g.rules {
		if r.Broken != nil {
			gated = true
			verdict.Deny = append(verdict.Deny, failed(r, r.Broken))
			continue
		}
		gated = gated || r.Rules.HasRestore() || r.Rules.HasRestoreSelect()
		if !r.Rules.HasRestore() {
			continue
		}
		sets, err := r.Rules.units[requestGate].eval(ctx, input, g.requestTime)
		switch {
		case ctx.Err() != nil:
			return restore.Verdict{}, fmt.Errorf("ask gates: %w", ctx.Err())
		case err != nil:
			verdict.Deny = append(verdict.Deny, failed(r, err))
		default:
			verdict.Deny = append(verdict.Deny, reasons(r, sets[ruleDeny])...)
			verdict.Warn = append(verdict.Warn, reasons(r, sets[ruleWarn])...)
		}
	}
	if !gated {
		return g.ungated(), nil
	}
	return verdict, nil
}

// ungated is the verdict where there is nobody to ask.
func (g *Gates) ungated() restore.Verdict {
	if g.requireGate {
		return restore.Verdict{Deny: []restore.Reason{{
			Code:    CodeNoGate,
			Message: "no restore rule covers this restore, and the Config requires one: add a rule to the Config or to a BackupPolicy that covers the target namespaces",
		}}}
	}
	return restore.Verdict{Warn: []restore.Reason{{
		Code:    CodeNoGate,
		Message: "no restore rule covers this restore: it is allowed as it is",
	}}}
}

// ReadsPlan reports whether there is anything to ask of a restore, wherever into. One
// that is going to be denied for want of rules is worth a plan too.
func (g *Gates) ReadsPlan([]restore.TargetNamespace) bool {
	return g.requireGate || slices.ContainsFunc(g.rules, func(r GateRules) bool {
		return r.Broken != nil || r.Rules.HasRestore() || r.Rules.HasRestoreSelect()
	})
}

// PerObject reports whether any policy has rules in ark.restore_select.
func (g *Gates) PerObject() bool {
	return slices.ContainsFunc(g.rules, func(r GateRules) bool {
		return r.Rules != nil && r.Rules.HasRestoreSelect()
	})
}

// Object asks the rules of ark.restore_select. A gate that fails denies; the
// only error is that ctx ended.
func (g *Gates) Object(ctx context.Context, c restore.Candidate) (restore.Ruling, error) {
	var ruling restore.Ruling
	if !g.PerObject() {
		return ruling, nil
	}
	input, inputErr := g.objectInput(c)
	about := c.Object.Key().String()
	for _, r := range g.rules {
		if r.Rules == nil || !r.Rules.HasRestoreSelect() {
			continue
		}
		var sets map[string]ast.Set
		err := inputErr
		if err == nil {
			sets, err = g.patience.eval(ctx, r.Rules.units[objectGate], input)
		}
		switch {
		case ctx.Err() != nil:
			return restore.Ruling{}, fmt.Errorf("ask gates: %w", ctx.Err())
		case err != nil:
			reason := failed(r, err)
			reason.Object = about
			ruling.Deny = append(ruling.Deny, reason)
		default:
			ruling.Deny = append(ruling.Deny, explained(r, about, sets[ruleDeny])...)
			ruling.Skip = append(ruling.Skip, explained(r, about, sets[ruleSkip])...)
		}
	}
	return ruling, nil
}

func failed(r GateRules, err error) restore.Reason {
	return restore.Reason{Code: CodePolicyError, Message: cut(err.Error()), Policy: r.Policy}
}

// explained gives codes the text that METADATA has for them.
func explained(r GateRules, about string, set ast.Set) []restore.Reason {
	var all []restore.Reason
	for _, code := range distinct(codes(set)) {
		all = append(all, restore.Reason{Code: code, Message: r.Rules.Describe(code), Policy: r.Policy, Object: about})
	}
	return all
}

// reasons are the objects of code and msg that a set contains. A msg that is no
// text is shown as Rego writes it.
func reasons(r GateRules, set ast.Set) []restore.Reason {
	var all []restore.Reason
	if set == nil {
		return nil
	}
	for _, t := range set.Slice() {
		reason, ok := t.Value.(ast.Object)
		if !ok {
			continue
		}
		all = append(all, restore.Reason{
			Code:    text(reason.Get(ast.InternedTerm("code"))),
			Message: cut(text(reason.Get(ast.InternedTerm("msg")))),
			Policy:  r.Policy,
		})
	}
	slices.SortFunc(all, func(a, b restore.Reason) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	return all
}

func text(t *ast.Term) string {
	if t == nil {
		return ""
	}
	if s, ok := t.Value.(ast.String); ok {
		return string(s)
	}
	return t.Value.String()
}
