// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"strings"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/rules"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/controllers/template"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/backup"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/policies"
)

// prepare gathers what an attempt needs: everything is decided before it begins,
// and a later change of Config or policies does not reach it.
func (r *Reconciler) prepare(ctx context.Context, s *scope) (*takeWork, error) {
	req := backup.Request{
		Cluster: archive.Cluster{UID: r.ClusterUID, Name: s.cfg.Spec.ClusterName},
		Name:    s.backup.Name, Attempt: r.NewAttempt(),
		Schedule: s.backup.Labels[v1alpha1.ScheduleLabel],
		Policy:   s.backup.Spec.PolicyName,
		Created:  s.backup.CreationTimestamp.Time,
	}
	if err := r.addTemplate(ctx, s, &req); err != nil {
		return nil, err
	}
	if err := r.addRules(ctx, s, &req); err != nil {
		return nil, err
	}
	key, err := r.Locations.SigningKey(ctx, s.cfg, s.location.Spec)
	if err != nil {
		return nil, err
	}
	if key != nil {
		req.Keys = []ed25519.PrivateKey{key}
	}
	if req.Collect.Protected, err = r.protected(ctx, s.cfg); err != nil {
		return nil, err
	}
	if c := s.cfg.Spec.Concurrency; c != nil {
		req.Collect.Lists = int(c.Lists)
	}
	return &takeWork{
		ports: backup.Ports{Source: r.Source, Catalog: s.location.Catalog, Clock: r.Clock},
		req:   req,
	}, nil
}

// addTemplate resolves what is covered and how long it is kept.
func (r *Reconciler) addTemplate(ctx context.Context, s *scope, req *backup.Request) error {
	t, err := r.template(ctx, s)
	if err != nil {
		return err
	}
	resolved := template.Resolve(t, s.backup.Spec.TTL, s.cfg.Spec.Defaults, s.location.Spec.Name)
	if req.Collect.Template, err = template.Selection(resolved); err != nil {
		field := "spec.template"
		if p := s.backup.Spec.PolicyName; p != "" {
			field = "BackupPolicy " + p + ": " + field
		}
		return step.Stall(v1alpha1.RequestInvalidReason, "%s.%w", field, err)
	}
	req.Collect.AllowEmpty = resolved.AllowEmpty
	req.Collect.AnyMoment = resolved.PointInTime == v1alpha1.PointInTimeOff
	req.TTL = resolved.TTL.Duration
	if req.Spec, err = json.Marshal(s.backup.Spec); err != nil {
		return fmt.Errorf("record the spec: %w", err)
	}
	if req.Template, err = json.Marshal(resolved); err != nil {
		return fmt.Errorf("record the template: %w", err)
	}
	return nil
}

// addRules loads the rules of the Config and of the BackupPolicy. Where they do
// not compile the last good revision decides; where there is none, no backup is
// taken: no rules are never the fallback.
func (r *Reconciler) addRules(ctx context.Context, s *scope, req *backup.Request) error {
	cluster, err := r.Rules.Cluster(ctx, s.cfg)
	if err != nil {
		return fmt.Errorf("load the Config's rules: %w", err)
	}
	revisions := map[string]rules.Revision{"config": cluster}
	if req.Policy != "" {
		policy, err := r.policy(ctx, s)
		if err != nil {
			return err
		}
		own, err := r.Rules.Policy(ctx, policy)
		if err != nil {
			return fmt.Errorf("load the rules of BackupPolicy %s: %w", req.Policy, err)
		}
		revisions["policy"] = own
		if own.Mode == policies.OptIn {
			req.Collect.Mode = collect.OptIn
		}
		if policy.Spec.OnRuleError == v1alpha1.RuleErrorFail {
			req.Collect.OnRuleError = collect.FailOnRuleError
		}
	}
	return decide(s, req, revisions)
}

// decide puts the rules behind the port through which objects are selected, and
// their sources into the archive.
func decide(s *scope, req *backup.Request, revisions map[string]rules.Revision) error {
	var deciding []*policies.Policy
	var digests []string
	count := int32(0)
	req.RuleFiles = map[string][]byte{}
	for _, origin := range []string{"config", "policy"} {
		revision, ok := revisions[origin]
		if !ok || revision.Status() == nil {
			continue
		}
		deciding = append(deciding, revision.Policy)
		digests = append(digests, revision.Policy.Digest())
		count += revision.Status().Rules
		files, err := revision.Files()
		if err != nil {
			return err
		}
		for name, content := range maps.All(files) {
			req.RuleFiles[path.Join(origin, name)] = content
		}
	}
	if len(deciding) == 0 && req.Collect.Mode == collect.OptOut {
		return nil
	}
	selector, err := policies.NewSelector(facts(s, req), deciding...)
	if err != nil {
		return err
	}
	req.Decider = selector
	if len(digests) > 0 {
		req.Rules = &archive.Rules{Digest: join(digests), Count: count}
		req.RuleEngine = policies.Engine()
	}
	return nil
}

// facts are what rules may know of the backup.
func facts(s *scope, req *backup.Request) policies.BackupFacts {
	return policies.BackupFacts{
		Name: req.Name, Policy: req.Policy, Schedule: req.Schedule,
		Cluster: policies.Cluster{UID: req.Cluster.UID, Name: req.Cluster.Name}, Time: s.now,
	}
}

// join makes one digest of those of several revisions.
func join(digests []string) string {
	if len(digests) == 1 {
		return digests[0]
	}
	sum := sha256.Sum256([]byte(strings.Join(digests, "\n")))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// protected are the Secrets that no backup may hold.
func (r *Reconciler) protected(ctx context.Context, cfg *v1alpha1.Config) (map[engine.Key]struct{}, error) {
	names, err := r.Locations.Protected(ctx, cfg)
	if err != nil {
		return nil, err
	}
	keys := map[engine.Key]struct{}{}
	for _, name := range names {
		key := engine.Key{Namespace: r.Locations.Namespace, Name: name}
		key.Resource = "secrets"
		keys[key] = struct{}{}
	}
	return keys, nil
}
