// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/engine/archive"
)

func TestWhatStorageHoldsIsShown(t *testing.T) {
	b := newBench(t, "main")
	b.commit("main", here, name(1))
	b.commit("main", here, name(2), func(m *archive.Marker) { m.Completeness = archive.Partial })
	b.commit("main", there, name(1))

	l := b.sync()["main"]
	if l.Backups != 2 || l.ForeignBackups != 1 || l.SyncMessage != "" || l.LastSyncTime == nil || !l.LastSyncTime.Equal(&metav1.Time{Time: b.clock.Now()}) {
		t.Errorf("location = %+v", l)
	}
	for object, want := range map[string]string{
		name(1):               "True Succeeded: stored 3 objects in 4s",
		name(2):               "False PartiallyFailed: stored 3 objects in 4s",
		name(1) + "-99999999": "True Succeeded: stored 3 objects in 4s",
	} {
		if got := b.ready(object); got != want {
			t.Errorf("%s: Ready = %s, want %s", object, got, want)
		}
	}
	type shown struct {
		Labels  map[string]string
		Spec    v1alpha1.BackupSpec
		Origin  *v1alpha1.BackupOrigin
		Holders []string
	}
	foreign := b.backup(name(1) + "-99999999")
	want := shown{
		Labels: map[string]string{
			"ark.gopherwood.dev/created-by": "sync", "ark.gopherwood.dev/cluster": there,
			"ark.gopherwood.dev/schedule": "shop.nightly", "ark.gopherwood.dev/policy": "shop",
		},
		Spec:    v1alpha1.BackupSpec{PolicyName: "shop"},
		Origin:  &v1alpha1.BackupOrigin{ClusterUID: there, ClusterName: "prod", BackupName: name(1), Foreign: true},
		Holders: []string{"main"},
	}
	if diff := cmp.Diff(want, shown{foreign.Labels, foreign.Spec, foreign.Status.Origin, foreign.Status.StorageLocations}); diff != "" {
		t.Errorf("foreign backup mismatch (-want +got):\n%s", diff)
	}
	if got := b.backup(name(1)); got.Labels[v1alpha1.ClusterLabel] != "" || got.Status.Origin.Foreign {
		t.Errorf("our own backup is shown as another cluster's: %+v", got)
	}
	if diff := cmp.Diff([]string{`Normal BackupsFound: found 3 backups in storage location "main" that had no object here`}, b.events.Take()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestAMarkerIsReadOnce(t *testing.T) {
	b := newBench(t, "main")
	b.commit("main", here, name(1))
	b.commit("main", there, name(2))
	reads := b.markerReads("main")
	b.sync()
	if got := reads(); got != 2 {
		t.Errorf("the first sync read %d markers, want 2", got)
	}
	b.sync()
	b.start() // a new process
	b.sync()
	if got := reads(); got != 0 {
		t.Errorf("later ones read %d, want none", got)
	}
	if got := b.events.Take(); len(got) != 1 {
		t.Errorf("events = %q, want those of the first sync only", got)
	}
}

func TestWhatIsRecordedLaterIsShown(t *testing.T) {
	b := newBench(t, "main")
	b.commit("main", there, name(1))
	b.sync()
	if _, err := b.catalogs["main"].Append(t.Context(), archive.Record{Type: archive.RecordHold, Cluster: there, Name: name(1), By: there}); err != nil {
		t.Fatal(err)
	}
	reads := b.markerReads("main")
	b.sync()
	b.sync()
	if got := b.backup(name(1) + "-99999999"); !got.Status.Held {
		t.Errorf("status = %+v, want it held", got.Status)
	}
	if got := reads(); got != 1 {
		t.Errorf("read %d markers, want 1", got)
	}
	b.start() // a new process reads again what has records, once
	b.sync()
	b.sync()
	if got := reads(); got != 1 {
		t.Errorf("a new process read %d markers, want 1", got)
	}
}

func TestADeletedObjectComesBack(t *testing.T) {
	b := newBench(t, "main")
	b.commit("main", here, name(1))
	b.sync()
	b.events.Take()
	if err := b.Delete(t.Context(), b.backup(name(1))); err != nil {
		t.Fatal(err)
	}
	b.sync()
	if got := b.ready(name(1)); !strings.HasPrefix(got, "True Succeeded") {
		t.Errorf("Ready = %s", got)
	}
	want := `Normal BackupFound: the object was deleted, and its data is in storage location "main": deleting a Backup deletes no data; to delete it, set spec.deletion`
	if diff := cmp.Diff([]string{want}, b.events.Take()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestAReplicatedBackupHasTwoLocations(t *testing.T) {
	b := newBench(t, "main", "copy")
	b.commit("main", here, name(1))
	b.commit("main", there, name(2))
	b.replicate("main", "copy")
	b.sync()
	b.sync()
	for _, object := range []string{name(1), name(2) + "-99999999"} {
		if diff := cmp.Diff([]string{"copy", "main"}, b.backup(object).Status.StorageLocations); diff != "" {
			t.Errorf("%s: locations (-want +got):\n%s", object, diff)
		}
	}
	b.vanish("main", here, name(1))
	b.sync()
	b.sync()
	if diff := cmp.Diff([]string{"copy"}, b.backup(name(1)).Status.StorageLocations); diff != "" {
		t.Errorf("locations after one lost it (-want +got):\n%s", diff)
	}
	b.vanish("copy", here, name(1))
	b.sync()
	b.sync()
	if b.backup(name(1)) != nil {
		t.Error("the object outlived both")
	}
}

func TestTwoBackupsOfOneNameAreToldAndLeftAlone(t *testing.T) {
	b := newBench(t, "main", "other")
	b.commit("main", here, name(1))
	b.sync()
	before := b.backup(name(1)).Status
	b.events.Take()
	b.commit("other", here, name(1), func(m *archive.Marker) { m.Objects.Included = 99 })
	l := b.sync()["other"]
	b.sync()

	message := `storage locations "main" and "other" hold different backups of this name: the one in "main" is shown; move the other to a store of its own`
	if !strings.Contains(l.SyncMessage, message) {
		t.Errorf("syncMessage = %q", l.SyncMessage)
	}
	got := b.backup(name(1)).Status
	if len(got.Conditions) != 2 || got.Conditions[1].Type != v1alpha1.UniqueCondition || got.Conditions[1].Message != message {
		t.Errorf("conditions = %+v", got.Conditions)
	}
	got.Conditions = before.Conditions
	if diff := cmp.Diff(before, got); diff != "" {
		t.Errorf("the rest of the status changed (-before +after):\n%s", diff)
	}
	if got := b.told("NameTaken"); len(got) != 1 {
		t.Errorf("events = %q, want one", got)
	}
	b.vanish("other", here, name(1))
	b.sync()
	if got := b.backup(name(1)).Status.Conditions; len(got) != 1 {
		t.Errorf("conditions without the other = %+v", got)
	}
}

func TestATakenNameIsPassedBy(t *testing.T) {
	b := newBench(t, "main")
	taken := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: name(1) + "-99999999"}}
	controllertest.Create(t, b, taken)
	b.commit("main", there, name(1))
	b.sync()
	b.sync()
	if got := b.ready(projection.UniqueName(there, name(1))); !strings.HasPrefix(got, "True Succeeded") {
		t.Errorf("Ready = %s", got)
	}
	before := taken.ResourceVersion
	if controllertest.Read(t, b, taken); taken.ResourceVersion != before {
		t.Error("the object in the way was touched")
	}
}

func TestABackupThatRunsIsLeftAlone(t *testing.T) {
	b := newBench(t, "main")
	running := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: name(1)}}
	committing := &v1alpha1.Backup{
		ObjectMeta: metav1.ObjectMeta{Name: name(2)},
		Status:     v1alpha1.BackupStatus{Attempt: "a1", StorageLocations: []string{"main"}},
	}
	controllertest.Create(t, b, running, committing)
	b.commit("main", here, name(2))
	for range 3 {
		b.sync()
	}
	for _, o := range []*v1alpha1.Backup{running, committing} {
		before := o.ResourceVersion
		if controllertest.Read(t, b, o); o.ResourceVersion != before {
			t.Errorf("%s was touched: %+v", o.Name, o.Status)
		}
	}
}

