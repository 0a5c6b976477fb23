// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/conditions"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	enginesched "github.com/gopherwood/ark/engine/schedule"
)

// What storage alone tells, and no key vouches for, must keep no firing from its backup.
func TestAForgedBackupTakesTheNameOfAFiring(t *testing.T) {
	tests := map[string]struct {
		at           time.Duration // when the forged one says that it fired, from the firing on
		signed       bool
		verification v1alpha1.Verification
		want         time.Duration // the firing in the name of the backup that is made; -1 when none is
	}{
		"of the next firing, where backups are not signed": {at: time.Hour, want: 0},
		"of this firing, where backups are not signed":     {want: time.Second},
		"of this firing, where backups are signed":         {signed: true, verification: v1alpha1.VerificationUnsigned, want: time.Second},
		"by another key":                     {signed: true, verification: v1alpha1.VerificationUnknownKey, want: time.Second},
		"of this firing, and it is verified": {signed: true, verification: v1alpha1.VerificationVerified, want: -1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			o, firing := b.settled()
			if test.signed {
				cfg := &v1alpha1.Config{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
				controllertest.Read(b, b, cfg)
				cfg.Spec.Storage[0].Signing = &v1alpha1.Signing{SecretName: "key"}
				if err := b.Update(t.Context(), cfg); err != nil {
					t.Fatal(err)
				}
			}
			forged := &v1alpha1.Backup{
				ObjectMeta: metav1.ObjectMeta{Name: enginesched.BackupName("hourly", firing.Add(test.at)), Labels: map[string]string{
					v1alpha1.ScheduleLabel: "hourly", v1alpha1.CreatedByLabel: v1alpha1.CreatedBySync,
				}},
			}
			controllertest.Create(t, b, forged)
			forged.Status.Verification, forged.Status.StorageLocations = test.verification, []string{"main"}
			forged.Status.Completeness = v1alpha1.CompletenessComplete
			forged.Status.CompletionTime = &metav1.Time{Time: firing}
			controllertest.WriteStatus(t, b, forged, forged.DeepCopy())
			b.clock.Set(firing.Add(2 * time.Second))
			b.must(o)
			var made v1alpha1.BackupList
			if err := b.List(t.Context(), &made); err != nil {
				t.Fatal(err)
			}
			want := enginesched.BackupName("hourly", firing.Add(max(test.want, 0)))
			found := false
			for i := range made.Items {
				found = found || made.Items[i].Name == want && made.Items[i].Labels[v1alpha1.CreatedByLabel] == v1alpha1.CreatedBySchedule
			}
			if found != (test.want >= 0) || test.want < 0 && len(made.Items) != 2 {
				t.Errorf("there are %d backups; %s made = %t, want %t", len(made.Items), want, found, test.want >= 0)
			}
		})
	}
}

func TestAFiringWhoseNameIsTakenIsUnhealthyAndGetsAnother(t *testing.T) {
	tests := map[string]func(b *bench, firing time.Time){
		"in storage": func(b *bench, firing time.Time) {
			b.must(hourly())
			name := enginesched.BackupName("hourly", firing)
			backup := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: name}}
			controllertest.Read(b, b, backup)
			conditions.Set{Conditions: &backup.Status.Conditions, Generation: 1, Now: firing}.Stalled(v1alpha1.NameTakenReason, "it is taken")
			controllertest.WriteStatus(b, b, backup, backup.DeepCopy())
		},
		"by a Backup that says nothing of the Schedule": func(b *bench, firing time.Time) {
			controllertest.Create(b, b, &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{
				Name: enginesched.BackupName("hourly", firing), Labels: map[string]string{v1alpha1.CreatedByLabel: v1alpha1.CreatedBySync},
			}})
		},
	}
	for name, take := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			o, firing := b.settled()
			b.clock.Set(firing)
			take(b, firing)
			b.must(o)
			b.must(o)
			want := []string{enginesched.BackupName("hourly", firing), enginesched.BackupName("hourly", firing.Add(time.Second))}
			if diff := cmp.Diff(want, b.backups()[1:]); diff != "" {
				t.Errorf("backups (-want +got):\n%s", diff)
			}
			if name == "in storage" && healthy(o) != "False LastRunFailed: backup "+want[0]+": it is taken" {
				t.Errorf("Healthy = %s", healthy(o))
			}
			if o.Status.LastBackupName != want[1] {
				t.Errorf("lastBackupName = %s, want %s", o.Status.LastBackupName, want[1])
			}
		})
	}
}

func TestStorageAloneDoesNotFireWhatStatusHasNotComeTo(t *testing.T) {
	b := newBench(t)
	o, firing := b.settled()
	b.storage.name = enginesched.BackupName("hourly", firing)
	b.clock.Set(firing)
	b.must(o)
	if got := b.backups(); len(got) != 2 || got[1] != enginesched.BackupName("hourly", firing) {
		t.Errorf("backups = %v, want one of the firing", got)
	}
}
