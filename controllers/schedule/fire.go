// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/health"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine/schedule"
)

// maxNames bounds how many names are tried for a firing, a second apart: the next
// firing may be a minute away.
const maxNames = 59

// passOver reports whether a Backup tells nothing of what was fired here, and notes
// which names such have taken. One whose name turned out to be taken in storage is
// no backup, and still counts as a run that failed.
func (s *scope) passOver(b *v1alpha1.Backup) bool {
	if b.Labels[v1alpha1.CreatedByLabel] != v1alpha1.CreatedBySync {
		if health.NameTaken(b) {
			s.taken[b.Name] = true
		}
		return false
	}
	if health.Foreign(b, s.cfg.Status.ClusterUID) || !s.mayBeForged(b) {
		return false
	}
	s.taken[b.Name] = true
	return true
}

// mayBeForged reports whether a Backup that is known from storage alone may have been
// put there by anybody: no key vouches for it although its location signs; or it is
// called after a firing that is yet to come, or that this Schedule, by its status, has
// not come to.
func (s *scope) mayBeForged(b *v1alpha1.Backup) bool {
	if b.Status.Verification == v1alpha1.VerificationVerified {
		return s.aheadOf(b.Name, s.now.Add(health.ClockSkew))
	}
	if told := s.schedule.Status.LastScheduleTime; told != nil && s.aheadOf(b.Name, told.Time) {
		return true
	}
	return s.signs(b.Status.StorageLocations) || s.aheadOf(b.Name, s.now.Add(health.ClockSkew))
}

// aheadOf reports whether a backup is called after a firing later than t.
func (s *scope) aheadOf(name string, t time.Time) bool {
	firing, ok := schedule.ParseBackupName(s.schedule.Name, name)
	return ok && firing.After(t)
}

// signs reports whether one of the locations signs; where none is known, whether any does.
func (s *scope) signs(locations []string) bool {
	return slices.ContainsFunc(s.cfg.Spec.Storage, func(l v1alpha1.StorageLocation) bool {
		return l.Signing != nil && (len(locations) == 0 || slices.Contains(locations, l.Name))
	})
}

// replace makes the last firing due again when storage held something else under
// the name of its backup, as far as a backup may begin now.
func (s *scope) replace() {
	limits := s.situation(false)
	late := limits.deadline > 0 && s.now.Sub(s.last) > limits.deadline
	if s.last.IsZero() || s.last.After(s.now) || late || limits.running != "" {
		return
	}
	if s.taken[schedule.BackupName(s.schedule.Name, s.last)] {
		s.plan.due = s.last
	}
}

// fire makes the Backup that is due. One that exists already was made for this
// very firing: by a reconciliation that did not get as far as its status. Where
// something else has taken its name, the backup is called after the next second.
func (r *Reconciler) fire(ctx context.Context, s *scope) error {
	if s.plan.due.IsZero() {
		return nil
	}
	for at := s.plan.due; s.nameable(at); at = at.Add(time.Second) {
		backup := newBackup(s.schedule, at)
		if s.taken[backup.Name] {
			continue
		}
		if s.names[backup.Name] {
			return nil
		}
		err := r.Client.Create(ctx, backup)
		switch {
		case apierrors.IsAlreadyExists(err):
			made, err := r.madeHere(ctx, s, backup.Name)
			if err != nil {
				return err
			}
			if !made {
				continue
			}
		case err != nil:
			return fmt.Errorf("create backup %s: %w", backup.Name, err)
		default:
			s.made = backup
			r.Metrics.Fired(s.schedule.Name, s.now.Sub(s.plan.due))
			log.FromContext(ctx).Info("Created backup", "backup", backup.Name, "firing", s.plan.due, "missed", s.plan.missed)
		}
		s.names[backup.Name], s.last = true, at
		return nil
	}
	s.plan.late = fmt.Sprintf("the firing of %s has no backup: something else has taken all names that it could have: "+
		"find out who writes to location %q, and have its backups signed",
		s.plan.due.UTC().Format(time.RFC3339), s.location.Name)
	return nil
}

// nameable reports whether the backup of the firing that is due may be called after at.
func (s *scope) nameable(at time.Time) bool {
	return !at.After(s.plan.due.Truncate(time.Minute).Add(maxNames * time.Second))
}

// madeHere reports whether a Backup that exists was made by this Schedule.
func (r *Reconciler) madeHere(ctx context.Context, s *scope, name string) (bool, error) {
	var b v1alpha1.Backup
	err := r.Client.Get(ctx, client.ObjectKey{Name: name}, &b)
	if apierrors.IsNotFound(err) {
		return false, step.Wait(notReadyAfter, v1alpha1.RetryingReason, "backup %s exists, and is not shown yet", name)
	}
	if err != nil {
		return false, fmt.Errorf("read backup %s: %w", name, err)
	}
	return b.Labels[v1alpha1.CreatedByLabel] == v1alpha1.CreatedBySchedule && b.Labels[v1alpha1.ScheduleLabel] == s.schedule.Name, nil
}
