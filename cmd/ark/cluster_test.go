// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

const (
	ownCluster   = "11111111-1111-1111-1111-111111111111"
	otherCluster = "22222222-2222-2222-2222-222222222222"
)

// partialBackup is a backup with something of everything.
func partialBackup(name string) *v1alpha1.Backup {
	return &v1alpha1.Backup{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			v1alpha1.ScheduleLabel: "shop.nightly", v1alpha1.PolicyLabel: "shop",
		}},
		Spec: v1alpha1.BackupSpec{PolicyName: "shop"},
		Status: v1alpha1.BackupStatus{
			ObservedGeneration: 1,
			Conditions:         stalled(v1alpha1.PartiallyFailedReason, "2 objects failed"),
			Completeness:       v1alpha1.CompletenessPartial,
			Template:           &v1alpha1.BackupTemplate{IncludedNamespaces: []string{"shop", "shop-*"}, ExcludedResources: []string{"pods"}},
			Policy:             &v1alpha1.PolicyRevision{Digest: "sha256:abc", Rules: 3},
			Origin:             &v1alpha1.BackupOrigin{ClusterUID: ownCluster, ClusterName: "production", BackupName: name},
			StorageLocations:   []string{"main"},
			StartTime:          ago(2 * time.Hour), CompletionTime: ago(2*time.Hour - 90*time.Second),
			ExpirationTime: in(30 * 24 * time.Hour),
			Objects:        &v1alpha1.ObjectCounts{Included: 3401, Excluded: 40, Failed: 2},
			Size:           12 << 20,
			ExcludedBy:     []v1alpha1.CodeCount{{Code: "token", Count: 30}, {Code: "opted-out", Count: 10}},
			Warnings:       []string{"metrics.k8s.io/v1beta1 does not answer"},
			Errors:         []string{"secrets/shop/a: too large", "secrets/shop/b: too large"},
		},
	}
}

func TestBackupGet(t *testing.T) {
	u, c := atCluster(t)
	check(t, u.ark(t.Context(), "backup", "get"), exit.Success, nil, []string{`Take one with "ark backup create NAME"`})

	create(t, c, partialBackup("get-a"))
	held := partialBackup("get-b")
	hold := true
	held.Spec.Hold = &hold
	held.Status.Conditions = succeeded("stored")
	create(t, c, held)

	t.Run("a table, with ages", func(t *testing.T) {
		got := u.ark(t.Context(), "backup", "get", "get-a", "get-b")
		check(t, got, exit.Success, nil, nil)
		want := []string{"NAME STATUS OBJECTS EXCLUDED FAILED EXPIRES AGE", "get-a PartiallyFailed 3401 40 2 in 30d", "get-b Succeeded 3401 40 2 held"}
		for i, line := range strings.Split(strings.TrimSpace(got.Out), "\n") {
			if i >= len(want) || !strings.HasPrefix(strings.Join(strings.Fields(line), " "), want[min(i, len(want)-1)]) {
				t.Errorf("line %d is %q", i, line)
			}
		}
	})
	t.Run("wide, with exact times", func(t *testing.T) {
		check(t, u.ark(t.Context(), "backup", "get", "-o", "wide"), exit.Success, []string{
			"2026-12-23T12:00:00Z", "2026-11-23T10:01:30Z", "12.0 MiB", "main", "shop.nightly", "production", "2 objects failed",
		}, nil)
	})
	t.Run("names", func(t *testing.T) {
		check(t, u.ark(t.Context(), "backup", "get", "get-a", "-o", "name"), exit.Success, []string{"backup.ark.gopherwood.dev/get-a\n"}, nil)
	})
	t.Run("YAML of one that can be read back", func(t *testing.T) {
		got := u.ark(t.Context(), "backup", "get", "get-a", "-o", "yaml")
		check(t, got, exit.Success, []string{"apiVersion: ark.gopherwood.dev/v1alpha1\n", "kind: Backup\n"}, nil)
		var b v1alpha1.Backup
		if err := yaml.UnmarshalStrict([]byte(got.Out), &b); err != nil || b.Status.Size != 12<<20 || b.ManagedFields != nil {
			t.Errorf("got %v, %+v", err, b)
		}
	})
	t.Run("JSON of several is a List", func(t *testing.T) {
		got := u.ark(t.Context(), "backup", "get", "-o", "json")
		var list struct {
			Kind  string
			Items []v1alpha1.Backup
		}
		if err := json.Unmarshal([]byte(got.Out), &list); err != nil || list.Kind != "List" || len(list.Items) < 2 || list.Items[0].Kind != "Backup" {
			t.Errorf("got %v, %s", err, got.Out)
		}
	})
	t.Run("one that there is not, with what may be meant", func(t *testing.T) {
		check(t, u.ark(t.Context(), "backup", "get", "get-aa"), exit.Failed, nil,
			[]string{`ark: there is no backup "get-aa": did you mean "get-a" or "get-b"?: list what there is with "ark backup get"`})
	})
}

