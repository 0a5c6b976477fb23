// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/config"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/rules"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

const (
	clusterUID = "11111111-2222-3333-4444-555555555555"
	good       = "package ark.select\n\n# METADATA\n# title: T\n# description: D\nexclude contains \"no-pod\" if input.resource.kind == \"Pod\"\n"
	broken     = "package ark.select\n\nexclude contains if {}\n"
)

// bench is a reconciler on the real API server, whose locations of scheme mem are
// stores that can be broken.
type bench struct {
	client.Client

	*testing.T

	clock  *controllertest.Clock
	events *controllertest.Events
	stores map[string]*storetest.Faulty
	r      *config.Reconciler
}

func newBench(t *testing.T) *bench {
	t.Helper()
	c := controllertest.Cluster(t)
	b := &bench{
		Client: c, T: t, clock: controllertest.NewClock(time.Date(2026, time.May, 17, 3, 4, 5, 0, time.UTC)),
		events: &controllertest.Events{}, stores: map[string]*storetest.Faulty{},
	}
	as := controllertest.ServiceAccount(t)
	b.r = &config.Reconciler{
		Client: as.Cached, Reader: as.Direct, Events: b.events, Clock: b.clock, ClusterUID: clusterUID,
		Rules: &rules.Loader{Client: as.Direct, Writer: as.Cached, Namespace: labtest.Namespace, Compilations: rules.AtOnce()},
		Locations: &locations.Locations{
			Client: as.Direct, Creator: as.Cached, Namespace: labtest.Namespace, Tool: "test", Clock: b.clock, OpenStore: b.open,
		},
	}
	t.Cleanup(func() {
		if err := c.DeleteAllOf(context.WithoutCancel(t.Context()), &corev1.ConfigMap{}, client.InNamespace(labtest.Namespace)); err != nil {
			t.Error(err)
		}
	})
	return b
}

// open opens every location below the test's name.
func (b *bench) open(ctx context.Context, l blobstore.Location, opts blobstore.Options) (engine.Store, error) {
	if !strings.HasPrefix(l.URL, "mem://") {
		return blobstore.Open(ctx, l, opts)
	}
	return b.stores[l.Name], nil
}

