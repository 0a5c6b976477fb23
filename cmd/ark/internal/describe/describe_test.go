// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package describe_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/describe"
)

var now = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(d)} }

func TestBackup(t *testing.T) {
	yes, no := true, false
	tests := map[string]struct {
		backup v1alpha1.Backup
		stored describe.Stored
		want   string
	}{
		"one that no controller has seen": {
			backup: v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: "a"}},
			want: `Name:     a
Status:   not seen by a controller yet

What to do:
  - check that "ark server" runs in this cluster: no controller has seen the backup
`,
		},
		"one that runs": {
			backup: v1alpha1.Backup{
				ObjectMeta: metav1.ObjectMeta{Name: "a"},
				Spec:       v1alpha1.BackupSpec{Template: &v1alpha1.BackupTemplate{IncludeClusterResources: &yes}},
				Status: v1alpha1.BackupStatus{
					Conditions: []metav1.Condition{{Type: "Ready", Reason: "Progressing", Message: "lists"}},
					StartTime:  at(-time.Minute), Attempts: 2,
					Progress: &v1alpha1.BackupProgress{Resources: 9, ResourcesDone: 3, Objects: 1},
				},
			},
			want: `Name:       a
Status:     Progressing: lists
Covers:     all namespaces; all types; with cluster-scoped objects
Started:    2026-11-23T11:59:00Z (60s ago)
Took:       60s so far
Attempts:   2
Progress:   3 of 9 types, 1 object so far
`,
		},
		"one of another cluster, whose hold was released and that is to be deleted": {
			backup: v1alpha1.Backup{
				ObjectMeta: metav1.ObjectMeta{Name: "a.far"},
				Spec: v1alpha1.BackupSpec{
					Hold: &no, Deletion: &v1alpha1.Deletion{Reason: "it is old"},
					Template: &v1alpha1.BackupTemplate{
						ExcludedNamespaces: []string{"x"}, IncludeClusterResources: &no,
						OrLabelSelectors: []metav1.LabelSelector{{MatchLabels: map[string]string{"a": "b"}}, {MatchLabels: map[string]string{"c": "d"}}},
					},
				},
				Status: v1alpha1.BackupStatus{
					Conditions: []metav1.Condition{{Type: "Ready", Reason: "Deleting"}},
					Held:       true, ExpirationTime: at(time.Hour),
					Origin: &v1alpha1.BackupOrigin{ClusterUID: "u", BackupName: "a", Foreign: true},
				},
			},
			stored: describe.Stored{Unread: "it is\nlocked"},
			want: `Name:         a.far
Status:       Deleting
Cluster:      u, another cluster than this one: its backups are read-only here; its name there is a
Covers:       all namespaces except x; all types with labels a=b or c=d; without cluster-scoped objects
Kept until:   2026-11-23T13:00:00Z (in 60m)
Deletion:     asked for: it is old

Types: not known here: it is locked
`,
		},
		"one on hold": {
			backup: v1alpha1.Backup{
				ObjectMeta: metav1.ObjectMeta{Name: "a"},
				Status:     v1alpha1.BackupStatus{Held: true, Conditions: []metav1.Condition{{Type: "Ready", Reason: "Succeeded"}}},
			},
			want: "Name:         a\nStatus:       Succeeded\nKept until:   the hold is released (spec.hold), whatever its ttl says\n",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := describe.Backup(&b, &tc.backup, tc.stored, now); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, b.String()); diff != "" {
				t.Errorf("Backup() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "", 1: "1 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1 << 30: "1.0 GiB", 1 << 50: "1.0 PiB", 1<<63 - 1: "8.0 EiB",
	} {
		if got := describe.Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestEveryOutcomeThatIsNotSuccessHasAdvice(t *testing.T) {
	for _, reason := range []string{
		v1alpha1.PartiallyFailedReason, v1alpha1.FailedReason, v1alpha1.QueuedReason, v1alpha1.PolicyMissingReason,
		v1alpha1.PolicyInvalidReason, v1alpha1.LocationMissingReason, v1alpha1.LocationReadOnlyReason, v1alpha1.NameTakenReason, v1alpha1.ConfigMissingReason,
	} {
		var b strings.Builder
		backup := &v1alpha1.Backup{Status: v1alpha1.BackupStatus{Conditions: []metav1.Condition{{Type: "Ready", Reason: reason}}}}
		if err := describe.Backup(&b, backup, describe.Stored{}, now); err != nil || !strings.Contains(b.String(), "What to do:") {
			t.Errorf("backup %s: %v\n%s", reason, err, b.String())
		}
	}
	for _, reason := range []string{
		v1alpha1.PartiallyFailedReason, v1alpha1.FailedReason, v1alpha1.QueuedReason, v1alpha1.DeniedReason, v1alpha1.PlannedReason, v1alpha1.ArchiveInvalidReason,
		v1alpha1.BackupMissingReason, v1alpha1.BackupAmbiguousReason, v1alpha1.MappingConflictReason, v1alpha1.RequestInvalidReason, v1alpha1.ConfigMissingReason,
	} {
		var b strings.Builder
		restore := &v1alpha1.Restore{Status: v1alpha1.RestoreStatus{Conditions: []metav1.Condition{{Type: "Ready", Reason: reason}}}}
		if err := describe.Restore(&b, restore, nil, now); err != nil || !strings.Contains(b.String(), "What to do:") {
			t.Errorf("restore %s: %v\n%s", reason, err, b.String())
		}
	}
}
