// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	enginesched "github.com/gopherwood/ark/engine/schedule"
)

func TestAFiringMakesOneBackup(t *testing.T) {
	b := newBench(t)
	o, firing := b.settled()
	b.must(o)
	if got := healthy(o); !strings.HasPrefix(got, "True LastRunSucceeded") {
		t.Errorf("Healthy = %s", got)
	}
	b.clock.Set(firing.Add(-time.Millisecond))
	if _, result, _ := b.reconcile(o); result.RequeueAfter != time.Millisecond {
		t.Errorf("looks again after %v, want at the firing", result.RequeueAfter)
	}
	if got := b.backups(); len(got) != 1 {
		t.Fatalf("backups before the firing: %v", got)
	}
	b.clock.Set(firing)
	for range 2 {
		b.must(o)
	}
	want := enginesched.BackupName("hourly", firing)
	if got := b.backups(); len(got) != 2 || got[1] != want {
		t.Errorf("backups = %v, want one more, %s", got, want)
	}
	if b.storage.asked != 2 {
		t.Errorf("storage was asked %d times, want once for each backup", b.storage.asked)
	}
	b.finish(want, v1alpha1.CompletenessPartial)
	b.must(o)
	if got := healthy(o); got != "False LastRunFailed: backup "+want+" is not complete" {
		t.Errorf("Healthy = %s", got)
	}
}

func TestMissedFiringsMakeOneBackup(t *testing.T) {
	b := newBench(t)
	o, firing := b.settled()
	b.clock.Set(firing.Add(10*365*24*time.Hour + time.Minute))
	b.must(o)
	want := enginesched.BackupName("hourly", firing.Add(10*365*24*time.Hour))
	if got := b.backups(); len(got) != 2 || got[1] != want {
		t.Errorf("backups = %v, want one more, %s", got, want)
	}
	if o.Status.Missed != 10*365*24 {
		t.Errorf("missed = %d", o.Status.Missed)
	}
	told := fmt.Sprintf("Normal BackupCreated: created backup %s, which makes up for 87600 more missed firings", want)
	if diff := cmp.Diff([]string{told}, b.events.Take()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	b.clock.Set(firing.Add(-time.Minute)) // and back again
	b.must(o)
	b.clock.Set(firing.Add(time.Minute))
	b.must(o)
	if got := b.backups(); len(got) != 2 {
		t.Errorf("with the clock put back: %v; the backup that runs is to be waited for", got)
	}
	b.finish(want, v1alpha1.CompletenessComplete)
	for range 2 {
		b.must(o)
	}
	if got := b.backups(); len(got) != 3 || got[1] != enginesched.BackupName("hourly", firing) {
		t.Errorf("backups = %v, want one for the firing that was believed to be years ago", got)
	}
}

func TestWhileABackupRuns(t *testing.T) {
	run := func(t *testing.T, policy v1alpha1.ConcurrencyPolicy) (*bench, *v1alpha1.Schedule, time.Time) {
		t.Helper()
		b := newBench(t)
		o, firing := b.settled(func(o *v1alpha1.Schedule) { o.Spec.ConcurrencyPolicy = policy })
		b.clock.Set(firing)
		b.must(o)
		b.clock.Set(firing.Add(time.Hour))
		b.must(o)
		return b, o, firing
	}
	t.Run("Forbid waits for it, and says that it is late", func(t *testing.T) {
		b, o, firing := run(t, "")
		if got := b.backups(); len(got) != 2 {
			t.Fatalf("backups = %v", got)
		}
		want := fmt.Sprintf("False Late: the firing of %s waits for backup %s, which still runs",
			firing.Add(time.Hour).UTC().Format(time.RFC3339), enginesched.BackupName("hourly", firing))
		if got := healthy(o); got != want {
			t.Errorf("Healthy = %s\n     want %s", got, want)
		}
		b.finish(enginesched.BackupName("hourly", firing), v1alpha1.CompletenessComplete)
		b.must(o)
		if got := b.backups(); len(got) != 3 {
			t.Errorf("backups after its end = %v", got)
		}
	})
	t.Run("Allow does not", func(t *testing.T) {
		b, _, _ := run(t, v1alpha1.ConcurrencyAllow)
		if got := b.backups(); len(got) != 3 {
			t.Errorf("backups = %v", got)
		}
	})
}

func TestAFiringPastItsDeadlineIsSkipped(t *testing.T) {
	b := newBench(t)
	o, firing := b.settled(func(o *v1alpha1.Schedule) {
		o.Spec.StartingDeadline = &metav1.Duration{Duration: 5 * time.Minute}
	})
	b.clock.Set(firing.Add(6 * time.Minute))
	for range 2 {
		if ready := b.must(o); !strings.HasPrefix(ready, "True Succeeded") {
			t.Errorf("Ready = %s", ready)
		}
	}
	if got := b.backups(); len(got) != 1 {
		t.Errorf("backups = %v", got)
	}
	if got := healthy(o); !strings.HasPrefix(got, "False Late: the firing of") || o.Status.Missed != 1 {
		t.Errorf("Healthy = %s, missed = %d", got, o.Status.Missed)
	}
	if got := b.events.Take(); len(got) != 1 || !strings.HasPrefix(got[0], "Warning Late: ") {
		t.Errorf("events = %q, want one", got)
	}
}

func TestNothingRuns(t *testing.T) {
	tests := map[string]struct {
		config   *v1alpha1.Config
		schedule *v1alpha1.Schedule
		want     string
	}{
		"while the Schedule is suspended": {
			config: config(), schedule: hourly(func(o *v1alpha1.Schedule) { o.Spec.Suspend = true }),
			want: "True Suspended: no backups are taken while spec.suspend is set",
		},
		"in a RestoreOnly cluster, and no deployment fails for it": {
			config: config(func(cfg *v1alpha1.Config) {
				cfg.Spec.Mode = v1alpha1.ModeRestoreOnly
				cfg.Spec.Storage[0].Access = v1alpha1.AccessReadOnly
			}),
			schedule: hourly(),
			want:     "True RestoreOnly: no backups are taken while the Config's mode is RestoreOnly",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			controllertest.Create(t, b, tc.config, tc.schedule)
			b.clock.Set(tc.schedule.CreationTimestamp.Add(48 * time.Hour))
			ready, result, err := b.reconcile(tc.schedule)
			if ready != tc.want || err != nil || result.RequeueAfter != 0 {
				t.Errorf("Ready = %s, %v, again after %v, want %s", ready, err, result.RequeueAfter, tc.want)
			}
			if got := b.backups(); got != nil {
				t.Errorf("made %v", got)
			}
			if tc.schedule.Status.NextScheduleTime != nil {
				t.Errorf("nextScheduleTime = %v, want none", tc.schedule.Status.NextScheduleTime)
			}
		})
	}
}
