// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/controllers/schedule"
	enginesched "github.com/gopherwood/ark/engine/schedule"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

const clusterUID = "11111111-2222-3333-4444-555555555555"

// stored is what storage says of the Schedule's last backup.
type stored struct {
	name  string
	err   error
	asked int
}

func (s *stored) LatestBackup(context.Context, *v1alpha1.Config, string, string) (string, bool, error) {
	s.asked++
	return s.name, s.name != "", s.err
}

// bench is a reconciler on the real API server, with a clock and a store to set.
type bench struct {
	client.Client

	*testing.T

	clock   *controllertest.Clock
	events  *controllertest.Events
	storage *stored
	r       *schedule.Reconciler
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{
		Client: controllertest.Cluster(t), T: t,
		clock: controllertest.NewClock(time.Date(2026, time.May, 17, 3, 4, 5, 0, time.UTC)), events: &controllertest.Events{}, storage: &stored{},
	}
	b.r = &schedule.Reconciler{Client: controllertest.ServiceAccount(t).Cached, Storage: b.storage, Events: b.events, Clock: b.clock}
	return b
}

// config is a Config whose location main is available and was synced.
func config(change ...func(*v1alpha1.Config)) *v1alpha1.Config {
	now := metav1.Now()
	cfg := &v1alpha1.Config{
		ObjectMeta: metav1.ObjectMeta{Name: "default"},
		Spec:       v1alpha1.ConfigSpec{Storage: []v1alpha1.StorageLocation{{Name: "main", URL: "mem://main"}}},
		Status: v1alpha1.ConfigStatus{
			ClusterUID: clusterUID,
			Storage:    []v1alpha1.StorageLocationStatus{{Name: "main", Available: true, LastSyncTime: &now}},
		},
	}
	for _, c := range change {
		c(cfg)
	}
	return cfg
}

func hourly(change ...func(*v1alpha1.Schedule)) *v1alpha1.Schedule {
	o := &v1alpha1.Schedule{
		ObjectMeta: metav1.ObjectMeta{Name: "hourly", Labels: map[string]string{"argocd.argoproj.io/instance": "git"}},
		Spec: v1alpha1.ScheduleSpec{
			Cron: "0 * * * *", Template: &v1alpha1.BackupTemplate{IncludedNamespaces: []string{"shop"}},
		},
	}
	for _, c := range change {
		c(o)
	}
	return o
}

// settled is a Schedule whose first backup is complete, at ten past some hour.
func (b *bench) settled(change ...func(*v1alpha1.Schedule)) (*v1alpha1.Schedule, time.Time) {
	b.Helper()
	o := hourly(change...)
	controllertest.Create(b, b, config(), o)
	b.clock.Set(o.CreationTimestamp.Time)
	b.must(o)
	b.finish(o.Status.LastBackupName, v1alpha1.CompletenessComplete)
	b.events.Take()
	return o, o.CreationTimestamp.Time.Truncate(time.Hour).Add(time.Hour)
}

// reconcile reconciles o as it is now, and reads what became of it.
func (b *bench) reconcile(o *v1alpha1.Schedule) (string, ctrl.Result, error) {
	b.Helper()
	controllertest.Read(b, b, o)
	result, err := b.r.Reconcile(b.Context(), o)
	controllertest.Read(b, b, o)
	return controllertest.Ready(b, o, o.Status.ObservedGeneration, o.Status.Conditions), result, err
}

// must is reconcile, where nothing may fail.
func (b *bench) must(o *v1alpha1.Schedule) string {
	b.Helper()
	ready, _, err := b.reconcile(o)
	if err != nil {
		b.Fatalf("Reconcile() error = %v", err)
	}
	return ready
}

// finish ends a backup.
func (b *bench) finish(name string, how v1alpha1.Completeness) {
	b.Helper()
	backup := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: name}}
	controllertest.Read(b, b, backup)
	end := metav1.NewTime(b.clock.Now().Truncate(time.Second))
	backup.Status.Completeness, backup.Status.StartTime, backup.Status.CompletionTime = how, &end, &end
	controllertest.WriteStatus(b, b, backup, backup.DeepCopy())
}

