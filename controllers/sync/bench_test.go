// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/sync"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

const (
	here  = "11111111-2222-3333-4444-555555555555"
	there = "99999999-8888-7777-6666-555555555555"
)

// bench is a reconciler on the real API server, whose locations are stores that
// can be broken.
type bench struct {
	client.Client

	*testing.T

	clock    *controllertest.Clock
	events   *controllertest.Events
	stores   map[string]*storetest.Faulty
	catalogs map[string]*catalog.Catalog
	runs     *sync.Runs
	ended    workqueue.TypedRateLimitingInterface[reconcile.Request]
	r        *sync.Reconciler
	attempts int
	// keys sign what is committed.
	keys []ed25519.PrivateKey
}

// newBench makes a Config with the locations named, each with an empty store.
func newBench(t *testing.T, names ...string) *bench {
	t.Helper()
	b := &bench{
		Client: controllertest.Cluster(t), T: t,
		clock: controllertest.NewClock(time.Date(2026, time.May, 17, 3, 4, 5, 0, time.UTC)), events: &controllertest.Events{},
		stores: map[string]*storetest.Faulty{}, catalogs: map[string]*catalog.Catalog{}, runs: sync.NewRuns(),
	}
	cfg := &v1alpha1.Config{ObjectMeta: metav1.ObjectMeta{Name: "default"}, Status: v1alpha1.ConfigStatus{ClusterUID: here}}
	for _, name := range names {
		b.addStore(name)
		cfg.Spec.Storage = append(cfg.Spec.Storage, v1alpha1.StorageLocation{Name: name, URL: "mem://" + name})
		cfg.Status.Storage = append(cfg.Status.Storage, v1alpha1.StorageLocationStatus{
			Name: name, Available: true, StoreID: b.catalogs[name].Identity().ID,
		})
	}
	controllertest.Create(t, b, cfg)
	b.start()
	return b
}

// addStore opens an empty store of that name.
func (b *bench) addStore(name string) {
	b.Helper()
	url := "mem://" + strings.Map(func(r rune) rune {
		if strings.ContainsRune("/ ,'", r) {
			return '-'
		}
		return r
	}, b.Name()+"-"+name)
	inner, err := blobstore.Open(b.Context(), blobstore.Location{Name: name, URL: url}, blobstore.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.stores[name] = storetest.NewFaulty(inner)
	b.stores[name].Stamp(b.clock)
	b.attach(name)
}

func (b *bench) attach(name string) {
	b.Helper()
	attached, err := catalog.Attach(b.Context(), b.stores[name], b.clock, catalog.Options{Tool: "test"})
	if err != nil {
		b.Fatal(err)
	}
	b.catalogs[name] = attached
}

// start makes a reconciler that remembers nothing, as a new process has it.
func (b *bench) start() {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	b.runs = sync.NewRuns()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		if err := b.runs.Start(ctx); err != nil {
			b.Errorf("Start() error = %v", err)
		}
	}()
	b.ended = workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
	if err := b.runs.Source().Start(ctx, b.ended); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cancel(); <-stopped; b.ended.ShutDown() })
	as := controllertest.ServiceAccount(b)
	b.r = &sync.Reconciler{
		Client: as.Cached, Reader: as.Direct, Events: b.events, Clock: b.clock, Runs: b.runs,
		Locations: &locations.Locations{
			Client: as.Direct, Namespace: labtest.Namespace, Tool: "test", Clock: b.clock,
			OpenStore: func(_ context.Context, l blobstore.Location, _ blobstore.Options) (engine.Store, error) {
				return b.stores[l.Name], nil
			},
		},
	}
}

