// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/internal/rules"
	"github.com/gopherwood/ark/controllers/policy"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

const (
	clusterUID = "11111111-2222-3333-4444-555555555555"
	good       = "package ark.select\n\n# METADATA\n# title: T\n# description: D\nexclude contains \"no-pod\" if input.resource.kind == \"Pod\"\n"
	broken     = "package ark.select\n\nexclude contains if {}\n"
)

// bench is a reconciler on the real API server.
type bench struct {
	client.Client

	*testing.T

	events *controllertest.Events
	r      *policy.Reconciler
}

func newBench(t *testing.T) *bench {
	t.Helper()
	c := controllertest.Cluster(t)
	b := &bench{Client: c, T: t, events: &controllertest.Events{}}
	as := controllertest.ServiceAccount(t)
	b.r = &policy.Reconciler{
		Client: as.Cached, Events: b.events, Clock: controllertest.NewClock(time.Date(2026, time.May, 17, 3, 4, 5, 0, time.UTC)),
		Rules: &rules.Loader{Client: as.Direct, Writer: as.Cached, Namespace: labtest.Namespace, Compilations: rules.AtOnce()},
	}
	t.Cleanup(func() {
		if err := c.DeleteAllOf(context.WithoutCancel(t.Context()), &corev1.ConfigMap{}, client.InNamespace(labtest.Namespace)); err != nil {
			t.Error(err)
		}
	})
	return b
}

func config(change ...func(*v1alpha1.Config)) *v1alpha1.Config {
	cfg := &v1alpha1.Config{
		ObjectMeta: metav1.ObjectMeta{Name: "default"},
		Spec:       v1alpha1.ConfigSpec{Storage: []v1alpha1.StorageLocation{{Name: "main", URL: "mem://main"}}},
		Status:     v1alpha1.ConfigStatus{ClusterUID: clusterUID},
	}
	for _, c := range change {
		c(cfg)
	}
	return cfg
}

func shop(change ...func(*v1alpha1.BackupPolicySpec)) *v1alpha1.BackupPolicy {
	p := &v1alpha1.BackupPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"argocd.argoproj.io/instance": "git"}},
		Spec: v1alpha1.BackupPolicySpec{
			Schedules: []v1alpha1.PolicySchedule{
				{Name: "nightly", Cron: "0 3 * * *", TimeZone: "Europe/Berlin", Retention: &v1alpha1.Retention{KeepDaily: 7}},
				{Name: "hourly", Cron: "@hourly", StartingDeadline: &metav1.Duration{Duration: time.Minute}},
			},
			Rules: []v1alpha1.Rule{{Name: "own", Rego: good}},
		},
	}
	for _, c := range change {
		c(&p.Spec)
	}
	return p
}

// reconcile reconciles p as it is now, and reads what became of it.
func (b *bench) reconcile(p *v1alpha1.BackupPolicy) string {
	b.Helper()
	controllertest.Read(b, b, p)
	_, _ = b.r.Reconcile(b.Context(), p) // a stall is an error, and its message in Ready
	controllertest.Read(b, b, p)
	return controllertest.Ready(b, p, p.Status.ObservedGeneration, p.Status.Conditions)
}

// change updates the spec.
func (b *bench) change(p *v1alpha1.BackupPolicy, change func(*v1alpha1.BackupPolicySpec)) {
	b.Helper()
	controllertest.Read(b, b, p)
	change(&p.Spec)
	if err := b.Update(b.Context(), p); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) schedules() map[string]v1alpha1.Schedule {
	b.Helper()
	var list v1alpha1.ScheduleList
	if err := b.List(b.Context(), &list); err != nil {
		b.Fatal(err)
	}
	byName := map[string]v1alpha1.Schedule{}
	for _, s := range list.Items {
		byName[s.Name] = s
	}
	return byName
}

func names(schedules map[string]v1alpha1.Schedule) string {
	var list []string
	for _, name := range []string{"shop.hourly", "shop.monthly", "shop.nightly", "shop.weekly"} {
		if _, ok := schedules[name]; ok {
			list = append(list, name)
		}
	}
	return strings.Join(list, " ")
}