func (b *bench) backups() []string {
	b.Helper()
	var list v1alpha1.BackupList
	if err := b.List(b.Context(), &list); err != nil {
		b.Fatal(err)
	}
	var names []string
	for _, backup := range list.Items {
		names = append(names, backup.Name)
	}
	slices.Sort(names)
	return names
}

func healthy(o *v1alpha1.Schedule) string {
	for _, c := range o.Status.Conditions {
		if c.Type == v1alpha1.HealthyCondition {
			return fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message)
		}
	}
	return ""
}

func TestWhatAScheduleNeedsIsNamed(t *testing.T) {
	readOnly := func(cfg *v1alpha1.Config) { cfg.Spec.Storage[0].Access = v1alpha1.AccessReadOnly }
	unavailable := func(cfg *v1alpha1.Config) { cfg.Status.Storage[0].Available = false }
	unsynced := func(cfg *v1alpha1.Config) { cfg.Status.Storage[0].LastSyncTime = nil }
	unknown := func(cfg *v1alpha1.Config) { cfg.Status = v1alpha1.ConfigStatus{} }

	tests := map[string]struct {
		config   *v1alpha1.Config
		schedule *v1alpha1.Schedule
		stored   stored
		want     string
		wantWait time.Duration
	}{
		"a Config": {
			schedule: hourly(), wantWait: time.Minute,
			want: "Unknown ConfigMissing: there is no Config named default: create it with a storage location",
		},
		"a cluster that is known": {
			config: config(unknown), schedule: hourly(), wantWait: 10 * time.Second,
			want: "Unknown Progressing: the identity of this cluster is not known yet",
		},
		"a cron expression that can be read": {
			config: config(), schedule: hourly(func(o *v1alpha1.Schedule) { o.Spec.Cron = "61 * * * *" }),
			want: `False ScheduleInvalid: spec.cron: "61 * * * *" cannot be read`,
		},
		"a time zone that exists": {
			config: config(), schedule: hourly(func(o *v1alpha1.Schedule) { o.Spec.TimeZone = "Europe/Atlantis" }),
			want: `False ScheduleInvalid: spec.timeZone: "Europe/Atlantis" is unknown: use an IANA name such as "Europe/Berlin"`,
		},
		"its BackupPolicy": {
			config: config(), schedule: hourly(func(o *v1alpha1.Schedule) { o.Spec.Template, o.Spec.PolicyName = nil, "shop" }),
			want: `Unknown PolicyMissing: there is no BackupPolicy "shop": create it, or change spec.policyName`, wantWait: time.Minute,
		},
		"a type that can be read": {
			config: config(), schedule: hourly(func(o *v1alpha1.Schedule) { o.Spec.Template.ExcludedResources = []string{"pods/log"} }),
			want: `False RequestInvalid: spec.template.excludedResources[0]: "pods/log" names a subresource, which is part of its object: write "pods"`,
		},
		"a selector that can be read, also while it is suspended": {
			config: config(), schedule: hourly(func(o *v1alpha1.Schedule) {
				o.Spec.Suspend = true
				o.Spec.Template.LabelSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Like"}}}
			}),
			want: `False RequestInvalid: spec.template.labelSelector: "Like" is not a valid label selector operator`,
		},
		"a location of that name": {
			config: config(), schedule: hourly(func(o *v1alpha1.Schedule) { o.Spec.Template.StorageLocation = "mian" }),
			want: `False LocationMissing: the Config has no storage location "mian": add it to spec.storage, or change storageLocation to one of "main"`,
		},
		"a location that may be written": {
			config: config(readOnly), schedule: hourly(),
			want: `False LocationReadOnly: location "main" is read-only: set its access to ReadWrite in the Config, or name another storageLocation`,
		},
		"for its first backup, a location that is available": {
			config: config(unavailable), schedule: hourly(), wantWait: 10 * time.Second,
			want: `Unknown LocationNotReady: the first backup waits for location "main" to become available: see the Config's status`,
		},
		"for its first backup, a location that was listed": {
			config: config(unsynced), schedule: hourly(), wantWait: 10 * time.Second,
			want: `Unknown LocationNotReady: the first backup waits until it is known what location "main" holds: it is being listed`,
		},
		"for its first backup, storage that answers": {
			config: config(), schedule: hourly(), wantWait: 7 * time.Second,
			stored: stored{err: step.Wait(7*time.Second, v1alpha1.StorageUnavailableReason, "storage does not answer")},
			want:   `Unknown StorageUnavailable: storage does not answer`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			*b.storage = tc.stored
			if tc.config != nil {
				controllertest.Create(t, b, tc.config)
			}
			controllertest.Create(t, b, tc.schedule)
			ready, result, err := b.reconcile(tc.schedule)
			if !strings.HasPrefix(ready, tc.want) {
				t.Errorf("Ready = %s\n   want %s", ready, tc.want)
			}
			if stalled := errors.Is(err, reconcile.TerminalError(nil)); stalled != (tc.wantWait == 0) {
				t.Errorf("Reconcile() error = %v", err)
			}
			if result.RequeueAfter != tc.wantWait {
				t.Errorf("looks again after %v, want %v", result.RequeueAfter, tc.wantWait)
			}
			if made := b.backups(); made != nil {
				t.Errorf("made %v", made)
			}
		})
	}
}

