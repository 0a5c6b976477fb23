// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package manager_test

import (
	"context"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// objectStorage is a cluster whose locations are buckets of a real S3 server, seen
// through one that counts requests.
type objectStorage struct {
	*member

	server *lab.S3
	front  *lab.Front
}

const storedApplication = "object-storage"

func newObjectStorage(t *testing.T, accounts ...lab.Account) *objectStorage {
	t.Helper()
	server, err := lab.StartS3(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	front, err := server.NewFront()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(front.Close)
	clock := controllertest.NewClock(time.Now().UTC().Truncate(time.Second)) //nolint:forbidigo // the API server's creation times are the machine's
	s := &objectStorage{newMember(t, labtest.Start(t, lab.Options{}), nil, clock), server, front}
	if err := server.SetAccounts(accounts...); err != nil {
		t.Fatal(err)
	}
	for _, a := range accounts {
		if err := server.CreateBucket(t.Context(), a, a.Name+"-bucket"); err != nil {
			t.Fatal(err)
		}
		s.secret(a.Name, map[string]string{"accessKeyID": a.Name, "secretAccessKey": a.Key})
	}
	s.secret("authority", map[string]string{"ca.crt": string(server.CA)})
	controllertest.Create(t, s,
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: storedApplication}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: storedApplication, Name: "settings"}, Data: map[string]string{"cluster": "stored"}})
	return s
}

func (s *objectStorage) secret(name string, data map[string]string) {
	s.t.Helper()
	controllertest.Create(s.t, s, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: name}, StringData: data})
}

// location is a bucket of the server, with the private authority.
func (s *objectStorage) location(name, bucket, secret string, change func(*v1alpha1.StorageLocation)) v1alpha1.StorageLocation {
	l := v1alpha1.StorageLocation{
		Name: name, URL: "s3://" + bucket + "?endpoint=" + url.QueryEscape(s.front.Endpoint), Prefix: "team/ark",
		CredentialsSecretName: secret, CASecretName: "authority",
	}
	if change != nil {
		change(&l)
	}
	return l
}

// status returns the state of a location.
func (s *objectStorage) status(name string) v1alpha1.StorageLocationStatus {
	s.t.Helper()
	cfg := &v1alpha1.Config{}
	if err := s.Get(s.t.Context(), client.ObjectKey{Name: v1alpha1.ConfigName}, cfg); err != nil {
		s.t.Fatal(err)
	}
	for _, l := range cfg.Status.Storage {
		if l.Name == name {
			return l
		}
	}
	return v1alpha1.StorageLocationStatus{}
}

func (s *objectStorage) backup(name, location string) {
	s.t.Helper()
	controllertest.Create(s.t, s, &v1alpha1.Backup{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.BackupSpec{Template: &v1alpha1.BackupTemplate{
			IncludedNamespaces: []string{storedApplication}, StorageLocation: location,
		}},
	})
}

// bucket opens a bucket as its owner, to look at it.
func (s *objectStorage) bucket(owner lab.Account) *blobstore.Store {
	s.t.Helper()
	store, err := blobstore.Open(s.t.Context(),
		blobstore.Location{Name: owner.Name, URL: "s3://" + owner.Name + "-bucket?endpoint=" + url.QueryEscape(s.server.Endpoint), Prefix: "team/ark"},
		blobstore.Options{CA: s.server.CA, Credentials: map[string][]byte{"accessKeyID": []byte(owner.Name), "secretAccessKey": []byte(owner.Key)}})
	if err != nil {
		s.t.Fatal(err)
	}
	return store
}

// TestLocationsOfObjectStorage has two accounts side by side, one of the buckets a
// second time and ReadOnly, and every mistake in a location of its own; then a key
// changes while the controllers run.
func TestLocationsOfObjectStorage(t *testing.T) {
	one, two := lab.Account{Name: "team-one", Key: "one-hunter2"}, lab.Account{Name: "team-two", Key: "two-hunter2"}
	s := newObjectStorage(t, one, two)
	s.secret("wrong", map[string]string{"accessKeyID": one.Name, "secretAccessKey": "wrong-hunter2"})
	mistakes := map[string]struct {
		location v1alpha1.StorageLocation
		want     string
	}{
		"wrong-key": {s.location("wrong-key", "team-one-bucket", "wrong", nil), "put valid ones into the Secret that credentialsSecretName names"},
		"no-bucket": {s.location("no-bucket", "none-such", one.Name, nil), "the bucket does not exist: create it, or correct the url"},
		"other":     {s.location("other", "team-two-bucket", one.Name, nil), "the credentials do not allow it: grant them what docs/storage.md lists"},
		"no-secret": {s.location("no-secret", "team-one-bucket", "none-such", nil), "Secret ark-system/none-such, named by credentialsSecretName, does not exist: create it, or change credentialsSecretName"},
		"no-ca": {s.location("no-ca", "team-one-bucket", one.Name, func(l *v1alpha1.StorageLocation) { l.CASecretName = "" }),
			"put the authority's certificate into a Secret as ca.crt, and name it in caSecretName"},
		"empty": {s.location("empty", "team-one-bucket", one.Name, func(l *v1alpha1.StorageLocation) { l.Prefix, l.Access = "none", v1alpha1.AccessReadOnly }),
			"check url and prefix; a store is given one when it is first attached with access ReadWrite"},
	}
	storage := []v1alpha1.StorageLocation{
		s.location("one", "team-one-bucket", one.Name, func(l *v1alpha1.StorageLocation) {
			l.Default, l.Signing = true, &v1alpha1.Signing{SecretName: "line-signer"}
		}),
		s.location("two", "team-two-bucket", two.Name, nil),
	}
	for _, name := range []string{"wrong-key", "no-bucket", "other", "no-secret", "no-ca", "empty"} {
		storage = append(storage, mistakes[name].location)
	}
	controllertest.Create(t, s, &v1alpha1.Config{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.ConfigName}, Spec: v1alpha1.ConfigSpec{ClusterName: "stored", Storage: storage}})
	t.Cleanup(func() {
		signer := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: "line-signer"}}
		if err := s.Delete(context.WithoutCancel(t.Context()), signer); err != nil {
			t.Error(err)
		}
	})
	s.backup("in-one", "")
	s.backup("in-two", "two")
	s.until("a backup in each of the two", func() bool { return s.standing("in-one") == "Succeeded" && s.standing("in-two") == "Succeeded" })
	for name, tc := range mistakes {
		l := s.status(name)
		if l.Available || !strings.Contains(l.Message, tc.want) || strings.Contains(l.Message, "hunter2") {
			t.Errorf("location %s is available: %v, with message %q, want it to say %q", name, l.Available, l.Message, tc.want)
		}
	}
	for name, want := range map[string]v1alpha1.Verification{"in-one": v1alpha1.VerificationVerified, "in-two": v1alpha1.VerificationUnsigned} {
		b := &v1alpha1.Backup{}
		if !s.have(name, b) || b.Status.Verification != want || !cmp.Equal(b.Status.StorageLocations, []string{strings.TrimPrefix(name, "in-")}) {
			t.Errorf("backup %s is %s in %v, want %s", name, b.Status.Verification, b.Status.StorageLocations, want)
		}
	}
	s.readOnly(one)
	s.rotate(one)
}

