// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

// adopt looks for the record of a restore of this name, by an earlier object or
// by a run whose end nobody saw: then this one is over before it begins.
func (r *Reconciler) adopt(ctx context.Context, s *scope) error {
	if s.ending != nil {
		return nil
	}
	summary, err := r.recorded(ctx, s)
	if err != nil || summary == nil {
		return err
	}
	if summary.Doubt != "" {
		return step.Stall(v1alpha1.NameTakenReason,
			"a restore of this name may have run, or somebody wants that to be believed: its record, attempt %s, does not count: %s; "+
				"choose another name, or remove the record if it is forged", summary.UID, summary.Doubt)
	}
	e, err := endingOf(summary.RestoreSummary)
	if err != nil {
		return step.Stall(v1alpha1.NameTakenReason, "%w: choose another name", err)
	}
	if !sameSpec(summary.Spec, &s.restore.Spec) {
		return step.Stall(v1alpha1.NameTakenReason, "a restore of this name ran on %s with another spec: choose another name",
			summary.Completed.UTC().Format(time.RFC3339))
	}
	s.ending = e
	return nil
}

// sameSpec reports whether a recorded spec asks for the same as spec. One that
// cannot be read, or is not there, is another: nobody may be told that it is done.
func sameSpec(recorded []byte, spec *v1alpha1.RestoreSpec) bool {
	var was v1alpha1.RestoreSpec
	decoder := json.NewDecoder(bytes.NewReader(recorded))
	decoder.DisallowUnknownFields()
	return decoder.Decode(&was) == nil && equality.Semantic.DeepEqual(&was, spec)
}

// recorded returns the record of a restore of this name, or nil. Locations are asked
// all at once, so that one that hangs costs no more time than one that does not; those
// that do not answer are noted.
func (r *Reconciler) recorded(ctx context.Context, s *scope) (*catalog.FoundRestore, error) {
	if summary, err := r.recordedInCluster(ctx, s); summary != nil || err != nil {
		return summary, err
	}
	type answer struct {
		summary *catalog.FoundRestore
		err     error
	}
	answers := make([]answer, len(s.cfg.Spec.Storage))
	var asked sync.WaitGroup
	for i, spec := range s.cfg.Spec.Storage {
		asked.Go(func() { answers[i].summary, answers[i].err = r.recordedIn(ctx, s, spec.Name) })
	}
	asked.Wait()
	s.unreachable = map[string]error{}
	var doubtful *catalog.FoundRestore
	var broken error
	for i, spec := range s.cfg.Spec.Storage {
		switch a := answers[i]; {
		case a.err == nil && a.summary.Doubt != "":
			doubtful = cmp.Or(doubtful, a.summary) // another location may have one that counts
		case a.err == nil:
			return a.summary, nil
		case errors.Is(a.err, engine.ErrNotFound):
		case archive.Unreadable(a.err) && !errors.As(a.err, new(*step.Error)): // the record, and not the location
			broken = step.Stall(v1alpha1.NameTakenReason, "%w: choose another name", a.err)
		default:
			ctrl.LoggerFrom(ctx).Info("A location does not answer", "location", spec.Name, "error", a.err.Error())
			s.unreachable[spec.Name] = a.err
		}
	}
	return doubtful, broken
}

// recordedIn returns the record that a location holds.
func (r *Reconciler) recordedIn(ctx context.Context, s *scope, name string) (*catalog.FoundRestore, error) {
	ctx, cancel := r.storageContext(ctx)
	defer cancel()
	location, err := r.Locations.Open(ctx, s.cfg, name)
	if err != nil {
		return nil, err
	}
	return location.Catalog.FindRestore(ctx, r.ClusterUID, s.restore.Name)
}

// storageContext bounds what is asked of one location.
func (r *Reconciler) storageContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, cmp.Or(r.storeTimeout, storageTimeout))
}

// awaitRecord refuses to begin while a location does not answer that may hold the record of a
// restore of this name: to run it twice could overwrite what is newer. Any other
// location that is out of order must not stop it.
func (r *Reconciler) awaitRecord(_ context.Context, s *scope) error {
	if s.ending != nil {
		return nil
	}
	return s.unasked()
}

// unasked is the wait for a location that may hold the record, or nil.
func (s *scope) unasked() error {
	for _, spec := range s.cfg.Spec.Storage {
		if err := s.unreachable[spec.Name]; err != nil && s.mayHoldRecord(spec.Name) {
			return step.Wait(wakeless/2, v1alpha1.StorageUnavailableReason,
				"a restore of this name may be recorded in location %q, which does not answer: bring it back, or take it out of the Config: %w", spec.Name, err)
		}
	}
	return nil
}

// mayHoldRecord reports whether a restore of this name can be recorded in a location:
// records lie beside the backup that was restored. Which that was is not known where
// the latest one is asked for, unless an attempt of this very object chose it, which
// heard all locations first.
func (s *scope) mayHoldRecord(location string) bool {
	chosen := s.restore.Spec.BackupName != "" || (s.restore.Status.Backup != nil && s.restore.Status.Attempts > 0)
	return !chosen || s.backup == nil || slices.Contains(s.backup.Status.StorageLocations, location)
}
