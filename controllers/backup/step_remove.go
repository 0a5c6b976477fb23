// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/longrun"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/controllers/template"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/retention"
)

// removalPoll is how often an active removal is looked at, which asks storage: with
// ten thousand in the queue, not often. Its end wakes the object anyway.
const removalPoll = 5 * time.Minute

// expiredReason is what the deletion record of an expired backup says.
const expiredReason = "expired"

// removal is how a removal ended: the backup is gone, or stays for a reason.
type removal struct {
	tombstone *archive.Record
	kept      string
	// refused says why it stays in some locations, by their names, although it was
	// removed from others.
	refused map[string]string
	// begun says that the removal is on record somewhere, however it ended.
	begun bool
}

// remove removes the backup's data when that is asked for, and goes on with a
// removal that was begun: in every location that holds it and can be written.
func (r *Reconciler) remove(ctx context.Context, s *scope) error {
	if s.backup.Spec.Deletion == nil && s.tombstone == nil {
		return nil
	}
	if err := r.stopTake(ctx, s); err != nil {
		return err
	}
	from := s.removable()
	if len(from) == 0 {
		if s.tombstone != nil && s.snapshot == nil {
			return nil // nothing is left of it
		}
		return step.Stall(v1alpha1.LocationReadOnlyReason, "the data cannot be removed: location %q is ReadOnly", s.location.Spec.Name)
	}
	ended, err := r.await(s, r.askedRemoval(s, from).remove)
	if err != nil {
		return err
	}
	if !ended {
		return step.Wait(removalPoll, v1alpha1.DeletingReason, "removing the data of the backup")
	}
	if why := s.remain(); why != "" && s.backup.Spec.Deletion != nil {
		return step.Stall(v1alpha1.LocationReadOnlyReason, "the data was removed where that is possible: %s", why)
	}
	return nil
}

// stopTake stops a run that would store what is to be removed.
func (r *Reconciler) stopTake(ctx context.Context, s *scope) error {
	if err := r.Takes.Stop(ctx, s.backup.UID); err != nil {
		return fmt.Errorf("stop the backup: %w", err)
	}
	if s.location == nil {
		// A run was active, so storage was not looked at.
		return step.Wait(time.Second, v1alpha1.DeletingReason, "stopping the backup before its data is removed")
	}
	return nil
}

// askedRemoval is the removal that the spec asks for, or that was begun. One that
// was begun because the backup expired goes on only where it still is.
func (r *Reconciler) askedRemoval(s *scope, from []*place) removeWork {
	work := r.removal(s, from, expiredReason)
	switch {
	case s.backup.Spec.Deletion != nil:
		work.record.Reason = s.backup.Spec.Deletion.Reason
	case s.tombstone.Reason != expiredReason:
		work.record.Reason = s.tombstone.Reason
	default:
		work.expiry = true
	}
	return work
}

// removable returns the places that the backup can be removed from. What failed
// attempts left is in the location that it was to go to.
func (s *scope) removable() []*place {
	if len(s.places) == 0 && !s.location.ReadOnly {
		return []*place{{Location: s.location}}
	}
	return s.writable()
}

// remain turns to the locations that the backup was not removed from, and returns
// why, or nothing when it is gone.
func (s *scope) remain() string {
	var left []*place
	var why []string
	for _, p := range s.places {
		switch refused, ok := s.refused[p.Spec.Name]; {
		case ok:
			why = append(why, fmt.Sprintf("location %q keeps it: %s", p.Spec.Name, refused))
		case p.ReadOnly && p.snapshot != nil:
			why = append(why, fmt.Sprintf("location %q is ReadOnly", p.Spec.Name))
		default:
			continue
		}
		p.tombstone = nil
		left = append(left, p)
		s.remaining = append(s.remaining, p.Spec.Name)
	}
	if len(left) == 0 {
		return ""
	}
	s.places, s.removed = left, false
	s.choose()
	s.keptBecause = strings.Join(why, ", ")
	return s.keptBecause
}

// due reports whether the backup's time is up.
func (s *scope) due() bool {
	return s.snapshot != nil && s.tombstone == nil && !s.snapshot.Held && !s.snapshot.Expires.After(s.now)
}

