// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/internal/metrics"
)

// cluster is the UID of this cluster, and now the time in it.
const cluster = "7c1d"

var now = time.Unix(1_790_000_000, 0)

// objects is a cache.
type objects struct {
	client.Reader

	configs   []v1alpha1.Config
	policies  []v1alpha1.BackupPolicy
	schedules []v1alpha1.Schedule
	backups   []v1alpha1.Backup
	// broken is why nothing of a kind can be read, by the type of its list.
	broken map[string]error
}

func (o *objects) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	switch list := list.(type) {
	case *v1alpha1.ConfigList:
		list.Items = o.configs
		return o.broken["configs"]
	case *v1alpha1.BackupPolicyList:
		list.Items = o.policies
		return o.broken["policies"]
	case *v1alpha1.ScheduleList:
		list.Items = o.schedules
		return o.broken["schedules"]
	case *v1alpha1.BackupList:
		list.Items = o.backups
		return o.broken["backups"]
	default:
		return errors.New("no such kind")
	}
}

func at(t time.Time) *metav1.Time { return &metav1.Time{Time: t} }

// backup is a complete one that took a minute.
func backup(policy string, end time.Time, edit ...func(*v1alpha1.Backup)) v1alpha1.Backup {
	b := v1alpha1.Backup{Spec: v1alpha1.BackupSpec{PolicyName: policy}}
	b.Name = policy + end.Format("-150405")
	b.Status = v1alpha1.BackupStatus{
		Completeness: v1alpha1.CompletenessComplete, StartTime: at(end.Add(-time.Minute)), CompletionTime: at(end), Size: 512,
		Objects:    &v1alpha1.ObjectCounts{Included: 7, Excluded: 2, Failed: 1},
		ExcludedBy: []v1alpha1.CodeCount{{Code: "cache", Count: 2}},
	}
	for _, e := range edit {
		e(&b)
	}
	return b
}

// countEverything registers all metrics and counts each at least once.
func countEverything(t *testing.T, registry prometheus.Registerer) {
	t.Helper()
	cache := &objects{
		configs: []v1alpha1.Config{{Status: v1alpha1.ConfigStatus{Storage: []v1alpha1.StorageLocationStatus{
			{Name: "main", Available: true, Backups: 3, ForeignBackups: 1, LastSyncTime: at(now)}, {Name: "spare"},
		}}}},
		policies: []v1alpha1.BackupPolicy{
			policy("shop"), policy("new"), policy("idle", func(p *v1alpha1.BackupPolicy) { p.Spec.Suspend = true }),
			policy("gates-only", func(p *v1alpha1.BackupPolicy) { p.Spec.Schedules = nil }),
		},
		schedules: []v1alpha1.Schedule{
			{ObjectMeta: metav1.ObjectMeta{Name: "shop.nightly"}, Status: v1alpha1.ScheduleStatus{NextScheduleTime: at(now.Add(time.Hour))}},
			{ObjectMeta: metav1.ObjectMeta{Name: "idle.nightly"}},
		},
		backups: []v1alpha1.Backup{
			backup("shop", now.Add(-48*time.Hour)), backup("shop", now.Add(-24*time.Hour)),
			backup("shop", now.Add(-time.Hour), func(b *v1alpha1.Backup) { b.Status.Completeness = v1alpha1.CompletenessPartial }),
			backup("shop", now.Add(-time.Minute), func(b *v1alpha1.Backup) { b.Status.Origin = &v1alpha1.BackupOrigin{Foreign: true} }),
			backup("shop", now.Add(1000*time.Hour)), backup("deleted", now.Add(-time.Minute)),
		},
	}
	m, err := metrics.New(registry, metrics.NewState(cache, cluster, controllertest.NewClock(now)))
	if err != nil {
		t.Fatal(err)
	}
	whole, failed := backup("shop", now), backup("shop", now)
	failed.Status.Completeness = v1alpha1.CompletenessNone
	found := backup("", now, func(b *v1alpha1.Backup) { b.Labels = map[string]string{v1alpha1.PolicyLabel: "shop"} })
	for _, b := range []*v1alpha1.Backup{&whole, &found, &failed} {
		m.BackupEnded(b)
	}
	m.BackupRemoved(true)
	m.BackupRemoved(false)
	m.Synced("main", false)
	m.Synced("main", true)
	m.OrphansRemoved("main", 2, 3, 100)
	m.Fired("shop.nightly", 3*time.Second)
	m.Fired("shop.nightly", -time.Second) // a clock that was set back
	good := &v1alpha1.Restore{Status: v1alpha1.RestoreStatus{
		StartTime: at(now), CompletionTime: at(now.Add(4 * time.Second)), Results: &v1alpha1.ResultCounts{Created: 5, Skipped: 2},
	}}
	denied := &v1alpha1.Restore{Status: v1alpha1.RestoreStatus{Denials: []v1alpha1.Denial{{Code: "beside-first"}}}}
	m.RestoreEnded(good, "shop", v1alpha1.SucceededReason)
	m.RestoreEnded(denied, "shop", v1alpha1.DeniedReason)
	m.RestoreEnded(&v1alpha1.Restore{}, "", v1alpha1.PlannedReason)
	m.RestoreEnded(&v1alpha1.Restore{}, "", v1alpha1.MappingConflictReason)
}

func policy(name string, edit ...func(*v1alpha1.BackupPolicy)) v1alpha1.BackupPolicy {
	p := v1alpha1.BackupPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}}
	p.Spec.Schedules = []v1alpha1.PolicySchedule{{Name: "nightly", Cron: "0 3 * * *"}}
	for _, e := range edit {
		e(&p)
	}
	return p
}

