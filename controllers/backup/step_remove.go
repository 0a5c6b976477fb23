// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/longrun"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/retention"
)

// removalPoll is how often an active removal is looked at; its end wakes the
// object anyway.
const removalPoll = 10 * time.Second

// expiredReason is what the deletion record of an expired backup says.
const expiredReason = "expired"

// removal is how a removal ended: the backup is gone, or stays for a reason.
type removal struct {
	tombstone *archive.Record
	kept      string
}

// remove removes the backup's data when that is asked for, and goes on with a
// removal that was begun.
func (r *Reconciler) remove(ctx context.Context, s *scope) error {
	if s.backup.Spec.Deletion == nil && s.tombstone == nil {
		return nil
	}
	if err := r.Takes.Stop(ctx, s.backup.UID); err != nil {
		return fmt.Errorf("stop the backup: %w", err)
	}
	if s.location == nil {
		// A run was active, so storage was not looked at.
		return step.Wait(time.Second, v1alpha1.DeletingReason, "stopping the backup before its data is removed")
	}
	if s.location.ReadOnly && s.tombstone == nil {
		return step.Stall(v1alpha1.LocationReadOnlyReason, "the data cannot be removed: location %q is ReadOnly", s.location.Spec.Name)
	}
	reason := expiredReason
	if s.backup.Spec.Deletion != nil {
		reason = s.backup.Spec.Deletion.Reason
	}
	work := r.removal(s, reason)
	if ended, err := r.await(s, work.remove); ended || err != nil {
		return err
	}
	return step.Wait(removalPoll, v1alpha1.DeletingReason, "removing the data of the backup")
}

// expire removes a backup whose time is up, unless something keeps it. That is
// judged on what storage holds in that moment.
func (r *Reconciler) expire(ctx context.Context, s *scope) error {
	due := s.snapshot != nil && s.tombstone == nil && !s.snapshot.Held && !s.snapshot.Expires.After(s.now)
	if !due || s.restoreOnly() {
		return nil
	}
	if s.location.ReadOnly {
		s.keptBecause = fmt.Sprintf("location %q is ReadOnly", s.location.Spec.Name)
		return nil
	}
	work := r.removal(s, expiredReason)
	if schedule := s.snapshot.Marker.Schedule; schedule != "" {
		work.schedule, work.now = schedule, s.now
		if err := r.addRetention(ctx, s, &work); err != nil {
			return err
		}
	}
	ended, err := r.await(s, work.expire)
	s.expiring = !ended
	if err != nil {
		// The backup is as good as it was. It is looked at again.
		ctrl.LoggerFrom(ctx).Error(err, "Judging an expired backup")
		s.keptBecause = "kept: whether it may go could not be judged: " + err.Error()
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
		r.Removals.Forget(s.backup.UID)
		if errors.Is(state.Err, engine.ErrConflict) || errors.Is(state.Err, engine.ErrForbidden) {
			return true, step.Stall(v1alpha1.RequestInvalidReason, "%w", state.Err)
		}
		return true, storageError(state.Err)
	}
	s.tombstone, s.keptBecause = state.Result.tombstone, state.Result.kept
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
	var policy retention.Policy
	if keep := o.Spec.Retention; keep != nil {
		policy = retention.Policy{
			Hourly: keep.KeepHourly, Daily: keep.KeepDaily, Weekly: keep.KeepWeekly,
			Monthly: keep.KeepMonthly, Yearly: keep.KeepYearly,
		}
		policy.KeepLast = keep.KeepLast
	}
	return policy, nil
}

// labelled returns the names of all Backups that are labelled as the Schedule's:
// people give names of their own to those that they ask for. Whether one is the
// Schedule's is for its marker to say.
func (r *Reconciler) labelled(ctx context.Context, schedule string) (map[string]bool, error) {
	var list v1alpha1.BackupList
	if err := r.Client.List(ctx, &list, client.MatchingLabels{v1alpha1.ScheduleLabel: schedule}); err != nil {
		return nil, fmt.Errorf("list backups of Schedule %s: %w", schedule, err)
	}
	names := make(map[string]bool, len(list.Items))
	for i := range list.Items {
		names[list.Items[i].Name] = true
	}
	return names, nil
}

