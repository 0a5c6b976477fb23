// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"context"
	"sync"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine/restore"
)

// checkLocations tries every location, at the same time: the schema allows few,
// and one that does not answer must not keep the others waiting.
func (r *Reconciler) checkLocations(ctx context.Context, s *scope) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()

	s.checked = make([]check, len(s.cfg.Spec.Storage))
	var active sync.WaitGroup
	for i, l := range s.cfg.Spec.Storage {
		active.Go(func() {
			location, err := r.Locations.Check(ctx, s.cfg, l.Name)
			s.checked[i] = check{name: l.Name, problem: err}
			if err == nil {
				s.checked[i].storeID = location.Catalog.Identity().ID
				s.checked[i].storeAddress = locations.Address(location.Spec)
				s.checked[i].conditional = conditional(location)
			}
			if l.Signing != nil {
				s.checked[i].signer = l.Signing.SecretName
			}
			key, err := r.Locations.SigningKey(ctx, s.first, l)
			s.checked[i].publicKey, s.checked[i].unsigned = locations.PublicKey(key), err
		})
	}
	active.Wait()

	for _, c := range s.checked {
		if c.problem != nil {
			s.refuse(c.problem)
		}
		if c.unsigned != nil {
			s.refuse(c.unsigned)
		}
	}
	return nil
}

// conditional reports whether the store refuses to overwrite; nil when that was
// not tried.
func conditional(l *locations.Location) *bool {
	if l.ReadOnly {
		return nil
	}
	refuses := l.Catalog.ConditionalWrites()
	return &refuses
}

// loadRules compiles the rules and keeps them, so that a restart finds the last
// good ones while the present ones are broken.
func (r *Reconciler) loadRules(ctx context.Context, s *scope) error {
	revision, err := r.Rules.Cluster(ctx, s.cfg)
	if err != nil {
		s.refuse(err)
		return nil
	}
	if revision.Stale != nil {
		s.refuse(revision.Stale)
	} else if err := r.Rules.Keep(ctx, revision); err != nil {
		s.refuse(err)
		return nil
	}
	s.rules = &revision
	return nil
}

// checkOrder finds what would fail every restore.
func checkOrder(_ context.Context, s *scope) error {
	if err := restore.CheckOrder(s.cfg.Spec.RestoreOrder); err != nil {
		s.refuse(step.Stall(v1alpha1.RequestInvalidReason, "spec.%w", err))
	}
	return nil
}

func judge(_ context.Context, s *scope) error { return step.Join(s.problems...) }
