// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/longrun"
	"github.com/gopherwood/ark/controllers/internal/metrics"
	"github.com/gopherwood/ark/controllers/internal/rules"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/kube"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

// fixture is a reconciler with a real API server, a store that can be told to
// fail, and a clock to set.
type fixture struct {
	t      *testing.T
	client client.Client
	clock  *controllertest.Clock
	events *controllertest.Events
	store  *storetest.Faulty
	// more are the stores of locations that have one of their own.
	more      map[string]*storetest.Faulty
	source    collect.Source
	uid       string
	r         *Reconciler
	processes int
	// registry has the metrics of the process that runs.
	registry *prometheus.Registry
	// restart stops what runs, and starts as a new process would.
	restart func()
}

// namespace is what the backups of these tests cover.
const namespace = "backup-test"

func setUp(t *testing.T) *fixture {
	t.Helper()
	cluster := labtest.Shared(t)
	access, err := kube.New(labtest.ServiceAccount(t, cluster, labtest.WithoutRestores), kube.Options{})
	if err != nil {
		t.Fatal(err)
	}
	uid, err := access.ClusterUID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	inner, err := blobstore.Open(t.Context(),
		blobstore.Location{Name: "main", URL: "mem://" + strings.ToLower(strings.NewReplacer("/", "-", "_", "-", ",", "", "'", "").Replace(t.Name()))},
		blobstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{
		t: t, client: labtest.Client(t, cluster), uid: uid,
		clock:  controllertest.NewClock(time.Now().Truncate(time.Second)), //nolint:forbidigo // the API server's creation times are the machine's
		events: &controllertest.Events{}, store: storetest.NewFaulty(inner),
		source: collect.Source{Discoverer: access, Lister: access, Historian: access},
	}
	f.store.Stamp(f.clock)
	f.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	f.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "settings"}, Data: map[string]string{"a": "b"}})
	f.config(func(*v1alpha1.ConfigSpec) {})
	f.startProcess()
	t.Cleanup(f.clear)
	return f
}

// startProcess makes a reconciler with nothing running.
func (f *fixture) startProcess() {
	f.processes++
	attempts, process := 0, f.processes
	f.registry = prometheus.NewRegistry()
	counters, err := metrics.New(f.registry)
	if err != nil {
		f.t.Fatal(err)
	}
	as := controllertest.ServiceAccount(f.t)
	f.r = &Reconciler{
		Metrics: counters,
		Client:  as.Cached, Events: f.events, Clock: f.clock,
		Locations: &locations.Locations{
			Client: as.Direct, Namespace: labtest.Namespace, Tool: "ark test", Clock: f.clock,
			OpenStore: func(_ context.Context, l blobstore.Location, _ blobstore.Options) (engine.Store, error) {
				if own := f.more[l.Name]; own != nil {
					return own, nil
				}
				return f.store, nil
			},
		},
		Rules:  &rules.Loader{Client: as.Direct, Writer: as.Cached, Namespace: labtest.Namespace, Compilations: rules.AtOnce()},
		Source: f.source, ClusterUID: f.uid,
		Takes: NewTakes(), Removals: NewRemovals(),
		NewAttempt: func() string { attempts++; return fmt.Sprintf("%d-%d", process, attempts) },
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(f.t.Context()))
	ended := make(chan error, 2)
	go func() { ended <- f.r.Takes.Start(ctx) }()
	go func() { ended <- f.r.Removals.Start(ctx) }()
	stop := func() {
		cancel()
		if err := errors.Join(<-ended, <-ended); err != nil {
			f.t.Error(err)
		}
	}
	stopped := false
	f.restart = func() {
		stop()
		stopped = true
		f.startProcess()
	}
	f.t.Cleanup(func() {
		if !stopped {
			stop()
		}
	})
}

// create makes an object, or leaves the one that an earlier test made.
func (f *fixture) create(o client.Object) {
	f.t.Helper()
	if err := f.client.Create(f.t.Context(), o); err != nil && !apierrors.IsAlreadyExists(err) {
		f.t.Fatal(err)
	}
}

