// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	enginesched "github.com/gopherwood/ark/engine/schedule"
)

// edit changes the spec of a Schedule and notes that it was written at that time,
// as the API server would have.
func (b *bench) edit(o *v1alpha1.Schedule, at time.Time, change func(*v1alpha1.ScheduleSpec)) {
	b.Helper()
	change(&o.Spec)
	if err := b.Update(b.Context(), o); err != nil {
		b.Fatal(err)
	}
	for i := range o.ManagedFields {
		if o.ManagedFields[i].Subresource == "" {
			o.ManagedFields[i].Time = &metav1.Time{Time: at.Truncate(time.Second)}
		}
	}
}

func TestAChangeOfCronFiresForNothingBeforeIt(t *testing.T) {
	tests := map[string]func(*v1alpha1.ScheduleSpec){
		"another expression": func(s *v1alpha1.ScheduleSpec) { s.Cron = "0,20 * * * *" },
		"another time zone":  func(s *v1alpha1.ScheduleSpec) { s.TimeZone = "Asia/Kolkata" }, // half an hour beside UTC
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			o, firing := b.settled()
			b.clock.Set(firing)
			b.must(o)
			b.finish(o.Status.LastBackupName, v1alpha1.CompletenessComplete)
			if got := o.Status.InForce; got == nil || got.Cron != "0 * * * *" || !got.Since.Equal(&o.CreationTimestamp) {
				t.Fatalf("inForce = %+v, want the spec's since the creation", got)
			}
			edited := firing.Add(40 * time.Minute)
			b.clock.Set(edited)
			b.edit(o, edited, change)
			b.reconcileAsIs(o)
			b.reconcileAsIs(o)
			if got := b.backups(); len(got) != 2 {
				t.Errorf("backups after the change: %v, want no more", got)
			}
			if got := o.Status.InForce; got.Cron != o.Spec.Cron || got.TimeZone != o.Spec.TimeZone || !got.Since.Time.Equal(edited) {
				t.Errorf("inForce = %+v, want the new spec's since %v", got, edited)
			}
			next := o.Status.NextScheduleTime.Time
			b.clock.Set(next)
			b.must(o)
			if got, want := b.backups(), enginesched.BackupName("hourly", next); len(got) != 3 || got[2] != want {
				t.Errorf("backups = %v, want one more, %s", got, want)
			}
		})
	}
}

func TestAChangeWhileTheControllersWereAwayIsMadeUpFor(t *testing.T) {
	b := newBench(t)
	o, firing := b.settled()
	b.edit(o, firing.Add(10*time.Minute), func(s *v1alpha1.ScheduleSpec) { s.Cron = "5,30 * * * *" })
	b.clock.Set(firing.Add(45 * time.Minute))
	b.reconcileAsIs(o)
	if got, want := b.backups(), enginesched.BackupName("hourly", firing.Add(30*time.Minute)); len(got) != 2 || got[1] != want {
		t.Errorf("backups = %v, want %s, which came after the change", got, want)
	}
	if o.Status.Missed != 0 {
		t.Errorf("missed = %d, want none: what was before the change is not", o.Status.Missed)
	}
}

func TestAChangeUnderAClockThatWasAheadStopsNothing(t *testing.T) {
	b := newBench(t)
	o, firing := b.settled()
	b.clock.Set(firing.AddDate(10, 0, 0))
	b.edit(o, firing.AddDate(10, 0, 0), func(s *v1alpha1.ScheduleSpec) { s.Cron = "30 * * * *" })
	b.reconcileAsIs(o)
	before := len(b.backups())
	b.clock.Set(firing)
	b.must(o)
	if got := o.Status.InForce.Since.Time; got.After(firing) {
		t.Errorf("since = %v, which is years ahead", got)
	}
	b.clock.Set(firing.Add(30 * time.Minute))
	b.must(o)
	if got, want := b.backups(), enginesched.BackupName("hourly", firing.Add(30*time.Minute)); len(got) != before+1 || got[1] != want {
		t.Errorf("backups = %v, want %s too", got, want)
	}
}

// reconcileAsIs reconciles o with the times that edit noted, which the API server
// does not keep.
func (b *bench) reconcileAsIs(o *v1alpha1.Schedule) {
	b.Helper()
	if _, err := b.r.Reconcile(b.Context(), o); err != nil {
		b.Fatal(err)
	}
}