func TestBackupDescribe(t *testing.T) {
	u, c := atCluster(t)
	create(t, c, partialBackup("describe-a"))
	got := u.ark(t.Context(), "backup", "describe", "describe-a")
	check(t, got, exit.Success, []string{
		"Status:       PartiallyFailed: 2 objects failed",
		"Cluster:      production (" + ownCluster + ")",
		"Made for:     policy shop, schedule shop.nightly",
		"Rules:        3 modules, revision sha256:abc",
		"Covers:       namespaces shop, shop-*; all types except pods; cluster-scoped objects as needed",
		"Completed:    2026-11-23T10:01:30Z (118m ago)",
		"Took:         1m30s",
		"Kept until:   2026-12-23T12:00:00Z (in 30d)",
		"Stored in:    main",
		"Size:         12.0 MiB",
		"Objects: 3401 stored, 40 left out, 2 failed",
		"Types: not known here: ",
		"30   token       (a rule's code)",
		"- metrics.k8s.io/v1beta1 does not answer",
		"- secrets/shop/a: too large",
		"What to do:\n  - what is stored can be restored; mend what failed, and take another backup",
	}, nil)
}

func TestBackupCreate(t *testing.T) {
	u, c := atCluster(t)
	create(t, c, &v1alpha1.Schedule{
		ObjectMeta: metav1.ObjectMeta{Name: "create.nightly"},
		Spec:       v1alpha1.ScheduleSpec{Cron: "0 3 * * *", PolicyName: "create", Suspend: true},
	})
	create(t, c, &v1alpha1.Schedule{
		ObjectMeta: metav1.ObjectMeta{Name: "create-own"},
		Spec:       v1alpha1.ScheduleSpec{Cron: "0 3 * * *", Template: &v1alpha1.BackupTemplate{IncludedNamespaces: []string{"a"}}},
	})
	yes := true
	cli := map[string]string{v1alpha1.CreatedByLabel: "cli"}
	tests := map[string]struct {
		args   string
		name   string
		labels map[string]string
		spec   v1alpha1.BackupSpec
	}{
		"everything": {"create all", "all", cli, v1alpha1.BackupSpec{Template: &v1alpha1.BackupTemplate{}}},
		"a selection": {
			"create some --include-namespaces a,b-* --exclude-namespaces c --include-resources deployments.apps --exclude-resources pods" +
				" -l app=web --include-cluster-resources --ttl 48h --storage-location far --point-in-time Off",
			"some", cli, v1alpha1.BackupSpec{
				TTL: &metav1.Duration{Duration: 48 * time.Hour},
				Template: &v1alpha1.BackupTemplate{
					IncludedNamespaces: []string{"a", "b-*"}, ExcludedNamespaces: []string{"c"},
					IncludedResources: []string{"deployments.apps"}, ExcludedResources: []string{"pods"},
					LabelSelector:           &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
					IncludeClusterResources: &yes, StorageLocation: "far", PointInTime: v1alpha1.PointInTimeOff,
				},
			},
		},
		"alternatives": {
			"create or --or-selector app=web --or-selector app=db", "or", cli,
			v1alpha1.BackupSpec{Template: &v1alpha1.BackupTemplate{OrLabelSelectors: []metav1.LabelSelector{
				{MatchLabels: map[string]string{"app": "web"}}, {MatchLabels: map[string]string{"app": "db"}},
			}}},
		},
		"of a policy": {
			"create --from-policy shop --ttl 1h", "shop-20261123120000",
			map[string]string{v1alpha1.CreatedByLabel: "cli", v1alpha1.PolicyLabel: "shop"},
			v1alpha1.BackupSpec{PolicyName: "shop", TTL: &metav1.Duration{Duration: time.Hour}},
		},
		"of a schedule of a policy, under a name": {
			"create mine --from-schedule create.nightly", "mine",
			map[string]string{v1alpha1.CreatedByLabel: "cli", v1alpha1.PolicyLabel: "create", v1alpha1.ScheduleLabel: "create.nightly"},
			v1alpha1.BackupSpec{PolicyName: "create"},
		},
		"of a schedule of its own": {
			"create --from-schedule create-own", "create-own-20261123120000",
			map[string]string{v1alpha1.CreatedByLabel: "cli", v1alpha1.ScheduleLabel: "create-own"},
			v1alpha1.BackupSpec{Template: &v1alpha1.BackupTemplate{IncludedNamespaces: []string{"a"}}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: tc.name}}
			check(t, u.ark(t.Context(), append([]string{"backup"}, strings.Fields(tc.args)...)...), exit.Success,
				[]string{"backup " + tc.name + " created\n", `ark backup describe ` + tc.name}, nil)
			if err := c.Get(t.Context(), objectKey(tc.name), b); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.spec, b.Spec) + cmp.Diff(tc.labels, b.Labels); diff != "" {
				t.Errorf("the Backup differs (-want +got):\n%s", diff)
			}
			if err := c.Delete(t.Context(), b); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestScheduleTrigger(t *testing.T) {
	u, c := atCluster(t)
	create(t, c, &v1alpha1.Schedule{
		ObjectMeta: metav1.ObjectMeta{Name: "trigger.nightly"},
		Spec:       v1alpha1.ScheduleSpec{Cron: "0 3 * * *", PolicyName: "trigger"},
	})
	check(t, u.ark(t.Context(), "schedule", "trigger", "trigger.nightly"), exit.Success, []string{"backup trigger.nightly-20261123120000 created"}, nil)
	b := &v1alpha1.Backup{}
	if err := c.Get(t.Context(), objectKey("trigger.nightly-20261123120000"), b); err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(t.Context(), b); err != nil {
		t.Error(err)
	}
	check(t, u.ark(t.Context(), "schedule", "trigger", "trigger.nighty"), exit.Failed, nil,
		[]string{`ark: there is no schedule "trigger.nighty": did you mean "trigger.nightly"?`})
}

func TestWhatTheAPIServerRefusesNamesTheFlag(t *testing.T) {
	u, c := atCluster(t)
	create(t, c, partialBackup("refused"))
	tests := map[string]struct {
		args string
		code exit.Code
		want string
	}{
		"a duration that is too short": {
			"backup create bad --ttl 1us", exit.Usage, `ark: --ttl (spec.ttl): Invalid value: `,
		},
		"a name that is taken": {
			"backup create refused", exit.Failed,
			`ark: the name "refused" is taken: choose another, or look at the backup that has it with "ark backup describe refused"`,
		},
		"a schedule that there is not": {
			"backup create --from-schedule none", exit.Failed, `ark: there is no schedule "none"`,
		},
		"a backup to restore that there is not": {
			"restore create --from-backup refusd", exit.Failed, `ark: there is no backup "refusd": did you mean "refused"?`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			check(t, u.ark(t.Context(), strings.Fields(tc.args)...), tc.code, nil, []string{tc.want})
		})
	}
}

