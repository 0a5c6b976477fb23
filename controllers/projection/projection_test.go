// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package projection_test

import (
	"crypto/ed25519"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

const cluster = "11111111-2222-3333-4444-555555555555"

var start = time.Date(2026, time.May, 17, 3, 4, 5, 0, time.UTC)

func day(n int) *metav1.Time { return &metav1.Time{Time: start.AddDate(0, 0, n)} }

func marker(change ...func(*archive.Marker)) *archive.Marker {
	m := &archive.Marker{
		Format: 1, Cluster: archive.Cluster{UID: cluster, Name: "prod"},
		Name: "nightly-20260517030405", Attempt: "a1", Schedule: "nightly", Policy: "shop",
		Spec: json.RawMessage(`{"policyName":"shop"}`), Template: json.RawMessage(`{"ttl":"720h","storageLocation":"main"}`),
		Rules:   &archive.Rules{Digest: "sha256:aa", Count: 2},
		Started: start, Completed: start.Add(4200 * time.Millisecond), Expires: start.AddDate(0, 0, 30),
		Completeness: archive.Complete, Objects: archive.Counts{Included: 123, Excluded: 4},
		ExcludedBy: map[string]int64{"b-code": 1, "a-code": 1, "c-code": 2},
		Files:      map[string]archive.File{"index.jsonl.gz": {Size: 10}, "contents.tar.gz": {Size: 32}},
	}
	for _, c := range change {
		c(m)
	}
	return m
}

func snapshot(m *archive.Marker, change ...func(*catalog.Snapshot)) *catalog.Snapshot {
	s := &catalog.Snapshot{Marker: m, Envelope: &archive.Envelope{}, State: catalog.State{Expires: m.Expires}}
	for _, c := range change {
		c(s)
	}
	return s
}

func condition(kind string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: message,
		ObservedGeneration: 3, LastTransitionTime: *day(1),
	}
}

func TestStatus(t *testing.T) {
	b := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Generation: 3}}
	b.Status.Progress = &v1alpha1.BackupProgress{Objects: 1}
	projection.Status(b, snapshot(marker()), nil, []string{"second", "main"}, start.AddDate(0, 0, 1))

	want := v1alpha1.BackupStatus{
		ObservedGeneration: 3,
		Conditions:         []metav1.Condition{condition("Ready", "True", "Succeeded", "stored 123 objects in 4.2s")},
		Completeness:       v1alpha1.CompletenessComplete,
		Template:           &v1alpha1.BackupTemplate{TTL: &metav1.Duration{Duration: 720 * time.Hour}, StorageLocation: "main"},
		Policy:             &v1alpha1.PolicyRevision{Digest: "sha256:aa", Rules: 2},
		Origin:             &v1alpha1.BackupOrigin{ClusterUID: cluster, ClusterName: "prod", BackupName: "nightly-20260517030405"},
		StorageLocations:   []string{"main", "second"},
		Verification:       v1alpha1.VerificationUnsigned,
		Attempt:            "a1", Attempts: 1,
		StartTime: day(0), CompletionTime: &metav1.Time{Time: start.Add(4 * time.Second)}, ExpirationTime: day(30),
		Objects:    &v1alpha1.ObjectCounts{Included: 123, Excluded: 4},
		Size:       42,
		ExcludedBy: []v1alpha1.CodeCount{{Code: "c-code", Count: 2}, {Code: "a-code", Count: 1}, {Code: "b-code", Count: 1}},
	}
	if diff := cmp.Diff(want, b.Status); diff != "" {
		t.Errorf("Status() mismatch (-want +got):\n%s", diff)
	}
}