func TestAPolicyInForce(t *testing.T) {
	b := newBench(t)
	p := shop()
	controllertest.Create(t, b, config(), p)
	if ready := b.reconcile(p); ready != "True Succeeded: 1 rule module and 2 schedules in force" {
		t.Errorf("Ready = %s", ready)
	}
	nightly := b.schedules()["shop.nightly"]
	truth := true
	type made struct {
		Labels, Annotations map[string]string
		Owners              []metav1.OwnerReference
		Spec                v1alpha1.ScheduleSpec
	}
	want := made{
		Labels: map[string]string{"ark.gopherwood.dev/created-by": "policy", "ark.gopherwood.dev/policy": "shop"},
		Owners: []metav1.OwnerReference{{
			APIVersion: "ark.gopherwood.dev/v1alpha1", Kind: "BackupPolicy", Name: "shop", UID: p.UID,
			Controller: &truth, BlockOwnerDeletion: &truth,
		}},
		Spec: v1alpha1.ScheduleSpec{
			Cron: "0 3 * * *", TimeZone: "Europe/Berlin", PolicyName: "shop", Retention: &v1alpha1.Retention{KeepDaily: 7},
		},
	}
	if diff := cmp.Diff(want, made{nightly.Labels, nightly.Annotations, nightly.OwnerReferences, nightly.Spec}); diff != "" {
		t.Errorf("schedule mismatch (-want +got):\n%s", diff)
	}
	wantStatus := v1alpha1.BackupPolicyStatus{
		ObservedGeneration: 1, Conditions: p.Status.Conditions,
		Policy:    &v1alpha1.PolicyRevision{Digest: p.Status.Policy.Digest, Rules: 1},
		Schedules: []string{"shop.hourly", "shop.nightly"},
	}
	if diff := cmp.Diff(wantStatus, p.Status); diff != "" {
		t.Errorf("status mismatch (-want +got):\n%s", diff)
	}
	told := []string{
		"Normal ScheduleCreated: created Schedule shop.nightly", "Normal ScheduleCreated: created Schedule shop.hourly",
		fmt.Sprintf("Normal RulesActivated: the rules of revision %s are in force", p.Status.Policy.Digest),
	}
	if diff := cmp.Diff(told, b.events.Take()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}

	before, version := b.schedules()["shop.nightly"].ResourceVersion, p.ResourceVersion
	b.reconcile(p)
	if b.schedules()["shop.nightly"].ResourceVersion != before || p.ResourceVersion != version || b.events.Take() != nil {
		t.Error("a second reconciliation wrote again")
	}
}

func TestSchedulesFollowThePolicy(t *testing.T) {
	b := newBench(t)
	p := shop()
	controllertest.Create(t, b, config(), p)
	b.reconcile(p)
	b.events.Take()

	b.change(p, func(spec *v1alpha1.BackupPolicySpec) {
		spec.Suspend = true
		spec.Schedules = []v1alpha1.PolicySchedule{{Name: "nightly", Cron: "0 4 * * *"}, {Name: "weekly", Cron: "@weekly"}}
	})
	if ready := b.reconcile(p); !strings.HasPrefix(ready, "True Suspended: ") {
		t.Errorf("Ready = %s", ready)
	}
	after := b.schedules()
	if got := names(after); got != "shop.nightly shop.weekly" {
		t.Errorf("schedules = %s", got)
	}
	want := v1alpha1.ScheduleSpec{Cron: "0 4 * * *", PolicyName: "shop", Suspend: true}
	if diff := cmp.Diff(want, after["shop.nightly"].Spec); diff != "" {
		t.Errorf("spec mismatch (-want +got):\n%s", diff)
	}
	told := []string{
		"Normal ScheduleCreated: created Schedule shop.weekly",
		"Normal ScheduleDeleted: deleted Schedule shop.hourly, whose entry is gone; its backups stay",
	}
	if diff := cmp.Diff(told, b.events.Take()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}

	drifted := after["shop.nightly"]
	drifted.Spec.Cron = "0 5 * * *"
	drifted.Labels["team"] = "a"
	if err := b.Update(t.Context(), &drifted); err != nil {
		t.Fatal(err)
	}
	b.reconcile(p)
	if got := b.schedules()["shop.nightly"]; got.Spec.Cron != "0 4 * * *" || got.Labels["team"] != "a" {
		t.Errorf("schedule = %+v, want its spec put back and the rest left", got)
	}
}

