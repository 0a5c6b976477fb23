// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/announce"
	"github.com/gopherwood/ark/controllers/internal/conditions"
	"github.com/gopherwood/ark/engine/schedule"
)

// setStatus derives the whole status from what the steps learned.
func setStatus(s *scope, err error) {
	status := &s.schedule.Status
	status.ObservedGeneration = s.schedule.Generation
	set := conditions.Set{Conditions: &status.Conditions, Generation: s.schedule.Generation, Now: s.now}

	setReady(set, s, err)
	s.runs.Note(set, s.plan.late)

	if s.inForce != nil {
		status.InForce = s.inForce
	}
	if !s.last.IsZero() {
		status.LastScheduleTime = &metav1.Time{Time: s.last}
		status.LastBackupName = schedule.BackupName(s.schedule.Name, s.last)
	}
	if told := status.LastSuccessfulTime; told != nil && told.After(s.now) {
		status.LastSuccessfulTime = nil // of a clock that was wrong, or of a forged marker
	}
	if s.runs.LastComplete != nil {
		status.LastSuccessfulTime = s.runs.LastComplete.Status.CompletionTime
	}
	status.NextScheduleTime = nil
	if s.idle() == "" && !s.plan.next.IsZero() {
		status.NextScheduleTime = &metav1.Time{Time: s.plan.next}
	}
	if s.made != nil || s.plan.missed > 0 {
		status.Missed = int32(min(s.plan.missed, 1<<30)) //nolint:gosec // bounded just here
	}
}

// setReady says whether the Schedule is in force. One that is told to do nothing
// is: what it says is that nothing happens now.
func setReady(set conditions.Set, s *scope, err error) {
	switch idle := s.idle(); {
	case err != nil:
		set.Judge(err)
	case idle == v1alpha1.RestoreOnlyReason:
		set.Ready(idle, "no backups are taken while the Config's mode is RestoreOnly")
	case idle == v1alpha1.SuspendedReason:
		set.Ready(idle, "no backups are taken while spec.suspend is set")
	default:
		set.Ready(v1alpha1.SucceededReason, "the next backup is due at "+s.plan.next.UTC().Format(time.RFC3339))
	}
}

// announce tells what a person would want to be told as it happens.
func (r *Reconciler) announce(s *scope) {
	if s.made != nil {
		announce.Normal(r.Events, s.schedule, v1alpha1.EventBackupCreated, "CreateBackup", madeNote(s))
	}
	late := func(o *v1alpha1.Schedule) string {
		c := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.HealthyCondition)
		if c == nil || c.Reason != v1alpha1.LateReason {
			return ""
		}
		return c.Message
	}
	if now := late(s.schedule); now != "" && now != late(s.before) {
		announce.Warning(r.Events, s.schedule, v1alpha1.LateReason, "CreateBackup", now)
	}
}

func madeNote(s *scope) string {
	if s.plan.missed == 0 {
		return fmt.Sprintf("created backup %s", s.made.Name)
	}
	return fmt.Sprintf("created backup %s, which makes up for %d more missed firings", s.made.Name, s.plan.missed)
}