func TestStatusConditions(t *testing.T) {
	stalled := func(reason, message string) []metav1.Condition {
		return []metav1.Condition{condition("Ready", "False", reason, message), condition("Stalled", "True", reason, message)}
	}
	partial := func(m *archive.Marker) { m.Completeness = archive.Partial }
	tests := map[string]struct {
		snapshot *catalog.Snapshot
		want     []metav1.Condition
	}{
		"a partial backup is stalled, and its first error shown": {
			snapshot: snapshot(marker(partial, func(m *archive.Marker) {
				m.Objects.Failed, m.Errors = 2, []string{"secrets/a/b: too large", "more", "and more"}
			})),
			want: stalled("PartiallyFailed",
				"stored 123 objects in 4.2s, and 2 failed: secrets/a/b: too large (and 2 more, see status.errors)"),
		},
		"a partial backup without errors is stalled all the same": {
			snapshot: snapshot(marker(partial)), want: stalled("PartiallyFailed", "stored 123 objects in 4.2s"),
		},
		"a clock that was put back shows no negative duration": {
			snapshot: snapshot(marker(func(m *archive.Marker) { m.Completed = m.Started.Add(-time.Hour) })),
			want:     []metav1.Condition{condition("Ready", "True", "Succeeded", "stored 123 objects")},
		},
		"a backup that is being removed is no success": {
			snapshot: snapshot(marker(), func(s *catalog.Snapshot) { s.Deletion = &archive.Record{Reason: "by mistake"} }),
			want: []metav1.Condition{
				condition("Ready", "Unknown", "Deleting", "its data is being removed: by mistake"),
				condition("Reconciling", "True", "Deleting", "its data is being removed: by mistake"),
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Generation: 3}}
			projection.Status(b, tc.snapshot, nil, []string{"main"}, start.AddDate(0, 0, 1))
			if diff := cmp.Diff(tc.want, b.Status.Conditions); diff != "" {
				t.Errorf("conditions mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStatusTellsWhatSignaturesAreWorth(t *testing.T) {
	ours, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	shown := func(trusted []ed25519.PublicKey, change func(*archive.Envelope)) *v1alpha1.Backup {
		b := &v1alpha1.Backup{}
		projection.Status(b, snapshot(marker(), func(s *catalog.Snapshot) {
			s.Envelope = &archive.Envelope{Marker: json.RawMessage(`{"format":1}`)}
			archive.Sign(s.Envelope, key)
			change(s.Envelope)
		}), trusted, nil, start)
		return b
	}
	as := func(*archive.Envelope) {}
	for want, b := range map[v1alpha1.Verification]*v1alpha1.Backup{
		v1alpha1.VerificationVerified:   shown([]ed25519.PublicKey{ours}, as),
		v1alpha1.VerificationUnknownKey: shown(nil, as),
		v1alpha1.VerificationUnsigned:   shown([]ed25519.PublicKey{ours}, func(e *archive.Envelope) { e.Signatures = nil }),
		v1alpha1.VerificationTampered:   shown([]ed25519.PublicKey{ours}, func(e *archive.Envelope) { e.Marker = json.RawMessage(`{"format":2}`) }),
	} {
		if b.Status.Verification != want {
			t.Errorf("verification = %s, want %s", b.Status.Verification, want)
		}
		ready := meta.FindStatusCondition(b.Status.Conditions, v1alpha1.ReadyCondition)
		if (ready.Status == metav1.ConditionTrue) != (want != v1alpha1.VerificationTampered) || (ready.Reason == "ArchiveInvalid") != (want == v1alpha1.VerificationTampered) {
			t.Errorf("%s: Ready is %s %s", want, ready.Status, ready.Reason)
		}
	}
}

func TestStatusKeepsThatABackupIsForeignAndHeld(t *testing.T) {
	b := &v1alpha1.Backup{}
	b.Status.Origin = &v1alpha1.BackupOrigin{Foreign: true}
	b.Status.Attempts = 3
	projection.Status(b, snapshot(marker(), func(s *catalog.Snapshot) { s.Held = true }), nil, nil, start)
	if !b.Status.Origin.Foreign || !b.Status.Held || b.Status.Attempts != 3 {
		t.Errorf("status = %+v, want it foreign, held and after 3 attempts", b.Status)
	}
}

func TestStatusBoundsWhatAMarkerSays(t *testing.T) {
	b := &v1alpha1.Backup{}
	projection.Status(b, snapshot(marker(func(m *archive.Marker) {
		m.Template = json.RawMessage(`{"unheardOf":true}`)
		m.ExcludedBy = map[string]int64{strings.Repeat("x", 64): 1}
		for range 40 {
			m.Warnings, m.Errors = append(m.Warnings, "w"), append(m.Errors, "\xff")
			m.ExcludedBy[strings.Repeat("y", len(m.ExcludedBy))] = 1
		}
	})), nil, nil, start)
	got := []int{len(b.Status.Warnings), len(b.Status.Errors), len(b.Status.ExcludedBy)}
	if diff := cmp.Diff([]int{16, 16, 32}, got); diff != "" {
		t.Errorf("warnings, errors, codes (-want +got):\n%s", diff)
	}
	if b.Status.Template != nil || b.Status.Errors[0] != "?" {
		t.Errorf("template = %v, first error = %q, want none and ?", b.Status.Template, b.Status.Errors[0])
	}
}

func TestGone(t *testing.T) {
	tests := map[string]struct {
		record *archive.Record
		want   []metav1.Condition
	}{
		"an expired backup ended as it should": {
			record: &archive.Record{Reason: "expired", Time: start},
			want: []metav1.Condition{condition("Ready", "True", "Expired",
				"its time was up, and its data was removed at 2026-05-17T03:04:05Z; the name is not used again")},
		},
		"so did one that somebody asked to delete": {
			record: &archive.Record{Reason: "holds a secret"},
			want:   []metav1.Condition{condition("Ready", "True", "Deleted", "its data was removed: holds a secret")},
		},
		"one that vanished is stalled": {
			want: []metav1.Condition{
				condition("Ready", "False", "BackupMissing", "its marker is gone from storage, and no record says why: put the data back, or delete this object"),
				condition("Stalled", "True", "BackupMissing", "its marker is gone from storage, and no record says why: put the data back, or delete this object"),
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Generation: 3}}
			projection.Status(b, snapshot(marker()), nil, []string{"main"}, start)
			projection.Gone(b, tc.record, start.AddDate(0, 0, 1))
			if diff := cmp.Diff(tc.want, b.Status.Conditions, cmp.FilterPath(func(p cmp.Path) bool {
				return p.Last().String() == ".LastTransitionTime"
			}, cmp.Ignore())); diff != "" {
				t.Errorf("conditions mismatch (-want +got):\n%s", diff)
			}
			if b.Status.Completeness != v1alpha1.CompletenessNone || b.Status.StorageLocations != nil {
				t.Errorf("status = %+v, want no data anywhere", b.Status)
			}
		})
	}
}

func TestSpec(t *testing.T) {
	fallback := v1alpha1.BackupSpec{Template: &v1alpha1.BackupTemplate{TTL: &metav1.Duration{Duration: 720 * time.Hour}, StorageLocation: "main"}}
	tests := map[string]struct {
		spec, template string
		want           v1alpha1.BackupSpec
		wantErr        string
	}{
		"the spec is put back to the letter": {
			spec: `{"policyName":"shop","ttl":"2h0m0s"}`,
			want: v1alpha1.BackupSpec{PolicyName: "shop", TTL: &metav1.Duration{Duration: 2 * time.Hour}},
		},
		"a request to delete is never taken from storage": {
			spec: `{"policyName":"shop","deletion":{"reason":"forged"}}`, want: v1alpha1.BackupSpec{PolicyName: "shop"},
		},
		"a hold is never taken from the marker, which knows nothing of later ones": {
			spec: `{"policyName":"shop","hold":false,"ttl":"2h0m0s"}`,
			want: v1alpha1.BackupSpec{PolicyName: "shop", TTL: &metav1.Duration{Duration: 2 * time.Hour}},
		},
		"nor is one that was in force then": {
			spec: `{"policyName":"shop","hold":true}`, want: v1alpha1.BackupSpec{PolicyName: "shop"},
		},
		"an unknown field makes the spec useless, and the template stands in": {
			spec: `{"run":"rm"}`, template: `{"ttl":"720h","storageLocation":"main"}`, want: fallback,
		},
		"no spec at all, and the template stands in": {
			template: `{"ttl":"720h","storageLocation":"main"}`, want: fallback,
		},
		"neither is an error that names both": {
			spec: `{"run":"rm"}`, template: `{} {}`,
			wantErr: `read spec: json: unknown field "run"; read template: something follows the object`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := projection.Spec(&archive.Marker{Spec: json.RawMessage(tc.spec), Template: json.RawMessage(tc.template)})
			gotErr := ""
			if err != nil {
				gotErr = err.Error()
			}
			if diff := cmp.Diff(tc.wantErr, gotErr); diff != "" {
				t.Errorf("Spec() error mismatch (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Spec() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLabels(t *testing.T) {
	own := map[string]string{
		"ark.gopherwood.dev/created-by": "sync", "ark.gopherwood.dev/schedule": "nightly", "ark.gopherwood.dev/policy": "shop",
	}
	if diff := cmp.Diff(own, projection.Labels(marker(), cluster)); diff != "" {
		t.Errorf("labels of our own (-want +got):\n%s", diff)
	}
	foreign := map[string]string{"ark.gopherwood.dev/created-by": "sync", "ark.gopherwood.dev/cluster": cluster}
	m := marker(func(m *archive.Marker) { m.Schedule, m.Policy = "", strings.Repeat("p", 64) })
	if diff := cmp.Diff(foreign, projection.Labels(m, "another")); diff != "" {
		t.Errorf("labels of another cluster's (-want +got):\n%s", diff)
	}
}

func TestNamesHere(t *testing.T) {
	if got := projection.ForeignName(cluster, "nightly-1"); got != "nightly-1-11111111" {
		t.Errorf("ForeignName() = %q", got)
	}
	long := strings.Repeat("a", 63) + "." + strings.Repeat("b", 60)
	longest := strings.Repeat(strings.Repeat("a", 39)+".", 5)[:199] + "a"
	for _, name := range []string{
		projection.ForeignName(cluster, long), projection.ForeignName(cluster, longest), projection.UniqueName(cluster, long),
		projection.UniqueName(cluster, longest), projection.UniqueName(cluster, "a"),
	} {
		if err := archive.CheckName(name); err != nil {
			t.Error(err)
		}
	}
	if projection.UniqueName(cluster, long) == projection.UniqueName(cluster, long[:123]+"c") {
		t.Error("two names became one")
	}
}