func TestOnlyThePolicysOwnSchedulesAreTouched(t *testing.T) {
	b := newBench(t)
	p := shop()
	mine := func(name string, labels map[string]string) *v1alpha1.Schedule {
		return &v1alpha1.Schedule{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
			Spec:       v1alpha1.ScheduleSpec{Cron: "@daily", PolicyName: "shop"},
		}
	}
	ours := map[string]string{v1alpha1.CreatedByLabel: "policy", v1alpha1.PolicyLabel: "shop"}
	controllertest.Create(t, b, config(), p, mine("shop.nightly", nil), mine("shop.weekly", ours))
	adopted := mine("shop.monthly", nil) // an owner, but not made by us
	adopted.OwnerReferences = []metav1.OwnerReference{*metav1.NewControllerRef(p, v1alpha1.GroupVersion.WithKind("BackupPolicy"))}
	controllertest.Create(t, b, adopted)
	want := "False ScheduleClash: a Schedule named shop.nightly exists and is not this policy's: delete it, or rename the entry in spec.schedules"
	if ready := b.reconcile(p); ready != want {
		t.Errorf("Ready = %s\n   want %s", ready, want)
	}
	got := b.schedules()
	if names(got) != "shop.hourly shop.monthly shop.nightly shop.weekly" || got["shop.nightly"].Spec.Cron != "@daily" {
		t.Errorf("schedules = %s, %+v", names(got), got["shop.nightly"].Spec)
	}
	if diff := cmp.Diff([]string{"shop.hourly"}, p.Status.Schedules); diff != "" {
		t.Errorf("status.schedules (-want +got):\n%s", diff)
	}
	if got := b.events.Take(); !strings.HasPrefix(got[len(got)-1], "Warning ScheduleClash: ") {
		t.Errorf("events = %q", got)
	}
	if err := b.Delete(t.Context(), mine("shop.nightly", nil)); err != nil {
		t.Fatal(err)
	}
	if ready := b.reconcile(p); !strings.HasPrefix(ready, "True Succeeded") {
		t.Errorf("Ready once the name is free = %s", ready)
	}
}

func TestTheSchedulesOfAnEarlierPolicyAreWaitedFor(t *testing.T) {
	b := newBench(t)
	earlier := shop()
	controllertest.Create(t, b, config(), earlier)
	b.reconcile(earlier)
	if err := b.Delete(t.Context(), earlier); err != nil { // nothing collects garbage here
		t.Fatal(err)
	}
	p := shop()
	controllertest.Create(t, b, p)
	if ready := b.reconcile(p); !strings.HasPrefix(ready, "Unknown ScheduleClash: Schedule shop.nightly is still that of an earlier BackupPolicy") {
		t.Errorf("Ready = %s", ready)
	}
}