// store is the store of a location.
func (b *bench) store(name string) *storetest.Faulty {
	if b.stores[name] == nil {
		url := "mem://" + strings.NewReplacer("/", "-", ",", "-").Replace(b.Name()) + "-" + name
		inner, err := blobstore.Open(b.Context(), blobstore.Location{Name: name, URL: url}, blobstore.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.stores[name] = storetest.NewFaulty(inner)
	}
	return b.stores[name]
}

func (b *bench) create(spec v1alpha1.ConfigSpec) *v1alpha1.Config {
	b.Helper()
	for _, l := range spec.Storage {
		b.store(l.Name) // not from several goroutines at once
	}
	cfg := &v1alpha1.Config{ObjectMeta: metav1.ObjectMeta{Name: "default"}, Spec: spec}
	controllertest.Create(b, b, cfg)
	return cfg
}

// reconcile reconciles cfg as it is now, and reads what became of it.
func (b *bench) reconcile(cfg *v1alpha1.Config) (string, ctrl.Result) {
	b.Helper()
	controllertest.Read(b, b, cfg)
	result, err := b.r.Reconcile(b.Context(), cfg)
	if err != nil {
		b.Fatalf("Reconcile() error = %v", err)
	}
	controllertest.Read(b, b, cfg)
	return controllertest.Ready(b, cfg, cfg.Status.ObservedGeneration, cfg.Status.Conditions), result
}

func locationsNamed(names ...string) []v1alpha1.StorageLocation {
	var all []v1alpha1.StorageLocation
	for _, n := range names {
		all = append(all, v1alpha1.StorageLocation{Name: n, URL: "mem://" + n})
	}
	return all
}

// put writes a blob into a store.
func (b *bench) put(name, key, content string) {
	b.Helper()
	storetest.Put(b, b.store(name), key, content)
}

// identity reads a store's identity.
func (b *bench) identity(name string) string {
	b.Helper()
	r, err := b.store(name).Open(b.Context(), archive.IdentityKey, 0, -1)
	if err != nil {
		b.Fatal(err)
	}
	raw := make([]byte, 4096)
	n, _ := r.Read(raw)
	id, err := archive.DecodeIdentity(raw[:n])
	if err := errors.Join(err, r.Close()); err != nil {
		b.Fatal(err)
	}
	return id.ID
}

func TestAConfigInForce(t *testing.T) {
	b := newBench(t)
	cfg := b.create(v1alpha1.ConfigSpec{
		Storage: locationsNamed("main", "second"), Rules: []v1alpha1.Rule{{Name: "own", Rego: good}},
	})
	ready, result := b.reconcile(cfg)
	if ready != "True Succeeded: 2 of 2 storage locations are available" || result.RequeueAfter != 5*time.Minute {
		t.Errorf("Ready = %s, again after %v", ready, result.RequeueAfter)
	}
	at, yes := &metav1.Time{Time: b.clock.Now()}, true
	want := v1alpha1.ConfigStatus{
		ObservedGeneration: 1, Conditions: cfg.Status.Conditions, ClusterUID: clusterUID, Mode: v1alpha1.ModeFull,
		Concurrency: &v1alpha1.Concurrency{Backups: 4, Restores: 4, Lists: 4, Writes: 32},
		Policy:      &v1alpha1.PolicyRevision{Digest: cfg.Status.Policy.Digest, Rules: 1},
		Storage: []v1alpha1.StorageLocationStatus{
			{Name: "main", Available: true, StoreID: b.identity("main"), StoreAddress: "mem://main", ConditionalWrites: &yes, LastCheckTime: at},
			{Name: "second", Available: true, StoreID: b.identity("second"), StoreAddress: "mem://second", ConditionalWrites: &yes, LastCheckTime: at},
		},
	}
	if diff := cmp.Diff(want, cfg.Status); diff != "" {
		t.Errorf("status mismatch (-want +got):\n%s", diff)
	}
	told := []string{
		`Normal LocationAvailable: storage location "main" is available`, `Normal LocationAvailable: storage location "second" is available`,
	}
	if diff := cmp.Diff(told, b.events.Take()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	b.reconcile(cfg)
	if got := b.events.Take(); got != nil {
		t.Errorf("a second reconciliation told %q", got)
	}
}

func TestTheKeyThatSignsIsShown(t *testing.T) {
	b := newBench(t)
	spec := v1alpha1.ConfigSpec{Storage: locationsNamed("main", "plain")}
	spec.Storage[0].Signing = &v1alpha1.Signing{SecretName: "signer"}
	cfg := b.create(spec)
	if ready, _ := b.reconcile(cfg); !strings.HasPrefix(ready, "True") {
		t.Fatalf("Ready = %s", ready)
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: "signer"}}
	shown := cfg.Status.Storage[0].PublicKey
	if len(shown) != 44 || cfg.Status.Storage[1].PublicKey != "" {
		t.Errorf("public keys are %q and %q", shown, cfg.Status.Storage[1].PublicKey)
	}
	if err := b.Delete(b.Context(), secret); err != nil {
		b.Fatal(err)
	}
	b.clock.Advance(time.Minute)
	ready, _ := b.reconcile(cfg)
	if !strings.HasPrefix(ready, "False SecretMissing: location \"main\": Secret ark-system/signer, named by signing.secretName, is gone, and backups are signed with its key "+shown) {
		t.Errorf("Ready = %s", ready)
	}
	controllertest.Create(b, b, &corev1.Secret{ObjectMeta: secret.ObjectMeta, StringData: map[string]string{"key": "none"}})
	b.clock.Advance(time.Minute)
	ready, _ = b.reconcile(cfg)
	if !strings.HasPrefix(ready, "False SecretMissing: location \"main\": Secret ark-system/signer, named by signing.secretName, has no key") {
		t.Errorf("Ready = %s", ready)
	}
	if cfg.Status.Storage[0].PublicKey != shown || !cfg.Status.Storage[0].Available {
		t.Errorf("location is %+v, want it available, and its key still shown", cfg.Status.Storage[0])
	}
}

func TestAKeyThatComesAndGoesIsTold(t *testing.T) {
	b := newBench(t)
	signing := func(name string) v1alpha1.ConfigSpec {
		spec := v1alpha1.ConfigSpec{Storage: locationsNamed("main")}
		if name != "" {
			spec.Storage[0].Signing = &v1alpha1.Signing{SecretName: name}
			t.Cleanup(func() {
				secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: name}}
				if err := b.Delete(context.WithoutCancel(t.Context()), secret); client.IgnoreNotFound(err) != nil {
					t.Error(err)
				}
			})
		}
		return spec
	}
	cfg := b.create(signing("key-one"))
	became := func(spec v1alpha1.ConfigSpec) string {
		t.Helper()
		b.events.Take()
		cfg.Spec = spec
		if err := b.Update(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		b.clock.Advance(time.Minute)
		if ready, _ := b.reconcile(cfg); !strings.HasPrefix(ready, "True") {
			t.Fatalf("Ready = %s", ready)
		}
		return cfg.Status.Storage[0].PublicKey
	}
	told := func(want ...string) {
		t.Helper()
		var got []string
		for _, e := range b.events.Take() {
			if strings.Contains(e, "SigningKey") {
				got = append(got, e)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	}
	inUse := func(key, secret string) string {
		return fmt.Sprintf(`Normal SigningKeyInUse: backups into storage location "main" are signed with key %s of Secret %s: keep a copy of the Secret`, key, secret)
	}
	unknown := func(key string) string {
		return fmt.Sprintf(`Warning SigningKeyUnknown: key %s no longer signs backups into storage location "main", and those that it signed cannot be verified: add it to trustedKeys`, key)
	}
	b.reconcile(cfg)
	one := cfg.Status.Storage[0].PublicKey
	told(inUse(one, "key-one"))
	b.reconcile(cfg)
	told()

	two := became(signing("key-two"))
	told(inUse(two, "key-two"), unknown(one))

	trusting := signing("key-three")
	trusting.TrustedKeys = []v1alpha1.TrustedKey{{Name: "two", PublicKey: two}}
	three := became(trusting)
	told(inUse(three, "key-three"))

	if none := became(signing("")); none != "" || cfg.Status.Storage[0].PublicKeySecretName != "" {
		t.Errorf("signing was switched off, and key %s is shown", none)
	}
	told(unknown(three))
}

func TestAConfigWithoutStorageIsInForce(t *testing.T) {
	b := newBench(t)
	cfg := b.create(v1alpha1.ConfigSpec{Mode: v1alpha1.ModeRestoreOnly})
	if ready, _ := b.reconcile(cfg); !strings.HasPrefix(ready, "True Succeeded: there is no storage location yet") {
		t.Errorf("Ready = %s", ready)
	}
	if cfg.Status.Mode != v1alpha1.ModeRestoreOnly {
		t.Errorf("mode = %s", cfg.Status.Mode)
	}
}

func TestWhatKeepsAConfigFromBeingInForce(t *testing.T) {
	down := &engine.RetryableError{Err: errors.New("connection refused")}
	tests := map[string]struct {
		spec   v1alpha1.ConfigSpec
		faults []storetest.Fault
		stored string // as the identity of "newer"
		want   string
		again  time.Duration
	}{
		"a bucket that cannot be reached": {
			spec:   v1alpha1.ConfigSpec{Storage: locationsNamed("main", "broken")},
			faults: []storetest.Fault{{Op: storetest.OpList, Effect: storetest.Fail(down)}},
			want:   `Unknown StorageUnavailable: location "broken" is not available: `, again: 30 * time.Second,
		},
		"a bucket that takes no writes": {
			spec:   v1alpha1.ConfigSpec{Storage: locationsNamed("main", "broken")},
			faults: []storetest.Fault{{Op: storetest.OpCreate, Effect: storetest.Fail(engine.ErrReadOnly)}},
			want:   `Unknown StorageUnavailable: location "broken" is not available: `, again: 30 * time.Second,
		},
		"a Secret that does not exist": {
			spec:  v1alpha1.ConfigSpec{Storage: []v1alpha1.StorageLocation{{Name: "main", URL: "mem://main", CredentialsSecretName: "keys"}}},
			want:  `False SecretMissing: location "main": Secret ark-system/keys, named by credentialsSecretName, does not exist`,
			again: 5 * time.Minute,
		},
		"a URL that is not allowed": {
			spec: v1alpha1.ConfigSpec{Storage: []v1alpha1.StorageLocation{{Name: "main", URL: "http://bucket"}}},
			want: `False StorageInvalid: open storage location "main": scheme "http" of the url is unknown`, again: 5 * time.Minute,
		},
		"a bucket of a later version": {
			spec:   v1alpha1.ConfigSpec{Storage: locationsNamed("main", "newer")},
			stored: `{"format":2,"id":["new"]}`,
			want:   `False StorageInvalid: location "newer": attach store: decode store identity: unknown format: `, again: 5 * time.Minute,
		},
		"Rego that does not compile": {
			spec: v1alpha1.ConfigSpec{Storage: locationsNamed("main"), Rules: []v1alpha1.Rule{{Name: "own", Rego: broken}}},
			want: "False PolicyInvalid: own.rego:3: ", again: 5 * time.Minute,
		},
		"an order of what cannot be a type": {
			spec: v1alpha1.ConfigSpec{Storage: locationsNamed("main"), RestoreOrder: []string{"secrets", "deployments.apps/v1"}},
			want: `False RequestInvalid: spec.restoreOrder[1]: "deployments.apps/v1" names a version: write "deployments.apps", `, again: 5 * time.Minute,
		},
		"several things at once, all named": {
			spec: v1alpha1.ConfigSpec{
				Storage: append(locationsNamed("broken"), v1alpha1.StorageLocation{Name: "main", URL: "http://bucket"}),
				Rules:   []v1alpha1.Rule{{Name: "own", Rego: broken}},
			},
			faults: []storetest.Fault{{Op: storetest.OpList, Effect: storetest.Fail(down)}},
			want:   `False StorageInvalid: location "broken" is not available: `, again: 5 * time.Minute,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.store("broken").Inject(tc.faults...)
			if tc.stored != "" {
				b.put("newer", archive.IdentityKey, tc.stored)
			}
			cfg := b.create(tc.spec)
			ready, result := b.reconcile(cfg)
			if !strings.HasPrefix(ready, tc.want) || result.RequeueAfter != tc.again {
				t.Errorf("Ready = %s, again after %v\n   want %s, %v", ready, result.RequeueAfter, tc.want, tc.again)
			}
			for _, l := range cfg.Status.Storage {
				if l.Available != (l.Message == "") || l.LastCheckTime == nil {
					t.Errorf("location = %+v", l)
				}
			}
		})
	}
}

func TestALocationThatComesAndGoesIsTold(t *testing.T) {
	b := newBench(t)
	cfg := b.create(v1alpha1.ConfigSpec{Storage: locationsNamed("main")})
	b.reconcile(cfg)
	b.events.Take()

	synced := metav1.NewTime(b.clock.Now())
	cfg.Status.Storage[0].LastSyncTime, cfg.Status.Storage[0].Backups = &synced, 7
	controllertest.WriteStatus(t, b, cfg, cfg.DeepCopy())
	b.store("main").Inject(storetest.Fault{Op: storetest.OpOpen, Effect: storetest.Fail(errors.New("no route to host"))})
	for range 2 {
		if ready, _ := b.reconcile(cfg); !strings.HasPrefix(ready, "Unknown StorageUnavailable") {
			t.Errorf("Ready = %s", ready)
		}
	}
	if l := cfg.Status.Storage[0]; l.Available || l.StoreID == "" || l.Backups != 7 || !l.LastSyncTime.Equal(&synced) {
		t.Errorf("location = %+v, want what is known of it kept", l)
	}
	b.store("main").Heal()
	if ready, _ := b.reconcile(cfg); !strings.HasPrefix(ready, "True Succeeded") {
		t.Errorf("Ready = %s", ready)
	}
	told := b.events.Take()
	if len(told) != 2 || !strings.HasPrefix(told[0], "Warning StorageUnavailable: ") || !strings.HasPrefix(told[1], "Normal LocationAvailable: ") {
		t.Errorf("events = %q", told)
	}
	if err := b.store("main").Delete(t.Context(), archive.IdentityKey); err != nil {
		t.Fatal(err)
	}
	if ready, _ := b.reconcile(cfg); !strings.HasPrefix(ready, "Unknown StorageUnavailable") {
		t.Errorf("Ready = %s", ready)
	}
	another, err := archive.EncodeIdentity(&archive.Identity{Format: archive.Format, ID: "8a8e0c1e-3b5c-4b1f-9d0e-0f1e2d3c4b5a", Created: b.clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	b.put("main", archive.IdentityKey, string(another))
	b.reconcile(cfg)
	if l := cfg.Status.Storage[0]; l.StoreID != b.identity("main") || l.LastSyncTime != nil || l.Backups != 0 {
		t.Errorf("location = %+v, want nothing known of another store", l)
	}
}

func TestRulesThatBreakLeaveTheLastGoodOnesInForce(t *testing.T) {
	b := newBench(t)
	cfg := b.create(v1alpha1.ConfigSpec{Rules: []v1alpha1.Rule{{Name: "own", Rego: good}}})
	b.reconcile(cfg)
	inForce := *cfg.Status.Policy

	cfg.Spec.Rules[0].Rego = broken
	if err := b.Update(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	ready, _ := b.reconcile(cfg)
	if !strings.HasPrefix(ready, "False PolicyInvalid: own.rego:3: ") || !strings.HasSuffix(ready, "stays in force") {
		t.Errorf("Ready = %s", ready)
	}
	if diff := cmp.Diff(&inForce, cfg.Status.Policy); diff != "" {
		t.Errorf("revision (-want +got):\n%s", diff)
	}
	if got := b.events.Take(); len(got) != 1 || !strings.HasPrefix(got[0], "Warning PolicyInvalid: own.rego:3: ") {
		t.Errorf("events = %q", got)
	}
	cfg.Spec.Rules = nil
	if err := b.Update(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if ready, _ := b.reconcile(cfg); !strings.HasPrefix(ready, "True") || cfg.Status.Policy != nil {
		t.Errorf("Ready = %s, policy = %v, want none", ready, cfg.Status.Policy)
	}
}

func TestWhatTheSyncWritesMeanwhileIsKept(t *testing.T) {
	b := newBench(t)
	cfg := b.create(v1alpha1.ConfigSpec{Storage: locationsNamed("main")})
	b.reconcile(cfg)
	stale := cfg.DeepCopy()

	synced := metav1.NewTime(b.clock.Now())
	cfg.Status.Storage[0].LastSyncTime, cfg.Status.Storage[0].Backups = &synced, 7
	controllertest.WriteStatus(t, b, cfg, cfg.DeepCopy())
	b.clock.Advance(time.Minute)
	if _, err := b.r.Reconcile(t.Context(), stale); err != nil {
		t.Fatal(err)
	}
	controllertest.Read(t, b, cfg)
	if l := cfg.Status.Storage[0]; l.Backups != 7 || !l.LastCheckTime.Equal(&metav1.Time{Time: b.clock.Now()}) {
		t.Errorf("location = %+v, want both what the sync and what the check wrote", l)
	}
}

func TestALocationTakenOutOfTheConfigIsForgotten(t *testing.T) {
	b := newBench(t)
	cfg := b.create(v1alpha1.ConfigSpec{Storage: locationsNamed("main", "second")})
	b.reconcile(cfg)
	cfg.Spec.Storage = nil
	if err := b.Update(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	b.reconcile(cfg)
	if cfg.Status.Storage != nil {
		t.Errorf("storage = %+v", cfg.Status.Storage)
	}
}