func TestWhatIsCounted(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	countEverything(t, registry)
	tests := map[string]string{
		"ark_backups_total": `
			# HELP ark_backups_total Backups that ended, by policy and result.
			# TYPE ark_backups_total counter
			ark_backups_total{policy="shop",result="failed"} 1
			ark_backups_total{policy="shop",result="succeeded"} 2
			`,
		"ark_backup_bytes_total": `
			# HELP ark_backup_bytes_total Bytes stored by backups, by policy.
			# TYPE ark_backup_bytes_total counter
			ark_backup_bytes_total{policy="shop"} 1024
			`,
		"ark_backup_objects_total": `
			# HELP ark_backup_objects_total Objects seen by backups, by policy and outcome.
			# TYPE ark_backup_objects_total counter
			ark_backup_objects_total{outcome="excluded",policy="shop"} 4
			ark_backup_objects_total{outcome="failed",policy="shop"} 2
			ark_backup_objects_total{outcome="included",policy="shop"} 14
			`,
		"ark_backup_excluded_objects_total": `
			# HELP ark_backup_excluded_objects_total Objects left out of backups, by policy and code.
			# TYPE ark_backup_excluded_objects_total counter
			ark_backup_excluded_objects_total{code="cache",policy="shop"} 4
			`,
		"ark_last_successful_backup_timestamp_seconds": `
			# HELP ark_last_successful_backup_timestamp_seconds When the newest complete backup of a policy was finished, as a Unix time; 0 when there is none and should be.
			# TYPE ark_last_successful_backup_timestamp_seconds gauge
			ark_last_successful_backup_timestamp_seconds{policy="new"} 0
			ark_last_successful_backup_timestamp_seconds{policy="shop"} 1.7899136e+09
			`,
		"ark_schedule_next_backup_timestamp_seconds": `
			# HELP ark_schedule_next_backup_timestamp_seconds When the next backup of a schedule is due, as a Unix time.
			# TYPE ark_schedule_next_backup_timestamp_seconds gauge
			ark_schedule_next_backup_timestamp_seconds{schedule="shop.nightly"} 1.7900036e+09
			`,
		"ark_restores_total": `
			# HELP ark_restores_total Restores that ended, by policy of the backup and result.
			# TYPE ark_restores_total counter
			ark_restores_total{policy="",result="failed"} 1
			ark_restores_total{policy="",result="planned"} 1
			ark_restores_total{policy="shop",result="denied"} 1
			ark_restores_total{policy="shop",result="succeeded"} 1
			`,
		"ark_restore_denials_total": `
			# HELP ark_restore_denials_total Reasons for which restores were denied, by code.
			# TYPE ark_restore_denials_total counter
			ark_restore_denials_total{code="beside-first"} 1
			`,
		"ark_storage_location_available": `
			# HELP ark_storage_location_available Whether a storage location can be used: 1 or 0.
			# TYPE ark_storage_location_available gauge
			ark_storage_location_available{location="main"} 1
			ark_storage_location_available{location="spare"} 0
			`,
		"ark_stored_backups": `
			# HELP ark_stored_backups Backups that storage holds, by location and origin: own or foreign.
			# TYPE ark_stored_backups gauge
			ark_stored_backups{location="main",origin="foreign"} 1
			ark_stored_backups{location="main",origin="own"} 3
			ark_stored_backups{location="spare",origin="foreign"} 0
			ark_stored_backups{location="spare",origin="own"} 0
			`,
		"ark_backups_removed_total": `
			# HELP ark_backups_removed_total Backups whose data was removed, by reason: expired or deleted.
			# TYPE ark_backups_removed_total counter
			ark_backups_removed_total{reason="deleted"} 1
			ark_backups_removed_total{reason="expired"} 1
			`,
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			if err := testutil.GatherAndCompare(registry, strings.NewReader(want), name); err != nil {
				t.Error(err)
			}
		})
	}
}

// What cannot be read fails the scrape: silence would look like health.
func TestWhatCannotBeReadFailsTheScrape(t *testing.T) {
	for _, kind := range []string{"configs", "policies", "schedules", "backups"} {
		t.Run(kind, func(t *testing.T) {
			registry := prometheus.NewRegistry()
			cache := &objects{broken: map[string]error{kind: errors.New("the cache is not filled yet")}}
			if err := registry.Register(metrics.NewState(cache, cluster, controllertest.NewClock(now))); err != nil {
				t.Fatal(err)
			}
			if _, err := registry.Gather(); err == nil || !strings.Contains(err.Error(), "not filled yet") {
				t.Errorf("Gather() = %v", err)
			}
		})
	}
}

func TestMetricsAreRegisteredAllOrNone(t *testing.T) {
	registry := prometheus.NewRegistry()
	taken := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ark_schedule_lateness_seconds", Help: "How late backups were begun after their firing, by schedule.",
	}, []string{"schedule"})
	registry.MustRegister(taken)
	if _, err := metrics.New(registry); err == nil {
		t.Fatal("New() takes a name that is taken")
	}
	registry.Unregister(taken)
	m, err := metrics.New(registry)
	if err != nil {
		t.Fatalf("New() after one that failed: %v", err)
	}
	m.Unregister(registry)
	if _, err := metrics.New(registry); err != nil {
		t.Errorf("New() after Unregister: %v", err)
	}
	var none *metrics.Metrics // counts nothing
	none.BackupEnded(&v1alpha1.Backup{})
	none.RestoreEnded(&v1alpha1.Restore{}, "", "")
}
