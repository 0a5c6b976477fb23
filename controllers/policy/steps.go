// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/health"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/controllers/template"
)

// missingAfter is when a Config that does not exist is looked for again,
// although its creation wakes the policy too.
const missingAfter = time.Minute

func (r *Reconciler) learnConfig(ctx context.Context, s *scope) error {
	cfg := &v1alpha1.Config{}
	err := r.Client.Get(ctx, client.ObjectKey{Name: v1alpha1.ConfigName}, cfg)
	switch {
	case apierrors.IsNotFound(err):
		s.refuse(step.Wait(missingAfter, v1alpha1.ConfigMissingReason,
			"there is no Config named %s: create it with a storage location", v1alpha1.ConfigName))
		return nil
	case err != nil:
		return fmt.Errorf("read Config: %w", err)
	}
	s.cfg = cfg
	return nil
}

// learnBackups reads how the policy's backups went. Names too long for a label
// can have no Schedule, and so no labelled backup.
func (r *Reconciler) learnBackups(ctx context.Context, s *scope) error {
	if s.cfg == nil || len(s.policy.Name) > maxLabelValue {
		return nil
	}
	var list v1alpha1.BackupList
	if err := r.Client.List(ctx, &list, client.MatchingLabels{v1alpha1.PolicyLabel: s.policy.Name}); err != nil {
		return fmt.Errorf("list backups: %w", err)
	}
	s.runs = health.Read(list.Items, s.cfg.Status.ClusterUID, s.now)
	return nil
}

// loadRules compiles the rules and keeps them, so that a restart finds the last
// good ones while the present ones are broken.
func (r *Reconciler) loadRules(ctx context.Context, s *scope) error {
	revision, err := r.Rules.Policy(ctx, s.policy)
	if err != nil {
		s.refuse(err)
		return nil
	}
	if revision.Stale != nil {
		s.refuse(revision.Stale)
	} else if err := r.Rules.Keep(ctx, revision); err != nil {
		return err
	}
	s.rules = &revision
	return nil
}

// checkTemplate finds what would fail every backup of the policy.
func checkTemplate(_ context.Context, s *scope) error {
	if _, err := template.Selection(s.policy.Spec.Template); err != nil {
		s.refuse(step.Stall(v1alpha1.RequestInvalidReason, "spec.template.%w", err))
	}
	if s.cfg == nil || s.cfg.Spec.Mode == v1alpha1.ModeRestoreOnly {
		return nil
	}
	asked := ""
	if s.policy.Spec.Template != nil {
		asked = s.policy.Spec.Template.StorageLocation
	}
	location, err := locations.Find(s.cfg, asked)
	switch {
	case err != nil:
		s.refuse(err)
	case location.Access == v1alpha1.AccessReadOnly:
		s.refuse(step.Stall(v1alpha1.LocationReadOnlyReason,
			"location %q is read-only: set its access to ReadWrite in the Config, or name another in spec.template.storageLocation",
			location.Name))
	}
	return nil
}
