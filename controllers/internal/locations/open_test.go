// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package locations_test

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
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

const cluster = "11111111-2222-3333-4444-555555555555"

// stores opens every location as the same store, and records with what.
type stores struct {
	*storetest.Faulty

	opened []string
}

func newStores(t *testing.T) *stores {
	t.Helper()
	url := "mem://" + strings.NewReplacer("/", "-", ",", "-", "'", "-").Replace(t.Name())
	inner, err := blobstore.Open(t.Context(), blobstore.Location{Name: "main", URL: url}, blobstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &stores{Faulty: storetest.NewFaulty(inner)}
}

func (s *stores) open(_ context.Context, l blobstore.Location, opts blobstore.Options) (engine.Store, error) {
	s.opened = append(s.opened, fmt.Sprintf("%s %s key=%s ca=%s readOnly=%t", l.URL, l.Prefix, opts.Credentials["key"], opts.CA, l.ReadOnly))
	return s.Faulty, nil
}

func opener(t *testing.T, c client.Client, s *stores) *locations.Locations {
	t.Helper()
	l := &locations.Locations{Client: c, Namespace: labtest.Namespace, Tool: "test", Clock: controllertest.NewClock(time.Date(2026, time.May, 17, 3, 4, 5, 0, time.UTC))}
	if s != nil {
		l.OpenStore = s.open
	}
	return l
}

func config(change ...func(*v1alpha1.StorageLocation)) *v1alpha1.Config {
	l := v1alpha1.StorageLocation{Name: "main", URL: "mem://any", Prefix: "p"}
	for _, c := range change {
		c(&l)
	}
	return &v1alpha1.Config{
		Spec:   v1alpha1.ConfigSpec{Storage: []v1alpha1.StorageLocation{l}},
		Status: v1alpha1.ConfigStatus{ClusterUID: cluster},
	}
}

func secret(t *testing.T, c client.Client, name string, data map[string]string) *corev1.Secret {
	t.Helper()
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: name}, StringData: data}
	if err := c.Create(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Delete(context.WithoutCancel(t.Context()), s); client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	})
	return s
}

func TestALocationIsOpenedUntilItChanges(t *testing.T) {
	c := controllertest.Cluster(t)
	s := newStores(t)
	l := opener(t, c, s)
	credentials := secret(t, c, "credentials", map[string]string{"key": "old"})
	ca := secret(t, c, "authority", map[string]string{"ca.crt": "PEM"})
	cfg := config(func(l *v1alpha1.StorageLocation) {
		l.CredentialsSecretName, l.CASecretName = credentials.Name, ca.Name
	})
	open := func() *locations.Location {
		t.Helper()
		location, err := l.Open(t.Context(), cfg, "")
		if err != nil {
			t.Fatal(err)
		}
		return location
	}

	first := open()
	if second := open(); second.Store != first.Store {
		t.Error("a second Open opened it again")
	}
	if diff := cmp.Diff(cfg.Spec.Storage[0], first.Spec); diff != "" || first.ReadOnly {
		t.Errorf("location mismatch (-want +got):\n%s", diff)
	}
	if _, err := l.Check(t.Context(), cfg, "main"); err != nil {
		t.Fatal(err)
	}
	credentials.StringData = map[string]string{"key": "new"}
	if err := c.Update(t.Context(), credentials); err != nil {
		t.Fatal(err)
	}
	rotated := open()
	cfg.Spec.Storage[0].Prefix = "q"
	if moved := open(); moved.Spec.Prefix == rotated.Spec.Prefix {
		t.Error("another prefix is no other location")
	}
	want := []string{
		"mem://any p key=old ca=PEM readOnly=false", // Open
		"mem://any p key=old ca=PEM readOnly=false", // Check
		"mem://any p key=new ca=PEM readOnly=false", // the Secret was rotated
		"mem://any q key=new ca=PEM readOnly=false", // the spec changed
	}
	if diff := cmp.Diff(want, s.opened); diff != "" {
		t.Errorf("opened (-want +got):\n%s", diff)
	}
	if _, err := first.Catalog.Clusters(t.Context()); err != nil {
		t.Errorf("the first one is of no use any more: %v", err)
	}
}

