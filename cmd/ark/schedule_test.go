// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

func objectMeta(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }

func TestScheduleCreate(t *testing.T) {
	u, c := atCluster(t)
	zero := int32(0)
	tests := map[string]struct {
		args []string
		spec v1alpha1.ScheduleSpec
	}{
		"everything": {
			[]string{"--cron", "0 3 * * *"}, v1alpha1.ScheduleSpec{Cron: "0 3 * * *", Template: &v1alpha1.BackupTemplate{}},
		},
		"a selection, kept by rules": {
			[]string{
				"--cron", "@hourly", "--time-zone", "Europe/Berlin", "--include-namespaces", "shop", "--ttl", "48h", "--storage-location", "far",
				"--keep-last", "0", "--keep-daily", "7", "--starting-deadline", "30m", "--concurrency-policy", "allow", "--suspend",
			},
			v1alpha1.ScheduleSpec{
				Cron: "@hourly", TimeZone: "Europe/Berlin", Suspend: true, ConcurrencyPolicy: v1alpha1.ConcurrencyAllow,
				StartingDeadline: &metav1.Duration{Duration: 30 * time.Minute},
				Retention:        &v1alpha1.Retention{KeepLast: &zero, KeepDaily: 7},
				Template: &v1alpha1.BackupTemplate{
					IncludedNamespaces: []string{"shop"}, TTL: &metav1.Duration{Duration: 48 * time.Hour}, StorageLocation: "far",
				},
			},
		},
		"of a policy": {
			[]string{"--cron", "@daily", "--from-policy", "shop"}, v1alpha1.ScheduleSpec{Cron: "@daily", PolicyName: "shop"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			check(t, u.ark(t.Context(), append([]string{"schedule", "create", "made"}, tc.args...)...), exit.Success,
				[]string{"schedule made created\n", `"ark schedule describe made"`}, nil)
			s := &v1alpha1.Schedule{}
			if err := c.Get(t.Context(), objectKey("made"), s); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.spec, s.Spec); diff != "" || s.Labels[v1alpha1.CreatedByLabel] != v1alpha1.CreatedByCLI {
				t.Errorf("labels %v, and the spec differs (-want +got):\n%s", s.Labels, diff)
			}
			if name == "everything" {
				check(t, u.ark(t.Context(), "schedule", "create", "made", "--cron", "@daily"), exit.Failed, nil, []string{`the name "made" is taken`})
			}
			if err := c.Delete(t.Context(), s); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSchedulesThatCannotBe(t *testing.T) {
	tests := map[string]struct {
		args []string
		want string
	}{
		"without times":               {[]string{"s"}, "--cron is missing"},
		"with times that are none":    {[]string{"s", "--cron", "every night"}, `cron: "every night" does not have 5 fields: write minute, hour, `},
		"in a zone that there is not": {[]string{"s", "--cron", "@daily", "--time-zone", "Berlin"}, `timeZone: "Berlin" is unknown`},
		"with too long a name": {
			[]string{strings.Repeat("s", 33), "--cron", "@daily"}, "has 33 characters: the name of a schedule can have at most 32",
		},
		"of a policy and a selection": {
			[]string{"s", "--cron", "@daily", "--from-policy", "p", "--ttl", "1h"}, "--ttl cannot be combined with --from-policy",
		},
		"kept for less than nothing": {[]string{"s", "--cron", "@daily", "--ttl=-1h"}, "--ttl -1h0m0s: must be positive"},
		"late by less than nothing":  {[]string{"s", "--cron", "@daily", "--starting-deadline=-1h"}, "--starting-deadline -1h0m0s: must be positive"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			check(t, atBucket(t).ark(t.Context(), append([]string{"schedule", "create"}, tc.args...)...), exit.Usage, nil, []string{tc.want})
		})
	}
}

func TestSuspendAndResume(t *testing.T) {
	u, c := atCluster(t)
	policy := &v1alpha1.BackupPolicy{ObjectMeta: objectMeta("owner")}
	create(t, c, policy)
	own := &v1alpha1.Schedule{ObjectMeta: objectMeta("own"), Spec: v1alpha1.ScheduleSpec{Cron: "@daily", PolicyName: "owner"}}
	create(t, c, own)
	yes := true
	made := own.DeepCopy()
	made.ObjectMeta = metav1.ObjectMeta{Name: "owner.nightly", OwnerReferences: []metav1.OwnerReference{{
		APIVersion: v1alpha1.GroupVersion.String(), Kind: "BackupPolicy", Name: "owner", UID: policy.UID, Controller: &yes,
	}}}
	create(t, c, made)
	suspended := func(t *testing.T, name string) bool {
		t.Helper()
		s := &v1alpha1.Schedule{}
		if err := c.Get(t.Context(), objectKey(name), s); err != nil {
			t.Fatal(err)
		}
		return s.Spec.Suspend
	}
	t.Run("one of its own", func(t *testing.T) {
		got := u.ark(t.Context(), "schedule", "suspend", "own")
		check(t, got, exit.Success, []string{"schedule own suspended\n"}, nil)
		if got.Err != "" || !suspended(t, "own") {
			t.Errorf("suspended = %v, warned %q", suspended(t, "own"), got.Err)
		}
		check(t, u.ark(t.Context(), "schedule", "suspend", "own"), exit.Success, []string{"schedule own is suspended already\n"}, nil)
		check(t, u.ark(t.Context(), "schedule", "describe", "own"), exit.Success,
			[]string{"Suspended:       yes: it takes no backups", "Next firing:     none while it is suspended"}, nil)
		check(t, u.ark(t.Context(), "schedule", "resume", "own"), exit.Success, []string{"schedule own resumed\n"}, nil)
		if suspended(t, "own") {
			t.Error("it is still suspended")
		}
	})
	t.Run("one that a policy made, which would set it back", func(t *testing.T) {
		check(t, u.ark(t.Context(), "schedule", "suspend", "owner.nightly"), exit.Failed, nil,
			[]string{`ark: schedule "owner.nightly" was made by BackupPolicy "owner", which would set it back: set spec.suspend: true in the policy`})
		if suspended(t, "owner.nightly") {
			t.Error("it was suspended")
		}
	})
	tools := map[string]struct {
		labels, annotations map[string]string
		want                string
	}{
		"argo":      {nil, map[string]string{"argocd.argoproj.io/tracking-id": "app:ark/Schedule:x"}, "Argo CD applies"},
		"flux":      {map[string]string{"kustomize.toolkit.fluxcd.io/name": "x"}, nil, "Flux applies"},
		"flux-helm": {map[string]string{"helm.toolkit.fluxcd.io/name": "x", "app.kubernetes.io/managed-by": "Helm"}, nil, "Flux applies"},
		"helm":      {map[string]string{"app.kubernetes.io/managed-by": "Helm"}, nil, "Helm applies"},
	}
	for name, tc := range tools {
		t.Run("one that lies in Git, by "+name, func(t *testing.T) {
			create(t, c, &v1alpha1.Schedule{
				ObjectMeta: metav1.ObjectMeta{Name: name, Labels: tc.labels, Annotations: tc.annotations},
				Spec:       v1alpha1.ScheduleSpec{Cron: "@daily", PolicyName: "owner"},
			})
			check(t, u.ark(t.Context(), "schedule", "suspend", name), exit.Success, []string{"suspended\n"},
				[]string{"ark: " + tc.want + " schedule " + name + " and may set it back: set spec.suspend: true where it is kept, too\n"})
			if !suspended(t, name) {
				t.Error("it is not suspended")
			}
		})
	}
	check(t, u.ark(t.Context(), "schedule", "resume", "owm"), exit.Failed, nil, []string{`there is no schedule "owm": did you mean "own"?`})
}

func TestScheduleDescribe(t *testing.T) {
	u, c := atCluster(t)
	three := int32(3)
	create(t, c, &v1alpha1.Schedule{
		ObjectMeta: objectMeta("shop.nightly"),
		Spec: v1alpha1.ScheduleSpec{
			Cron: "0 3 * * *", TimeZone: "Europe/Berlin", PolicyName: "shop", StartingDeadline: &metav1.Duration{Duration: time.Hour},
			Retention: &v1alpha1.Retention{KeepLast: &three, KeepMonthly: 12},
		},
		Status: v1alpha1.ScheduleStatus{
			ObservedGeneration: 1,
			Conditions: append(succeeded("in force"), metav1.Condition{
				Type: v1alpha1.HealthyCondition, Status: metav1.ConditionFalse, Reason: v1alpha1.LastRunFailedReason, Message: "2 objects failed",
				LastTransitionTime: metav1.Time{Time: today},
			}),
			LastScheduleTime: ago(2 * time.Hour), NextScheduleTime: in(22 * time.Hour), LastBackupName: "described-1", Missed: 4,
		},
	})
	create(t, c, partialBackup("described-1"))
	check(t, u.ark(t.Context(), "schedule", "describe", "shop.nightly"), exit.Success, []string{
		"Health:              LastRunFailed: 2 objects failed",
		"Takes backups:       0 3 * * * Europe/Berlin",
		"Of:                  what policy shop covers, under its rules",
		"Keeps:               each for its ttl; the newest 3 good ones always; one for each of the last 12 months with a backup",
		"May start late by:   1h0m0s",
		"Next firing:         2026-11-24T10:00:00Z (in 22h)",
		"Missed:              4 firings",
		"described-1   PartiallyFailed   3401",
		`see what failed with "ark backup describe described-1"`,
	}, nil)
	check(t, u.ark(t.Context(), "schedule", "describe", "shop.nigtly"), exit.Failed, nil, []string{`did you mean "shop.nightly"?`})
	t.Run("a backup tells which keep rules want it", func(t *testing.T) {
		check(t, u.ark(t.Context(), "backup", "describe", "described-1"), exit.Success,
			[]string{"Keep rules:   ttl until 2026-12-23T12:00:00Z, one of the newest 3, monthly slot 2026-11\n"}, nil)
	})
}

func TestABackupThatWasChangedKeepsNoOtherFromItsPlace(t *testing.T) {
	u, c := atCluster(t)
	create(t, c, &v1alpha1.Schedule{ObjectMeta: objectMeta("changed"), Spec: v1alpha1.ScheduleSpec{Cron: "@daily", PolicyName: "shop"}})
	for name, completed := range map[string]time.Duration{"changed-good": 48 * time.Hour, "changed-since": 24 * time.Hour} {
		b := partialBackup(name)
		b.Labels[v1alpha1.ScheduleLabel] = "changed"
		b.Status.Conditions, b.Status.Completeness = succeeded("stored"), v1alpha1.CompletenessComplete
		b.Status.CompletionTime, b.Status.ExpirationTime = ago(completed), ago(time.Hour)
		b.Status.Verification = v1alpha1.VerificationVerified
		if name == "changed-since" {
			b.Status.Verification = v1alpha1.VerificationTampered
		}
		create(t, c, b)
	}
	check(t, u.ark(t.Context(), "backup", "describe", "changed-good"), exit.Success, []string{"Keep rules:   the newest\n"}, nil)
	since := u.ark(t.Context(), "backup", "describe", "changed-since")
	check(t, since, exit.Success, []string{"Signature:    Tampered"}, nil)
	if strings.Contains(since.Out, "Keep rules:") {
		t.Errorf("a rule wants what cannot be restored:\n%s", since.Out)
	}
}
