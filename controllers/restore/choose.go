// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/health"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// choose finds the Backup that is asked for: the one that is named, or the
// latest of a Schedule or BackupPolicy.
func (r *Reconciler) choose(ctx context.Context, s *scope) error {
	if s.ending != nil {
		return nil
	}
	spec := &s.restore.Spec
	// An earlier attempt chose already: a later backup must not mix with it.
	if chosen := s.restore.Status.Backup; chosen != nil {
		return r.chooseNamed(ctx, s, chosen.Name)
	}
	if spec.BackupName != "" {
		return r.chooseNamed(ctx, s, spec.BackupName)
	}
	label, name, kind := v1alpha1.ScheduleLabel, spec.ScheduleName, "Schedule"
	if name == "" {
		label, name, kind = v1alpha1.PolicyLabel, spec.PolicyName, "BackupPolicy"
	}
	var list v1alpha1.BackupList
	if err := r.Client.List(ctx, &list, client.MatchingLabels{label: name}); err != nil {
		return fmt.Errorf("list backups of %s %s: %w", kind, name, err)
	}
	backup, err := latest(list.Items, r.ClusterUID, s.newer, kind, name)
	if err != nil {
		return r.unlessSynced(s, err)
	}
	s.backup = backup
	return nil
}

func (r *Reconciler) chooseNamed(ctx context.Context, s *scope, name string) error {
	var backup v1alpha1.Backup
	err := r.Client.Get(ctx, client.ObjectKey{Name: name}, &backup)
	switch {
	case apierrors.IsNotFound(err):
		return r.unlessSynced(s, step.Stall(v1alpha1.BackupMissingReason,
			"there is no backup %q: list those that there are with \"ark backup get\", and create a new Restore of one of them; "+
				"which of other clusters are there, storage[].foreign of the Config says", name))
	case err != nil:
		return fmt.Errorf("read backup %s: %w", name, err)
	case stored(&backup):
		s.backup = &backup
		return nil
	case health.Ended(&backup):
		return step.Stall(v1alpha1.BackupMissingReason, "backup %q holds nothing: it failed, or its data was removed: create a new Restore of another one", name)
	}
	return step.Wait(wakeless, v1alpha1.BackupMissingReason, "backup %q has not finished", name)
}

const (
	// patience is how long a Restore waits for a backup that is applied with it, in
	// whatever order, beyond the time in which the sync brings back the object of one
	// that was just pruned.
	patience = time.Minute
	// syncedBy is how often locations are listed when the Config does not say.
	syncedBy = time.Minute
)

// unlessSynced makes a wait of a missing backup while the Restore is new, and
// while a location was not listed yet: it may hold the backup.
func (r *Reconciler) unlessSynced(s *scope, missing error) error {
	if err := s.unasked(); err != nil {
		return err // it may have ended long ago
	}
	synced := map[string]bool{}
	for _, location := range s.cfg.Status.Storage {
		synced[location.Name] = location.LastSyncTime != nil
	}
	for _, location := range s.cfg.Spec.Storage {
		if !synced[location.Name] {
			return step.Wait(wakeless, v1alpha1.BackupMissingReason, "%w; location %q was not listed yet", missing, location.Name)
		}
	}
	var known *step.Error
	if left := s.patience(); left > 0 && errors.As(missing, &known) && known.Reason == v1alpha1.BackupMissingReason {
		return step.Wait(left, v1alpha1.BackupMissingReason, "%w; Ark waits for it another %s", missing, left.Round(time.Second))
	}
	return missing
}

// patience is how much longer a backup that is missing is waited for.
func (s *scope) patience() time.Duration {
	limit := patience + syncedBy
	if every := s.cfg.Spec.SyncInterval; every != nil {
		limit = patience + every.Duration
	}
	since := s.now.Sub(s.restore.CreationTimestamp.Time)
	if since < -limit {
		return 0 // the clock was put back, or is behind the API server's by who knows how much
	}
	return limit - max(since, 0)
}

// stored reports whether there is something to restore from.
func stored(b *v1alpha1.Backup) bool {
	c := b.Status.Completeness
	return b.Status.CompletionTime != nil && (c == v1alpha1.CompletenessComplete || c == v1alpha1.CompletenessPartial)
}

// maxAhead is how far in the future a backup may have been completed to be taken for
// the latest: the clocks of two nodes never agree.
const maxAhead = time.Hour

// newer reports whether a backup is rather the latest than another: it is newer,
// unless only the other is free of doubt.
func (s *scope) newer(b, other *v1alpha1.Backup) bool {
	if doubt := s.doubtful(b); doubt != s.doubtful(other) {
		return !doubt
	}
	return b.Status.CompletionTime.After(other.Status.CompletionTime.Time)
}

