// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"time"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/health"
	"github.com/gopherwood/ark/engine/schedule"
)

// scope is what the steps learn of one Schedule.
type scope struct {
	schedule *v1alpha1.Schedule
	before   *v1alpha1.Schedule
	now      time.Time

	cfg     *v1alpha1.Config
	firings schedule.Schedule
	// inForce is what firings was read from, and since when; nil when it is not valid.
	inForce *v1alpha1.FiringRule
	// believed is the newest firing that a backup can have been made for, unless a
	// clock was wrong: the next one.
	believed time.Time
	// location is where the backups go.
	location v1alpha1.StorageLocation

	// runs are the backups that this cluster took for the Schedule.
	runs health.Record
	// names are the names of all Backups of the Schedule.
	names map[string]bool
	// last is the newest firing that a backup was made for; zero when none is known.
	last time.Time

	plan plan
	// made is the Backup that this reconciliation made, if it made one.
	made *v1alpha1.Backup
}

func newScope(o *v1alpha1.Schedule, now time.Time) *scope {
	return &scope{schedule: o, before: o.DeepCopy(), now: now, names: map[string]bool{}}
}

// idle returns the reason why nothing runs, or "": the Schedule is in force all
// the same, and what it says is that nothing happens now. In a RestoreOnly
// cluster the same repository is applied as everywhere, and its deployment must
// not fail because this cluster is told to do nothing.
func (s *scope) idle() string {
	switch {
	case s.cfg != nil && s.cfg.Spec.Mode == v1alpha1.ModeRestoreOnly:
		return v1alpha1.RestoreOnlyReason
	case s.schedule.Spec.Suspend:
		return v1alpha1.SuspendedReason
	}
	return ""
}

// sleep is how long nothing can be due; zero when something else wakes the
// Schedule.
func (s *scope) sleep() time.Duration {
	if s.idle() != "" || s.plan.next.IsZero() {
		return 0
	}
	return min(s.plan.next.Sub(s.now), longestSleep)
}
