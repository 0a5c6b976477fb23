// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/health"
)

// objects are the Backups of this cluster's API server as they were before the
// listing. They are not changed.
type objects struct {
	byID map[id]*v1alpha1.Backup
	// verified are the other clusters of which a backup is shown that a key vouches for.
	verified map[string]bool
}

// readObjects reads all Backups and finds out which backup each stands for.
func (r *run) readObjects(ctx context.Context) (*objects, error) {
	var list v1alpha1.BackupList
	if err := r.Client.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	o := &objects{byID: make(map[id]*v1alpha1.Backup, len(list.Items)), verified: map[string]bool{}}
	for i := range list.Items {
		b := &list.Items[i]
		if of, ok := identify(b, r.cluster); ok {
			o.byID[of] = b
			if of.cluster != r.cluster && b.Status.Verification == v1alpha1.VerificationVerified {
				o.verified[of.cluster] = true
			}
		}
	}
	return o, nil
}

// identify returns the backup that an object stands for. One of another cluster
// whose status was not written says nothing but the cluster: it is told by the
// name it has when it is shown again.
func identify(b *v1alpha1.Backup, cluster string) (id, bool) {
	if origin := b.Status.Origin; origin != nil && origin.ClusterUID != "" && origin.BackupName != "" {
		return id{origin.ClusterUID, origin.BackupName}, true
	}
	if health.Foreign(b, cluster) {
		return id{}, false
	}
	return id{cluster, b.Name}, true
}

// committed reports whether the object shows a backup that is in storage.
func committed(b *v1alpha1.Backup) bool {
	return len(b.Status.StorageLocations) > 0 &&
		(b.Status.Completeness == v1alpha1.CompletenessComplete || b.Status.Completeness == v1alpha1.CompletenessPartial)
}

// lost reports whether the object says that its data vanished.
func lost(b *v1alpha1.Backup) bool {
	ready := meta.FindStatusCondition(b.Status.Conditions, v1alpha1.ReadyCondition)
	return ready != nil && ready.Reason == v1alpha1.BackupMissingReason && len(b.Status.StorageLocations) == 0
}

// heldBy reports whether the object says that the location holds its backup.
func heldBy(b *v1alpha1.Backup, location string) bool {
	return slices.Contains(b.Status.StorageLocations, location)
}
