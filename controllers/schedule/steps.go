// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/health"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/controllers/template"
	"github.com/gopherwood/ark/engine/schedule"
)

const (
	// missingAfter is when a Config or BackupPolicy that does not exist is looked
	// for again, although its creation wakes the Schedule too.
	missingAfter = time.Minute
	// notReadyAfter is when a location that is not ready is looked at again.
	notReadyAfter = 10 * time.Second
	// storageTimeout bounds how long storage is asked for the last backup.
	storageTimeout = 20 * time.Second
)

func (r *Reconciler) learnConfig(ctx context.Context, s *scope) error {
	cfg := &v1alpha1.Config{}
	err := r.Client.Get(ctx, client.ObjectKey{Name: v1alpha1.ConfigName}, cfg)
	switch {
	case apierrors.IsNotFound(err):
		return step.Wait(missingAfter, v1alpha1.ConfigMissingReason,
			"there is no Config named %s: create it with a storage location", v1alpha1.ConfigName)
	case err != nil:
		return fmt.Errorf("read Config: %w", err)
	case cfg.Status.ClusterUID == "":
		return step.Wait(notReadyAfter, v1alpha1.ProgressingReason, "the identity of this cluster is not known yet")
	}
	s.cfg = cfg
	return nil
}

func parse(_ context.Context, s *scope) error {
	spec := s.schedule.Spec
	firings, err := schedule.Parse(spec.Cron, spec.TimeZone)
	if err != nil {
		return step.Stall(v1alpha1.ScheduleInvalidReason, "spec.%w", err)
	}
	s.firings, s.believed = firings, firings.Next(s.now)
	s.inForce = inForce(s.schedule, s.now)
	return nil
}

// learnBackups reads what the status and the Backups of the Schedule tell. Neither
// will do alone: a Backup may have been deleted since, and the status be lost.
func (r *Reconciler) learnBackups(ctx context.Context, s *scope) error {
	var list v1alpha1.BackupList
	if err := r.Client.List(ctx, &list, client.MatchingLabels{v1alpha1.ScheduleLabel: s.schedule.Name}); err != nil {
		return fmt.Errorf("list backups: %w", err)
	}
	if told := s.schedule.Status.LastScheduleTime; told != nil {
		s.learnFiring(told.Time)
	}
	uid := s.cfg.Status.ClusterUID
	s.runs = health.Read(list.Items, uid, s.now)
	for i := range list.Items {
		if !health.Foreign(&list.Items[i], uid) {
			s.learnName(list.Items[i].Name)
		}
	}
	return nil
}

// learnName takes from the name of a backup which firing it was made for. One
// made by hand under another name was made for none.
func (s *scope) learnName(name string) {
	s.names[name] = true
	if firing, ok := schedule.ParseBackupName(s.schedule.Name, name); ok {
		s.learnFiring(firing)
	}
}

// learnFiring takes note of a firing that a backup was made for. One further ahead
// than the next was stamped by a clock that was wrong: it must hide none of those
// that are believed, or what was deleted of them would be made again.
func (s *scope) learnFiring(firing time.Time) {
	if firing.After(s.last) && !firing.After(s.believed) {
		s.last = firing
	}
}

// findLocation finds out where the backups go. Nothing is looked for while
// nothing runs.
func (r *Reconciler) findLocation(ctx context.Context, s *scope) error {
	t := s.schedule.Spec.Template
	if err := checkTemplate("spec.template", t); err != nil {
		return err
	}
	if s.idle() != "" {
		return nil
	}
	if name := s.schedule.Spec.PolicyName; name != "" {
		policy := &v1alpha1.BackupPolicy{}
		err := r.Client.Get(ctx, client.ObjectKey{Name: name}, policy)
		switch {
		case apierrors.IsNotFound(err):
			return step.Wait(missingAfter, v1alpha1.PolicyMissingReason,
				"there is no BackupPolicy %q: create it, or change spec.policyName", name)
		case err != nil:
			return fmt.Errorf("read BackupPolicy %s: %w", name, err)
		}
		t = policy.Spec.Template
		if err := checkTemplate("BackupPolicy "+name+": spec.template", t); err != nil {
			return err
		}
	}
	asked := ""
	if t != nil {
		asked = t.StorageLocation
	}
	location, err := locations.Find(s.cfg, asked)
	if err != nil {
		return err
	}
	if location.Access == v1alpha1.AccessReadOnly {
		return step.Stall(v1alpha1.LocationReadOnlyReason,
			"location %q is read-only: set its access to ReadWrite in the Config, or name another storageLocation", location.Name)
	}
	s.location = location
	return nil
}