// readOnly makes the first location ReadOnly: its backups are restored and stay
// Verified, and nothing is written into the bucket.
func (s *objectStorage) readOnly(owner lab.Account) {
	s.t.Helper()
	s.change(func(l *v1alpha1.StorageLocation) { l.Access = v1alpha1.AccessReadOnly })
	s.until("the location to be ReadOnly", func() bool { return s.status("one").ConditionalWrites == nil && s.status("one").Available })
	before := s.keys(owner)
	s.front.Take()
	controllertest.Create(s.t, s, &v1alpha1.Restore{
		ObjectMeta: metav1.ObjectMeta{Name: "from-one"},
		Spec: v1alpha1.RestoreSpec{
			BackupName: "in-one", NamespaceMapping: map[string]v1alpha1.NamespaceName{storedApplication: "restored-from-one"},
		},
	})
	s.clock.Advance(2 * time.Minute)
	s.until("a restore from it", func() bool { return s.settings("restored-from-one") == "stored" })
	for _, r := range s.front.Take() {
		if strings.HasPrefix(r.URL, "/team-one-bucket") && strings.Contains(r.URL, "team/ark") && r.Method != "GET" && r.Method != "HEAD" {
			s.t.Errorf("a location that is ReadOnly was sent %s %s", r.Method, r.URL)
		}
	}
	if diff := cmp.Diff(before, s.keys(owner)); diff != "" {
		s.t.Errorf("the bucket changed (-before +after):\n%s", diff)
	}
	b := &v1alpha1.Backup{}
	if !s.have("in-one", b) || b.Status.Verification != v1alpha1.VerificationVerified {
		s.t.Errorf("its backup is %s", b.Status.Verification)
	}
	s.change(func(l *v1alpha1.StorageLocation) { l.Access = v1alpha1.AccessReadWrite })
	s.until("the location to be written again", func() bool { return s.status("one").ConditionalWrites != nil })
}

// rotate lets the key of an account end, and puts the next one into the Secret.
func (s *objectStorage) rotate(account lab.Account) {
	s.t.Helper()
	account.Key = "next-hunter2"
	if err := s.server.SetAccounts(account); err != nil {
		s.t.Fatal(err)
	}
	s.until("the location to be unavailable", func() bool { return !s.status("one").Available })
	if l := s.status("one"); !strings.Contains(l.Message, "put valid ones into the Secret that credentialsSecretName names") || strings.Contains(l.Message, "hunter2") {
		s.t.Errorf("message %q", l.Message)
	}
	s.backup("later", "")
	s.until("a backup to wait for storage", func() bool { return s.standing("later") != "" })
	secret := &corev1.Secret{}
	if err := s.Get(s.t.Context(), client.ObjectKey{Namespace: labtest.Namespace, Name: account.Name}, secret); err != nil {
		s.t.Fatal(err)
	}
	secret.StringData = map[string]string{"secretAccessKey": account.Key}
	if err := s.Update(s.t.Context(), secret); err != nil {
		s.t.Fatal(err)
	}
	s.until("the backup that waited", func() bool { return s.standing("later") == "Succeeded" && s.status("one").Available })
}

// change changes the first location.
func (s *objectStorage) change(change func(*v1alpha1.StorageLocation)) {
	s.t.Helper()
	cfg := &v1alpha1.Config{}
	if err := s.Get(s.t.Context(), client.ObjectKey{Name: v1alpha1.ConfigName}, cfg); err != nil {
		s.t.Fatal(err)
	}
	change(&cfg.Spec.Storage[0])
	if err := s.Update(s.t.Context(), cfg); err != nil {
		s.t.Fatal(err)
	}
}

// keys lists the bucket of an account.
func (s *objectStorage) keys(owner lab.Account) []string {
	s.t.Helper()
	var keys []string
	for blob, err := range s.bucket(owner).List(s.t.Context(), "", false) {
		if err != nil {
			s.t.Fatal(err)
		}
		if !strings.HasPrefix(blob.Key, archive.ProbePrefix) {
			keys = append(keys, blob.Key)
		}
	}
	return keys
}