func TestWhatIsNotListed(t *testing.T) {
	now := metav1.Now()
	tests := map[string]func(*v1alpha1.Config){
		"a location that is not available":      func(cfg *v1alpha1.Config) { cfg.Status.Storage[0].Available = false },
		"a cluster whose identity is not known": func(cfg *v1alpha1.Config) { cfg.Status.ClusterUID = "" },
		"a Config that is being deleted":        func(cfg *v1alpha1.Config) { cfg.DeletionTimestamp = &now },
	}
	for name1, change := range tests {
		t.Run(name1, func(t *testing.T) {
			b := newBench(t, "main")
			cfg := b.config()
			change(cfg)
			if _, err := b.r.Reconcile(t.Context(), cfg); err != nil || b.r.Active(cfg) {
				t.Errorf("Reconcile() error = %v, active = %v", err, b.r.Active(cfg))
			}
		})
	}
}

func TestALocationIsListedAtItsInterval(t *testing.T) {
	b := newBench(t, "main")
	b.sync()
	reconcile := func(cfg *v1alpha1.Config) ctrl.Result {
		t.Helper()
		result, err := b.r.Reconcile(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	b.clock.Advance(40 * time.Second)
	if got := reconcile(b.config()); got.RequeueAfter != 20*time.Second || b.r.Active(b.config()) {
		t.Errorf("again after %v, active = %v, want in 20s", got.RequeueAfter, b.r.Active(b.config()))
	}
	cfg := b.config()
	cfg.Spec.SyncInterval = &metav1.Duration{Duration: 50 * time.Second}
	cfg.Generation++
	if reconcile(cfg); !b.r.Active(cfg) {
		t.Error("a change of the Config does not list at once")
	}
}
