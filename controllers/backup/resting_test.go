// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
)

func TestAnObjectThatWasBroughtBackRests(t *testing.T) {
	f := setUp(t)
	f.clock.Advance(-30 * time.Minute)
	snapshot := f.commit("back", `{"policyName":"shop","ttl":"1h0m0s"}`)
	f.clock.Advance(30 * time.Minute)
	f.show(snapshot)
	f.settle("back")
	if requests := f.r.unsettled(t.Context(), nil); len(requests) > 0 {
		t.Errorf("a change of the Config wakes %v", requests)
	}
	before := len(f.store.Calls())
	f.reconcile("back")
	if got := f.store.Calls()[before:]; len(got) > 0 {
		t.Errorf("storage was asked: %v", got)
	}
	f.change("back", func(s *v1alpha1.BackupSpec) { s.TTL = &metav1.Duration{Duration: 2 * time.Hour} })
	f.settle("back")
	if got, want := f.stored("back").Expires, snapshot.Marker.Created.Add(2*time.Hour); !got.Equal(want) {
		t.Errorf("expires = %v, want the longer ttl recorded: %v", got, want)
	}
}

// lists counts how often the Backups of a Schedule are listed.
type lists struct {
	client.Client

	n int
}

func (l *lists) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	var o client.ListOptions
	o.ApplyOptions(opts)
	if _, ok := list.(*v1alpha1.BackupList); ok && o.LabelSelector != nil {
		l.n++
	}
	return l.Client.List(ctx, list, opts...)
}

func TestBackupsOfAScheduleThatAreAllKeptAreListedOnce(t *testing.T) {
	f := setUp(t)
	keep := int32(5)
	f.create(&v1alpha1.Schedule{
		ObjectMeta: metav1.ObjectMeta{Name: "s"},
		Spec:       v1alpha1.ScheduleSpec{Cron: "0 3 * * *", Retention: &v1alpha1.Retention{KeepLast: &keep}, Template: &v1alpha1.BackupTemplate{}},
	})
	var names []string
	for n := range 5 {
		name := fmt.Sprintf("s-2026010%d000000", n+1)
		names = append(names, name)
		f.backup(name, func(b *v1alpha1.Backup) { b.Labels = map[string]string{v1alpha1.ScheduleLabel: "s"} })
		f.settle(name)
	}
	f.clock.Advance(721 * time.Hour)
	counted := &lists{Client: f.r.Client}
	f.r.Client = counted
	for _, name := range names {
		hasPrefix(t, "Ready", f.settle(name), "True Succeeded: ")
	}
	if counted.n != 1 {
		t.Errorf("the Backups of the Schedule were listed %d times, want once", counted.n)
	}
}