func (b *bench) config() *v1alpha1.Config {
	b.Helper()
	cfg := &v1alpha1.Config{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	controllertest.Read(b, b, cfg)
	return cfg
}

// sync lists every location once, and returns the status of each.
func (b *bench) sync() map[string]v1alpha1.StorageLocationStatus {
	b.Helper()
	b.clock.Advance(time.Minute)
	for again := true; again; {
		cfg := b.config()
		if _, err := b.r.Reconcile(b.Context(), cfg); err != nil {
			b.Fatal(err)
		}
		if again = b.r.Active(cfg); again {
			request, _ := b.ended.Get()
			b.ended.Done(request)
		}
	}
	locations := map[string]v1alpha1.StorageLocationStatus{}
	for _, l := range b.config().Status.Storage {
		locations[l.Name] = l
	}
	return locations
}

// commit puts a backup into a store.
func (b *bench) commit(location, cluster, name string, change ...func(*archive.Marker)) *catalog.Snapshot {
	b.Helper()
	b.attempts++
	a, err := b.catalogs[location].NewAttempt(cluster, name, fmt.Sprintf("a%d", b.attempts))
	if err != nil {
		b.Fatal(err)
	}
	for _, file := range []string{archive.ContentsFile, archive.IndexFile} {
		f, err := a.File(b.Context(), file)
		if err == nil {
			_, err = io.WriteString(f, file)
			err = errors.Join(err, f.Close())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	at := time.Date(2026, time.May, 17, 3, 4, 5, 0, time.UTC)
	m := archive.Marker{
		Cluster: archive.Cluster{Name: "prod"}, Schedule: "shop.nightly", Policy: "shop",
		Spec: json.RawMessage(`{"policyName":"shop"}`), Template: json.RawMessage(`{"ttl":"720h0m0s","storageLocation":"main"}`),
		Created: at, Started: at, Completed: at.Add(4 * time.Second), Expires: at.AddDate(1, 0, 0),
		Completeness: archive.Complete, Objects: archive.Counts{Included: 3, Excluded: 1},
	}
	for _, c := range change {
		c(&m)
	}
	snapshot, err := a.Commit(b.Context(), m, b.keys...)
	if err != nil {
		b.Fatal(err)
	}
	return snapshot
}

// vanish deletes a marker behind Ark's back.
func (b *bench) vanish(location, cluster, name string) {
	b.Helper()
	if err := b.stores[location].Delete(b.Context(), archive.MarkerKey(cluster, name)); err != nil {
		b.Fatal(err)
	}
}

// put writes a blob behind Ark's back.
func (b *bench) put(location, key, content string) {
	b.Helper()
	storetest.Put(b, b.stores[location], key, content)
}

// content reads a blob behind Ark's back.
func (b *bench) content(location, key string) string {
	b.Helper()
	r, err := b.stores[location].Open(b.Context(), key, 0, -1)
	if err != nil {
		b.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		b.Fatal(err)
	}
	return string(content)
}

// replicate copies every blob that to does not have.
func (b *bench) replicate(from, to string) {
	b.Helper()
	if err := b.stores[to].Delete(b.Context(), archive.IdentityKey); err != nil {
		b.Fatal(err)
	}
	for blob, err := range b.stores[from].List(b.Context(), "", false) {
		if err != nil {
			b.Fatal(err)
		}
		b.put(to, blob.Key, b.content(from, blob.Key))
	}
	b.attach(to)
	cfg := b.config()
	for i := range cfg.Status.Storage {
		if cfg.Status.Storage[i].Name == to {
			cfg.Status.Storage[i].StoreID = b.catalogs[to].Identity().ID
		}
	}
	controllertest.WriteStatus(b, b, cfg, cfg.DeepCopy())
}

// backup reads a Backup; nil when there is none.
func (b *bench) backup(name string) *v1alpha1.Backup {
	b.Helper()
	o := &v1alpha1.Backup{}
	err := b.Get(b.Context(), client.ObjectKey{Name: name}, o)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		b.Fatal(err)
	}
	return o
}

// ready is the condition Ready of a Backup that there must be.
func (b *bench) ready(name string) string {
	b.Helper()
	o := b.backup(name)
	if o == nil {
		return "there is none"
	}
	return controllertest.Ready(b, o, o.Status.ObservedGeneration, o.Status.Conditions)
}

// markerReads counts how often markers were read since the last call.
func (b *bench) markerReads(location string) func() int {
	count := func() int {
		n := 0
		for _, call := range b.stores[location].Calls() {
			if call.Op == storetest.OpOpen && strings.Contains(call.Key, "/markers/") {
				n++
			}
		}
		return n
	}
	last := count()
	return func() int {
		now := count()
		defer func() { last = now }()
		return now - last
	}
}

// told returns the events whose text contains part.
func (b *bench) told(part string) []string {
	var some []string
	for _, e := range b.events.Take() {
		if strings.Contains(e, part) {
			some = append(some, e)
		}
	}
	return some
}

func name(n int) string { return fmt.Sprintf("shop.nightly-202605170%d0405", n) }
