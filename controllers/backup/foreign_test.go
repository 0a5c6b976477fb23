// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kstatus "sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/projection"
)

func TestAChangeOfAnotherClustersBackupIsObserved(t *testing.T) {
	f := setUp(t)
	snapshot := f.commit("theirs", `{"policyName":"shop"}`)
	snapshot.Marker.Cluster.UID = someCluster
	f.show(snapshot)
	b := f.get("theirs")
	b.Status.Origin.Foreign = true
	if err := f.client.Status().Update(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	want := controllertest.Ready(t, b, b.Status.ObservedGeneration, b.Status.Conditions)
	f.reconcile("theirs")
	if told := f.events.Take(); len(told) > 0 {
		t.Errorf("events before the change = %q", told)
	}
	before := len(f.store.Calls())
	f.change("theirs", deletion)
	for range 2 {
		f.reconcile("theirs")
	}
	if got := f.settle("theirs"); got != want {
		t.Errorf("Ready = %q, want it to stay %q", got, want)
	}
	if got := controllertest.Verdict(t, f.get("theirs")); got != kstatus.CurrentStatus {
		t.Errorf("kstatus = %s", got)
	}
	if told := f.events.Take(); len(told) != 1 || !strings.HasPrefix(told[0], "Warning BackupForeign: the spec was changed, and nothing comes of it: ") {
		t.Errorf("events = %q, want one that says that nothing comes of it", told)
	}
	if got := f.store.Calls()[before:]; len(got) > 0 {
		t.Errorf("storage was asked: %v", got)
	}
}

func TestAForeignBackupThatSyncDidNotShowYetSaysNothing(t *testing.T) {
	f := setUp(t)
	f.backup(projection.ForeignName(someCluster, "b"), func(b *v1alpha1.Backup) {
		b.ObjectMeta.Labels = map[string]string{v1alpha1.ClusterLabel: someCluster}
	})
	name := projection.ForeignName(someCluster, "b")
	was := f.get(name).Status
	f.change(name, func(s *v1alpha1.BackupSpec) { s.TTL = &metav1.Duration{Duration: time.Hour} })
	f.reconcile(name)
	if diff := cmp.Diff(was, f.get(name).Status); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if told := f.events.Take(); len(told) > 0 {
		t.Errorf("events = %q", told)
	}
}
