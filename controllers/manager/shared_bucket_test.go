// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package manager_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// application is what differs from cluster to cluster.
const application = "shared-bucket"

// join gives a cluster an application, and the Config and policy that the same
// repository gives every cluster.
func (m *member) join(name string) {
	m.t.Helper()
	controllertest.Create(m.t, m,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: application}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: application, Name: "settings"}, Data: map[string]string{"cluster": name}},
		&v1alpha1.Config{
			ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.ConfigName},
			Spec: v1alpha1.ConfigSpec{ClusterName: name, Storage: []v1alpha1.StorageLocation{{
				Name: "main", URL: "mem://main", Signing: &v1alpha1.Signing{SecretName: "signer"},
			}}},
		},
	)
	template := &v1alpha1.BackupTemplate{IncludedNamespaces: []string{application}, TTL: &metav1.Duration{Duration: 24 * time.Hour}}
	controllertest.Create(m.t, m,
		&v1alpha1.BackupPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: "shop"},
			Spec:       v1alpha1.BackupPolicySpec{Template: template, Schedules: []v1alpha1.PolicySchedule{{Name: "nightly", Cron: rarely(m.clock.Now())}}},
		},
		&v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: "by-hand"}, Spec: v1alpha1.BackupSpec{Template: template}},
	)
}

// rarely is a time that does not come while the test's clock is moved.
func rarely(now time.Time) string { return fmt.Sprintf("0 3 1 %d *", (int(now.Month())+5)%12+1) }

// settings is what the restored application says of where it came from.
func (m *member) settings(namespace string) string {
	m.t.Helper()
	var cm corev1.ConfigMap
	err := m.Get(m.t.Context(), client.ObjectKey{Namespace: namespace, Name: "settings"}, &cm)
	if client.IgnoreNotFound(err) != nil {
		m.t.Fatal(err)
	}
	return cm.Data["cluster"]
}

// TestClustersShareABucket runs what the same repository does to two clusters at
// the same second.
func TestClustersShareABucket(t *testing.T) {
	clock := controllertest.NewClock(time.Now().UTC().Truncate(time.Second)) //nolint:forbidigo // the API servers' creation times are the machine's
	store := bucket(t, "shared-bucket", clock)
	east := newMember(t, labtest.Shared(t), store, clock)
	west := newMember(t, labtest.Start(t, lab.Options{}), store, clock)
	foreign := func(of *member, name string) string { return projection.ForeignName(of.uid, name) }

	east.join("east")
	west.join("west")
	nightly := "shop.nightly-" + atOneSecond(t, east, west).Format("20060102150405")
	both := func(what string, is func(m, other *member) bool) {
		t.Helper()
		pending := map[*member]*member{east: west, west: east}
		east.until(what, func() bool {
			if err := west.once(t.Context()); err != nil {
				t.Fatal(err)
			}
			for m, other := range pending {
				if is(m, other) {
					delete(pending, m)
				}
			}
			return len(pending) == 0
		})
	}
	both("both to take backups of the same names", func(m, _ *member) bool {
		return m.standing(nightly) == "Succeeded" && m.standing("by-hand") == "Succeeded"
	})
	clock.Advance(2 * time.Minute)
	both("both to list the other's", func(m, other *member) bool {
		return m.standing(foreign(other, nightly)) == "Succeeded" && m.counts() == [2]int32{2, 2}
	})
	for m, other := range map[*member]*member{east: west, west: east} {
		want := []v1alpha1.BackupOrigin{
			{ClusterUID: m.uid, ClusterName: m.name(), BackupName: nightly},
			{ClusterUID: other.uid, ClusterName: other.name(), BackupName: nightly, Foreign: true},
		}
		own, theirs := &v1alpha1.Backup{}, &v1alpha1.Backup{}
		if !m.have(nightly, own) || !m.have(foreign(other, nightly), theirs) {
			t.Fatal("a backup went")
		}
		if diff := cmp.Diff(want, []v1alpha1.BackupOrigin{*own.Status.Origin, *theirs.Status.Origin}); diff != "" {
			t.Errorf("origins (-want +got):\n%s", diff)
		}
		if own.Status.Verification != v1alpha1.VerificationVerified || theirs.Status.Verification != v1alpha1.VerificationUnknownKey {
			t.Errorf("verification is %s and %s", own.Status.Verification, theirs.Status.Verification)
		}
	}

	west.trust(east)
	controllertest.Create(t, west, &v1alpha1.Restore{
		ObjectMeta: metav1.ObjectMeta{Name: "from-east"},
		Spec: v1alpha1.RestoreSpec{
			BackupName: foreign(east, "by-hand"), NamespaceMapping: map[string]v1alpha1.NamespaceName{application: "from-east"},
		},
	})
	clock.Advance(2 * time.Minute)
	west.until("the other's backup to be restored, and verified", func() bool {
		b := &v1alpha1.Backup{}
		return west.settings("from-east") == "east" && west.have(foreign(east, "by-hand"), b) && b.Status.Verification == v1alpha1.VerificationVerified
	})

	clock.Advance(30 * time.Hour) // the cluster in the east is gone
	west.until("its own backup to expire", func() bool { return west.standing("by-hand") == "Expired" })
	clock.Advance(10 * time.Minute)
	west.until("a listing", func() bool { return west.counts() == [2]int32{1, 2} })
	stored := attached(t, store, clock)
	if _, err := stored.Marker(t.Context(), east.uid, "by-hand"); err != nil {
		t.Fatalf("the other's backup: %v", err)
	}

	signing := stored.SigningWith(west.signingKey())
	for _, name := range []string{"by-hand", nightly} {
		record := archive.Record{Type: archive.RecordAdopted, Cluster: east.uid, Name: name, By: west.uid, Reason: "the east is gone"}
		if _, err := signing.Append(t.Context(), record); err != nil {
			t.Fatal(err)
		}
	}
	clock.Advance(2 * time.Minute)
	west.until("the adopted backup to expire", func() bool { return west.standing(foreign(east, "by-hand")) == "" })
	west.until("the newest of a Schedule to stay", func() bool {
		b := &v1alpha1.Backup{}
		return west.have(foreign(east, nightly), b) && !b.Status.Origin.Foreign && west.standing(b.Name) == "Succeeded"
	})
	record, removed, err := stored.Deletion(t.Context(), east.uid, "by-hand")
	if err != nil || !removed || record.By != west.uid || record.Reason != "expired" {
		t.Errorf("its removal is recorded as %+v, %v", record, err)
	}
	if _, err := stored.Marker(t.Context(), west.uid, nightly); err != nil {
		t.Errorf("its own of the same name: %v", err)
	}

	// Should the east come back, and trust the west, it finds that its backup is another's to
	// keep.
	east.trust(west)
	clock.Advance(2 * time.Minute)
	east.until("the east to see what was adopted", func() bool {
		b := &v1alpha1.Backup{}
		return east.have(nightly, b) && b.Status.Origin.Foreign
	})
}

