// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/internal/definitions"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/longrun"
	"github.com/gopherwood/ark/controllers/internal/rules"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/backup"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/kube"
	engrestore "github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/selection"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

// source is the namespace that the backups of these tests hold.
const source = "restore-test"

// fixture is a reconciler with a real API server, a store that can be told to
// fail, and a backup of one namespace in it.
type fixture struct {
	t       *testing.T
	client  client.Client
	access  *kube.Cluster
	clock   *controllertest.Clock
	store   *storetest.Faulty
	catalog *catalog.Catalog
	uid     string
	r       *Reconciler
	restart func()
	// log receives what reconciliations log; nobody, unless a test says so.
	log logr.Logger
	// into is a namespace that no other test restores into.
	into string
}

var restored int

func setUp(t *testing.T) *fixture {
	t.Helper()
	cluster := labtest.Shared(t)
	access, err := kube.New(labtest.ServiceAccount(t, cluster, labtest.WithRestores), kube.Options{})
	if err != nil {
		t.Fatal(err)
	}
	uid, err := access.ClusterUID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	restored++
	f := &fixture{
		t: t, client: labtest.Client(t, cluster), access: access, uid: uid, into: fmt.Sprintf("restored-%d", restored),
		clock: controllertest.NewClock(time.Now().Truncate(time.Second)), //nolint:forbidigo // the API server's creation times are the machine's
	}
	inner, err := blobstore.Open(t.Context(), blobstore.Location{Name: "main", URL: "mem://" + f.into}, blobstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f.store = storetest.NewFaulty(inner)
	if f.catalog, err = catalog.Attach(t.Context(), f.store, f.clock, catalog.Options{Tool: "test"}); err != nil {
		t.Fatal(err)
	}
	f.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: source}})
	f.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: source, Name: "settings"}, Data: map[string]string{"a": "b"}})
	f.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: source, Name: "password"}, StringData: map[string]string{"p": "q"}})
	f.config(func(*v1alpha1.ConfigSpec) {})
	f.startProcess(false)
	f.backup("first", uid)
	t.Cleanup(f.clear)
	return f
}

// startProcess makes a reconciler with nothing running.
func (f *fixture) startProcess(readOnly bool) {
	as := controllertest.ServiceAccount(f.t)
	f.r = &Reconciler{
		Client: as.Cached, Events: &controllertest.Events{}, Clock: f.clock,
		Locations: &locations.Locations{
			Client: as.Direct, Namespace: labtest.Namespace, Tool: "ark test", Clock: f.clock,
			OpenStore: func(context.Context, blobstore.Location, blobstore.Options) (engine.Store, error) {
				return f.store, nil
			},
		},
		Rules:      &rules.Loader{Client: as.Direct, Writer: as.Cached, Namespace: labtest.Namespace, Compilations: rules.AtOnce()},
		Target:     engrestore.Target{Discoverer: f.access, Getter: f.access, Writer: f.access},
		ClusterUID: f.uid, Cluster: f.access, Definitions: &definitions.Guard{Reader: as.Direct}, Runs: NewRuns(), Namespace: labtest.Namespace, Records: as.Direct,
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(f.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- f.r.Runs.Start(ctx) }()
	stopped := false
	stop := func() {
		if !stopped {
			stopped = true
			cancel()
			if err := <-ended; err != nil {
				f.t.Error(err)
			}
		}
	}
	f.restart = func() {
		stop()
		f.startProcess(readOnly)
	}
	f.t.Cleanup(stop)
}

// create makes an object, or leaves the one that an earlier test made.
func (f *fixture) create(o client.Object) {
	f.t.Helper()
	if err := f.client.Create(f.t.Context(), o); err != nil && !apierrors.IsAlreadyExists(err) {
		f.t.Fatal(err)
	}
}

// config applies the Config, with its location listed.
func (f *fixture) config(change func(*v1alpha1.ConfigSpec)) {
	f.t.Helper()
	ctx := f.t.Context()
	if err := client.IgnoreNotFound(f.client.Delete(ctx, &v1alpha1.Config{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.ConfigName}})); err != nil {
		f.t.Fatal(err)
	}
	cfg := &v1alpha1.Config{
		ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.ConfigName},
		Spec: v1alpha1.ConfigSpec{
			ClusterName: "lab", Storage: []v1alpha1.StorageLocation{{Name: "main", URL: "mem://main", Default: true}},
		},
	}
	change(&cfg.Spec)
	f.create(cfg)
	cfg.Status.Storage = []v1alpha1.StorageLocationStatus{{Name: "main", Available: true, LastSyncTime: &metav1.Time{Time: f.clock.Now()}}}
	if err := f.client.Status().Update(ctx, cfg); err != nil {
		f.t.Fatal(err)
	}
}

// backup takes a backup of the source namespace, as the cluster of that UID.
func (f *fixture) backup(name, cluster string, labels ...string) {
	f.t.Helper()
	f.backupOf(selection.Template{IncludedNamespaces: []string{source}}, name, cluster, labels...)
}

