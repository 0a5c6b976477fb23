// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/ownership"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/controllers/template"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

const (
	// wakeless is when to look again for what is watched anyway.
	wakeless = time.Minute
	// storageTimeout bounds what a reconciliation asks of a store: a few small blobs.
	storageTimeout = time.Minute
)

// checkNames refuses what storage can hold under no name: the API server takes no such
// names any more, but may have kept some.
func (r *Reconciler) checkNames(_ context.Context, s *scope) error {
	if err := archive.CheckName(s.name); err != nil {
		return step.Stall(v1alpha1.RequestInvalidReason, "%w", err)
	}
	for _, named := range []struct{ by, name string }{
		{"spec.policyName", s.backup.Spec.PolicyName},
		{"label " + v1alpha1.ScheduleLabel, s.backup.Labels[v1alpha1.ScheduleLabel]},
	} {
		if err := archive.CheckName(named.name); err != nil && named.name != "" {
			return step.Stall(v1alpha1.RequestInvalidReason, "%s: %w", named.by, err)
		}
	}
	return nil
}

// checkTemplate refuses, before anything is asked of storage, a template that no backup can
// be taken with. One that storage may hold was taken with it, and is left alone.
func (r *Reconciler) checkTemplate(_ context.Context, s *scope) error {
	b := s.backup
	if b.Status.CompletionTime != nil || b.Spec.Deletion != nil || b.Labels[v1alpha1.CreatedByLabel] == v1alpha1.CreatedBySync {
		return nil
	}
	if _, err := template.Selection(b.Spec.Template); err != nil {
		return step.Stall(v1alpha1.RequestInvalidReason, "spec.template.%w", err)
	}
	return nil
}

// learnConfig reads the Config.
func (r *Reconciler) learnConfig(ctx context.Context, s *scope) error {
	var cfg v1alpha1.Config
	err := r.Client.Get(ctx, client.ObjectKey{Name: v1alpha1.ConfigName}, &cfg)
	if apierrors.IsNotFound(err) {
		return step.Wait(wakeless, v1alpha1.ConfigMissingReason, "there is no Config named %s yet: apply one that says where backups are kept", v1alpha1.ConfigName)
	}
	if err != nil {
		return fmt.Errorf("read Config: %w", err)
	}
	s.cfg = &cfg
	return nil
}

// record writes into storage what the spec asks of a committed backup: a hold,
// its release, a longer life; in every location that holds it, so that none of
// them forgets it when another is lost. A spec that says nothing changes nothing.
func (r *Reconciler) record(ctx context.Context, s *scope) error {
	if s.snapshot == nil || s.tombstone != nil {
		return nil
	}
	recorded := false
	for _, p := range s.writable() {
		wrote, err := r.recordIn(ctx, s, p)
		if err != nil {
			return err
		}
		recorded = recorded || wrote
	}
	if recorded {
		s.choose()
	}
	if len(s.writable()) == 0 && len(s.wanted(s.snapshot)) > 0 {
		return step.Stall(v1alpha1.LocationReadOnlyReason,
			"hold and ttl are recorded in storage, and location %q is ReadOnly", s.location.Spec.Name)
	}
	return nil
}

// recordIn writes what one location lacks, and reports whether that was anything.
func (r *Reconciler) recordIn(ctx context.Context, s *scope, p *place) (bool, error) {
	if p.snapshot == nil {
		return false, nil
	}
	wanted := s.wanted(p.snapshot)
	if len(wanted) == 0 {
		return false, nil
	}
	for _, record := range wanted {
		record.Cluster, record.Name, record.By = s.cluster, s.name, r.ClusterUID
		if _, err := p.Catalog.Append(ctx, record); err != nil {
			return false, storageError(err)
		}
	}
	snapshot, err := p.Catalog.Marker(ctx, s.cluster, s.name)
	if err != nil {
		return false, storageError(err)
	}
	p.snapshot, p.tombstone = snapshot, snapshot.Deletion
	return true, nil
}

