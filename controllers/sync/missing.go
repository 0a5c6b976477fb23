// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/announce"
	"github.com/gopherwood/ark/controllers/internal/ownership"
	"github.com/gopherwood/ark/controllers/internal/status"
	"github.com/gopherwood/ark/controllers/projection"
)

// removeMissing acts on the objects whose marker was in neither this complete
// listing of the store nor the one before. Once is not enough: some stores list
// what they hold with a delay.
func (r *run) removeMissing(ctx context.Context) error {
	missing := map[id]bool{}
	for i, b := range r.objects.byID {
		_, listed := r.listed[i]
		if listed || i.cluster != r.cluster && (!r.bounds.shows(i.cluster) || r.unseen(i.cluster)) || !committed(b) || !heldBy(b, r.memory.location) || beingRemoved(b) {
			continue
		}
		missing[i] = true
		if !r.memory.missing[i] {
			continue
		}
		if err := r.removeOne(ctx, i, b); err != nil {
			return err
		}
	}
	r.memory.missing = missing
	return nil
}

// beingRemoved reports whether the backup's own controller is at it.
func beingRemoved(b *v1alpha1.Backup) bool {
	ready := meta.FindStatusCondition(b.Status.Conditions, v1alpha1.ReadyCondition)
	return !b.DeletionTimestamp.IsZero() || b.Spec.Deletion != nil ||
		controllerutil.ContainsFinalizer(b, v1alpha1.RunFinalizer) ||
		ready != nil && ready.Reason == v1alpha1.DeletingReason
}

// removeOne takes the location off the object; an object that no location holds
// is deleted, unless it came from Git, which would only make it again.
func (r *run) removeOne(ctx context.Context, i id, b *v1alpha1.Backup) error {
	left := slices.DeleteFunc(slices.Clone(b.Status.StorageLocations), func(l string) bool { return l == r.memory.location })
	if len(left) > 0 {
		changed := b.DeepCopy()
		changed.Status.StorageLocations = left
		return status.Patch(ctx, r.Client, changed, b)
	}
	record, _, err := r.catalog.Deletion(ctx, i.cluster, i.name)
	if err != nil {
		return fmt.Errorf("find out why backup %s is gone: %w", i.name, err)
	}
	if !ownership.Ours(b) {
		changed := b.DeepCopy()
		projection.Gone(changed, record, r.Clock.Now())
		return status.Patch(ctx, r.Client, changed, b)
	}
	uid := b.UID
	if err := r.Client.Delete(ctx, b, client.Preconditions{UID: &uid}); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete the object of backup %s: %w", i.name, err)
	}
	why := "its marker is gone from storage"
	if record != nil {
		why = "its data was removed: " + record.Reason
	}
	announce.Normal(r.Events, b, v1alpha1.EventBackupGone, "ListLocation", why)
	log.FromContext(ctx).Info("Deleted the object of a backup", "backup", b.Name, "location", r.memory.location, "why", why)
	return nil
}
