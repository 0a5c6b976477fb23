// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package wake decides which changes of one object wake the controllers of
// others. A stalled object is woken by nothing else, so every change that can
// cure a stall counts; and because statuses are refreshed every minute, no other
// change does.
package wake

import (
	"reflect"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// ByConfig passes changes of a Config that others act on: its spec, and what
// its status says of identity, mode, rules and the availability of locations.
func ByConfig() predicate.Predicate {
	return changed(func(o client.Object) any {
		cfg, ok := o.(*v1alpha1.Config)
		if !ok {
			return nil
		}
		type location struct {
			name, storeID     string
			available, synced bool
		}
		locations := make([]location, 0, len(cfg.Status.Storage))
		for _, l := range cfg.Status.Storage {
			locations = append(locations, location{
				name: l.Name, storeID: l.StoreID, available: l.Available, synced: l.LastSyncTime != nil,
			})
		}
		return []any{cfg.Generation, cfg.Status.ClusterUID, cfg.Status.Mode, digest(cfg.Status.Policy), locations}
	})
}

// ByPolicy passes changes of a BackupPolicy that others act on: its spec, and
// the revision of its rules that is in force.
func ByPolicy() predicate.Predicate {
	return changed(func(o client.Object) any {
		p, ok := o.(*v1alpha1.BackupPolicy)
		if !ok {
			return nil
		}
		return []any{p.Generation, digest(p.Status.Policy)}
	})
}

// ByBackup passes backups that begin, end or go, and not their progress.
func ByBackup() predicate.Predicate {
	return changed(func(o client.Object) any {
		b, ok := o.(*v1alpha1.Backup)
		if !ok {
			return nil
		}
		type condition struct{ kind, status, reason string }
		conditions := make([]condition, 0, len(b.Status.Conditions))
		for _, c := range b.Status.Conditions {
			conditions = append(conditions, condition{c.Type, string(c.Status), c.Reason})
		}
		return []any{b.Labels, b.Status.Completeness, b.Status.CompletionTime == nil, conditions}
	})
}

// BySchedule passes Schedules whose spec or health changed.
func BySchedule() predicate.Predicate {
	return changed(func(o client.Object) any {
		s, ok := o.(*v1alpha1.Schedule)
		if !ok {
			return nil
		}
		for _, c := range s.Status.Conditions {
			if c.Type == v1alpha1.HealthyCondition {
				return []any{s.Generation, c.Status, c.Reason, c.Message}
			}
		}
		return []any{s.Generation}
	})
}

func digest(p *v1alpha1.PolicyRevision) string {
	if p == nil {
		return ""
	}
	return p.Digest
}

// changed passes creations, deletions, and updates that change what project
// takes from the object.
func changed(project func(client.Object) any) predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc: func(e event.UpdateEvent) bool {
			return !reflect.DeepEqual(project(e.ObjectOld), project(e.ObjectNew))
		},
	}
}