// wanted returns the records that make storage say what the spec asks for. A spec
// that says nothing changes nothing.
func (s *scope) wanted(stored *catalog.Snapshot) []archive.Record {
	var wanted []archive.Record
	switch hold := s.backup.Spec.Hold; {
	case hold == nil || *hold == stored.Held:
	case !*hold && s.backup.Generation == 1:
		// A new object is written from what was known before: from Git, or by sync.
		// Only a change of it can mean that the hold is to end.
	case *hold:
		wanted = append(wanted, archive.Record{Type: archive.RecordHold})
	default:
		wanted = append(wanted, archive.Record{Type: archive.RecordRelease})
	}
	if ttl := s.backup.Spec.TTL; ttl != nil {
		expires := stored.Marker.Created.Add(ttl.Duration)
		if expires.After(stored.Expires) {
			wanted = append(wanted, archive.Record{Type: archive.RecordExtend, Expires: &expires})
		}
	}
	return wanted
}

// stopRuns ends whatever runs for the object.
func (r *Reconciler) stopRuns(ctx context.Context, s *scope) error {
	return errors.Join(r.Takes.Stop(ctx, s.backup.UID), r.Removals.Stop(ctx, s.backup.UID))
}

// forgetRuns makes room for what is asked of the object next, once status holds
// what the runs found.
func (r *Reconciler) forgetRuns(_ context.Context, s *scope) error {
	r.Takes.Forget(s.backup.UID)
	r.Removals.Forget(s.backup.UID)
	return nil
}

// deleteRemoved deletes the Backup whose data is gone, and its Restores, as far
// as Ark made them: what came from Git would only be made again. Where that was
// broken off, status still says that the data is gone; while a removal fails it does
// not, and the object is where people see that.
func (r *Reconciler) deleteRemoved(ctx context.Context, s *scope) error {
	if !s.gone() {
		return nil
	}
	var restores v1alpha1.RestoreList
	if err := r.Client.List(ctx, &restores); err != nil {
		return fmt.Errorf("list restores: %w", err)
	}
	for i := range restores.Items {
		restore := &restores.Items[i]
		if restore.Status.Backup == nil || restore.Status.Backup.Name != s.backup.Name || restore.Status.CompletionTime == nil {
			continue
		}
		if err := r.deleteOwn(ctx, restore); err != nil {
			return err
		}
	}
	return r.deleteOwn(ctx, s.backup)
}

func (r *Reconciler) deleteOwn(ctx context.Context, object client.Object) error {
	if !ownership.Ours(object) {
		return nil
	}
	uid := object.GetUID()
	err := r.Client.Delete(ctx, object, client.Preconditions{UID: &uid})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete %s: %w", object.GetName(), err)
	}
	return nil
}

// target returns the name of the location that the backup is to go to.
func (r *Reconciler) target(ctx context.Context, s *scope) (string, error) {
	t, err := r.template(ctx, s)
	if err != nil {
		return "", err
	}
	var name string
	if t != nil {
		name = t.StorageLocation
	}
	spec, err := locations.Find(s.cfg, name)
	return spec.Name, err
}

// template returns the template that the backup uses, which may be nil. It is
// that of the BackupPolicy as it is now, where one is named.
func (r *Reconciler) template(ctx context.Context, s *scope) (*v1alpha1.BackupTemplate, error) {
	if s.backup.Spec.PolicyName == "" {
		return s.backup.Spec.Template, nil
	}
	policy, err := r.policy(ctx, s)
	if err != nil {
		return nil, err
	}
	return policy.Spec.Template, nil
}

func (r *Reconciler) policy(ctx context.Context, s *scope) (*v1alpha1.BackupPolicy, error) {
	var policy v1alpha1.BackupPolicy
	err := r.Client.Get(ctx, client.ObjectKey{Name: s.backup.Spec.PolicyName}, &policy)
	if apierrors.IsNotFound(err) {
		return nil, step.Wait(wakeless, v1alpha1.PolicyMissingReason,
			"there is no BackupPolicy %q: apply it, or create a Backup with another policyName", s.backup.Spec.PolicyName)
	}
	if err != nil {
		return nil, fmt.Errorf("read BackupPolicy: %w", err)
	}
	return &policy, nil
}

// storageError judges an error of the catalog: bytes that are not what was
// written, or of a version that is not known, do not get better, everything else may.
func storageError(err error) error {
	switch {
	case errors.As(err, new(*step.Error)): // the key to sign a record with
		return err
	case archive.Unreadable(err):
		return step.Stall(v1alpha1.ArchiveInvalidReason, "%w", err)
	case errors.Is(err, engine.ErrReadOnly):
		return step.Stall(v1alpha1.LocationReadOnlyReason, "%w", err)
	}
	return step.Wait(wakeless/2, v1alpha1.StorageUnavailableReason, "%w", err)
}
