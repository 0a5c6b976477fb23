// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestPolicyAndSchedule(t *testing.T) {
	u, c := atCluster(t)
	healthy := condition(v1alpha1.HealthyCondition, metav1.ConditionFalse, v1alpha1.LateReason, "the backup of 03:00 is missing")
	create(t, c, &v1alpha1.BackupPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "bakery"},
		Spec: v1alpha1.BackupPolicySpec{
			Schedules: []v1alpha1.PolicySchedule{{Name: "nightly", Cron: "0 3 * * *"}},
			Template:  &v1alpha1.BackupTemplate{IncludedNamespaces: []string{"bakery"}},
			Rules: []v1alpha1.Rule{
				{Name: "tokens", Library: "select/service-account-tokens"},
				{Name: "own", Rego: "package ark.select"},
				{Name: "shared", ConfigMap: &v1alpha1.ConfigMapRules{Name: "rules"}},
			},
		},
		Status: v1alpha1.BackupPolicyStatus{
			ObservedGeneration: 1, Conditions: append(succeeded("in force"), healthy),
			Policy: &v1alpha1.PolicyRevision{Digest: "sha256:def", Rules: 3},
		},
	})
	create(t, c, &v1alpha1.Schedule{
		ObjectMeta: metav1.ObjectMeta{Name: "bakery.nightly"},
		Spec:       v1alpha1.ScheduleSpec{Cron: "0 3 * * *", TimeZone: "Europe/Berlin", PolicyName: "bakery"},
		Status: v1alpha1.ScheduleStatus{
			ObservedGeneration: 1, Conditions: append(succeeded("in force"), healthy),
			LastScheduleTime: ago(33 * time.Hour), NextScheduleTime: in(15 * time.Hour), LastBackupName: "bakery.nightly-1",
		},
	})
	b := partialBackup("bakery.nightly-1")
	b.Spec.PolicyName = "bakery"
	create(t, c, b)

	check(t, u.ark(t.Context(), "policy", "get", "bakery"), exit.Success, []string{"bakery   Succeeded   False     1           3       -"}, nil)
	check(t, u.ark(t.Context(), "schedule", "get", "bakery.nightly"), exit.Success,
		[]string{"bakery.nightly   Succeeded   False     0 3 * * * Europe/Berlin   33h    in 15h   bakery.nightly-1"}, nil)
	check(t, u.ark(t.Context(), "policy", "describe", "bakery"), exit.Success, []string{
		"Health:      Late: the backup of 03:00 is missing",
		"In force:    3 modules, revision sha256:def",
		"tokens   library rule select/service-account-tokens", "own      inline", "shared   ConfigMap rules",
		"bakery.nightly   0 3 * * * Europe/Berlin", "2026-11-24T03:00:00Z (in 15h)",
		"bakery.nightly-1   PartiallyFailed   3401",
	}, nil)
}

func TestStorageGet(t *testing.T) {
	u, c := atCluster(t)
	check(t, u.ark(t.Context(), "storage", "get"), exit.Failed, nil, []string{"ark: the cluster has no Config named default: apply one"})
	create(t, c, &v1alpha1.Config{
		ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.ConfigName},
		Spec: v1alpha1.ConfigSpec{Storage: []v1alpha1.StorageLocation{
			{Name: "main", URL: "file:///srv/backups", Default: true},
			{Name: "far", URL: "file:///srv/far", Access: v1alpha1.AccessReadOnly},
		}},
		Status: v1alpha1.ConfigStatus{ObservedGeneration: 1, Storage: []v1alpha1.StorageLocationStatus{{
			Name: "main", Available: true, StoreID: "id-1", LastSyncTime: ago(20 * time.Second), Backups: 7, ForeignBackups: 2,
		}}},
	})
	check(t, u.ark(t.Context(), "storage", "get"), exit.Success, []string{
		"far    false       ReadOnly    false     0         0        -",
		"main   true        ReadWrite   true      7         2        20s",
	}, nil)
	check(t, u.ark(t.Context(), "storage", "get", "-o", "wide"), exit.Success, []string{"2026-11-23T11:59:40Z", "id-1", "file:///srv/far", "not tried yet"}, nil)
	check(t, u.ark(t.Context(), "storage", "get", "main", "-o", "yaml"), exit.Success, []string{"kind: StorageLocation\n", "  storeID: id-1\n"}, nil)
	check(t, u.ark(t.Context(), "storage", "get", "mian"), exit.Failed, nil, []string{`there is no storage "mian"`})
}