// doubtful reports whether a clock was wrong when the backup was taken, or it would be
// the latest for years; or whether somebody else may have put it into the bucket: it
// is not verified, although a location that holds it signs what this cluster takes.
func (s *scope) doubtful(b *v1alpha1.Backup) bool {
	if b.Status.CompletionTime.After(s.now.Add(maxAhead)) {
		return true
	}
	return b.Status.Verification != v1alpha1.VerificationVerified &&
		slices.ContainsFunc(s.cfg.Spec.Storage, func(l v1alpha1.StorageLocation) bool {
			return l.Signing != nil && slices.Contains(b.Status.StorageLocations, l.Name)
		})
}

// latest returns the newest backup that this cluster took, a doubtful one only where
// there is no other, and never one that was tampered with. Where it took none, the
// worst day may have come: then the one other cluster that did is meant.
func latest(backups []v1alpha1.Backup, clusterUID string, newer func(b, other *v1alpha1.Backup) bool, kind, name string) (*v1alpha1.Backup, error) {
	byCluster := map[string]*v1alpha1.Backup{}
	for i := range backups {
		b := &backups[i]
		if !stored(b) || b.Status.Verification == v1alpha1.VerificationTampered {
			continue
		}
		uid := clusterUID
		if health.Foreign(b, clusterUID) {
			uid = b.Labels[v1alpha1.ClusterLabel]
		}
		if have := byCluster[uid]; have == nil || newer(b, have) {
			byCluster[uid] = b
		}
	}
	if own := byCluster[clusterUID]; own != nil {
		return own, nil
	}
	switch names := foreignNames(byCluster); len(names) {
	case 0:
		return nil, step.Stall(v1alpha1.BackupMissingReason, "there is no finished backup of %s %q", kind, name)
	case 1:
		return byCluster[slices.Collect(maps.Keys(byCluster))[0]], nil
	default:
		return nil, step.Stall(v1alpha1.BackupAmbiguousReason,
			"several other clusters have backups of %s %q: set backupName to one of %s", kind, name, strings.Join(names, ", "))
	}
}

func foreignNames(byCluster map[string]*v1alpha1.Backup) []string {
	var names []string
	for _, b := range byCluster {
		names = append(names, b.Name)
	}
	slices.Sort(names)
	return names
}

// openBackup reads the marker of the chosen backup from the first of its
// locations that answers.
func (r *Reconciler) openBackup(ctx context.Context, s *scope) error {
	if s.ending != nil {
		return nil
	}
	origin := s.backup.Status.Origin
	if origin == nil || len(s.backup.Status.StorageLocations) == 0 {
		return step.Wait(wakeless, v1alpha1.BackupMissingReason, "backup %q does not say yet where it comes from", s.backup.Name)
	}
	var failures []error
	for _, name := range s.backup.Status.StorageLocations {
		err := r.openIn(ctx, s, name, origin)
		if err == nil {
			return nil
		}
		failures = append(failures, err)
	}
	return unopened(failures)
}

// unopened judges why no location has the backup. As long as one of them may have it
// later, that is waited for, whatever became of the others' copies.
func unopened(failures []error) error {
	var soonest *step.Error
	for _, err := range failures {
		var known *step.Error
		if errors.As(err, &known) && known.After > 0 && (soonest == nil || known.After < soonest.After) {
			soonest = known
		}
	}
	joined := step.Join(failures...)
	if soonest == nil || !errors.As(joined, new(*step.Error)) {
		return joined
	}
	return step.Wait(soonest.After, soonest.Reason, "%w", joined)
}

func (r *Reconciler) openIn(ctx context.Context, s *scope, name string, origin *v1alpha1.BackupOrigin) error {
	ctx, cancel := r.storageContext(ctx)
	defer cancel()
	location, err := r.Locations.Open(ctx, s.cfg, name)
	if err != nil {
		return err
	}
	snapshot, err := location.Catalog.Marker(ctx, origin.ClusterUID, origin.BackupName)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		return step.Stall(v1alpha1.BackupMissingReason, "backup %q is gone from location %q", s.backup.Name, name)
	case archive.Unreadable(err):
		return step.Stall(v1alpha1.ArchiveInvalidReason, "%w", err)
	case err != nil:
		return step.Wait(wakeless/2, v1alpha1.StorageUnavailableReason, "%w", err)
	case snapshot.Deletion != nil:
		return step.Stall(v1alpha1.BackupMissingReason, "backup %q is being removed since %s", s.backup.Name,
			snapshot.Deletion.Time.UTC().Format(time.RFC3339))
	}
	// Whatever rules there are: a marker that was changed after it was signed names
	// files and digests of somebody else's choice.
	if archive.Verify(snapshot.Envelope, projection.TrustedKeys(s.cfg)) == archive.Tampered {
		return step.Stall(v1alpha1.ArchiveInvalidReason,
			"backup %q in location %q was changed after it was signed: restore from another backup, and find out who writes to the bucket",
			s.backup.Name, name)
	}
	s.location, s.snapshot = location, snapshot
	return nil
}
