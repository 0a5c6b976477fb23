// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package health_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/health"
)

var noon = time.Date(2026, time.May, 17, 12, 0, 0, 0, time.UTC)

func at(minutes int) *metav1.Time {
	return &metav1.Time{Time: noon.Add(time.Duration(minutes) * time.Minute)}
}

func backup(name string, change ...func(*v1alpha1.Backup)) v1alpha1.Backup {
	b := v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: *at(0)}}
	for _, c := range change {
		c(&b)
	}
	return b
}

func ended(minutes int, how v1alpha1.Completeness) func(*v1alpha1.Backup) {
	return func(b *v1alpha1.Backup) {
		b.Status.StartTime, b.Status.CompletionTime, b.Status.Completeness = at(minutes), at(minutes+1), how
	}
}

func stalled(b *v1alpha1.Backup) {
	b.Status.Conditions = []metav1.Condition{{Type: v1alpha1.StalledCondition, Status: metav1.ConditionTrue}}
}

func TestRead(t *testing.T) {
	type record struct {
		Last, LastComplete string
		Running            []string
	}
	foreign := func(b *v1alpha1.Backup) { b.Labels = map[string]string{v1alpha1.ClusterLabel: "there"} }
	marked := func(b *v1alpha1.Backup) { b.Status.Origin = &v1alpha1.BackupOrigin{Foreign: true} }

	tests := map[string]struct {
		backups []v1alpha1.Backup
		want    record
	}{
		"no backups": {},
		"what was begun last is the last, whatever was found last": {
			backups: []v1alpha1.Backup{backup("b", ended(2, "Partial")), backup("a", ended(-60, "Complete"))},
			want:    record{Last: "b", LastComplete: "a"},
		},
		"of two begun in the same second the greater name": {
			backups: []v1alpha1.Backup{backup("b", ended(1, "Complete")), backup("a", ended(1, "Complete"))},
			want:    record{Last: "b", LastComplete: "b"},
		},
		"one that has not ended runs":          {backups: []v1alpha1.Backup{backup("a")}, want: record{Running: []string{"a"}}},
		"one that is stalled has ended":        {backups: []v1alpha1.Backup{backup("a", stalled)}, want: record{Last: "a"}},
		"those of other clusters do not count": {backups: []v1alpha1.Backup{backup("a", foreign), backup("b", marked)}},
		"those that claim to have ended in the future do not count": {
			backups: []v1alpha1.Backup{
				backup("a", ended(-60, "Complete")), backup("b", ended(60*24*365*4, "Complete")),
				backup("c", func(b *v1alpha1.Backup) {
					b.Status.StartTime, b.Status.CompletionTime, b.Status.Completeness = at(-1), at(6), "Complete"
				}),
			},
			want: record{Last: "a", LastComplete: "a"},
		},
		"one whose clock is a few minutes ahead counts": {
			backups: []v1alpha1.Backup{backup("a", ended(4, "Complete"))},
			want:    record{Last: "a", LastComplete: "a"},
		},
		"one that was tampered with is none to rely on": {
			backups: []v1alpha1.Backup{
				backup("a", ended(-60, "Complete")),
				backup("b", ended(-30, "Complete"), func(b *v1alpha1.Backup) { b.Status.Verification = "Tampered" }),
			},
			want: record{Last: "b", LastComplete: "a"},
		},
		"our own label counts": {
			backups: []v1alpha1.Backup{backup("a", func(b *v1alpha1.Backup) { b.Labels = map[string]string{v1alpha1.ClusterLabel: "here"} })},
			want:    record{Running: []string{"a"}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := health.Read(tc.backups, "here", noon)
			var got record
			if r.Last != nil {
				got.Last = r.Last.Name
			}
			if r.LastComplete != nil {
				got.LastComplete = r.LastComplete.Name
			}
			for _, b := range r.Running {
				got.Running = append(got.Running, b.Name)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Read() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}
