// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/attempt"
	"github.com/gopherwood/ark/controllers/internal/finalizer"
	"github.com/gopherwood/ark/controllers/internal/longrun"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/backup"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/collect"
)

const (
	// progressEvery is how often status tells how far a run is.
	progressEvery = time.Second
	// maxAttempts bounds how often a backup is tried: a store that is out of order
	// for longer needs somebody to look at it, and the next firing tries again.
	maxAttempts = 5
	// retryAfter times the number of attempts is when to try again.
	retryAfter = 10 * time.Second
)

// queued is what is said of a backup whose turn has not come.
const queued = "as many backups are running as the Config allows (spec.concurrency.backups)"

// failed is how many attempts ended badly, or without a word.
func (s *scope) failed() int32 { return s.backup.Status.Attempts - s.backup.Status.Interrupted }

// take takes the backup, unless there is one.
func (r *Reconciler) take(ctx context.Context, s *scope) error {
	if s.snapshot != nil || s.tombstone != nil || s.adopted || s.resting() {
		return nil
	}
	r.Takes.Limit(int(longrun.Backups(s.cfg.Spec.Concurrency)))
	state := r.Takes.Observe(s.backup.UID)
	switch state.Phase {
	case longrun.Absent:
		return r.begin(ctx, s)
	case longrun.Queued:
		s.active = true
		return step.Wait(wakeless, v1alpha1.QueuedReason, queued)
	case longrun.Admitted:
		s.active, s.begins = true, true
		st := &s.backup.Status
		st.Attempts++
		st.StartTime = &metav1.Time{Time: s.now}
		return step.Wait(progressEvery, v1alpha1.ProgressingReason, "discovering types")
	case longrun.Running:
		s.active = true
		p := state.Progress
		s.progress = &p
		return step.Wait(progressEvery, v1alpha1.ProgressingReason, "%d of %d types listed, %d objects", p.ResourcesDone, p.Resources, p.Objects)
	case longrun.Ended:
	}
	if state.Err != nil {
		return r.judgeFailure(s, state.Err)
	}
	s.snapshot = state.Result
	return nil
}

// begin starts an attempt.
func (r *Reconciler) begin(ctx context.Context, s *scope) error {
	if s.backup.Status.CompletionTime != nil || s.backup.Labels[v1alpha1.CreatedByLabel] == v1alpha1.CreatedBySync {
		return step.Wait(wakeless, v1alpha1.BackupMissingReason,
			"the backup was stored and is not in storage any more: put its data back, or create a Backup of another name")
	}
	if s.restoreOnly() {
		return step.Stall(v1alpha1.RestoreOnlyReason, "the Config's mode is RestoreOnly: no backup is taken")
	}
	if s.location.ReadOnly {
		return step.Stall(v1alpha1.LocationReadOnlyReason,
			"location %q is ReadOnly: choose another storageLocation, or allow writing in the Config", s.location.Spec.Name)
	}
	st := &s.backup.Status
	if wait := step.RetryIn(retryAfter, s.failed(), st.StartTime, s.now); wait > 0 {
		return step.Wait(wait, v1alpha1.RetryingReason, "%s", s.lastFailure())
	}
	// An attempt that ends with its process tells nobody how it ended.
	if s.failed() >= maxAttempts {
		return step.Stall(v1alpha1.FailedReason, "%d attempts failed, the last one without a word: the controller ended while it ran: "+
			"see why (the last state of its container tells whether its memory was too little), and create another Backup", maxAttempts)
	}
	work, err := r.prepare(ctx, s)
	if err != nil {
		return err
	}
	if err := finalizer.Ensure(ctx, r.Client, s.backup); err != nil {
		return err
	}
	st.Attempt = work.req.Attempt
	backup, attempts := s.backup.DeepCopy(), st.Attempts+1
	r.Takes.Ensure(s.backup, func(ctx context.Context, progress func(collect.Progress)) (*catalog.Snapshot, error) {
		snapshot, err := work.run(ctx, progress)
		if err != nil && longrun.Interrupted(ctx) {
			err = errors.Join(err, attempt.Interrupted(ctx, r.Client, backup, attempts, backup.Status.Interrupted+1))
		}
		return snapshot, err
	})
	s.active = true
	if r.Takes.Waits(s.backup.UID) {
		return step.Wait(wakeless, v1alpha1.QueuedReason, queued)
	}
	return step.Wait(progressEvery, v1alpha1.ProgressingReason, "discovering types")
}

// judgeFailure says what follows from an attempt that failed.
func (r *Reconciler) judgeFailure(s *scope, err error) error {
	switch n := s.failed(); {
	case errors.Is(err, engine.ErrExists):
		return step.Stall(v1alpha1.NameTakenReason, "%w", err)
	case errors.As(err, new(*collect.RuleError)):
		return step.Stall(v1alpha1.FailedReason, "%w", err)
	case n < maxAttempts:
		return step.Wait(retryAfter*time.Duration(n), v1alpha1.RetryingReason, "attempt %d failed: %w", s.backup.Status.Attempts, err)
	}
	return step.Stall(v1alpha1.FailedReason, "%d attempts failed, the last one: %w", maxAttempts, err)
}

// takeWork is one attempt: everything it needs was decided before it began.
type takeWork struct {
	ports backup.Ports
	req   backup.Request
}

func (w *takeWork) run(ctx context.Context, progress func(collect.Progress)) (*catalog.Snapshot, error) {
	return backup.Take(ctx, w.ports, w.req, progress)
}