// bucket is an empty store in memory, on a server whose clock that is.
func bucket(t *testing.T, name string, clock engine.Clock) engine.Store {
	t.Helper()
	inner, err := blobstore.Open(t.Context(), blobstore.Location{Name: "main", URL: "mem://" + name}, blobstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	store := storetest.NewFaulty(inner)
	store.Stamp(clock)
	return store
}

// atOneSecond lets the policies of all clusters become Schedules at one second,
// which it returns: that is when their first firing is.
func atOneSecond(t *testing.T, members ...*member) time.Time {
	t.Helper()
	var second time.Time
	err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		made := map[int64]bool{}
		for _, m := range members {
			at, err := m.makeSchedule(ctx)
			if err != nil {
				return false, err
			}
			second = at.UTC()
			made[at.Unix()] = true
		}
		if len(made) == 1 {
			return true, nil
		}
		for _, m := range members {
			if err := m.Delete(ctx, &v1alpha1.Schedule{ObjectMeta: metav1.ObjectMeta{Name: "shop.nightly"}}); err != nil {
				return false, err
			}
		}
		return false, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return second
}

// makeSchedule lets the policy become a Schedule, and nothing more happen.
func (m *member) makeSchedule(ctx context.Context) (time.Time, error) {
	cfg, policy, schedule := &v1alpha1.Config{}, &v1alpha1.BackupPolicy{}, &v1alpha1.Schedule{}
	if err := m.Get(ctx, client.ObjectKey{Name: v1alpha1.ConfigName}, cfg); err != nil {
		return time.Time{}, err
	}
	if _, err := m.config.Reconcile(ctx, cfg); err != nil {
		return time.Time{}, err
	}
	if err := m.Get(ctx, client.ObjectKey{Name: "shop"}, policy); err != nil {
		return time.Time{}, err
	}
	if _, err := m.policy.Reconcile(ctx, policy); err != nil {
		return time.Time{}, err
	}
	err := m.Get(ctx, client.ObjectKey{Name: "shop.nightly"}, schedule)
	return schedule.CreationTimestamp.Time, err
}

// name is what the cluster is called.
func (m *member) name() string {
	m.t.Helper()
	cfg := &v1alpha1.Config{}
	m.have(v1alpha1.ConfigName, cfg)
	return cfg.Spec.ClusterName
}

// trust adds the other's key to those whose signatures count.
func (m *member) trust(other *member) {
	m.t.Helper()
	theirs, own := &v1alpha1.Config{}, &v1alpha1.Config{}
	if !other.have(v1alpha1.ConfigName, theirs) || !m.have(v1alpha1.ConfigName, own) {
		m.t.Fatal("a Config is gone")
	}
	own.Spec.TrustedKeys = []v1alpha1.TrustedKey{{Name: "other", PublicKey: theirs.Status.Storage[0].PublicKey}}
	if err := m.Update(m.t.Context(), own); err != nil {
		m.t.Fatal(err)
	}
}

// signingKey is the key that the cluster signs with, as whoever adopts for it has it.
func (m *member) signingKey() ed25519.PrivateKey {
	m.t.Helper()
	var secret corev1.Secret
	if err := m.Get(m.t.Context(), client.ObjectKey{Namespace: labtest.Namespace, Name: "signer"}, &secret); err != nil {
		m.t.Fatal(err)
	}
	key, ok := archive.ParsePrivateKey(secret.Data["ed25519.key"])
	if !ok {
		m.t.Fatal("the Secret has no key")
	}
	return key
}

func attached(t *testing.T, store engine.Store, clock engine.Clock) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Attach(t.Context(), store, clock, catalog.Options{Tool: "ark test"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
