// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package rules turns the rules that a Config or BackupPolicy names into a
// compiled policy.
//
// Rules that do not compile are never replaced by no rules: the last good
// revision stays in force, which is kept in an immutable ConfigMap named after
// its digest, so that a restart finds it too. The object's status names it.
package rules

import (
	"context"
	"errors"
	"slices"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/policies"
)

// Loader loads and compiles rules. It is safe for concurrent use and must not be
// copied.
type Loader struct {
	// Client reads ConfigMaps, and the objects whose status names one. It must not be backed by a cache: what is watched of
	// ConfigMaps is their metadata only.
	Client client.Reader
	// Writer writes the ConfigMaps that keep good revisions.
	Writer client.Client
	// Namespace is the controller's: the only one whose ConfigMaps are read.
	Namespace string
	// Compilations compiles.
	Compilations *Compilations
	// Clock tells how long a rule waits for its ConfigMap. Without one it does not.
	Clock engine.Clock

	mu sync.Mutex
	// halves holds since when rules wait for their other half.
	halves map[string]waiting
}

// Revision is a set of rules that compiled.
type Revision struct {
	// Policy decides. It is never nil; without rules it decides nothing.
	Policy *policies.Policy
	// Stale is why this is the last good revision and not what the object says
	// now: a stall for PolicyInvalid with the compiler's message, or a wait for the
	// ConfigMap of a rule. It is nil when the revision is the current one.
	Stale error
	// Mode is what the rules were compiled for: of a stale revision, what the
	// object said then.
	Mode policies.Mode

	set policies.Set
}

// Status is how the revision is shown in a status; nil when there are no rules.
func (r Revision) Status() *v1alpha1.PolicyRevision {
	if r.Policy.Count() == 0 {
		return nil
	}
	return &v1alpha1.PolicyRevision{Digest: r.Policy.Digest(), Rules: int32(r.Policy.Count())} //nolint:gosec // a set has a few hundred at most
}

// Cluster returns the rules that apply to every backup and restore.
func (l *Loader) Cluster(ctx context.Context, cfg *v1alpha1.Config) (Revision, error) {
	return l.load(ctx, owner{
		judged: judgedAlready(cfg.Status.Conditions, cfg.Generation), inForce: cfg.Status.Policy,
	}, cfg.Spec.Rules, policies.ClusterRules)
}

// Policy returns the rules of a BackupPolicy.
func (l *Loader) Policy(ctx context.Context, p *v1alpha1.BackupPolicy) (Revision, error) {
	mode := policies.OptOut
	if p.Spec.Selection == v1alpha1.SelectionOptIn {
		mode = policies.OptIn
	}
	return l.load(ctx, owner{
		name: p.Name, judged: judgedAlready(p.Status.Conditions, p.Generation), inForce: p.Status.Policy,
	}, p.Spec.Rules, mode)
}

// load compiles rules, and falls back on the revision that the status names. The
// error is a stall for PolicyInvalid when there is nothing to fall back on, a wait
// while the rules are compiled or not complete, and passing when the API server
// does not answer. While they are compiled nothing stands in for them: what was
// applied last may be what closes a gate.
func (l *Loader) load(ctx context.Context, o owner, rules []v1alpha1.Rule, mode policies.Mode) (Revision, error) {
	revision, err := l.current(ctx, o, rules, mode)
	var known *step.Error
	switch {
	case err == nil:
		return revision, nil
	case !errors.As(err, &known) || errors.Is(err, errCompiling):
		return Revision{}, err
	case o.inForce == nil || o.inForce.Digest == "":
		return Revision{}, err
	}
	kept, keptErr := l.kept(ctx, o.inForce.Digest)
	switch {
	case keptErr == nil:
		kept.Stale = like(known, "%w; revision %s stays in force", err, o.inForce.Digest)
		return kept, nil
	case errors.As(keptErr, new(*step.Error)) && !errors.Is(keptErr, errCompiling):
		return Revision{}, like(known, "%w; the last good revision is of no use: %w", err, keptErr)
	}
	return Revision{}, keptErr
}

// like is a stall or a wait as the other one is.
func like(other *step.Error, format string, args ...any) error {
	if other.After > 0 {
		return step.Wait(other.After, other.Reason, format, args...)
	}
	return step.Stall(other.Reason, format, args...)
}

// current compiles the rules as they are now.
func (l *Loader) current(ctx context.Context, o owner, rules []v1alpha1.Rule, mode policies.Mode) (Revision, error) {
	set, err := l.gather(ctx, o, rules)
	if err != nil {
		return Revision{}, err
	}
	return l.compile(ctx, set, mode)
}

// compile compiles a set.
func (l *Loader) compile(ctx context.Context, set policies.Set, mode policies.Mode) (Revision, error) {
	policy, err := l.Compilations.Compile(ctx, set, policies.Options{Mode: mode})
	if err != nil {
		return Revision{}, err
	}
	return Revision{Policy: policy, Mode: mode, set: set}, nil
}

// Uses reports whether any of the rules comes from the ConfigMap of that name.
func Uses(rules []v1alpha1.Rule, configMap string) bool {
	return slices.ContainsFunc(rules, func(r v1alpha1.Rule) bool {
		return r.ConfigMap != nil && r.ConfigMap.Name == configMap
	})
}
