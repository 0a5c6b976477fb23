// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

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
	restore     []byte
	backup      []byte
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
		restore:     facts.value(),
		backup:      backup,
		target:      document{}.value("cluster", facts.Target.value()).text("time", timeValue(facts.Time)),
		patience:    newPatience(),
		requestTime: requestLimit,
	}
	for _, r := range rules {
		if (r.Rules == nil) == (r.Broken == nil) {
			return nil, fmt.Errorf("gate of policy %q: %w", r.Policy, errGateRules)
		}
		if r.Rules != nil && r.Rules.HasRestoreSelect() {
			g.fields = g.fields.union(r.Rules.about.Reads[RestoreSelectPackage])
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
	question := Question{EntryPoint: RestorePackage, Fields: g.requestInput(plan), Limit: g.requestTime}
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
		answer, err := r.Rules.Ask(ctx, question)
		switch {
		case ctx.Err() != nil:
			return restore.Verdict{}, fmt.Errorf("ask gates: %w", ctx.Err())
		case err != nil:
			verdict.Deny = append(verdict.Deny, failed(r, err))
		default:
			verdict.Deny = append(verdict.Deny, reasons(r, answer[ruleDeny])...)
			verdict.Warn = append(verdict.Warn, reasons(r, answer[ruleWarn])...)
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
		var answer Answer
		err := inputErr
		if err == nil {
			answer, err = g.patience.eval(ctx, r.Rules, Question{EntryPoint: RestoreSelectPackage, Fields: input})
		}
		switch {
		case ctx.Err() != nil:
			return restore.Ruling{}, fmt.Errorf("ask gates: %w", ctx.Err())
		case err != nil:
			reason := failed(r, err)
			reason.Object = about
			ruling.Deny = append(ruling.Deny, reason)
		default:
			ruling.Deny = append(ruling.Deny, explained(r, about, answer[ruleDeny])...)
			ruling.Skip = append(ruling.Skip, explained(r, about, answer[ruleSkip])...)
		}
	}
	return ruling, nil
}

func failed(r GateRules, err error) restore.Reason {
	return restore.Reason{Code: CodePolicyError, Message: Cut(err.Error()), Policy: r.Policy}
}

// explained gives codes the text that METADATA has for them.
func explained(r GateRules, about string, given []Reason) []restore.Reason {
	var all []restore.Reason
	for _, code := range distinct(codes(given)) {
		all = append(all, restore.Reason{Code: code, Message: r.Rules.Describe(code), Policy: r.Policy, Object: about})
	}
	return all
}

func reasons(r GateRules, given []Reason) []restore.Reason {
	var all []restore.Reason
	for _, reason := range given {
		all = append(all, restore.Reason{Code: reason.Code, Message: reason.Message, Policy: r.Policy})
	}
	return all
}
