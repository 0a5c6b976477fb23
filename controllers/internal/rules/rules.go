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
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/policies"
)

// maxCompiled bounds how many compiled policies are remembered: more than a
// cluster has objects with rules, whatever their history.
const maxCompiled = 128

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

	mu       sync.Mutex
	compiled map[[sha256.Size]byte]*policies.Policy
}

// Revision is a set of rules that compiled.
type Revision struct {
	// Policy decides. It is never nil; without rules it decides nothing.
	Policy *policies.Policy
	// Stale is why this is the last good revision and not what the object says
	// now: a stall for PolicyInvalid with the compiler's message. It is nil when
	// the revision is the current one.
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
	return l.load(ctx, cfg.Spec.Rules, policies.ClusterRules, cfg.Status.Policy)
}

// Policy returns the rules of a BackupPolicy.
func (l *Loader) Policy(ctx context.Context, p *v1alpha1.BackupPolicy) (Revision, error) {
	mode := policies.OptOut
	if p.Spec.Selection == v1alpha1.SelectionOptIn {
		mode = policies.OptIn
	}
	return l.load(ctx, p.Spec.Rules, mode, p.Status.Policy)
}

// load compiles rules, and falls back on the revision that the status names. The
// error is a stall for PolicyInvalid when there is nothing to fall back on, and
// passing when the API server does not answer.
func (l *Loader) load(ctx context.Context, rules []v1alpha1.Rule, mode policies.Mode, inForce *v1alpha1.PolicyRevision) (Revision, error) {
	revision, err := l.current(ctx, rules, mode)
	var known *step.Error
	switch {
	case err == nil:
		return revision, nil
	case !errors.As(err, &known):
		return Revision{}, err
	case inForce == nil || inForce.Digest == "":
		return Revision{}, err
	}
	kept, keptErr := l.kept(ctx, inForce.Digest)
	switch {
	case keptErr == nil:
		kept.Stale = step.Stall(v1alpha1.PolicyInvalidReason, "%w; revision %s stays in force", err, inForce.Digest)
		return kept, nil
	case errors.As(keptErr, &known):
		return Revision{}, step.Stall(v1alpha1.PolicyInvalidReason, "%w; the last good revision is of no use: %w", err, keptErr)
	}
	return Revision{}, keptErr
}

// current compiles the rules as they are now.
func (l *Loader) current(ctx context.Context, rules []v1alpha1.Rule, mode policies.Mode) (Revision, error) {
	set, err := l.gather(ctx, rules)
	if err != nil {
		return Revision{}, err
	}
	return l.compile(ctx, set, mode)
}

// compile compiles a set, unless it was compiled before.
func (l *Loader) compile(ctx context.Context, set policies.Set, mode policies.Mode) (Revision, error) {
	raw, err := json.Marshal([]any{set, mode})
	if err != nil {
		return Revision{}, fmt.Errorf("identify rules: %w", err)
	}
	key := sha256.Sum256(raw)
	if p := l.remembered(key); p != nil {
		return Revision{Policy: p, Mode: mode, set: set}, nil
	}
	policy, err := policies.Compile(ctx, set, policies.Options{Mode: mode})
	var mistakes policies.Errors
	switch {
	case errors.As(err, &mistakes):
		return Revision{}, step.Stall(v1alpha1.PolicyInvalidReason, "%w", err)
	case err != nil:
		return Revision{}, err
	}
	l.remember(key, policy)
	return Revision{Policy: policy, Mode: mode, set: set}, nil
}

func (l *Loader) remembered(key [sha256.Size]byte) *policies.Policy {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.compiled[key]
}

func (l *Loader) remember(key [sha256.Size]byte, policy *policies.Policy) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.compiled == nil || len(l.compiled) >= maxCompiled {
		l.compiled = map[[sha256.Size]byte]*policies.Policy{}
	}
	l.compiled[key] = policy
}

// Uses reports whether any of the rules comes from the ConfigMap of that name.
func Uses(rules []v1alpha1.Rule, configMap string) bool {
	return slices.ContainsFunc(rules, func(r v1alpha1.Rule) bool {
		return r.ConfigMap != nil && r.ConfigMap.Name == configMap
	})
}
