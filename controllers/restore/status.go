// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/announce"
	"github.com/gopherwood/ark/controllers/internal/metrics"
	"github.com/gopherwood/ark/controllers/internal/step"
)

// setStatus derives the whole status from what the steps learned. It is pure,
// and nothing else in this package writes status.
func setStatus(s *scope, err error) {
	st := &s.restore.Status
	switch {
	case s.ending != nil:
		conditions, interrupted := st.Conditions, st.Interrupted
		s.ending.status.DeepCopyInto(st)
		st.Conditions, st.Interrupted = conditions, interrupted
		if s.ending.good() {
			s.conditions().Ready(s.ending.reason, s.ending.message)
		} else {
			s.conditions().Stalled(s.ending.reason, s.ending.message)
		}
	case err == nil:
		s.conditions().Reconciling(v1alpha1.ProgressingReason, "the restore is under way")
	default:
		s.setPending(err)
	}
	st.ObservedGeneration = s.restore.Generation
}

// setPending reports a restore that has not ended.
func (s *scope) setPending(err error) {
	s.conditions().Judge(err)
	st := &s.restore.Status
	if s.backup != nil && s.snapshot != nil {
		st.Backup = restoredBackup(s)
	}
	if s.progress != nil {
		st.Results = &v1alpha1.ResultCounts{
			Created: s.progress.Results.Created, Updated: s.progress.Results.Updated,
			Unchanged: s.progress.Results.Unchanged, Existing: s.progress.Results.Existing,
			Skipped: s.progress.Results.Skipped, Failed: s.progress.Results.Failed,
		}
	}
	if s.final(err) {
		st.Completeness = v1alpha1.CompletenessNone
		st.CompletionTime = &metav1.Time{Time: s.now}
		st.Errors = []string{err.Error()}
	}
}

// final reports whether err ends the restore for good. A backup that is named and
// that no location holds is such an end: the restore must not run by itself when
// one of that name appears, long after anybody thought of it.
func (s *scope) final(err error) bool {
	var known *step.Error
	if !errors.As(err, &known) || known.After != 0 {
		return false
	}
	missing := known.Reason == v1alpha1.BackupMissingReason && s.restore.Spec.BackupName != "" && s.backup == nil
	return missing || known.Reason == v1alpha1.FailedReason
}

// restoredBackup identifies the backup, and says how complete and how old it is.
func restoredBackup(s *scope) *v1alpha1.RestoredBackup {
	m := s.snapshot.Marker
	return &v1alpha1.RestoredBackup{
		Name: s.backup.Name, StorageLocation: s.location.Spec.Name, ClusterName: m.Cluster.Name,
		Completeness: v1alpha1.Completeness(m.Completeness), CompletionTime: &metav1.Time{Time: m.Completed},
	}
}

// announce tells people of changes that matter, once.
func (r *Reconciler) announce(s *scope) {
	ready := meta.FindStatusCondition(s.restore.Status.Conditions, v1alpha1.ReadyCondition)
	before := meta.FindStatusCondition(s.before.Status.Conditions, v1alpha1.ReadyCondition)
	if ready == nil || (before != nil && before.Reason == ready.Reason && before.Status == ready.Status) {
		return
	}
	if ready.Status == metav1.ConditionFalse || ready.Reason == v1alpha1.RetryingReason {
		announce.Warning(r.Events, s.restore, ready.Reason, "Restore", ready.Message)
		return
	}
	announce.Normal(r.Events, s.restore, ready.Reason, "Restore", ready.Message)
}

// count counts a restore that ended in this process, once status holds it. One that
// was adopted ended before.
func (r *Reconciler) count(s *scope) {
	switch {
	case s.ending != nil && s.ran:
		r.Metrics.RestoreEnded(s.restore, s.ending.policy, s.ending.reason)
	case s.ending == nil && s.before.Status.CompletionTime == nil && s.restore.Status.CompletionTime != nil:
		policy := ""
		if s.backup != nil {
			policy = metrics.PolicyOf(s.backup)
		}
		r.Metrics.RestoreEnded(s.restore, policy, v1alpha1.FailedReason)
	}
}

// counted tells the outcome in a sentence.
func counted(c *v1alpha1.ResultCounts) string {
	parts := []string{fmt.Sprintf("%d objects created", c.Created), fmt.Sprintf("%d unchanged", c.Unchanged)}
	for _, part := range []struct {
		n    int64
		text string
	}{
		{c.Updated, "updated"},
		{c.Existing, "exist, differ, and were left alone"},
		{c.Skipped, "skipped"},
		{c.Failed, "failed"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.text))
		}
	}
	return strings.Join(parts, ", ")
}
