// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/own"
)

// proof says what is known of whose backup it is. A cluster that was built anew has
// another UID: what its own key signed is its own all the same. What it has adopted is
// not, because whoever writes the bucket can say that of any backup.
func (r *Reconciler) proof(s *scope) own.Proof {
	trusted, ours := projection.TrustedKeys(s.cfg), ownKeys(s.cfg)
	if len(trusted) == 0 && !signs(s.cfg) {
		return own.NothingSigns
	}
	if archive.Verify(s.snapshot.Envelope, trusted) != archive.Verified {
		return own.Unproven
	}
	m := s.snapshot.Marker
	if m.Cluster.UID == r.ClusterUID || archive.Verify(s.snapshot.Envelope, ours) == archive.Verified {
		return own.Proven
	}
	return own.Unproven
}

// signs reports whether any location is to sign, although its key may be missing.
func signs(cfg *v1alpha1.Config) bool {
	for _, l := range cfg.Spec.Storage {
		if l.Signing != nil {
			return true
		}
	}
	return len(cfg.Spec.TrustedKeys) > 0
}

// ownKeys are those that this cluster signs with.
func ownKeys(cfg *v1alpha1.Config) []ed25519.PublicKey {
	var keys []ed25519.PublicKey
	for _, l := range cfg.Status.Storage {
		if key, ok := archive.ParsePublicKey(l.PublicKey); ok {
			keys = append(keys, key)
		}
	}
	return keys
}

// learnOwn asks the cluster what is Ark's, and adds what the Config and the policies
// name.
func (r *Reconciler) learnOwn(ctx context.Context, cfg *v1alpha1.Config) (own.Facts, error) {
	facts, err := own.Learn(ctx, r.Cluster, r.Namespace)
	if err != nil {
		return own.Facts{}, err
	}
	var policies v1alpha1.BackupPolicyList
	if err := r.Client.List(ctx, &policies); err != nil {
		return own.Facts{}, fmt.Errorf("list policies: %w", err)
	}
	name := func(resource, name string) {
		facts.Named[engine.Key{GroupResource: schema.GroupResource{Resource: resource}, Namespace: r.Namespace, Name: name}] = true
	}
	rules := slices.Clone(cfg.Spec.Rules)
	for i := range policies.Items {
		rules = append(rules, policies.Items[i].Spec.Rules...)
	}
	for _, rule := range rules {
		if rule.ConfigMap != nil {
			name("configmaps", rule.ConfigMap.Name)
		}
	}
	for _, secret := range locations.SecretNames(cfg) {
		name("secrets", secret)
	}
	return facts, nil
}