func TestAScheduleOfATemplateThatCannotBeReadSaysWhose(t *testing.T) {
	b := newBench(t)
	controllertest.Create(t, b, config())
	controllertest.Create(t, b, &v1alpha1.BackupPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "shop"},
		Spec:       v1alpha1.BackupPolicySpec{Template: &v1alpha1.BackupTemplate{IncludedResources: []string{"conf*"}}},
	})
	o := hourly(func(o *v1alpha1.Schedule) { o.Spec.Template, o.Spec.PolicyName = nil, "shop" })
	controllertest.Create(t, b, o)
	ready, _, _ := b.reconcile(o)
	want := `False RequestInvalid: BackupPolicy shop: spec.template.includedResources[0]: "conf*" has a wildcard within a name: `
	if !strings.HasPrefix(ready, want) || b.backups() != nil {
		t.Errorf("Ready = %s, made %v\n   want %s, and nothing made", ready, b.backups(), want)
	}
}

func TestTheFirstBackupIsMadeAtOnce(t *testing.T) {
	b := newBench(t)
	o := hourly()
	controllertest.Create(t, b, config(), o)
	b.clock.Set(o.CreationTimestamp.Add(2 * time.Second))
	ready, result, err := b.reconcile(o)
	if err != nil {
		t.Fatal(err)
	}

	next := o.CreationTimestamp.Truncate(time.Hour).Add(time.Hour)
	if want := "True Succeeded: the next backup is due at " + next.UTC().Format(time.RFC3339); ready != want {
		t.Errorf("Ready = %s, want %s", ready, want)
	}
	if want := min(next.Sub(b.clock.Now()), 5*time.Minute); result.RequeueAfter != want {
		t.Errorf("looks again after %v, want %v", result.RequeueAfter, want)
	}
	name := enginesched.BackupName("hourly", o.CreationTimestamp.Time)
	made := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: name}}
	controllertest.Read(t, b, made)
	want := &v1alpha1.Backup{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			"ark.gopherwood.dev/created-by": "schedule", "ark.gopherwood.dev/schedule": "hourly",
		}},
		Spec: v1alpha1.BackupSpec{Template: &v1alpha1.BackupTemplate{IncludedNamespaces: []string{"shop"}}},
	}
	got := &v1alpha1.Backup{
		ObjectMeta: metav1.ObjectMeta{Name: made.Name, Labels: made.Labels, Annotations: made.Annotations, OwnerReferences: made.OwnerReferences},
		Spec:       made.Spec,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("backup mismatch (-want +got):\n%s", diff)
	}
	wantStatus := v1alpha1.ScheduleStatus{
		ObservedGeneration: 1, Conditions: o.Status.Conditions,
		InForce:          &v1alpha1.FiringRule{Cron: "0 * * * *", Since: o.CreationTimestamp},
		LastScheduleTime: &metav1.Time{Time: o.CreationTimestamp.Time}, NextScheduleTime: &metav1.Time{Time: next},
		LastBackupName: name,
	}
	if diff := cmp.Diff(wantStatus, o.Status); diff != "" {
		t.Errorf("status mismatch (-want +got):\n%s", diff)
	}
	if got := healthy(o); got != "Unknown NoRunYet: no backup has finished yet" {
		t.Errorf("Healthy = %s", got)
	}
	if diff := cmp.Diff([]string{"Normal BackupCreated: created backup " + name}, b.events.Take()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}

	b.must(o)
	if got := b.backups(); len(got) != 1 {
		t.Errorf("a second reconciliation made another: %v", got)
	}
}