func TestWhatKeepsALocationClosed(t *testing.T) {
	c := controllertest.Cluster(t)
	secret(t, c, "empty", map[string]string{"canary": "s3cr3t"})
	down := &engine.RetryableError{Err: errors.New("connection refused")}

	tests := map[string]struct {
		change func(*v1alpha1.StorageLocation)
		faults []storetest.Fault
		stored string // as the store's identity
		real   bool   // opened by its URL
		reason string
		waits  bool
		want   string
	}{
		"a Secret that does not exist": {
			change: func(l *v1alpha1.StorageLocation) { l.CredentialsSecretName = "nowhere" },
			reason: "SecretMissing",
			want:   `location "main": Secret ark-system/nowhere, named by credentialsSecretName, does not exist: create it, or change credentialsSecretName`,
		},
		"a Secret without certificates": {
			change: func(l *v1alpha1.StorageLocation) { l.CASecretName = "empty" },
			reason: "SecretMissing",
			want:   `location "main": Secret ark-system/empty, named by caSecretName, has no key ca.crt: put the PEM certificates there`,
		},
		"a URL of no known scheme": {
			change: func(l *v1alpha1.StorageLocation) { l.URL = "ftp://bucket" }, real: true,
			reason: "StorageInvalid", want: `scheme "ftp" of the url is unknown`,
		},
		"a directory where none is allowed": {
			change: func(l *v1alpha1.StorageLocation) { l.URL = "file:///etc" }, real: true,
			reason: "StorageInvalid", want: `open storage location "main"`,
		},
		"credentials that the scheme has no use for": {
			change: func(l *v1alpha1.StorageLocation) { l.CredentialsSecretName = "empty" }, real: true,
			reason: "StorageInvalid", want: "scheme mem takes no credentials: remove credentialsSecretName",
		},
		"a bucket that does not answer": {
			faults: []storetest.Fault{{Op: storetest.OpOpen, Effect: storetest.Fail(down)}},
			reason: "StorageUnavailable", waits: true, want: `location "main" is not available: attach store: `,
		},
		"a bucket that takes no writes": {
			faults: []storetest.Fault{{Op: storetest.OpCreate, Effect: storetest.Fail(engine.ErrForbidden)}},
			reason: "StorageUnavailable", waits: true, want: "access ReadWrite needs permission to write",
		},
		"a bucket of a later version": {
			stored: `{"format":2,"id":["new"]}`,
			reason: "StorageInvalid", want: `location "main": attach store: decode store identity: unknown format: `,
		},
		"a ReadOnly location that was never written": {
			change: func(l *v1alpha1.StorageLocation) { l.Access = v1alpha1.AccessReadOnly },
			reason: "StorageUnavailable", waits: true, want: "there is no ark-store.json: check url and prefix",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newStores(t)
			s.Inject(tc.faults...)
			if tc.stored != "" {
				storetest.Put(t, s, archive.IdentityKey, tc.stored)
			}
			l := opener(t, c, s)
			if tc.real {
				l.OpenStore = nil
			}
			cfg := config()
			if tc.change != nil {
				cfg = config(tc.change)
			}
			_, err := l.Open(t.Context(), cfg, "main")
			var known *step.Error
			if !errors.As(err, &known) || known.Reason != tc.reason || known.After > 0 != tc.waits {
				t.Fatalf("Open() error = %#v, want a judgement: %s, waiting %t", err, tc.reason, tc.waits)
			}
			if !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("Open() error = %s\n want %s in it", err, tc.want)
			}
			if tc.faults == nil {
				return
			}
			s.Heal()
			if _, err := l.Open(t.Context(), cfg, "main"); err != nil {
				t.Errorf("Open() once it is cured: %v", err)
			}
		})
	}
}

func TestWhoWaitsForASlowLocationCanStop(t *testing.T) {
	c := controllertest.Cluster(t)
	s := newStores(t)
	reached := make(chan struct{})
	s.Inject(storetest.Fault{Op: storetest.OpList, Nth: 1, Effect: storetest.Stall(func() { close(reached) })})
	l := opener(t, c, s)
	slow, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := l.Open(slow, config(), "main")
		ended <- err
	}()
	<-reached
	impatient, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := l.Open(impatient, config(), "main")
	var known *step.Error
	if !errors.As(err, &known) || known.Reason != v1alpha1.StorageUnavailableReason && known.Reason != v1alpha1.RetryingReason {
		t.Errorf("Open() error = %v, want a wait", err)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Open() error of the slow one = %v, want context.Canceled", err)
	}
	if _, err := l.Open(t.Context(), config(), "main"); err != nil {
		t.Errorf("Open() afterwards: %v", err)
	}
}

func TestLatestBackup(t *testing.T) {
	c := controllertest.Cluster(t)
	s := newStores(t)
	l := opener(t, c, s)
	if name, ok, err := l.LatestBackup(t.Context(), config(), "main", "nightly"); name != "" || ok || err != nil {
		t.Errorf("LatestBackup() of an empty store = %q, %t, %v", name, ok, err)
	}
	for _, name := range []string{"nightly-20260101030000", "nightly-20260103030000", "nightly-20260102030000", "other-20270101030000"} {
		storetest.Put(t, s, cluster+"/markers/"+name+".json", "")
	}
	if name, ok, err := l.LatestBackup(t.Context(), config(), "main", "nightly"); name != "nightly-20260103030000" || !ok || err != nil {
		t.Errorf("LatestBackup() = %q, %t, %v", name, ok, err)
	}
	s.Inject(storetest.Fault{Op: storetest.OpList, Effect: storetest.Fail(errors.New("connection reset"))})
	var known *step.Error
	if _, _, err := l.LatestBackup(t.Context(), config(), "main", "nightly"); !errors.As(err, &known) || known.Reason != "StorageUnavailable" {
		t.Errorf("LatestBackup() error = %v, want StorageUnavailable", err)
	}
	if _, _, err := l.LatestBackup(t.Context(), config(), "nowhere", "nightly"); !errors.As(err, &known) || known.Reason != "LocationMissing" {
		t.Errorf("LatestBackup() error = %v, want LocationMissing", err)
	}
}
