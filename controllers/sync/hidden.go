// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/health"
	"github.com/gopherwood/ark/controllers/internal/ownership"
	"github.com/gopherwood/ark/controllers/internal/status"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

// proven reports whether the backup is this cluster's, as a key that it trusts vouches.
// What is not may have been put there by anybody who writes into the store.
func (r *run) proven(snapshot *catalog.Snapshot) bool {
	return snapshot.Marker.Cluster.UID == r.cluster && archive.Verify(snapshot.Envelope, r.trusted) == archive.Verified
}

// mayShow takes one of the changes that this listing may still make, where the backup
// is of another cluster, has no object, or has a marker that somebody wrote again.
// What is left comes with a later listing.
func (r *run) mayShow(i id, b *v1alpha1.Backup, is stamp) bool {
	was, known := r.memory.shown[i]
	rewritten := known && (was.size != is.size || was.written != is.written)
	if i.cluster == r.cluster && b != nil && !rewritten {
		return true
	}
	if i.cluster == r.cluster && b == nil && r.trust == "" && r.strangersLeft() <= 0 {
		r.postpone(i)
		r.leftOut(1)
		return false // no key could tell, so that it need not be read
	}
	if !r.takeChange() {
		r.postpone(i)
		return false
	}
	return true
}

func (r *run) takeChange() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes--
	return r.changes >= 0
}

func (r *run) postpone(i id) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.later[i] = true
}

func (r *run) strangersLeft() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.strangers
}

// takeStranger reports whether a backup that only claims to be this cluster's may still
// be shown, and remembers one that may not.
func (r *run) takeStranger(i id, is stamp) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.strangers--; r.strangers >= 0 {
		return true
	}
	is.records = 0
	r.memory.passed[i] = is
	r.later[i] = true
	r.outcome.hidden++
	return false
}

// removeHidden removes the objects of backups of other clusters that are more than are
// shown. Their data is as it was.
func (r *run) removeHidden(ctx context.Context) error {
	used, err := r.used(ctx)
	if err != nil {
		return err
	}
	for i, b := range r.objects.byID {
		if used[b.Name] || !r.isToHide(i, b) {
			continue
		}
		if !r.takeChange() {
			return nil
		}
		if err := r.hideOne(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// isToHide reports whether an object that storage made shows a backup of another cluster
// that is more than is shown.
func (r *run) isToHide(i id, b *v1alpha1.Backup) bool {
	if i.cluster == r.cluster || !r.hidden[i] && r.bounds.shows(i.cluster) {
		return false
	}
	return heldBy(b, r.memory.location) && health.Foreign(b, r.cluster) && !beingRemoved(b) && fromStorage(b)
}

// hideOne takes the location off the object, and removes one that no other location
// shows. One that was applied stays: it would only be made again.
func (r *run) hideOne(ctx context.Context, b *v1alpha1.Backup) error {
	left := slices.DeleteFunc(slices.Clone(b.Status.StorageLocations), func(l string) bool { return l == r.memory.location })
	if len(left) > 0 {
		changed := b.DeepCopy()
		changed.Status.StorageLocations = left
		return status.Patch(ctx, r.Client, changed, b)
	}
	if !ownership.Ours(b) {
		return nil
	}
	uid := b.UID
	if err := r.Client.Delete(ctx, b, client.Preconditions{UID: &uid}); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete the object of backup %s: %w", b.Name, err)
	}
	log.FromContext(ctx).V(1).Info("Deleted the object of a backup that is not shown any more", "backup", b.Name, "location", r.memory.location)
	return nil
}

// used are the names of the Backups that a Restore asks for that has not ended.
func (r *run) used(ctx context.Context) (map[string]bool, error) {
	var list v1alpha1.RestoreList
	if err := r.Client.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("list restores: %w", err)
	}
	used := map[string]bool{}
	for i := range list.Items {
		o := &list.Items[i]
		if o.Status.CompletionTime != nil || meta.IsStatusConditionTrue(o.Status.Conditions, v1alpha1.StalledCondition) {
			continue
		}
		used[o.Spec.BackupName] = true
		if o.Status.Backup != nil {
			used[o.Status.Backup.Name] = true
		}
	}
	return used, nil
}
