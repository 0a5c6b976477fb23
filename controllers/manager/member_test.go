// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package manager_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/backup"
	"github.com/gopherwood/ark/controllers/config"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/internal/definitions"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/rules"
	"github.com/gopherwood/ark/controllers/policy"
	"github.com/gopherwood/ark/controllers/restore"
	"github.com/gopherwood/ark/controllers/schedule"
	"github.com/gopherwood/ark/controllers/sync"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/kube"
	engrestore "github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// member is a cluster with all of Ark's controllers, called in turn: two managers
// in one process would share what a process has once, and the time is the test's.
// They have the rights of the chart's service account; who looks is an administrator.
type member struct {
	client.Client

	t         *testing.T
	uid       string
	clock     *controllertest.Clock
	locations *locations.Locations

	config   *config.Reconciler
	policy   *policy.Reconciler
	schedule *schedule.Reconciler
	sync     *sync.Reconciler
	backup   *backup.Reconciler
	restore  *restore.Reconciler
}

// keeper runs what takes long.
type keeper interface {
	Start(ctx context.Context) error
}

// newMember makes the controllers of a cluster whose locations all are that store,
// or what their URLs name when it is nil.
func newMember(t *testing.T, cluster *lab.Cluster, store engine.Store, clock *controllertest.Clock) *member {
	t.Helper()
	read, err := kube.New(labtest.ServiceAccount(t, cluster, labtest.WithoutRestores), kube.Options{})
	if err != nil {
		t.Fatal(err)
	}
	write, err := kube.New(labtest.ServiceAccount(t, cluster, labtest.WithRestores), kube.Options{})
	if err != nil {
		t.Fatal(err)
	}
	uid, err := read.ClusterUID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	as, told := controllertest.ServiceAccountOf(t, cluster), &controllertest.Events{}
	c := as.Cached
	places := &locations.Locations{
		Client: as.Direct, Creator: c, Namespace: labtest.Namespace, Tool: "ark test", Clock: clock,
	}
	if store != nil {
		places.OpenStore = func(context.Context, blobstore.Location, blobstore.Options) (engine.Store, error) { return store, nil }
	}
	loader := &rules.Loader{Client: as.Direct, Writer: c, Namespace: labtest.Namespace, Compilations: rules.AtOnce()}
	takes, removals, restores, listings := backup.NewTakes(), backup.NewRemovals(), restore.NewRuns(), sync.NewRuns()
	attempts := 0
	m := &member{
		Client: labtest.Client(t, cluster), t: t, uid: uid, clock: clock, locations: places,
		config:   &config.Reconciler{Client: c, Reader: as.Direct, Locations: places, Rules: loader, Events: told, Clock: clock, ClusterUID: uid},
		policy:   &policy.Reconciler{Client: c, Rules: loader, Events: told, Clock: clock},
		schedule: &schedule.Reconciler{Client: c, Storage: places, Events: told, Clock: clock},
		sync:     &sync.Reconciler{Client: c, Reader: as.Direct, Locations: places, Events: told, Clock: clock, Runs: listings},
		backup: &backup.Reconciler{
			Client: c, Events: told, Clock: clock, Locations: places, Rules: loader, ClusterUID: uid,
			Source: collect.Source{Discoverer: read, Lister: read, Historian: read}, Takes: takes, Removals: removals,
			NewAttempt: func() string { attempts++; return fmt.Sprintf("a%d", attempts) },
		},
		restore: &restore.Reconciler{
			Client: c, Events: told, Clock: clock, Locations: places, Rules: loader, ClusterUID: uid,
			Target: engrestore.Target{Discoverer: write, Getter: write, Writer: write}, Cluster: write, Definitions: &definitions.Guard{Reader: as.Direct},
			Runs: restores, Namespace: labtest.Namespace, Records: as.Direct,
		},
	}
	for _, k := range []keeper{takes, removals, restores, listings} {
		start(t, k)
	}
	return m
}

