// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule_test

import (
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	enginesched "github.com/gopherwood/ark/engine/schedule"
)

// remove deletes the object of a backup whose data is gone.
func (b *bench) remove(name string) {
	b.Helper()
	if err := b.Delete(b.Context(), &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: name}}); err != nil {
		b.Fatal(err)
	}
}

func TestABackupThatIsDeletedIsNotMadeAgain(t *testing.T) {
	tests := map[string]func(b *bench, o *v1alpha1.Schedule, firing time.Time){
		"as the status tells, whatever storage says": func(b *bench, _ *v1alpha1.Schedule, firing time.Time) {
			b.remove(enginesched.BackupName("hourly", firing))
			b.storage.err = errors.New("storage does not answer")
		},
		"as storage tells, with a status that was put back": func(b *bench, o *v1alpha1.Schedule, firing time.Time) {
			name := enginesched.BackupName("hourly", firing)
			b.remove(name)
			b.storage.name = name
			before := o.DeepCopy()
			o.Status.LastScheduleTime = &o.CreationTimestamp
			controllertest.WriteStatus(b, b, o, before)
		},
		"with one that a clock years ahead has left": func(b *bench, _ *v1alpha1.Schedule, firing time.Time) {
			b.remove(enginesched.BackupName("hourly", firing))
			ahead := enginesched.BackupName("hourly", firing.AddDate(10, 0, 0))
			controllertest.Create(b, b, &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{
				Name: ahead, Labels: map[string]string{v1alpha1.ScheduleLabel: "hourly"},
			}})
			b.finish(ahead, v1alpha1.CompletenessComplete)
			b.storage.name = ahead
		},
	}
	for name, remove := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			o, firing := b.settled()
			b.clock.Set(firing.Add(time.Second))
			b.must(o)
			name := enginesched.BackupName("hourly", firing)
			b.finish(name, v1alpha1.CompletenessComplete)
			b.must(o)
			remove(b, o, firing)
			for range 3 {
				b.must(o)
			}
			for _, made := range b.backups() {
				if made == name {
					t.Errorf("%s was made again", name)
				}
			}
			if !o.Status.LastScheduleTime.Time.Equal(firing) || o.Status.LastBackupName != name {
				t.Errorf("last = %v, %s, want %s", o.Status.LastScheduleTime, o.Status.LastBackupName, name)
			}
		})
	}
}

func TestAFirstBackupThatIsDeletedIsNotMadeAgain(t *testing.T) {
	b := newBench(t)
	o, firing := b.settled()
	b.remove(o.Status.LastBackupName)
	b.must(o)
	if got := b.backups(); got != nil {
		t.Errorf("made %v", got)
	}
	b.storage.err = errors.New("storage does not answer")
	b.clock.Set(firing)
	b.must(o)
	if got := b.backups(); len(got) != 1 || got[0] != enginesched.BackupName("hourly", firing) {
		t.Errorf("backups = %v, want that of the next firing, though storage does not answer", got)
	}
}

func TestStorageIsAskedOnlyWhenSomethingIsDue(t *testing.T) {
	b := newBench(t)
	o, firing := b.settled()
	asked := b.storage.asked
	b.clock.Set(firing.Add(-time.Second))
	b.must(o)
	if b.storage.asked != asked {
		t.Error("storage was asked although nothing was due")
	}
	b.clock.Set(firing)
	for range 3 {
		b.must(o)
	}
	if b.storage.asked != asked+1 {
		t.Errorf("storage was asked %d times for one firing", b.storage.asked-asked)
	}
}