// expire removes a backup whose time is up, unless something keeps it. That is
// judged on what storage holds in that moment.
func (r *Reconciler) expire(ctx context.Context, s *scope) error {
	if !s.due() || s.restoreOnly() || len(s.remaining) > 0 {
		return nil
	}
	from := s.writable()
	if len(from) == 0 {
		s.keptBecause = fmt.Sprintf("location %q is ReadOnly", s.location.Spec.Name)
		return nil
	}
	work := r.removal(s, from, expiredReason)
	work.expiry = true
	if schedule := s.snapshot.Marker.Schedule; schedule != "" {
		work.schedule = schedule
		if err := r.addRetention(ctx, s, &work); err != nil {
			return err
		}
	}
	ended, err := r.await(s, work.expire)
	s.expiring = !ended
	switch {
	case err != nil && s.begun:
		return err
	case err != nil:
		// The backup is as good as it was. It is looked at again.
		ctrl.LoggerFrom(ctx).Error(err, "Judging an expired backup")
		s.keptBecause = "kept: whether it may go could not be judged: " + err.Error()
	case ended && s.tombstone != nil:
		s.remain()
	}
	return nil
}

// await lets a removal run, and takes over what it found once it ended. The
// object is not held meanwhile: a removal goes on without it.
func (r *Reconciler) await(s *scope, work longrun.Work[struct{}, removal]) (ended bool, err error) {
	state := r.Removals.Ensure(s.backup, work)
	if state.Phase != longrun.Ended {
		s.active = true
		return false, nil
	}
	if state.Err != nil {
		s.begun = state.Result.begun
		r.Removals.Forget(s.backup.UID)
		if errors.Is(state.Err, engine.ErrConflict) || errors.Is(state.Err, engine.ErrForbidden) {
			return true, step.Stall(v1alpha1.RequestInvalidReason, "%w", state.Err)
		}
		return true, storageError(state.Err)
	}
	s.tombstone, s.keptBecause, s.refused = state.Result.tombstone, state.Result.kept, state.Result.refused
	s.removed = s.tombstone != nil
	return true, nil
}

// retention returns the keep rules of a Schedule. One that is gone leaves the
// default: its newest good backup stays.
func (r *Reconciler) retention(ctx context.Context, schedule string) (retention.Policy, error) {
	var o v1alpha1.Schedule
	err := r.Client.Get(ctx, client.ObjectKey{Name: schedule}, &o)
	if err != nil && !apierrors.IsNotFound(err) {
		return retention.Policy{}, fmt.Errorf("read Schedule: %w", err)
	}
	return template.KeepRules(o.Spec.Retention), nil
}

// labelled returns the names of all Backups that are labelled as the Schedule's:
// people give names of their own to those that they ask for. Whether one is the
// Schedule's is for its marker to say. The objects, which may be thousands, are not
// copied: only their names are looked at.
func (r *Reconciler) labelled(ctx context.Context, schedule string) (map[string]bool, error) {
	var list v1alpha1.BackupList
	if err := r.Client.List(ctx, &list, client.MatchingLabels{v1alpha1.ScheduleLabel: schedule}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list backups of Schedule %s: %w", schedule, err)
	}
	names := make(map[string]bool, len(list.Items))
	for i := range list.Items {
		names[list.Items[i].Name] = true
	}
	return names, nil
}

// removal is the work of removing the backup from these places.
func (r *Reconciler) removal(s *scope, from []*place, reason string) removeWork {
	return removeWork{
		places: from, clock: r.Clock, memory: &r.memory, trusted: projection.TrustedKeys(s.cfg),
		record: archive.Record{Cluster: s.cluster, Name: s.name, By: r.ClusterUID, Reason: reason},
	}
}

// addRetention adds the keep rules of the Schedule that the backup was made for.
// Those of a Schedule here say nothing of another cluster's: of what was adopted,
// the newest good backup of each Schedule stays.
func (r *Reconciler) addRetention(ctx context.Context, s *scope, work *removeWork) error {
	if s.adopted {
		return nil
	}
	schedule := work.schedule
	policy, err := r.retention(ctx, schedule)
	work.policy = policy
	work.others = func(ctx context.Context) (map[string]bool, error) { return r.labelled(ctx, schedule) }
	return err
}
