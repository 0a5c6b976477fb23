// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"errors"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
)

func TestAHoldAskedForWhileStorageIsAwayIsRecordedLater(t *testing.T) {
	yes := true
	tests := map[string]struct {
		away, back func(*fixture)
		want       string
	}{
		"the store does not answer": {
			away: func(f *fixture) {
				f.store.Inject(storetest.Fault{Op: storetest.OpOpen, Effect: storetest.Fail(errors.New("connection refused"))})
			},
			back: func(f *fixture) { f.store.Heal() },
			want: "Unknown StorageUnavailable: ",
		},
		"there is no Config": {
			away: func(f *fixture) {
				if err := f.client.DeleteAllOf(f.t.Context(), &v1alpha1.Config{}); err != nil {
					f.t.Fatal(err)
				}
			},
			back: func(f *fixture) { f.config(func(*v1alpha1.ConfigSpec) {}) },
			want: "Unknown ConfigMissing: ",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			f.backup("asked")
			f.settle("asked")
			tc.away(f)
			f.change("asked", func(s *v1alpha1.BackupSpec) {
				s.Hold, s.TTL = &yes, &metav1.Duration{Duration: 1000 * time.Hour}
			})
			hasPrefix(t, "Ready meanwhile", f.settle("asked"), tc.want)
			tc.back(f)
			hasPrefix(t, "Ready afterwards", f.settle("asked"), "True Succeeded: ")
			if s := f.stored("asked"); !s.Held || !s.Expires.Equal(s.Marker.Created.Add(1000*time.Hour)) {
				t.Errorf("stored: held %v until %v, want both recorded", s.Held, s.Expires)
			}
		})
	}
}

func TestANewObjectReleasesNoHold(t *testing.T) {
	f := setUp(t)
	yes, no := true, false
	released := func(b *v1alpha1.Backup) { b.Spec.Hold = &no }
	f.backup("legal", released)
	f.settle("legal")
	f.change("legal", func(s *v1alpha1.BackupSpec) { s.Hold = &yes })
	f.settle("legal")
	if err := f.client.Delete(t.Context(), f.get("legal")); err != nil {
		t.Fatal(err)
	}
	f.backup("legal", released) // as sync or a Git tool does, from what was known before
	f.settle("legal")
	if !f.stored("legal").Held || !f.get("legal").Status.Held {
		t.Error("the hold was released")
	}
}

func TestANameThatMeansSomethingElseIsTaken(t *testing.T) {
	f := setUp(t)
	f.backup("pre-deploy")
	f.settle("pre-deploy")
	if err := f.client.Delete(t.Context(), f.get("pre-deploy")); err != nil {
		t.Fatal(err)
	}
	f.backup("pre-deploy", func(b *v1alpha1.Backup) { b.Spec.Template.IncludedNamespaces = []string{"*"} })
	hasPrefix(t, "Ready", f.settle("pre-deploy"), "False NameTaken: storage holds a backup of this name from ")
}

func TestABackupThatVanishedIsNotTakenAgain(t *testing.T) {
	f := setUp(t)
	f.backup("vanished")
	f.settle("vanished")
	if err := f.store.Delete(t.Context(), archive.MarkerKey(f.uid, "vanished")); err != nil {
		t.Fatal(err)
	}
	yes := true
	f.change("vanished", func(s *v1alpha1.BackupSpec) { s.Hold = &yes })
	hasPrefix(t, "Ready", f.settle("vanished"), "Unknown BackupMissing: ")
	if f.stored("vanished") != nil {
		t.Error("another backup was taken under its name")
	}
}

func TestAFailedBackupStaysFailedWhateverItsSpecSays(t *testing.T) {
	f := setUp(t)
	f.store.Inject(storetest.Fault{Op: storetest.OpClose, Key: "/markers/", Effect: storetest.Fail(errors.New("bucket is full"))})
	f.backup("failed")
	for range maxAttempts {
		f.settle("failed")
		f.clock.Advance(time.Hour)
	}
	hasPrefix(t, "Ready", f.settle("failed"), "False Failed: ")
	f.store.Heal()
	yes := true
	f.change("failed", func(s *v1alpha1.BackupSpec) { s.Hold = &yes })
	hasPrefix(t, "Ready after a change", f.settle("failed"), "False Failed: ")
	no := false
	f.change("failed", func(s *v1alpha1.BackupSpec) { s.Hold, s.Deletion = &no, &v1alpha1.Deletion{Reason: "a test"} })
	hasPrefix(t, "Ready after its deletion", f.settle("failed"), "True Deleted: ")
}

func TestASiblingThatCannotBeReadKeepsOthersWell(t *testing.T) {
	f := setUp(t)
	f.backup("s-20260101000000", func(b *v1alpha1.Backup) { b.Labels = map[string]string{v1alpha1.ScheduleLabel: "s"} })
	f.settle("s-20260101000000")
	storetest.Put(t, f.store, archive.MarkerKey(f.uid, "s-20200101000000"), "junk")
	f.clock.Advance(721 * time.Hour)
	if got := f.settle("s-20260101000000"); !strings.HasPrefix(got, "True Succeeded: ") || !strings.Contains(got, "; past its ttl and kept: ") {
		t.Errorf("Ready = %q, want it good, and kept as the newest of its Schedule", got)
	}
}

func TestExpiryGoesOnWhenRestoreOnlyEnds(t *testing.T) {
	f := setUp(t)
	f.backup("paused")
	f.settle("paused")
	f.config(func(s *v1alpha1.ConfigSpec) { s.Mode = v1alpha1.ModeRestoreOnly })
	f.clock.Advance(721 * time.Hour)
	hasPrefix(t, "Ready in RestoreOnly", f.settle("paused"), "True Succeeded: ")
	if again := f.reconcile("paused").RequeueAfter; again <= 0 {
		t.Errorf("RequeueAfter = %v, want it looked at again", again)
	}
	f.config(func(*v1alpha1.ConfigSpec) {})
	hasPrefix(t, "Ready in Full", f.settle("paused"), "True Expired: ")
}

func TestAStoredBackupIsAdoptedWithoutItsPolicy(t *testing.T) {
	f := setUp(t)
	byPolicy := func(b *v1alpha1.Backup) { b.Spec = v1alpha1.BackupSpec{PolicyName: "p"} }
	policy := &v1alpha1.BackupPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "p"},
		Spec:       v1alpha1.BackupPolicySpec{Template: &v1alpha1.BackupTemplate{IncludedNamespaces: []string{namespace}}},
	}
	f.create(policy)
	f.backup("orphaned", byPolicy)
	f.settle("orphaned")
	if err := f.client.Delete(t.Context(), policy); err != nil {
		t.Fatal(err)
	}
	if err := f.client.Delete(t.Context(), f.get("orphaned")); err != nil {
		t.Fatal(err)
	}
	f.backup("orphaned", byPolicy)
	hasPrefix(t, "Ready", f.settle("orphaned"), "True Succeeded: ")
}
