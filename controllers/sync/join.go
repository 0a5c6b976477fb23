// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/announce"
	"github.com/gopherwood/ark/controllers/internal/conditions"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/status"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/catalog"
)

// join adds this location to a backup that another one holds: a replicated bucket
// is one backup in two places. Two backups that only share their name are told,
// and left alone: the object goes on to show the first.
func (r *run) join(ctx context.Context, i id, b *v1alpha1.Backup, snapshot *catalog.Snapshot) error {
	other, known, err := r.elsewhere(ctx, i, b)
	if err != nil {
		r.cannotShow(i, problem{why: fmt.Sprintf("it cannot be compared with the one in %v: %v", b.Status.StorageLocations, err)})
		return nil
	}
	if !known || other == snapshot.Digest {
		locations := append(slices.Clone(b.Status.StorageLocations), r.memory.location)
		if !known {
			locations = []string{r.memory.location} // the object names none that the Config still has
		}
		return r.write(ctx, i, b.DeepCopy(), snapshot, locations)
	}
	return r.clash(ctx, i, b)
}

// elsewhere returns the digest of the marker in a location that the object names.
// It is not known when none of them is left in the Config, or none holds it.
func (r *run) elsewhere(ctx context.Context, i id, b *v1alpha1.Backup) (digest string, known bool, err error) {
	for _, name := range b.Status.StorageLocations {
		if _, err := locations.Find(r.cfg, name); err != nil {
			continue // it was taken out of the Config
		}
		location, err := r.Locations.Open(ctx, r.cfg, name)
		if err != nil {
			return "", false, err
		}
		snapshot, err := location.Catalog.Marker(ctx, i.cluster, i.name)
		if errors.Is(err, engine.ErrNotFound) {
			continue
		}
		if err != nil {
			return "", false, err
		}
		return snapshot.Digest, true, nil
	}
	return "", false, nil
}

// clash tells of two backups of one name.
func (r *run) clash(ctx context.Context, i id, b *v1alpha1.Backup) error {
	message := fmt.Sprintf("storage locations %q and %q hold different backups of this name: the one in %q is shown; move the other to a store of its own",
		b.Status.StorageLocations[0], r.memory.location, b.Status.StorageLocations[0])
	r.cannotShow(i, problem{why: message, lasting: true})
	if r.memory.problems[i].why != message {
		announce.Warning(r.Events, b, v1alpha1.NameTakenReason, "ListLocation", message)
	}
	changed := b.DeepCopy()
	conditions.Set{Conditions: &changed.Status.Conditions, Generation: b.Generation, Now: r.Clock.Now()}.
		Note(v1alpha1.UniqueCondition, metav1.ConditionFalse, v1alpha1.NameTakenReason, message)
	return status.Patch(ctx, r.Client, changed, b)
}

// endClashes takes the mark off the objects whose other backup is gone from this
// location.
func (r *run) endClashes(ctx context.Context) error {
	for i := range r.memory.problems {
		b := r.objects.byID[i]
		_, still := r.outcome.problems[i]
		if still || b == nil || meta.FindStatusCondition(b.Status.Conditions, v1alpha1.UniqueCondition) == nil {
			continue
		}
		changed := b.DeepCopy()
		meta.RemoveStatusCondition(&changed.Status.Conditions, v1alpha1.UniqueCondition)
		if err := status.Patch(ctx, r.Client, changed, b); err != nil {
			return err
		}
	}
	return nil
}
