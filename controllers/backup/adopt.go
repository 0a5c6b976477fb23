// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"encoding/json"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/ownership"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/controllers/projection"
)

// adopt refuses a name that means something else in storage: a backup that was
// asked for with another template or policy, or one that was removed before this
// object was made. Whoever waits for the object must not take that for theirs;
// unless it was this object's, whatever the clocks say, or all it asks for is that
// there be no data.
func (r *Reconciler) adopt(_ context.Context, s *scope) error {
	tombstone, snapshot := s.tombstone, s.snapshot
	switch {
	case tombstone != nil && snapshot == nil && s.backup.CreationTimestamp.After(tombstone.Time) && !s.knewIt():
		s.tombstone = nil // it is another object's
		return step.Stall(v1alpha1.NameTakenReason,
			"a backup of this name was removed at %s (%s), and names are not used again: create a Backup of another name",
			tombstone.Time.UTC().Format(time.RFC3339), tombstone.Reason)
	case snapshot != nil && !s.sameRequest():
		s.snapshot, s.tombstone = nil, nil
		return step.Stall(v1alpha1.NameTakenReason,
			"storage holds a backup of this name from %s, of another template or policy: create a Backup of another name",
			snapshot.Marker.Created.UTC().Format(time.RFC3339))
	}
	return nil
}

// sameRequest reports whether the backup in storage was asked for as this object
// asks. What was recorded in a way that cannot be read is given the benefit of
// the doubt: sync makes objects of such backups too. So is what sync writes where
// the spec is of no use here.
func (s *scope) sameRequest() bool {
	m := s.snapshot.Marker
	var stored v1alpha1.BackupSpec
	if err := json.Unmarshal(m.Spec, &stored); err != nil || s.asksFor(&stored) {
		return true
	}
	if s.backup.Labels[v1alpha1.CreatedByLabel] == v1alpha1.CreatedBySync && s.backup.Spec.Template == nil &&
		s.backup.Spec.PolicyName == stored.PolicyName && ownership.Ours(s.backup) {
		return true // the template was too large to be shown
	}
	resolved, err := projection.TemplateSpec(m)
	return err == nil && s.asksFor(&resolved)
}

// asksFor reports whether the object asks for what spec does.
func (s *scope) asksFor(spec *v1alpha1.BackupSpec) bool {
	return spec.PolicyName == s.backup.Spec.PolicyName && equality.Semantic.DeepEqual(spec.Template, s.backup.Spec.Template)
}

// knewIt reports whether the object stood for the backup that was removed, or asks
// for its removal.
func (s *scope) knewIt() bool {
	return s.backup.Status.CompletionTime != nil || s.backup.Spec.Deletion != nil
}