func TestAnUnchangedScheduleIsNotWritten(t *testing.T) {
	b := newBench(t)
	o, _ := b.settled()
	b.must(o)
	before := o.ResourceVersion
	b.must(o)
	if o.ResourceVersion != before {
		t.Error("the status was written again although nothing changed")
	}
}

func TestAScheduleThatIsAppliedAgainMakesNoFirstBackup(t *testing.T) {
	tests := map[string]func(b *bench){
		"as storage tells, with all objects gone": func(b *bench) { b.storage.name = "hourly-20260101030000" },
		"as the Backups tell, whatever storage says": func(b *bench) {
			controllertest.Create(b, b, &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{
				Name: "hourly-20260101030000", Labels: map[string]string{v1alpha1.ScheduleLabel: "hourly"},
			}})
			b.storage.err = errors.New("not to be asked")
		},
	}
	for name, arrange := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			arrange(b)
			before := b.backups()
			o := hourly()
			controllertest.Create(t, b, config(), o)
			b.clock.Set(o.CreationTimestamp.Time)
			if ready := b.must(o); !strings.HasPrefix(ready, "True Succeeded") {
				t.Errorf("Ready = %s", ready)
			}
			if diff := cmp.Diff(before, b.backups()); diff != "" {
				t.Errorf("backups (-before +after):\n%s", diff)
			}
			if o.Status.LastBackupName != "hourly-20260101030000" {
				t.Errorf("lastBackupName = %q", o.Status.LastBackupName)
			}
		})
	}
}

func TestBackupsOfAnotherClusterAreNoRuns(t *testing.T) {
	b := newBench(t)
	o := hourly()
	controllertest.Create(t, b, config(), o, &v1alpha1.Backup{
		ObjectMeta: metav1.ObjectMeta{Name: "hourly-20260101030000-99999999", Labels: map[string]string{
			v1alpha1.ScheduleLabel: "hourly", v1alpha1.ClusterLabel: "99999999-2222-3333-4444-555555555555",
		}},
		Status: v1alpha1.BackupStatus{Completeness: v1alpha1.CompletenessComplete, CompletionTime: new(metav1.Now())},
	})
	b.clock.Set(o.CreationTimestamp.Time)
	b.must(o)
	if got := healthy(o); !strings.HasPrefix(got, "Unknown NoRunYet") {
		t.Errorf("Healthy = %s", got)
	}
	if got := b.backups(); len(got) != 2 {
		t.Errorf("backups = %v, want a first one of this cluster", got)
	}
}

func TestABackupOfAPolicyCarriesItsName(t *testing.T) {
	b := newBench(t)
	o := hourly(func(o *v1alpha1.Schedule) { o.Spec.Template, o.Spec.PolicyName = nil, "shop" })
	controllertest.Create(t, b, config(), o, &v1alpha1.BackupPolicy{ObjectMeta: metav1.ObjectMeta{Name: "shop"}})
	b.clock.Set(o.CreationTimestamp.Time)
	b.must(o)
	made := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: o.Status.LastBackupName}}
	controllertest.Read(t, b, made)
	if made.Spec.PolicyName != "shop" || made.Spec.Template != nil || made.Labels[v1alpha1.PolicyLabel] != "shop" {
		t.Errorf("backup = %+v, labels %v", made.Spec, made.Labels)
	}
}

func TestAScheduleBeingDeletedIsLeftAlone(t *testing.T) {
	b := newBench(t)
	now := metav1.Now()
	if result, err := b.r.Reconcile(t.Context(), hourly(func(o *v1alpha1.Schedule) { o.DeletionTimestamp = &now })); err != nil || result != (ctrl.Result{}) {
		t.Errorf("Reconcile() = %+v, %v", result, err)
	}
}