func TestBackupDelete(t *testing.T) {
	u, c := atCluster(t)
	held := partialBackup("held")
	hold := true
	held.Spec.Hold = &hold
	create(t, c, held)
	foreign := partialBackup("foreign")
	foreign.Status.Origin = &v1alpha1.BackupOrigin{ClusterUID: otherCluster, ClusterName: "staging", Foreign: true}
	create(t, c, foreign)
	for _, name := range []string{"spared", "asked", "told"} {
		create(t, c, partialBackup(name))
	}
	deletion := func(name string) string {
		b := &v1alpha1.Backup{}
		if err := c.Get(t.Context(), types.NamespacedName{Name: name}, b); err != nil {
			t.Fatal(err)
		}
		if b.Spec.Deletion == nil {
			return ""
		}
		return b.Spec.Deletion.Reason
	}
	check(t, u.ark(t.Context(), "backup", "delete", "held", "--yes"), exit.Failed, nil,
		[]string{`ark: backup "held" is on hold: release it first, with spec.hold: false`})
	check(t, u.ark(t.Context(), "backup", "delete", "foreign", "--yes"), exit.Failed, nil,
		[]string{`ark: backup "foreign" was taken by another cluster, staging, and only that cluster can delete it`})

	u.answers = "no\n"
	check(t, u.ark(t.Context(), "backup", "delete", "spared"), exit.Failed, nil,
		[]string{"Delete the data of backup spared of 3401 objects for good? Type yes: ", "ark: nothing was deleted"})
	u.answers = "yes\n"
	check(t, u.ark(t.Context(), "backup", "delete", "asked", "--reason", "it is old"), exit.Success,
		[]string{"backup asked: deletion of its data was asked for"}, nil)
	u.answers = ""
	check(t, u.ark(t.Context(), "backup", "delete", "told", "--yes"), exit.Success, nil, nil)
	for name, want := range map[string]string{"held": "", "spared": "", "asked": "it is old", "told": "deleted with ark backup delete"} {
		if got := deletion(name); got != want {
			t.Errorf("%s: the reason is %q, want %q", name, got, want)
		}
	}
}

func TestAClusterThatCannotBeUsed(t *testing.T) {
	t.Run("no cluster is configured", func(t *testing.T) {
		u := atBucket(t)
		u.kubeconfig = filepath.Join(t.TempDir(), "missing")
		check(t, u.ark(t.Context(), "backup", "get"), exit.Usage, nil, []string{"missing", "check --kubeconfig and --context"})
	})
	t.Run("the context does not exist", func(t *testing.T) {
		u, _ := atCluster(t)
		check(t, u.ark(t.Context(), "backup", "get", "--context", "elsewhere"), exit.Usage, nil,
			[]string{`context "elsewhere" does not exist: check --kubeconfig and --context`})
	})
	t.Run("Ark is not installed", func(t *testing.T) {
		cluster, err := lab.Start(t.Context(), lab.Options{})
		if err != nil {
			t.Fatal(err)
		}
		u := user{t: t, kubeconfig: cluster.Kubeconfig}
		for _, args := range []string{"backup get", "backup get a", "backup create a", "storage get"} {
			check(t, u.ark(t.Context(), strings.Fields(args)...), exit.Failed, nil,
				[]string{"ark: Ark is not installed in this cluster, or is too old: install its chart, charts/ark, with Helm"})
		}
		host := cluster.Config().Host
		if err := cluster.Stop(); err != nil {
			t.Fatal(err)
		}
		u.kubeconfig = kubeconfigFor(t, host)
		check(t, u.ark(t.Context(), "backup", "get"), exit.Failed, nil,
			[]string{"ark: reach the API server " + host + " named in " + u.kubeconfig, "connection refused", "check that it runs, --kubeconfig and --context"})
	})
	t.Run("the user may not", func(t *testing.T) {
		cluster := labtest.Shared(t)
		u := user{t: t, kubeconfig: kubeconfigFor(t, cluster.Config().Host)}
		got := u.ark(t.Context(), "backup", "get")
		check(t, got, exit.Failed, nil, []string{"ask the cluster's administrator for this permission"})
	})
}