// checkTemplate refuses what would fail every backup.
func checkTemplate(field string, t *v1alpha1.BackupTemplate) error {
	if _, err := template.Selection(t); err != nil {
		return step.Stall(v1alpha1.RequestInvalidReason, "%s.%w", field, err)
	}
	return nil
}

// judge decides what is due. Storage is asked only when there is something to make,
// or no Backup and no status tells that there was one: the objects may be gone with
// the cluster's etcd, or with the kinds, or because their data was deleted.
func (r *Reconciler) judge(ctx context.Context, s *scope) error {
	if s.idle() != "" {
		_, s.plan.next, _ = s.firings.Due(s.now, s.now)
		return nil
	}
	fired := s.schedule.Status.LastScheduleTime != nil
	first := !fired && len(s.names) == 0
	if !first {
		if s.plan = decide(s.firings, s.situation(false)); s.plan.due.IsZero() {
			return nil
		}
	}
	stored, ok, err := r.latestStored(ctx, s)
	switch {
	case err != nil && !fired:
		return err
	case err != nil:
		// What the status tells will do: the Backup that is made says what is wrong.
		log.FromContext(ctx).Info("Firing without having asked storage", "reason", err.Error())
	case ok:
		s.learnName(stored)
	}
	s.plan = decide(s.firings, s.situation(first && !ok))
	return nil
}

func (s *scope) situation(first bool) situation {
	situation := situation{
		now: s.now, created: s.schedule.CreationTimestamp.Time, since: s.inForce.Since.Time, last: s.last, first: first,
	}
	if d := s.schedule.Spec.StartingDeadline; d != nil {
		situation.deadline = d.Duration
	}
	if s.schedule.Spec.ConcurrencyPolicy != v1alpha1.ConcurrencyAllow && len(s.runs.Running) > 0 {
		situation.running = s.runs.Running[0].Name
	}
	return situation
}

// latestStored asks storage for the newest backup, once the location is reached
// and was synced: before, nothing can be said of what it holds.
//
// Any sync since the Config knows the location will do, however long ago: what
// was committed since is asked of the store itself, here. Waiting for the next
// sync would only hold up the first backup.
func (r *Reconciler) latestStored(ctx context.Context, s *scope) (name string, ok bool, err error) {
	known := v1alpha1.StorageLocationStatus{}
	for _, l := range s.cfg.Status.Storage {
		if l.Name == s.location.Name {
			known = l
		}
	}
	switch {
	case !known.Available:
		return "", false, step.Wait(notReadyAfter, v1alpha1.LocationNotReadyReason,
			"the first backup waits for location %q to become available: see the Config's status", s.location.Name)
	case known.LastSyncTime == nil:
		return "", false, step.Wait(notReadyAfter, v1alpha1.LocationNotReadyReason,
			"the first backup waits until it is known what location %q holds: it is being listed", s.location.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	return r.Storage.LatestBackup(ctx, s.cfg, s.location.Name, s.schedule.Name)
}

// fire makes the Backup that is due. One that exists already was made for this
// very firing: by a reconciliation that did not get as far as its status.
func (r *Reconciler) fire(ctx context.Context, s *scope) error {
	if s.plan.due.IsZero() {
		return nil
	}
	backup := newBackup(s.schedule, s.plan.due)
	if s.names[backup.Name] {
		return nil
	}
	err := r.Client.Create(ctx, backup)
	switch {
	case apierrors.IsAlreadyExists(err):
	case err != nil:
		return fmt.Errorf("create backup %s: %w", backup.Name, err)
	default:
		s.made = backup
		r.Metrics.Fired(s.schedule.Name, s.now.Sub(s.plan.due))
		log.FromContext(ctx).Info("Created backup", "backup", backup.Name, "firing", s.plan.due, "missed", s.plan.missed)
	}
	s.names[backup.Name], s.last = true, s.plan.due
	return nil
}

// newBackup returns the Backup of a firing. It carries our own labels only: a
// Git tool's tracking label on it would get it pruned.
func newBackup(o *v1alpha1.Schedule, firing time.Time) *v1alpha1.Backup {
	labels := map[string]string{
		v1alpha1.CreatedByLabel: v1alpha1.CreatedBySchedule,
		v1alpha1.ScheduleLabel:  o.Name,
	}
	if o.Spec.PolicyName != "" {
		labels[v1alpha1.PolicyLabel] = o.Spec.PolicyName
	}
	return &v1alpha1.Backup{
		ObjectMeta: metav1.ObjectMeta{Name: schedule.BackupName(o.Name, firing), Labels: labels},
		Spec:       v1alpha1.BackupSpec{Template: o.Spec.Template.DeepCopy(), PolicyName: o.Spec.PolicyName},
	}
}
