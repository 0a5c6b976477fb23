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

// ready is the condition of a run that stands so.
func ready(reason string) []metav1.Condition {
	return []metav1.Condition{{Type: "Ready", Status: metav1.ConditionFalse, Reason: reason}}
}

// TestAdviceForBackups tells runs that have ended from those that go on by
// themselves: whoever is told to take another one of the latter gets two.
func TestAdviceForBackups(t *testing.T) {
	ended := v1alpha1.BackupStatus{CompletionTime: at(0), Completeness: v1alpha1.CompletenessNone}
	stored := v1alpha1.BackupStatus{CompletionTime: at(0), Completeness: v1alpha1.CompletenessComplete}
	tests := map[string]struct {
		reason string
		status v1alpha1.BackupStatus
		spec   v1alpha1.BackupSpec
		want   string
	}{
		"success needs none":                {reason: v1alpha1.SucceededReason, status: stored},
		"nor does what runs":                {reason: v1alpha1.ProgressingReason},
		"some objects failed":               {reason: v1alpha1.PartiallyFailedReason, status: stored, want: "take another backup"},
		"it failed for good":                {reason: v1alpha1.FailedReason, status: ended, want: "does not run again"},
		"it waits for a turn":               {reason: v1alpha1.QueuedReason, want: "spec.concurrency.backups"},
		"it waits for a policy":             {reason: v1alpha1.PolicyMissingReason, want: "goes on by itself"},
		"its policy has no rules":           {reason: v1alpha1.PolicyInvalidReason, want: "goes on by itself"},
		"its location is not in the Config": {reason: v1alpha1.LocationMissingReason, want: "goes on by itself"},
		"its location is never written":     {reason: v1alpha1.LocationReadOnlyReason, want: "goes on by itself"},
		"a hold that cannot be recorded":    {reason: v1alpha1.LocationReadOnlyReason, status: stored, want: "what is stored is safe"},
		"a cluster that only restores":      {reason: v1alpha1.RestoreOnlyReason, want: "goes on by itself"},
		"no Config":                         {reason: v1alpha1.ConfigMissingReason, want: "goes on by itself"},
		"a template that is wrong":          {reason: v1alpha1.RequestInvalidReason, want: "cannot change"},
		"a policy's template that is wrong": {reason: v1alpha1.RequestInvalidReason, spec: v1alpha1.BackupSpec{PolicyName: "p"}, want: "goes on by itself"},
		"a name that was used":              {reason: v1alpha1.NameTakenReason, want: "under a name of its own"},
		"what was changed in storage":       {reason: v1alpha1.ArchiveInvalidReason, status: stored, want: "rely on another backup"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := &v1alpha1.Backup{Spec: tc.spec, Status: tc.status}
			b.Status.Conditions = ready(tc.reason)
			var page strings.Builder
			if err := describe.Backup(&page, b, describe.Stored{}, now); err != nil {
				t.Fatal(err)
			}
			advises(t, page.String(), tc.want)
		})
	}
}

func TestAdviceForRestores(t *testing.T) {
	ended := v1alpha1.RestoreStatus{CompletionTime: at(0)}
	tests := map[string]struct {
		reason string
		status v1alpha1.RestoreStatus
		want   string
	}{
		"success needs none": {reason: v1alpha1.SucceededReason, status: ended},
		"a dry run":          {reason: v1alpha1.PlannedReason, status: ended, want: "without --dry-run"},
		"denied":             {reason: v1alpha1.DeniedReason, status: ended, want: "nothing was written"},
		"denied half-way": {
			reason: v1alpha1.DeniedReason, want: "an earlier attempt had written some of it",
			status: v1alpha1.RestoreStatus{CompletionTime: at(0), Completeness: v1alpha1.CompletenessPartial},
		},
		"some objects failed":          {reason: v1alpha1.PartiallyFailedReason, status: ended, want: "restore again"},
		"it failed for good":           {reason: v1alpha1.FailedReason, status: ended, want: "does not run again"},
		"a request that cannot be":     {reason: v1alpha1.RequestInvalidReason, status: ended, want: "does not run again"},
		"one that never began":         {reason: v1alpha1.RequestInvalidReason, want: "cannot change"},
		"two namespaces into one":      {reason: v1alpha1.MappingConflictReason, status: ended, want: "does not run again"},
		"the backup is not there":      {reason: v1alpha1.BackupMissingReason, status: ended, want: "does not run again"},
		"no backup of a schedule yet":  {reason: v1alpha1.BackupMissingReason, want: "goes on by itself"},
		"several clusters have one":    {reason: v1alpha1.BackupAmbiguousReason, want: "--from-backup"},
		"restores are switched off":    {reason: v1alpha1.RestoreDisabledReason, want: "goes on by itself"},
		"the location does not answer": {reason: v1alpha1.StorageUnavailableReason, want: "goes on by itself"},
		"no Config":                    {reason: v1alpha1.ConfigMissingReason, want: "goes on by itself"},
		"it waits for a turn":          {reason: v1alpha1.QueuedReason, want: "spec.concurrency.restores"},
		"a name that was used":         {reason: v1alpha1.NameTakenReason, want: "under a name of its own"},
		"what was changed in storage":  {reason: v1alpha1.ArchiveInvalidReason, want: "restore from another backup"},
		"a record that does not count": {reason: v1alpha1.ArchiveInvalidReason, status: ended, want: "find out who writes to the bucket"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := &v1alpha1.Restore{Status: tc.status}
			r.Status.Conditions = ready(tc.reason)
			var page strings.Builder
			if err := describe.Restore(&page, r, nil, now); err != nil {
				t.Fatal(err)
			}
			advises(t, page.String(), tc.want)
		})
	}
}

// advises looks for advice, or for there being none.
func advises(t *testing.T, page, want string) {
	t.Helper()
	_, advice, given := strings.Cut(page, "What to do:")
	if given != (want != "") || !strings.Contains(advice, want) {
		t.Errorf("advice is %q, want %q", advice, want)
	}
}