// config applies the Config.
func (f *fixture) config(change func(*v1alpha1.ConfigSpec)) {
	f.t.Helper()
	spec := v1alpha1.ConfigSpec{
		ClusterName: "lab",
		Storage:     []v1alpha1.StorageLocation{{Name: "main", URL: "mem://main", Default: true}},
	}
	change(&spec)
	var cfg v1alpha1.Config
	err := f.client.Get(f.t.Context(), client.ObjectKey{Name: v1alpha1.ConfigName}, &cfg)
	if apierrors.IsNotFound(err) {
		f.create(&v1alpha1.Config{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.ConfigName}, Spec: spec})
		return
	}
	cfg.Spec = spec
	if err == nil {
		err = f.client.Update(f.t.Context(), &cfg)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// clear removes what the next test must not find.
func (f *fixture) clear() {
	ctx := context.WithoutCancel(f.t.Context())
	var backups v1alpha1.BackupList
	if err := f.client.List(ctx, &backups); err != nil {
		f.t.Error(err)
	}
	for i := range backups.Items {
		b := &backups.Items[i]
		b.Finalizers = nil
		if err := f.client.Update(ctx, b); client.IgnoreNotFound(err) != nil {
			f.t.Error(err)
		}
	}
	for _, kind := range []client.Object{
		&v1alpha1.Backup{}, &v1alpha1.Restore{}, &v1alpha1.Schedule{}, &v1alpha1.BackupPolicy{}, &v1alpha1.Config{},
	} {
		if err := f.client.DeleteAllOf(ctx, kind); err != nil {
			f.t.Error(err)
		}
	}
}

// backup creates a Backup of the test's namespace.
func (f *fixture) backup(name string, change ...func(*v1alpha1.Backup)) {
	f.t.Helper()
	b := &v1alpha1.Backup{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.BackupSpec{Template: &v1alpha1.BackupTemplate{IncludedNamespaces: []string{namespace}}},
	}
	for _, c := range change {
		c(b)
	}
	f.create(b)
}

// change updates the spec of a Backup.
func (f *fixture) change(name string, change func(*v1alpha1.BackupSpec)) {
	f.t.Helper()
	b := f.get(name)
	change(&b.Spec)
	if err := f.client.Update(f.t.Context(), b); err != nil {
		f.t.Fatal(err)
	}
}

// get returns the Backup, or nil.
func (f *fixture) get(name string) *v1alpha1.Backup {
	f.t.Helper()
	var b v1alpha1.Backup
	err := f.client.Get(f.t.Context(), client.ObjectKey{Name: name}, &b)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return &b
}

// reconcile reconciles once, and returns when to look again.
func (f *fixture) reconcile(name string) reconcile.Result {
	f.t.Helper()
	result, err := f.r.Reconcile(f.t.Context(), f.get(name))
	if err != nil && !errors.Is(err, reconcile.TerminalError(nil)) {
		f.t.Fatalf("Reconcile(%s) error = %v", name, err)
	}
	return result
}

// begin reconciles until the run of the object has begun.
func (f *fixture) begin(name string) {
	f.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 3000 {
		f.reconcile(name)
		if f.r.Takes.Observe(f.get(name).UID).Phase >= longrun.Running {
			return
		}
		<-tick.C
	}
	f.t.Fatalf("the run of %s does not begin", name)
}

// settle reconciles until no run is active, and once more, and returns the
// condition Ready in words; "gone" when the object is.
func (f *fixture) settle(name string) string {
	f.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 3000 {
		f.reconcile(name)
		b := f.get(name)
		if b == nil {
			return "gone"
		}
		text := controllertest.Ready(f.t, b, b.Status.ObservedGeneration, b.Status.Conditions)
		reason := strings.TrimSuffix(strings.Fields(text)[1], ":")
		switch reason {
		case v1alpha1.ProgressingReason, v1alpha1.QueuedReason, v1alpha1.DeletingReason:
			<-tick.C
			continue
		}
		if f.r.Removals.Observe(b.UID).Phase != longrun.Absent {
			<-tick.C
			continue
		}
		if b = f.get(name); b != nil && len(b.Finalizers) > 0 {
			f.t.Errorf("finalizers of %s = %v, want none while no run is active", name, b.Finalizers)
		}
		return text
	}
	f.t.Fatalf("backup %s does not settle: %+v", name, f.get(name).Status)
	return ""
}

// catalog reads the store as anybody could.
func (f *fixture) catalog() *catalog.Catalog {
	f.t.Helper()
	c, err := catalog.Attach(f.t.Context(), f.store, f.clock, catalog.Options{Tool: "test"})
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// stored returns the backup in the store, or nil.
func (f *fixture) stored(name string) *catalog.Snapshot {
	f.t.Helper()
	s, err := f.catalog().Marker(f.t.Context(), f.uid, name)
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// keys returns the keys below prefix.
func (f *fixture) keys(prefix string) []string {
	f.t.Helper()
	var keys []string
	for blob, err := range f.store.List(f.t.Context(), prefix, false) {
		if err != nil {
			f.t.Fatal(err)
		}
		keys = append(keys, blob.Key)
	}
	return keys
}

// index returns the lines of a stored backup, as <key> and, where it was left
// out, its codes.
func (f *fixture) index(name string) map[string][]string {
	f.t.Helper()
	c := f.catalog()
	r, err := c.OpenFile(f.t.Context(), f.stored(name), archive.IndexFile)
	if err != nil {
		f.t.Fatal(err)
	}
	defer r.Close()
	lines := map[string][]string{}
	for e, err := range archive.ReadIndex(r) {
		if err != nil {
			f.t.Fatal(err)
		}
		lines[e.Key().String()] = nil
		if e.Excluded {
			lines[e.Key().String()] = e.Codes
		}
	}
	return lines
}