func TestWhatKeepsAPolicyFromBeingInForce(t *testing.T) {
	restoreOnly := func(cfg *v1alpha1.Config) { cfg.Spec.Mode = v1alpha1.ModeRestoreOnly }
	readOnly := func(cfg *v1alpha1.Config) { cfg.Spec.Storage[0].Access = v1alpha1.AccessReadOnly }
	tests := map[string]struct {
		config    *v1alpha1.Config
		policy    *v1alpha1.BackupPolicy
		want      string
		schedules string
	}{
		"no Config": {
			policy: shop(), schedules: "shop.hourly shop.nightly",
			want: "Unknown ConfigMissing: there is no Config named default: create it with a storage location",
		},
		"Rego that does not compile, and no Schedule is made that could only fail": {
			config: config(), policy: shop(func(s *v1alpha1.BackupPolicySpec) { s.Rules[0].Rego = broken }),
			want: "False PolicyInvalid: own.rego:3: ",
		},
		"a cron expression that cannot be read, and the others run": {
			config: config(), policy: shop(func(s *v1alpha1.BackupPolicySpec) { s.Schedules[0].Cron = "never" }),
			want: `False ScheduleInvalid: spec.schedules[nightly].cron: "never" does not have 5 fields: `, schedules: "shop.hourly",
		},
		"a time zone that does not exist": {
			config: config(), policy: shop(func(s *v1alpha1.BackupPolicySpec) { s.Schedules[1].TimeZone = "Mars/Olympus" }),
			want: `False ScheduleInvalid: spec.schedules[hourly].timeZone: "Mars/Olympus" is unknown`, schedules: "shop.nightly",
		},
		"a label selector that cannot be read": {
			config: config(), policy: shop(func(s *v1alpha1.BackupPolicySpec) {
				s.Template = &v1alpha1.BackupTemplate{LabelSelector: &metav1.LabelSelector{
					MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Like"}},
				}}
			}),
			want: `False RequestInvalid: spec.template.labelSelector: "Like" is not a valid label selector operator`, schedules: "shop.hourly shop.nightly",
		},
		"a type that cannot be read": {
			config: config(), policy: shop(func(s *v1alpha1.BackupPolicySpec) {
				s.Template = &v1alpha1.BackupTemplate{IncludedResources: []string{"configmaps", "apps/deployments"}}
			}),
			want:      `False RequestInvalid: spec.template.includedResources[1]: "apps/deployments" has the group before the type: write "deployments.apps"`,
			schedules: "shop.hourly shop.nightly",
		},
		"a location that the Config does not have": {
			config: config(), policy: shop(func(s *v1alpha1.BackupPolicySpec) {
				s.Template = &v1alpha1.BackupTemplate{StorageLocation: "mian"}
			}),
			want: `False LocationMissing: the Config has no storage location "mian"`, schedules: "shop.hourly shop.nightly",
		},
		"a location that is never written": {
			config: config(readOnly), policy: shop(),
			want: `False LocationReadOnly: location "main" is read-only`, schedules: "shop.hourly shop.nightly",
		},
		"several at once, all named": {
			config: config(readOnly), policy: shop(func(s *v1alpha1.BackupPolicySpec) { s.Schedules[0].Cron = "never" }),
			want: `False LocationReadOnly: location "main" is read-only: set its access to ReadWrite in the Config, or name another in spec.template.storageLocation; spec.schedules[nightly].cron`, schedules: "shop.hourly",
		},
		"nothing, in a RestoreOnly cluster": {
			config: config(restoreOnly, readOnly), policy: shop(),
			want: "True RestoreOnly: the rules gate restores", schedules: "shop.hourly shop.nightly",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if tc.config != nil {
				controllertest.Create(t, b, tc.config)
			}
			controllertest.Create(t, b, tc.policy)
			if ready := b.reconcile(tc.policy); !strings.HasPrefix(ready, tc.want) {
				t.Errorf("Ready = %s\n   want %s", ready, tc.want)
			}
			if got := names(b.schedules()); got != tc.schedules {
				t.Errorf("schedules = %q, want %q", got, tc.schedules)
			}
		})
	}
}

func TestAPolicyWhoseRulesBreakKeepsTheLastGoodOnes(t *testing.T) {
	b := newBench(t)
	p := shop()
	controllertest.Create(t, b, config(), p)
	b.reconcile(p)
	inForce := *p.Status.Policy
	b.change(p, func(s *v1alpha1.BackupPolicySpec) { s.Rules[0].Rego, s.Suspend = broken, true })
	ready := b.reconcile(p)
	if !strings.HasPrefix(ready, "False PolicyInvalid: own.rego:3: ") || !strings.HasSuffix(ready, inForce.Digest+" stays in force") {
		t.Errorf("Ready = %s", ready)
	}
	if diff := cmp.Diff(&inForce, p.Status.Policy); diff != "" {
		t.Errorf("revision (-want +got):\n%s", diff)
	}
	if !b.schedules()["shop.nightly"].Spec.Suspend {
		t.Error("broken rules kept the policy from being suspended")
	}
}
