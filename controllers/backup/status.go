// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/announce"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/engine/collect"
)

// setStatus derives the whole status from what the steps learned. It is pure,
// and nothing else in this package writes status.
func setStatus(s *scope, err error) {
	st := &s.backup.Status
	switch {
	case err == nil && s.tombstone != nil:
		s.setGone()
	case s.snapshot != nil && s.tombstone == nil:
		s.setStored(err)
	case err == nil:
		// A committed backup that storage was not asked about stays as it is.
	default:
		s.setPending(err)
	}
	st.ObservedGeneration = s.backup.Generation
}

// setStored reports a committed backup.
func (s *scope) setStored(err error) {
	st := &s.backup.Status
	projection.Status(s.backup, s.snapshot, projection.TrustedKeys(s.cfg), s.holders(), s.now)
	switch {
	case err != nil:
		// The data is safe, and what was asked of it is not done yet.
		s.conditions().Judge(err)
	case s.expiring:
		// It is good for as long as it is there.
		st.Conditions = s.before.DeepCopy().Status.Conditions
		s.keepVerdict()
	case s.keptBecause != "" && meta.IsStatusConditionTrue(st.Conditions, v1alpha1.ReadyCondition):
		ready := meta.FindStatusCondition(st.Conditions, v1alpha1.ReadyCondition)
		s.conditions().Ready(ready.Reason, ready.Message+"; past its ttl and "+s.keptBecause)
	}
}

// setGone reports that the data was removed, as it should be: an object that
// stays because Git holds it must not fail a deployment for it.
func (s *scope) setGone() {
	st := &s.backup.Status
	st.Completeness, st.Progress, st.Held, st.ExpirationTime = v1alpha1.CompletenessNone, nil, false, nil
	st.StorageLocations = nil
	if st.CompletionTime == nil {
		st.CompletionTime = &metav1.Time{Time: s.now}
	}
	when := ""
	if !s.tombstone.Time.IsZero() {
		when = " at " + s.tombstone.Time.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	if s.tombstone.Reason == expiredReason {
		s.conditions().Ready(v1alpha1.ExpiredReason, "the backup expired and its data was removed"+when+": its name is not used again")
		return
	}
	s.conditions().Ready(v1alpha1.DeletedReason, fmt.Sprintf("the data was removed%s: %s", when, s.tombstone.Reason))
}

// setPending reports a backup that is not there yet, or never will be.
func (s *scope) setPending(err error) {
	st := &s.backup.Status
	s.conditions().Judge(err)
	st.Progress = shown(s.progress)
	var known *step.Error
	final := errors.As(err, &known) && known.After == 0 && known.Reason == v1alpha1.FailedReason
	if final {
		st.Completeness = v1alpha1.CompletenessNone
		st.CompletionTime = &metav1.Time{Time: s.now}
		st.Errors = appendUnique(st.Errors, err.Error())
	}
}

// holders names the locations that hold the backup: sync may know of more than
// the one that was asked.
func (s *scope) holders() []string {
	if len(s.remaining) > 0 {
		return s.remaining
	}
	holders := appendUnique(s.backup.Status.StorageLocations, s.location.Spec.Name)
	for _, p := range s.places {
		if p.snapshot != nil {
			holders = appendUnique(holders, p.Spec.Name)
		}
	}
	return holders
}

func appendUnique(list []string, entry string) []string {
	if slices.Contains(list, entry) {
		return list
	}
	return append(slices.Clone(list), entry)
}

func shown(p *collect.Progress) *v1alpha1.BackupProgress {
	if p == nil {
		return nil
	}
	return &v1alpha1.BackupProgress{
		Resources: bounded(p.Resources), ResourcesDone: bounded(p.ResourcesDone),
		Objects: p.Objects,
	}
}

// bounded fits a count into the API's 32 bits.
func bounded(n int) int32 { return int32(max(0, min(n, math.MaxInt32))) }

// announce tells people of changes that matter, once.
func (r *Reconciler) announce(s *scope) {
	ready := meta.FindStatusCondition(s.backup.Status.Conditions, v1alpha1.ReadyCondition)
	before := meta.FindStatusCondition(s.before.Status.Conditions, v1alpha1.ReadyCondition)
	if ready == nil || (before != nil && before.Reason == ready.Reason && before.Status == ready.Status) {
		return
	}
	if ready.Status == metav1.ConditionFalse || ready.Reason == v1alpha1.RetryingReason {
		announce.Warning(r.Events, s.backup, ready.Reason, "Backup", ready.Message)
		return
	}
	announce.Normal(r.Events, s.backup, ready.Reason, "Backup", ready.Message)
}

// count counts what this process did, once status holds it.
func (r *Reconciler) count(s *scope) {
	if s.taken && s.before.Status.CompletionTime == nil && s.backup.Status.CompletionTime != nil {
		r.Metrics.BackupEnded(s.backup)
	}
	if s.removed && s.tombstone != nil {
		r.Metrics.BackupRemoved(s.tombstone.Reason == expiredReason)
	}
}
