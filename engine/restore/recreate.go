// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// errRecording ends a restore: what would be deleted could not be recorded.
var errRecording = errors.New("record the object to be replaced")

// neverRecreated are types of which no object is ever deleted: data, or all
// objects of a namespace or type, would go with it.
var neverRecreated = map[schema.GroupResource]bool{
	namespaceType:                        true,
	crdType:                              true,
	{Resource: "persistentvolumes"}:      true,
	{Resource: "persistentvolumeclaims"}: true,
	{Group: "storage.k8s.io", Resource: "storageclasses"}: true,
	// With the deletion policy Delete, the snapshot goes with either of them.
	{Group: "snapshot.storage.k8s.io", Resource: "volumesnapshots"}:                  true,
	{Group: "snapshot.storage.k8s.io", Resource: "volumesnapshotcontents"}:           true,
	{Group: "groupsnapshot.storage.k8s.io", Resource: "volumegroupsnapshots"}:        true,
	{Group: "groupsnapshot.storage.k8s.io", Resource: "volumegroupsnapshotcontents"}: true,
}

// harmlessFinalizers hold an object, but delete nothing else than objects that are
// made anew.
var harmlessFinalizers = []string{"foregroundDeletion", "orphan", "batch.kubernetes.io/job-tracking"}

// cascading are the types whose dependents are of no use without the very object
// that owns them: the pods of a Job are counted by its UID, and the volume of a pod
// serves no other. They go with it, and are made anew.
var cascading = map[schema.GroupResource]bool{
	{Resource: "pods"}:     true,
	{Resource: "services"}: true, {Resource: "endpoints"}: true,
	{Group: "batch", Resource: "jobs"}: true, {Group: "batch", Resource: "cronjobs"}: true,
}

// notRecreated says why a live object is not deleted, or nothing.
func (r *run) notRecreated(it *item, live transform.Manifest) string {
	switch {
	case neverRecreated[it.source.GroupResource]:
		return "no " + it.entry.Kind + " is ever deleted"
	case it.entry.UID != "" && r.plan.lineage.owners[it.entry.UID]:
		return "it owns other objects, which would be deleted with it"
	}
	if finalizer := transform.Finalizer(live, harmlessFinalizers...); finalizer != "" {
		return "its finalizer " + finalizer + " may delete what it stands for outside the cluster"
	}
	return ""
}

// recreate records and deletes the object that was judged, waits until it is
// gone, and creates the archived one. The archive tells of what the object owned
// then; what it owns since loses its owner, and stays.
func (r *run) recreate(ctx context.Context, p *prepared, live engine.Object) error {
	it := p.it
	if err := r.Replaced(ctx, live); err != nil {
		return fmt.Errorf("%w: %s: %w", errRecording, live.Key(), err)
	}
	err := r.retry(ctx, func() error {
		return r.Writer.Delete(ctx, *it.resource, it.target.Namespace, it.target.Name, engine.DeleteOptions{
			UID: live.Meta.UID, ResourceVersion: live.Meta.ResourceVersion, KeepDependents: !cascading[it.source.GroupResource],
		})
	})
	if err != nil {
		return err
	}
	err = r.poll(ctx, func() (bool, error) {
		now, err := r.get(ctx, it)
		if errors.Is(err, engine.ErrNotFound) {
			return true, nil
		}
		return err == nil && now.Meta.UID != live.Meta.UID, err
	})
	if errors.Is(err, errNotYet) {
		return errors.New("was deleted to be created anew, but its finalizers keep it: see to them, then run the restore again")
	}
	if err != nil {
		return err
	}
	it.gated = ActionCreate // a rule that allowed to recreate allowed this
	if err := r.create(ctx, p); err != nil {
		return err
	}
	it.action, it.outcome = ActionRecreate, Updated
	return nil
}