func TestRestoreCreate(t *testing.T) {
	u, c := atCluster(t)
	create(t, c, partialBackup("mine"))
	for _, cluster := range []string{"far", "near"} {
		foreign := partialBackup("theirs." + cluster)
		foreign.Status.Origin = &v1alpha1.BackupOrigin{ClusterUID: otherCluster, ClusterName: cluster, BackupName: "twice", Foreign: true}
		create(t, c, foreign)
	}
	foreign := partialBackup("once.far")
	foreign.Status.Origin = &v1alpha1.BackupOrigin{ClusterUID: otherCluster, BackupName: "once", Foreign: true}
	create(t, c, foreign)
	cli := func(backup string) map[string]string {
		labels := map[string]string{v1alpha1.CreatedByLabel: "cli"}
		if backup != "" {
			labels[v1alpha1.BackupLabel] = backup
		}
		return labels
	}
	no := false
	tests := map[string]struct {
		args   string
		name   string
		labels map[string]string
		spec   v1alpha1.RestoreSpec
	}{
		"a backup": {"--from-backup mine", "mine-20261123120000", cli("mine"), v1alpha1.RestoreSpec{BackupName: "mine"}},
		"another cluster's backup by its name there": {
			"--from-backup once", "once-20261123120000", cli("once.far"), v1alpha1.RestoreSpec{BackupName: "once.far"},
		},
		"the latest of a schedule that may be gone": {
			"--from-schedule s --dry-run", "s-20261123120000", cli(""), v1alpha1.RestoreSpec{ScheduleName: "s", DryRun: true},
		},
		"the latest of a policy, in every way": {
			"all --from-policy p --include-namespaces a --exclude-namespaces b --include-resources *.apps --exclude-resources pods" +
				" --selector app --include-cluster-resources=false --names x,y-* --namespace-mappings a:b,c:d" +
				" --existing-resource-policy recreate --preserve-nodeports --restore-status widgets.example.org --workloads paused",
			"all", cli(""), v1alpha1.RestoreSpec{
				PolicyName: "p", IncludedNamespaces: []string{"a"}, ExcludedNamespaces: []string{"b"},
				IncludedResources: []string{"*.apps"}, ExcludedResources: []string{"pods"},
				LabelSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
					{Key: "app", Operator: metav1.LabelSelectorOpExists},
				}},
				IncludeClusterResources: &no, Names: []string{"x", "y-*"},
				NamespaceMapping:       map[string]v1alpha1.NamespaceName{"a": "b", "c": "d"},
				ExistingResourcePolicy: v1alpha1.ExistingResourceRecreate, PreserveNodePorts: true,
				RestoreStatus: []string{"widgets.example.org"}, Workloads: v1alpha1.WorkloadsPaused,
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			check(t, u.ark(t.Context(), append([]string{"restore", "create"}, strings.Fields(tc.args)...)...), exit.Success,
				[]string{"restore " + tc.name + " created\n"}, nil)
			r := &v1alpha1.Restore{}
			if err := c.Get(t.Context(), objectKey(tc.name), r); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.spec, r.Spec) + cmp.Diff(tc.labels, r.Labels); diff != "" {
				t.Errorf("the Restore differs (-want +got):\n%s", diff)
			}
			if err := c.Delete(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("a name that two other clusters use", func(t *testing.T) {
		check(t, u.ark(t.Context(), "restore", "create", "--from-backup", "twice"), exit.Usage, nil,
			[]string{`several clusters have a backup of that name: name one of theirs.far (of cluster far), theirs.near (of cluster near)`})
	})
}

func TestNamesThatAreMadeUp(t *testing.T) {
	u, c := atCluster(t)
	long := strings.Repeat("b", 61)
	create(t, c, partialBackup(long))
	tests := map[string]struct {
		args string
		want []string
	}{
		"restores of one second": {
			"restore create --from-backup " + long,
			[]string{strings.Repeat("b", 30) + "-1515258a11-20261123120000", strings.Repeat("b", 30) + "-1515258a11-20261123120000-2"},
		},
		"backups of one second": {"backup create --from-policy p", []string{"p-20261123120000", "p-20261123120000-2", "p-20261123120000-3"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			for _, want := range tc.want {
				check(t, u.ark(t.Context(), strings.Fields(tc.args)...), exit.Success, []string{" " + want + " created\n"}, nil)
				var made client.Object = &v1alpha1.Backup{ObjectMeta: objectMeta(want)}
				if strings.HasPrefix(tc.args, "restore") {
					made = &v1alpha1.Restore{ObjectMeta: objectMeta(want)}
				}
				t.Cleanup(func() {
					if err := c.Delete(context.WithoutCancel(t.Context()), made); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}

func TestRestoreGetAndDescribe(t *testing.T) {
	u, c := atCluster(t)
	create(t, c, &v1alpha1.Restore{
		ObjectMeta: metav1.ObjectMeta{Name: "denied"},
		Spec: v1alpha1.RestoreSpec{
			BackupName: "mine", IncludedNamespaces: []string{"shop"},
			NamespaceMapping: map[string]v1alpha1.NamespaceName{"shop": "copy"},
		},
		Status: v1alpha1.RestoreStatus{
			ObservedGeneration: 1, Conditions: stalled(v1alpha1.DeniedReason, "denied by 2 rules"),
			Completeness: v1alpha1.CompletenessNone,
			Backup: &v1alpha1.RestoredBackup{
				Name: "mine", StorageLocation: "main", ClusterName: "production",
				Completeness: v1alpha1.CompletenessComplete, CompletionTime: ago(26 * time.Hour),
			},
			StartTime: ago(time.Minute), CompletionTime: ago(time.Minute - time.Second),
			Planned: &v1alpha1.PlanCounts{Create: 12, Update: 3, Keep: 1, Skip: 4},
			Results: &v1alpha1.ResultCounts{Created: 0, Failed: 0, Skipped: 4},
			Denials: []v1alpha1.Denial{
				{Code: "protected-namespace", Message: "shop is protected", Policy: "shop"},
				{Code: "cluster-rbac", Message: "of another cluster", Object: "clusterroles.rbac.authorization.k8s.io/admin"},
			},
			SkippedBy: []v1alpha1.CodeCount{{Code: "remade-by-controller", Count: 4}},
			Warnings:  []string{"no-gate"}, Errors: []string{"it failed"}, Record: "restores/denied/1/",
		},
	})
	check(t, u.ark(t.Context(), "restore", "get"), exit.Success, []string{"denied   Denied   mine     0         0         0"}, nil)
	check(t, u.ark(t.Context(), "restore", "describe", "denied"), exit.Success, []string{
		"Status:             Denied: denied by 2 rules",
		"From:               backup mine, complete, taken 2026-11-22T10:00:00Z (26h ago), by cluster production, read from main",
		"Restores:           namespaces shop; all types; cluster-scoped objects as needed",
		"Mapping:            shop into copy",
		"Existing objects:   None",
		"Took:               1s",
		"Record:             restores/denied/1/",
		"planned   12 to create, 3 to change, 1 to leave as they are, 4 left out",
		"protected-namespace   policy shop   the whole restore                              shop is protected",
		"cluster-rbac          Config        clusterroles.rbac.authorization.k8s.io/admin   of another cluster",
		"4   remade-by-controller   a controller makes it",
		"- no-gate", "- it failed", "What to do:\n  - nothing was written",
	}, nil)
}
