// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// adopt looks for the record of a restore of this name, by an earlier object or
// by a run whose end nobody saw: then this one is over before it begins.
func (r *Reconciler) adopt(ctx context.Context, s *scope) error {
	if s.ending != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	summary, err := r.recorded(ctx, s)
	if err != nil || summary == nil {
		return err
	}
	e, err := endingOf(summary)
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

// recorded returns the record of a restore of this name, or nil. A location that
// is out of order is passed over: unless the backup lies in it, it must not stop
// restores from the others.
func (r *Reconciler) recorded(ctx context.Context, s *scope) (*archive.RestoreSummary, error) {
	if summary, err := r.recordedInCluster(ctx, s.restore.Name); summary != nil || err != nil {
		return summary, err
	}
	for _, spec := range s.cfg.Spec.Storage {
		location, err := r.Locations.Open(ctx, s.cfg, spec.Name)
		if err != nil {
			ctrl.LoggerFrom(ctx).Info("Passing over a location", "location", spec.Name, "error", err.Error())
			continue
		}
		summary, err := location.Catalog.FindRestore(ctx, r.ClusterUID, s.restore.Name)
		switch {
		case err == nil:
			return summary, nil
		case errors.Is(err, engine.ErrNotFound):
		case errors.Is(err, engine.ErrCorrupt):
			return nil, step.Stall(v1alpha1.NameTakenReason, "%w: choose another name", err)
		default:
			return nil, step.Wait(wakeless/2, v1alpha1.StorageUnavailableReason, "%w", err)
		}
	}
	return nil, nil
}