// backupOf takes a backup of what the template covers.
func (f *fixture) backupOf(of selection.Template, name, cluster string, labels ...string) {
	f.t.Helper()
	snapshot, err := backup.Take(f.t.Context(), backup.Ports{
		Source: collect.Source{Discoverer: f.access, Lister: f.access, Historian: f.access}, Catalog: f.catalog, Clock: f.clock,
	}, backup.Request{
		Cluster: archive.Cluster{UID: cluster, Name: "lab"}, Name: name, Attempt: "a1",
		Spec: []byte(`{}`), Template: []byte(`{}`), Created: f.clock.Now(), TTL: time.Hour,
		Collect: collect.Options{Template: of},
	}, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	b := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{}}}
	if cluster != f.uid {
		b.Name = projection.ForeignName(cluster, name)
		b.Labels[v1alpha1.ClusterLabel] = cluster
	}
	for _, pair := range labels {
		k, v, _ := strings.Cut(pair, "=")
		b.Labels[k] = v
	}
	f.create(b)
	projection.Status(b, snapshot, nil, []string{"main"}, f.clock.Now())
	if err := f.client.Status().Update(f.t.Context(), b); err != nil {
		f.t.Fatal(err)
	}
}

// shown changes what the object of a backup says of its signatures.
func (f *fixture) shown(name string, v v1alpha1.Verification) {
	f.t.Helper()
	var b v1alpha1.Backup
	if err := f.client.Get(f.t.Context(), client.ObjectKey{Name: name}, &b); err != nil {
		f.t.Fatal(err)
	}
	b.Status.Verification = v
	if err := f.client.Status().Update(f.t.Context(), &b); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) clear() {
	ctx := context.WithoutCancel(f.t.Context())
	var restores v1alpha1.RestoreList
	if err := f.client.List(ctx, &restores); err != nil {
		f.t.Error(err)
	}
	for i := range restores.Items {
		o := &restores.Items[i]
		o.Finalizers = nil
		if err := f.client.Update(ctx, o); client.IgnoreNotFound(err) != nil {
			f.t.Error(err)
		}
	}
	for _, kind := range []client.Object{
		&v1alpha1.Backup{}, &v1alpha1.Restore{}, &v1alpha1.BackupPolicy{}, &v1alpha1.Config{},
	} {
		if err := f.client.DeleteAllOf(ctx, kind); err != nil {
			f.t.Error(err)
		}
	}
	if err := f.client.DeleteAllOf(ctx, &corev1.ConfigMap{}, client.InNamespace(labtest.Namespace)); err != nil {
		f.t.Error(err)
	}
}

// restore creates a Restore of the first backup into the test's own namespace.
func (f *fixture) restore(name string, change ...func(*v1alpha1.RestoreSpec)) {
	f.t.Helper()
	o := &v1alpha1.Restore{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.RestoreSpec{
			BackupName:       "first",
			NamespaceMapping: map[string]v1alpha1.NamespaceName{source: v1alpha1.NamespaceName(f.into)},
		},
	}
	for _, c := range change {
		c(&o.Spec)
	}
	f.create(o)
}

func (f *fixture) get(name string) *v1alpha1.Restore {
	f.t.Helper()
	var o v1alpha1.Restore
	err := f.client.Get(f.t.Context(), client.ObjectKey{Name: name}, &o)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return &o
}

func (f *fixture) reconcile(name string) {
	f.t.Helper()
	_, err := f.r.Reconcile(ctrl.LoggerInto(f.t.Context(), f.log), f.get(name))
	if err != nil && !errors.Is(err, reconcile.TerminalError(nil)) {
		f.t.Fatalf("Reconcile(%s) error = %v", name, err)
	}
}

// begin reconciles until the run of the object has begun.
func (f *fixture) begin(name string) {
	f.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 3000 {
		f.reconcile(name)
		if f.r.Runs.Observe(f.get(name).UID).Phase >= longrun.Running {
			return
		}
		<-tick.C
	}
	f.t.Fatalf("the run of %s does not begin", name)
}

// settle reconciles until no run is active, and returns Ready in words.
func (f *fixture) settle(name string) string {
	f.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 3000 {
		f.reconcile(name)
		o := f.get(name)
		text := controllertest.Ready(f.t, o, o.Status.ObservedGeneration, o.Status.Conditions)
		switch reason := strings.TrimSuffix(strings.Fields(text)[1], ":"); reason {
		case v1alpha1.ProgressingReason, v1alpha1.QueuedReason:
			<-tick.C
			continue
		}
		f.reconcile(name)
		if o = f.get(name); len(o.Finalizers) > 0 {
			f.t.Errorf("finalizers of %s = %v, want none while no run is active", name, o.Finalizers)
		}
		return text
	}
	f.t.Fatalf("restore %s does not settle: %+v", name, f.get(name).Status)
	return ""
}

// there reports whether the ConfigMap of the backup is in the test's namespace.
func (f *fixture) there() bool {
	f.t.Helper()
	var cm corev1.ConfigMap
	err := f.client.Get(f.t.Context(), client.ObjectKey{Namespace: f.into, Name: "settings"}, &cm)
	if client.IgnoreNotFound(err) != nil {
		f.t.Fatal(err)
	}
	return err == nil
}

// policy creates a BackupPolicy of the test's namespace with one rule.
func (f *fixture) policy(name, namespace, rego string) {
	f.t.Helper()
	f.create(&v1alpha1.BackupPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.BackupPolicySpec{
			Template: &v1alpha1.BackupTemplate{IncludedNamespaces: []string{namespace}},
			Rules:    []v1alpha1.Rule{{Name: "gate", Rego: rego}},
		},
	})
}
