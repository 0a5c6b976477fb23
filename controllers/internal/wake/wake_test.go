// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package wake_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/wake"
)

var (
	earlier = metav1.NewTime(time.Date(2026, time.May, 17, 3, 4, 5, 0, time.UTC))
	later   = metav1.NewTime(earlier.Add(time.Minute))
)

func config(change ...func(*v1alpha1.Config)) *v1alpha1.Config {
	cfg := &v1alpha1.Config{}
	cfg.Status.Storage = []v1alpha1.StorageLocationStatus{{Name: "main", Available: true, LastCheckTime: &earlier, LastSyncTime: &earlier}}
	for _, c := range change {
		c(cfg)
	}
	return cfg
}

func condition(kind, reason, message string) []metav1.Condition {
	return []metav1.Condition{{Type: kind, Status: "False", Reason: reason, Message: message}}
}

func TestWhatWakes(t *testing.T) {
	backup := func(change func(*v1alpha1.Backup)) *v1alpha1.Backup {
		b := &v1alpha1.Backup{}
		change(b)
		return b
	}
	schedule := func(change func(*v1alpha1.Schedule)) *v1alpha1.Schedule {
		s := &v1alpha1.Schedule{}
		change(s)
		return s
	}
	policy := func(change func(*v1alpha1.BackupPolicy)) *v1alpha1.BackupPolicy {
		p := &v1alpha1.BackupPolicy{}
		change(p)
		return p
	}
	tests := map[string]struct {
		by       predicate.Predicate
		from, to client.Object
		want     bool
	}{
		"a Config that was checked and synced again": {wake.ByConfig(), config(), config(func(c *v1alpha1.Config) {
			c.Status.Storage[0].LastCheckTime, c.Status.Storage[0].LastSyncTime = &later, &later
		}), false},
		"a Config whose spec changed":             {wake.ByConfig(), config(), config(func(c *v1alpha1.Config) { c.Generation = 2 }), true},
		"a location that became unavailable":      {wake.ByConfig(), config(), config(func(c *v1alpha1.Config) { c.Status.Storage[0].Available = false }), true},
		"a location that is another store":        {wake.ByConfig(), config(), config(func(c *v1alpha1.Config) { c.Status.Storage[0].StoreID = "s" }), true},
		"a location that was synced at last":      {wake.ByConfig(), config(func(c *v1alpha1.Config) { c.Status.Storage[0].LastSyncTime = nil }), config(), true},
		"cluster-wide rules that came into force": {wake.ByConfig(), config(), config(func(c *v1alpha1.Config) { c.Status.Policy = &v1alpha1.PolicyRevision{Digest: "d"} }), true},
		"rules of a policy that came into force": {
			wake.ByPolicy(), policy(func(*v1alpha1.BackupPolicy) {}),
			policy(func(p *v1alpha1.BackupPolicy) { p.Status.Policy = &v1alpha1.PolicyRevision{Digest: "d"} }), true,
		},
		"a policy's last backup": {
			wake.ByPolicy(), policy(func(*v1alpha1.BackupPolicy) {}), policy(func(p *v1alpha1.BackupPolicy) { p.Status.LastBackupName = "b" }), false,
		},
		"a backup's progress": {
			wake.ByBackup(), backup(func(*v1alpha1.Backup) {}),
			backup(func(b *v1alpha1.Backup) { b.Status.Progress = &v1alpha1.BackupProgress{Objects: 7} }), false,
		},
		"a backup's end": {
			wake.ByBackup(), backup(func(*v1alpha1.Backup) {}), backup(func(b *v1alpha1.Backup) { b.Status.CompletionTime = &later }), true,
		},
		"a backup that stalls": {
			wake.ByBackup(), backup(func(*v1alpha1.Backup) {}),
			backup(func(b *v1alpha1.Backup) { b.Status.Conditions = condition("Stalled", "PolicyInvalid", "") }), true,
		},
		"a Schedule's next firing": {
			wake.BySchedule(), schedule(func(*v1alpha1.Schedule) {}),
			schedule(func(s *v1alpha1.Schedule) { s.Status.NextScheduleTime = &later }), false,
		},
		"a Schedule's health": {
			wake.BySchedule(), schedule(func(s *v1alpha1.Schedule) { s.Status.Conditions = condition("Healthy", "Late", "a") }),
			schedule(func(s *v1alpha1.Schedule) { s.Status.Conditions = condition("Healthy", "Late", "b") }), true,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tc.by.Update(event.UpdateEvent{ObjectOld: tc.from, ObjectNew: tc.to}); got != tc.want {
				t.Errorf("wakes = %t, want %t", got, tc.want)
			}
			if !tc.by.Create(event.CreateEvent{Object: tc.to}) || !tc.by.Delete(event.DeleteEvent{Object: tc.to}) {
				t.Error("creation or deletion does not wake")
			}
		})
	}
}