// removal is the work of removing the backup.
func (r *Reconciler) removal(s *scope, reason string) removeWork {
	return removeWork{
		catalog: s.location.Catalog, cluster: s.cluster, name: s.name, by: r.ClusterUID, reason: reason,
		trusted: locations.Trusted(s.cfg),
	}
}

// addRetention adds the keep rules of the Schedule that the backup was made for.
// Those of a Schedule here say nothing of another cluster's: of what was adopted,
// the newest good backup of each Schedule stays.
func (r *Reconciler) addRetention(ctx context.Context, s *scope, work *removeWork) error {
	if s.adopted {
		return nil
	}
	var err error
	if work.policy, err = r.retention(ctx, work.schedule); err != nil {
		return err
	}
	work.others, err = r.labelled(ctx, work.schedule)
	return err
}

// removeWork removes one backup from one store.
type removeWork struct {
	catalog *catalog.Catalog
	// cluster and name are what it is called there, and by is this cluster.
	cluster, name, by string
	reason            string
	// trusted are the keys whose signatures count.
	trusted []ed25519.PublicKey

	// schedule, when it is not empty, is asked by its rules at now.
	schedule string
	policy   retention.Policy
	now      time.Time
	// others are the names of backups of the Schedule that its firings did not name.
	others map[string]bool
}

// remove removes the backup. A name of which nothing was ever stored is as good
// as removed.
func (w removeWork) remove(ctx context.Context, _ func(struct{})) (removal, error) {
	err := w.catalog.Remove(ctx, w.cluster, w.name, w.by, w.reason)
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return removal{}, err
	}
	record, recorded, err := w.catalog.Deletion(ctx, w.cluster, w.name)
	if err != nil {
		return removal{}, err
	}
	if !recorded {
		record = &archive.Record{Type: archive.RecordDeletion, Reason: w.reason}
	}
	return removal{tombstone: record}, nil
}

// expire removes the backup unless the keep rules want it.
func (w removeWork) expire(ctx context.Context, report func(struct{})) (removal, error) {
	if w.schedule != "" {
		kept, err := w.keptBy(ctx)
		if kept != "" || err != nil {
			return removal{kept: kept}, err
		}
	}
	return w.remove(ctx, report)
}

// keptBy reads all backups of the Schedule from storage and returns why this one
// is to be kept, or nothing.
func (w removeWork) keptBy(ctx context.Context) (string, error) {
	backups, err := w.siblings(ctx)
	if err != nil {
		return "", err
	}
	for _, decision := range retention.Decide(w.now, backups, w.policy) {
		if decision.Name == w.name && !decision.Expired {
			return decision.Reason, nil
		}
	}
	return "", nil
}

// siblings reads all backups of the Schedule.
func (w removeWork) siblings(ctx context.Context) ([]retention.Backup, error) {
	var backups []retention.Backup
	for name, err := range w.catalog.Names(ctx, w.cluster) {
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(name, w.schedule+"-") && !w.others[name] {
			continue // reading ten thousand markers for one expiry is too much
		}
		snapshot, err := w.catalog.Marker(ctx, w.cluster, name)
		if errors.Is(err, engine.ErrNotFound) || errors.Is(err, engine.ErrCorrupt) {
			// It went meanwhile, or cannot be read: then it fills no other's place, and
			// more of the others are kept.
			continue
		}
		if err != nil {
			return nil, err
		}
		if archive.Verify(snapshot.Envelope, w.trusted) == archive.Tampered {
			continue // nor does one that is not restored
		}
		if snapshot.Marker.Schedule == w.schedule && snapshot.Deletion == nil && snapshot.Owner() == w.by {
			backups = append(backups, retained(snapshot))
		}
	}
	return backups, nil
}

// retained is what keep rules look at.
func retained(s *catalog.Snapshot) retention.Backup {
	return retention.Backup{
		Name: s.Marker.Name, Completed: s.Marker.Completed, Expires: s.Expires, Held: s.Held,
		Complete: s.Marker.Completeness == string(v1alpha1.CompletenessComplete), Objects: s.Marker.Objects.Included,
	}
}