// start lets a keeper work until the test ends.
func start(t *testing.T, k keeper) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- k.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// once reconciles everything there is.
func (m *member) once(ctx context.Context) error {
	var configs v1alpha1.ConfigList
	var policies v1alpha1.BackupPolicyList
	var schedules v1alpha1.ScheduleList
	var backups v1alpha1.BackupList
	var restores v1alpha1.RestoreList
	for _, list := range []client.ObjectList{&configs, &policies, &schedules, &backups, &restores} {
		if err := m.List(ctx, list); err != nil {
			return err
		}
	}
	var failed []error
	note := func(_ any, err error) {
		if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) && !errors.Is(err, reconcile.TerminalError(nil)) {
			failed = append(failed, err)
		}
	}
	for i := range configs.Items {
		note(m.config.Reconcile(ctx, &configs.Items[i]))
		live := &v1alpha1.Config{}
		if err := m.Get(ctx, client.ObjectKeyFromObject(&configs.Items[i]), live); err != nil {
			return err
		}
		note(m.sync.Reconcile(ctx, live))
	}
	for i := range policies.Items {
		note(m.policy.Reconcile(ctx, &policies.Items[i]))
	}
	for i := range schedules.Items {
		note(m.schedule.Reconcile(ctx, &schedules.Items[i]))
	}
	for i := range backups.Items {
		note(m.backup.Reconcile(ctx, &backups.Items[i]))
	}
	for i := range restores.Items {
		note(m.restore.Reconcile(ctx, &restores.Items[i]))
	}
	return errors.Join(failed...)
}

// until reconciles until something is so.
func (m *member) until(what string, is func() bool) {
	m.t.Helper()
	err := wait.PollUntilContextTimeout(m.t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		if err := m.once(ctx); err != nil {
			return false, err
		}
		return is(), nil
	})
	if err != nil {
		m.t.Fatalf("wait for %s: %v\n%s", what, err, m.all())
	}
}

// all tells how everything stands.
func (m *member) all() string {
	var text strings.Builder
	ctx := context.WithoutCancel(m.t.Context())
	var cfg v1alpha1.Config
	var policies v1alpha1.BackupPolicyList
	var schedules v1alpha1.ScheduleList
	var backups v1alpha1.BackupList
	var restores v1alpha1.RestoreList
	if err := errors.Join(m.List(ctx, &restores), m.Get(ctx, client.ObjectKey{Name: v1alpha1.ConfigName}, &cfg),
		m.List(ctx, &policies), m.List(ctx, &schedules), m.List(ctx, &backups)); err != nil {
		return err.Error()
	}
	tell := func(kind, name string, conditions []metav1.Condition) {
		for _, c := range conditions {
			fmt.Fprintf(&text, "%s %s: %s %s %s: %s\n", kind, name, c.Type, c.Status, c.Reason, c.Message)
		}
	}
	tell("Config", cfg.Name, cfg.Status.Conditions)
	for _, o := range policies.Items {
		tell("BackupPolicy", o.Name, o.Status.Conditions)
	}
	for _, o := range schedules.Items {
		tell("Schedule", o.Name, o.Status.Conditions)
	}
	for _, o := range backups.Items {
		tell("Backup", o.Name, o.Status.Conditions)
	}
	for _, o := range restores.Items {
		tell("Restore", o.Name, o.Status.Conditions)
	}
	return text.String()
}

// have reads an object, and reports whether it is there.
func (m *member) have(name string, o client.Object) bool {
	m.t.Helper()
	err := m.Get(m.t.Context(), client.ObjectKey{Name: name}, o)
	if client.IgnoreNotFound(err) != nil {
		m.t.Fatal(err)
	}
	return err == nil
}

// standing is the reason of Ready of a Backup; empty when there is none.
func (m *member) standing(name string) string {
	m.t.Helper()
	b := &v1alpha1.Backup{}
	if !m.have(name, b) {
		return ""
	}
	for _, c := range b.Status.Conditions {
		if c.Type == v1alpha1.ReadyCondition {
			return c.Reason
		}
	}
	return ""
}

// counts are how many backups of its own and of others the cluster last found.
func (m *member) counts() [2]int32 {
	m.t.Helper()
	cfg := &v1alpha1.Config{}
	if !m.have(v1alpha1.ConfigName, cfg) || len(cfg.Status.Storage) == 0 {
		return [2]int32{-1, -1}
	}
	return [2]int32{cfg.Status.Storage[0].Backups, cfg.Status.Storage[0].ForeignBackups}
}
