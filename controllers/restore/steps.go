// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/attempt"
	"github.com/gopherwood/ark/controllers/internal/finalizer"
	"github.com/gopherwood/ark/controllers/internal/longrun"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	engrestore "github.com/gopherwood/ark/engine/restore"
)

const (
	// wakeless is when to look again for what is watched anyway.
	wakeless = time.Minute
	// progressEvery is how often status tells how far a run is.
	progressEvery = time.Second
	// storageTimeout bounds what a reconciliation asks of one store: a few small blobs.
	storageTimeout = time.Minute
	// maxAttempts bounds how often a restore that breaks off is tried.
	maxAttempts = 5
	// retryAfter times the number of attempts is when to try again.
	retryAfter = 10 * time.Second
)

// checkName refuses a name that nothing can be recorded under: the API server takes no
// such names any more, but may have kept some.
func (r *Reconciler) checkName(_ context.Context, s *scope) error {
	if err := archive.CheckName(s.restore.Name); err != nil {
		return step.Stall(v1alpha1.RequestInvalidReason, "%w", err)
	}
	return nil
}

// checkRequest refuses what no backup can be restored as, before one is looked for.
func (r *Reconciler) checkRequest(_ context.Context, s *scope) error {
	if s.ending != nil {
		return nil
	}
	req, err := request(&s.restore.Spec, s.cfg)
	if err == nil {
		req.Label = labelValue(s.restore.Name)
		err = req.Check()
	}
	if err != nil {
		return step.Stall(invalidReason(err), "%w", err)
	}
	return nil
}

// invalidReason is the reason of a request that cannot be carried out.
func invalidReason(err error) string {
	if refused, ok := errors.AsType[*engrestore.RequestError](err); ok && refused.Code == engrestore.CodeMappingConflict {
		return v1alpha1.MappingConflictReason
	}
	return v1alpha1.RequestInvalidReason
}

// learnConfig reads the Config.
func (r *Reconciler) learnConfig(ctx context.Context, s *scope) error {
	var cfg v1alpha1.Config
	err := r.Client.Get(ctx, client.ObjectKey{Name: v1alpha1.ConfigName}, &cfg)
	if apierrors.IsNotFound(err) {
		return step.Wait(wakeless, v1alpha1.ConfigMissingReason, "there is no Config named %s yet: apply one that says where backups are kept", v1alpha1.ConfigName)
	}
	if err != nil {
		return fmt.Errorf("read Config: %w", err)
	}
	s.cfg = &cfg
	r.Runs.Limit(int(longrun.Restores(cfg.Spec.Concurrency)))
	return nil
}

// queued is what is said of a restore whose turn has not come.
const queued = "as many restores are running as the Config allows (spec.concurrency.restores)"

// failed is how many attempts broke off, or ended without a word.
func (s *scope) failed() int32 { return s.restore.Status.Attempts - s.restore.Status.Interrupted }

// observeRun waits for a run that is active, or takes over how it ended.
func (r *Reconciler) observeRun(_ context.Context, s *scope) error {
	state := r.Runs.Observe(s.restore.UID)
	switch state.Phase {
	case longrun.Absent:
		return nil
	case longrun.Queued:
		s.active = true
		return step.Wait(wakeless, v1alpha1.QueuedReason, queued)
	case longrun.Admitted:
		s.active, s.begins = true, true
		st := &s.restore.Status
		st.Attempts++
		st.StartTime = s.nowTime()
		return step.Wait(progressEvery, v1alpha1.ProgressingReason, "reading the backup")
	case longrun.Running:
		s.active = true
		s.progress = &state.Progress
		done := state.Progress.Results
		return step.Wait(progressEvery, v1alpha1.ProgressingReason, "%d of %d objects done",
			done.Created+done.Updated+done.Unchanged+done.Existing+done.Skipped+done.Failed, state.Progress.Total)
	case longrun.Ended:
	}
	if state.Err == nil {
		s.ending, s.ran = state.Result, true
		return nil
	}
	return r.judgeFailure(s, state.Err)
}

// judgeFailure says what follows from a run that broke off. What it restored is
// found again by the next attempt.
func (r *Reconciler) judgeFailure(s *scope, err error) error {
	if errors.Is(err, engine.ErrCorrupt) {
		return step.Stall(v1alpha1.FailedReason, "the backup cannot be read: %w", err)
	}
	if n := s.failed(); n < maxAttempts {
		return step.Wait(retryAfter*time.Duration(n), v1alpha1.RetryingReason, "attempt %d broke off: %w", s.restore.Status.Attempts, err)
	}
	return step.Stall(v1alpha1.FailedReason, "%d attempts broke off, the last one: %w", maxAttempts, err)
}

// ensureRun starts the restore.
func (r *Reconciler) ensureRun(ctx context.Context, s *scope) error {
	if s.ending != nil {
		return nil
	}
	st := &s.restore.Status
	if wait := step.RetryIn(retryAfter, s.failed(), st.StartTime, s.now); wait > 0 {
		return step.Wait(wait, v1alpha1.RetryingReason, "%s", s.lastFailure())
	}
	// An attempt that ends with its process tells nobody how it ended.
	if s.failed() >= maxAttempts {
		return step.Stall(v1alpha1.FailedReason, "%d attempts broke off, the last one without a word: the controller ended while it ran: "+
			"see why (the last state of its container tells whether its memory was too little), and create another Restore: what is back stays", maxAttempts)
	}
	w, err := r.prepare(ctx, s)
	if err != nil {
		return err
	}
	if err := finalizer.Ensure(ctx, r.Client, s.restore); err != nil {
		return err
	}
	w.attempt = st.Attempts + 1
	r.Runs.Ensure(s.restore, func(ctx context.Context, progress func(engrestore.Progress)) (*ending, error) {
		w.started = r.Clock.Now()
		e, err := w.run(ctx, progress)
		if err != nil && longrun.Interrupted(ctx) {
			err = errors.Join(err, attempt.Interrupted(ctx, r.Client, w.restore, w.attempt, w.restore.Status.Interrupted+1))
		}
		return e, err
	})
	s.active = true
	if r.Runs.Waits(s.restore.UID) {
		return step.Wait(wakeless, v1alpha1.QueuedReason, queued)
	}
	return step.Wait(progressEvery, v1alpha1.ProgressingReason, "reading the backup")
}
