// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"fmt"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/rules"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/controllers/template"
	"github.com/gopherwood/ark/engine/archive"
	engrestore "github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/selection"
	"github.com/gopherwood/ark/policies"
)

// gate asks the rules of the cluster that is restored into: those of the Config,
// and those of every BackupPolicy whose template covers a namespace that is
// written into. Rules from storage, and those of the policy that the backup was
// taken for, have no say.
type gate struct {
	facts   policies.RestoreFacts
	require bool
	cluster policies.GateRules
	covered []coveredRules

	// asked are the rules that apply, once the plan is known.
	asked *policies.Gates
}

var _ engrestore.Gate = (*gate)(nil)

// coveredRules are the rules of a BackupPolicy, and what its template covers.
type coveredRules struct {
	covers *selection.Selection
	rules  policies.GateRules
}

// gate loads all rules that may apply. Rules that cannot be loaded deny a restore
// that they would apply to; only those that have to be waited for,
// and an API server that does not answer, are an error.
func (r *Reconciler) gate(ctx context.Context, s *scope) (*gate, error) {
	g := &gate{facts: r.facts(s), require: s.cfg.Spec.RequireGate}
	revision, err := r.Rules.Cluster(ctx, s.cfg)
	if g.cluster, err = gateRules("", revision, err); err != nil {
		return nil, fmt.Errorf("load the Config's rules: %w", err)
	}
	var list v1alpha1.BackupPolicyList
	if err := r.Client.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("list policies: %w", err)
	}
	for i := range list.Items {
		p := &list.Items[i]
		revision, err := r.Rules.Policy(ctx, p)
		loaded, err := gateRules(p.Name, revision, err)
		if err != nil {
			return nil, fmt.Errorf("load the rules of BackupPolicy %s: %w", p.Name, err)
		}
		covers, err := covered(p)
		if err != nil {
			// What cannot be understood may cover everything.
			loaded = policies.GateRules{Policy: p.Name, Broken: fmt.Errorf("its template is invalid: %w", err)}
		}
		g.covered = append(g.covered, coveredRules{covers: covers, rules: loaded})
	}
	return g, nil
}

// gateRules tells rules that are broken from those that only have to be waited for,
// and from an API server that does not answer.
func gateRules(policy string, revision rules.Revision, err error) (policies.GateRules, error) {
	var known *step.Error
	switch {
	case err == nil:
		return policies.GateRules{Policy: policy, Rules: revision.Policy}, nil
	case errors.As(err, &known) && known.After == 0:
		return policies.GateRules{Policy: policy, Broken: err}, nil
	}
	return policies.GateRules{}, err
}

func covered(p *v1alpha1.BackupPolicy) (*selection.Selection, error) {
	t, err := template.Selection(p.Spec.Template)
	if err != nil {
		return nil, err
	}
	return selection.New(t, nil)
}

// applies reports whether the rules of a policy have a say: it covers a namespace
// that is written into, or all of the cluster.
func (c *coveredRules) applies(namespaces []engrestore.TargetNamespace) bool {
	if c.covers == nil || (c.covers.AllNamespaces() && c.covers.ClusterScope() == selection.ClusterScopeAll) {
		return true
	}
	for _, ns := range namespaces {
		if c.covers.CoversNamespace(ns.Name) {
			return true
		}
	}
	return false
}

// of returns the rules that apply to a restore into these namespaces.
func (g *gate) of(namespaces []engrestore.TargetNamespace) (*policies.Gates, error) {
	apply := []policies.GateRules{g.cluster}
	for i := range g.covered {
		if g.covered[i].applies(namespaces) {
			apply = append(apply, g.covered[i].rules)
		}
	}
	return policies.NewGates(g.facts, apply, g.require)
}

// ReadsPlan reports whether there is anything to ask.
func (g *gate) ReadsPlan(namespaces []engrestore.TargetNamespace) bool {
	asked, err := g.of(namespaces)
	return err != nil || asked.ReadsPlan(namespaces)
}

// Request asks the rules that apply to the plan.
func (g *gate) Request(ctx context.Context, plan engrestore.Summary) (engrestore.Verdict, error) {
	asked, err := g.of(plan.Namespaces)
	if err != nil {
		return engrestore.Verdict{}, err
	}
	g.asked = asked
	return asked.Request(ctx, plan)
}

// PerObject reports whether any of them looks at single objects.
func (g *gate) PerObject() bool { return g.asked != nil && g.asked.PerObject() }

// Object asks the rules that apply about one object.
func (g *gate) Object(ctx context.Context, c engrestore.Candidate) (engrestore.Ruling, error) {
	if g.asked == nil {
		return engrestore.Ruling{}, errors.New("ask gates: the request as a whole was not asked about")
	}
	return g.asked.Object(ctx, c)
}

// facts are what rules may know besides the plan. What a marker that nobody
// vouches for says of itself is told apart as claimed.
func (r *Reconciler) facts(s *scope) policies.RestoreFacts {
	m := s.snapshot.Marker
	trust := archive.Verify(s.snapshot.Envelope, projection.TrustedKeys(s.cfg))
	facts := policies.RestoreFacts{
		Name: s.restore.Name,
		Backup: policies.RestoredBackup{
			Name: s.backup.Name, Age: s.now.Sub(m.Started), Verification: string(trust),
			Cluster: policies.Cluster{UID: m.Cluster.UID},
		},
		Target: policies.Cluster{UID: r.ClusterUID, Name: s.cfg.Spec.ClusterName},
		Time:   s.now,
	}
	if trust == archive.Verified {
		facts.Backup.Cluster.Name = m.Cluster.Name
		facts.Backup.Completeness, facts.Backup.Policy = m.Completeness, m.Policy
		return facts
	}
	facts.Backup.Claimed = map[string]any{
		"cluster":      map[string]any{"uid": m.Cluster.UID, "name": m.Cluster.Name},
		"completeness": m.Completeness, "policy": m.Policy, "schedule": m.Schedule,
	}
	return facts
}
