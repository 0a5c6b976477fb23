// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine/schedule"
)

// maxLabelValue is the length of a label's value that Kubernetes allows.
const maxLabelValue = 63

// scheduleName is the name of the Schedule of an entry.
func scheduleName(p *v1alpha1.BackupPolicy, entry string) string { return p.Name + "." + entry }

// desired is the Schedule of an entry.
func desired(p *v1alpha1.BackupPolicy, entry v1alpha1.PolicySchedule) *v1alpha1.Schedule {
	return &v1alpha1.Schedule{
		ObjectMeta: metav1.ObjectMeta{
			Name: scheduleName(p, entry.Name),
			Labels: map[string]string{
				v1alpha1.CreatedByLabel: v1alpha1.CreatedByPolicy,
				v1alpha1.PolicyLabel:    p.Name,
			},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(p, v1alpha1.GroupVersion.WithKind("BackupPolicy"))},
		},
		Spec: v1alpha1.ScheduleSpec{
			Cron:             entry.Cron,
			TimeZone:         entry.TimeZone,
			StartingDeadline: entry.StartingDeadline,
			Retention:        entry.Retention.DeepCopy(),
			PolicyName:       p.Name,
			Suspend:          p.Spec.Suspend,
		},
	}
}

// learnSchedules reads the Schedules that are the policy's or bear the name of
// one of its entries.
func (r *Reconciler) learnSchedules(ctx context.Context, s *scope) error {
	var list v1alpha1.ScheduleList
	if err := r.Client.List(ctx, &list); err != nil {
		return fmt.Errorf("list schedules: %w", err)
	}
	entries := map[string]bool{}
	for _, entry := range s.policy.Spec.Schedules {
		entries[scheduleName(s.policy, entry.Name)] = true
	}
	for i := range list.Items {
		o := &list.Items[i]
		if entries[o.Name] || metav1.IsControlledBy(o, s.policy) {
			s.schedules[o.Name] = o
		}
	}
	return nil
}

// ours reports whether the policy made the Schedule. One that a policy of the
// same name made, which was deleted since, is another's until it is collected.
func ours(o *v1alpha1.Schedule, p *v1alpha1.BackupPolicy) bool {
	return o.Labels[v1alpha1.CreatedByLabel] == v1alpha1.CreatedByPolicy && metav1.IsControlledBy(o, p)
}

// ensureSchedules makes every entry's Schedule what it should be.
func (r *Reconciler) ensureSchedules(ctx context.Context, s *scope) error {
	for _, entry := range s.policy.Spec.Schedules {
		if _, err := schedule.Parse(entry.Cron, entry.TimeZone); err != nil {
			s.refuse(step.Stall(v1alpha1.ScheduleInvalidReason, "spec.schedules[%s].%w", entry.Name, err))
			continue
		}
		if err := r.ensureSchedule(ctx, s, desired(s.policy, entry)); err != nil {
			return err
		}
	}
	return nil
}

// ensureSchedule makes or changes one Schedule. None is made while there are no
// rules to rely on: its first backup could only fail.
func (r *Reconciler) ensureSchedule(ctx context.Context, s *scope, want *v1alpha1.Schedule) error {
	have := s.schedules[want.Name]
	switch {
	case have == nil && s.rules == nil:
		return nil
	case have == nil:
		err := r.Client.Create(ctx, want)
		if apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("create schedule %s, which the cache does not know yet: %w", want.Name, err)
		}
		if err != nil {
			return fmt.Errorf("create schedule %s: %w", want.Name, err)
		}
		log.FromContext(ctx).Info("Created schedule", "schedule", want.Name)
		s.schedules[want.Name], s.made = want, append(s.made, want.Name)
		return nil
	case !ours(have, s.policy):
		s.refuse(clash(have))
		return nil
	case equality.Semantic.DeepEqual(have.Spec, want.Spec):
		return nil
	}
	changed := have.DeepCopy()
	changed.Spec = want.Spec
	if err := r.Client.Patch(ctx, changed, client.MergeFrom(have)); err != nil {
		return fmt.Errorf("change schedule %s: %w", want.Name, err)
	}
	log.FromContext(ctx).Info("Changed schedule", "schedule", want.Name)
	s.schedules[want.Name] = changed
	return nil
}

// clash says in whose way the name is. A Schedule that is being deleted, such as
// that of an earlier policy of the same name, only has to be waited for.
func clash(have *v1alpha1.Schedule) error {
	if !have.DeletionTimestamp.IsZero() || have.Labels[v1alpha1.CreatedByLabel] == v1alpha1.CreatedByPolicy {
		return step.Wait(missingAfter, v1alpha1.ScheduleClashReason,
			"Schedule %s is still that of an earlier BackupPolicy: wait until it is collected, or delete it", have.Name)
	}
	return step.Stall(v1alpha1.ScheduleClashReason,
		"a Schedule named %s exists and is not this policy's: delete it, or rename the entry in spec.schedules", have.Name)
}

// pruneSchedules deletes the policy's Schedules whose entry is gone. Their Backups
// stay.
func (r *Reconciler) pruneSchedules(ctx context.Context, s *scope) error {
	wanted := map[string]bool{}
	for _, entry := range s.policy.Spec.Schedules {
		wanted[scheduleName(s.policy, entry.Name)] = true
	}
	for name, o := range s.schedules {
		if wanted[name] || !ours(o, s.policy) {
			continue
		}
		err := r.Client.Delete(ctx, o, client.Preconditions{UID: &o.UID})
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("delete schedule %s: %w", name, err)
		}
		log.FromContext(ctx).Info("Deleted schedule", "schedule", name)
		delete(s.schedules, name)
		s.removed = append(s.removed, name)
	}
	return nil
}
