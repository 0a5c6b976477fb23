// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
)

func TestHealthOfAPolicy(t *testing.T) {
	end := metav1.NewTime(time.Date(2026, time.May, 17, 3, 4, 5, 0, time.UTC))
	backup := func(name string, minutes int, how v1alpha1.Completeness, cluster string) *v1alpha1.Backup {
		at := metav1.NewTime(end.Add(time.Duration(minutes) * time.Minute))
		labels := map[string]string{v1alpha1.PolicyLabel: "shop"}
		if cluster != "" {
			labels[v1alpha1.ClusterLabel] = cluster
		}
		return &v1alpha1.Backup{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
			Status:     v1alpha1.BackupStatus{Completeness: how, StartTime: &at, CompletionTime: &at},
		}
	}
	healthy := func(p *v1alpha1.BackupPolicy) string {
		for _, c := range p.Status.Conditions {
			if c.Type == v1alpha1.HealthyCondition {
				return fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message)
			}
		}
		return ""
	}
	tests := map[string]struct {
		backups []client.Object
		late    bool
		want    string
		last    string
	}{
		"without a backup nothing is known": {want: "Unknown NoRunYet: no backup has finished yet"},
		"the newest backup decides": {
			backups: []client.Object{backup("b2", 2, "Complete", ""), backup("b1", 1, "None", "")},
			want:    "True LastRunSucceeded: backup b2 is complete", last: "b2",
		},
		"also when it is bad": {
			backups: []client.Object{backup("b1", 1, "Complete", ""), backup("b2", 2, "Partial", "")},
			want:    "False LastRunFailed: backup b2 is not complete", last: "b2",
		},
		"backups of other clusters say nothing": {
			backups: []client.Object{backup("b1", 1, "Complete", "99999999-2222-3333-4444-555555555555")},
			want:    "Unknown NoRunYet: no backup has finished yet",
		},
		"a Schedule that is late makes the policy late": {
			backups: []client.Object{backup("b1", 1, "Complete", "")}, late: true,
			want: "False Late: Schedule shop.nightly: behind", last: "b1",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			p := shop()
			controllertest.Create(t, b, append(tc.backups, config(), p)...)
			b.reconcile(p)
			if tc.late {
				s := b.schedules()["shop.nightly"]
				s.Status.Conditions = []metav1.Condition{{
					Type: v1alpha1.HealthyCondition, Status: metav1.ConditionFalse, Reason: v1alpha1.LateReason, Message: "behind", LastTransitionTime: end,
				}}
				controllertest.WriteStatus(t, b, &s, s.DeepCopy())
				b.reconcile(p)
			}
			if got := healthy(p); got != tc.want || p.Status.LastBackupName != tc.last {
				t.Errorf("Healthy = %s, lastBackupName = %q, want %s, %q", got, p.Status.LastBackupName, tc.want, tc.last)
			}
		})
	}
}
