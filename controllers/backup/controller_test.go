// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kstatus "sigs.k8s.io/cli-utils/pkg/kstatus/status"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func hasPrefix(t *testing.T, what, got, want string) {
	t.Helper()
	if !strings.HasPrefix(got, want) {
		t.Errorf("%s = %q, want it to begin with %q", what, got, want)
	}
}

func TestABackupIsTakenOnce(t *testing.T) {
	f := setUp(t)
	f.backup("once")
	if again := f.reconcile("once"); again.RequeueAfter != progressEvery {
		t.Errorf("RequeueAfter of a running backup = %v, want %v", again.RequeueAfter, progressEvery)
	}
	if b := f.get("once"); len(b.Finalizers) != 1 {
		t.Errorf("finalizers while running = %v, want one", b.Finalizers)
	}
	hasPrefix(t, "Ready", f.settle("once"), "True Succeeded: stored ")

	b, s := f.get("once"), f.stored("once")
	if _, ok := f.index("once")["configmaps/backup-test/settings"]; !ok {
		t.Errorf("index = %v, want it to hold the ConfigMap", f.index("once"))
	}
	want := &v1alpha1.BackupOrigin{ClusterUID: f.uid, ClusterName: "lab", BackupName: "once"}
	if diff := cmp.Diff(want, b.Status.Origin); diff != "" {
		t.Errorf("origin mismatch (-want +got):\n%s", diff)
	}
	if b.Status.Template.TTL.Duration != 720*time.Hour || b.Status.Template.StorageLocation != "main" {
		t.Errorf("resolved template = %+v, want defaults filled in", b.Status.Template)
	}
	if again := f.reconcile("once").RequeueAfter; again < 719*time.Hour || again > 721*time.Hour {
		t.Errorf("RequeueAfter = %v, want the time to its expiry", again)
	}
	if err := f.catalog().Verify(t.Context(), s); err != nil {
		t.Errorf("Verify() error = %v", err)
	}
	if told := f.events.Take(); len(told) != 2 || !strings.HasPrefix(told[1], "Normal Succeeded: ") {
		t.Errorf("events = %q, want one when it began and one when it succeeded", told)
	}
}

func TestANameThatIsInStorageIsAdopted(t *testing.T) {
	f := setUp(t)
	f.backup("adopted")
	f.settle("adopted")
	first := f.stored("adopted").Marker.Attempt
	if err := f.client.Delete(t.Context(), f.get("adopted")); err != nil {
		t.Fatal(err)
	}
	f.restart()
	f.backup("adopted")
	hasPrefix(t, "Ready", f.settle("adopted"), "True Succeeded: ")
	if got := f.get("adopted").Status.Attempt; got != first {
		t.Errorf("attempt = %s, want that of the first object, %s", got, first)
	}
	if n := len(f.keys(archive.DataPrefix(f.uid, "adopted"))); n != len(f.stored("adopted").Marker.Files) {
		t.Errorf("files in the store = %d, want only those of the one attempt", n)
	}
}

func TestDeletingTheObjectKeepsTheData(t *testing.T) {
	f := setUp(t)
	f.backup("projection")
	f.settle("projection")
	if err := f.client.Delete(t.Context(), f.get("projection")); err != nil {
		t.Fatal(err)
	}
	if b := f.get("projection"); b != nil {
		t.Errorf("the object is still there, with finalizers %v", b.Finalizers)
	}
	if f.stored("projection") == nil {
		t.Error("the data is gone")
	}
}

func TestADeletionIsCarriedOut(t *testing.T) {
	tests := map[string]struct {
		labels map[string]string
		want   string
	}{
		"an object that Ark made goes with its data": {
			labels: map[string]string{v1alpha1.CreatedByLabel: v1alpha1.CreatedByCLI}, want: "gone",
		},
		"an object from Git stays, and fails no deployment": {
			want: "True Deleted: the data was removed at ",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			f.backup("deleted", func(b *v1alpha1.Backup) { b.Labels = tc.labels })
			f.settle("deleted")
			f.change("deleted", func(s *v1alpha1.BackupSpec) { s.Deletion = &v1alpha1.Deletion{Reason: "a test"} })
			hasPrefix(t, "Ready", f.settle("deleted"), tc.want)
			if left := f.keys(archive.DataPrefix(f.uid, "deleted")); len(left) > 0 || f.stored("deleted") != nil {
				t.Errorf("left in the store: %v", left)
			}
			tombstone, ok, err := f.catalog().Deletion(t.Context(), f.uid, "deleted")
			if err != nil || !ok || tombstone.Reason != "a test" {
				t.Errorf("Deletion() = %+v, %v, %v, want the reason on record", tombstone, ok, err)
			}
		})
	}
}

func TestADeletedNameIsNeverUsedAgain(t *testing.T) {
	f := setUp(t)
	f.backup("buried")
	f.settle("buried")
	f.clock.Advance(-time.Hour) // its removal is to be older than the next object
	f.change("buried", func(s *v1alpha1.BackupSpec) { s.Deletion = &v1alpha1.Deletion{Reason: "a test"} })
	f.settle("buried")
	if err := f.client.Delete(t.Context(), f.get("buried")); err != nil {
		t.Fatal(err)
	}
	f.backup("buried") // as a Git tool does
	hasPrefix(t, "Ready", f.settle("buried"), "False NameTaken: a backup of this name was removed at ")
	if f.stored("buried") != nil {
		t.Error("the backup was taken again")
	}
}

func TestExpiry(t *testing.T) {
	hold := true
	tests := map[string]struct {
		change func(*v1alpha1.Backup)
		want   string
	}{
		"a backup whose time is up goes":           {want: "True Expired: the backup expired and its data was removed at "},
		"a backup on hold stays":                   {change: func(b *v1alpha1.Backup) { b.Spec.Hold = &hold }, want: "True Succeeded: stored "},
		"the newest good one of a Schedule stays":  {change: func(b *v1alpha1.Backup) { b.Labels = map[string]string{v1alpha1.ScheduleLabel: "s"} }, want: "True Succeeded: stored "},
		"a longer ttl of its own keeps it as well": {change: func(b *v1alpha1.Backup) { b.Spec.TTL = &metav1.Duration{Duration: 3000 * time.Hour} }, want: "True Succeeded: stored "},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			f.backup("s-20260101000000", func(b *v1alpha1.Backup) {
				if tc.change != nil {
					tc.change(b)
				}
			})
			f.settle("s-20260101000000")
			f.clock.Advance(721 * time.Hour)
			hasPrefix(t, "Ready after its ttl", f.settle("s-20260101000000"), tc.want)
			if gone := f.stored("s-20260101000000") == nil; gone != strings.Contains(tc.want, "Expired") {
				t.Errorf("gone from the store: %v, with condition %q", gone, tc.want)
			}
		})
	}
}

func TestABackupByAnotherNameIsItsSchedulesToo(t *testing.T) {
	f := setUp(t)
	f.backup("before-upgrade", func(b *v1alpha1.Backup) { b.Labels = map[string]string{v1alpha1.ScheduleLabel: "s"} })
	f.settle("before-upgrade")
	f.clock.Advance(721 * time.Hour)
	if got := f.settle("before-upgrade"); !strings.Contains(got, "; past its ttl and kept: ") {
		t.Errorf("Ready = %q, want it kept as the newest of its Schedule", got)
	}
}

func TestExpiryRemovesTheRestoresThatArkMade(t *testing.T) {
	f := setUp(t)
	f.backup("restored", func(b *v1alpha1.Backup) { b.Labels = map[string]string{v1alpha1.CreatedByLabel: v1alpha1.CreatedByCLI} })
	f.settle("restored")
	for name, labels := range map[string]map[string]string{"by-cli": {v1alpha1.CreatedByLabel: v1alpha1.CreatedByCLI}, "by-git": nil} {
		o := &v1alpha1.Restore{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Spec: v1alpha1.RestoreSpec{BackupName: "restored"}}
		f.create(o)
		o.Status.Backup = &v1alpha1.RestoredBackup{Name: "restored"}
		o.Status.CompletionTime = &metav1.Time{Time: f.clock.Now()}
		if err := f.client.Status().Update(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	f.clock.Advance(721 * time.Hour)
	if got := f.settle("restored"); got != "gone" {
		t.Errorf("backup = %q, want gone", got)
	}
	var left v1alpha1.RestoreList
	if err := f.client.List(t.Context(), &left); err != nil {
		t.Fatal(err)
	}
	if len(left.Items) != 1 || left.Items[0].Name != "by-git" {
		t.Errorf("restores left = %d, want only that from Git", len(left.Items))
	}
}

func TestWhatIsAskedLaterIsRecorded(t *testing.T) {
	f := setUp(t)
	f.backup("asked")
	f.settle("asked")
	yes, no := true, false
	f.change("asked", func(s *v1alpha1.BackupSpec) { s.Hold = &yes; s.TTL = &metav1.Duration{Duration: 1000 * time.Hour} })
	f.settle("asked")
	b, s := f.get("asked"), f.stored("asked")
	if !s.Held || !b.Status.Held || !s.Expires.Equal(b.CreationTimestamp.Add(1000*time.Hour)) || !b.Status.ExpirationTime.Time.Equal(s.Expires) {
		t.Errorf("stored: held %v until %v; status: held %v until %v", s.Held, s.Expires, b.Status.Held, b.Status.ExpirationTime)
	}
	f.change("asked", func(s *v1alpha1.BackupSpec) { s.Hold = nil })
	f.settle("asked")
	if !f.stored("asked").Held {
		t.Error("a manifest that says nothing of a hold released it")
	}
	f.change("asked", func(s *v1alpha1.BackupSpec) { s.Hold = &no })
	f.settle("asked")
	if f.stored("asked").Held {
		t.Error("the hold was not released")
	}
}

func TestWhatKeepsABackupFromBeingTaken(t *testing.T) {
	byPolicy := func(b *v1alpha1.Backup) { b.Spec = v1alpha1.BackupSpec{PolicyName: "p"} }
	tests := map[string]struct {
		prepare func(*fixture)
		change  func(*v1alpha1.Backup)
		want    string
	}{
		"no Config": {
			prepare: func(f *fixture) {
				if err := f.client.DeleteAllOf(f.t.Context(), &v1alpha1.Config{}); err != nil {
					f.t.Fatal(err)
				}
			},
			want: "Unknown ConfigMissing: there is no Config named default yet: apply one that says where backups are kept",
		},
		"a restore-only cluster": {
			prepare: func(f *fixture) { f.config(func(s *v1alpha1.ConfigSpec) { s.Mode = v1alpha1.ModeRestoreOnly }) },
			want:    "False RestoreOnly: the Config's mode is RestoreOnly: no backup is taken",
		},
		"an unknown location": {
			change: func(b *v1alpha1.Backup) { b.Spec.Template.StorageLocation = "elsewhere" },
			want:   `False LocationMissing: the Config has no storage location "elsewhere": add it to spec.storage, or change storageLocation to one of "main"`,
		},
		"an unknown policy": {
			change: byPolicy,
			want:   `Unknown PolicyMissing: there is no BackupPolicy "p": apply it, or create a Backup with another policyName`,
		},
		"a policy that does not compile": {
			prepare: func(f *fixture) {
				f.create(&v1alpha1.BackupPolicy{
					ObjectMeta: metav1.ObjectMeta{Name: "p"},
					Spec:       v1alpha1.BackupPolicySpec{Rules: []v1alpha1.Rule{{Name: "broken", Rego: "package ark.select\n\nexclude contains \"x\" if {\n\tinput.nonsense\n}\n"}}},
				})
			},
			change: byPolicy,
			want:   "False PolicyInvalid: load the rules of BackupPolicy p: broken.rego:4: ",
		},
		"a label selector that is none": {
			change: func(b *v1alpha1.Backup) {
				b.Spec.Template.LabelSelector = &metav1.LabelSelector{
					MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "In"}},
				}
			},
			want: "False RequestInvalid: spec.template.labelSelector: ",
		},
		"a type that cannot be read, while storage does not answer": {
			prepare: func(f *fixture) {
				f.store.Inject(storetest.Fault{Op: storetest.OpOpen, Effect: storetest.Fail(errors.New("connection reset"))})
			},
			change: func(b *v1alpha1.Backup) { b.Spec.Template.IncludedResources = []string{"deployments.apps/v1"} },
			want:   `False RequestInvalid: spec.template.includedResources[0]: "deployments.apps/v1" names a version: write "deployments.apps", `,
		},
		"a type of its policy's that cannot be read": {
			prepare: func(f *fixture) {
				f.create(&v1alpha1.BackupPolicy{
					ObjectMeta: metav1.ObjectMeta{Name: "p"},
					Spec:       v1alpha1.BackupPolicySpec{Template: &v1alpha1.BackupTemplate{IncludedResources: []string{"conf*"}}},
				})
			},
			change: byPolicy,
			want:   `False RequestInvalid: BackupPolicy p: spec.template.includedResources[0]: "conf*" has a wildcard within a name: `,
		},
		"a policy whose name no archive can hold": {
			change: func(b *v1alpha1.Backup) { b.Spec = v1alpha1.BackupSpec{PolicyName: strings.Repeat("p", 64)} },
			want:   `False RequestInvalid: spec.policyName: name "` + strings.Repeat("p", 64) + `" has a part of more than 63 characters: `,
		},
		"a label that names no schedule": {
			change: func(b *v1alpha1.Backup) { b.Labels = map[string]string{v1alpha1.ScheduleLabel: "Shop_nightly"} },
			want:   `False RequestInvalid: label ark.gopherwood.dev/schedule: name "Shop_nightly" is not a DNS name: `,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			if tc.prepare != nil {
				tc.prepare(f)
			}
			f.backup("kept-from", func(b *v1alpha1.Backup) {
				if tc.change != nil {
					tc.change(b)
				}
			})
			hasPrefix(t, "Ready", f.settle("kept-from"), tc.want)
			if f.get("kept-from").Status.CompletionTime != nil {
				t.Error("the backup counts as ended, although a change can help it")
			}
		})
	}
}

func TestANameFromBeforeTheRuleIsRefused(t *testing.T) {
	long := strings.Repeat("a", 64)
	b := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: long}}
	s := newScope(b, time.Unix(0, 0), "")
	setStatus(s, (&Reconciler{}).checkNames(t.Context(), s))
	hasPrefix(t, "Ready", controllertest.Ready(t, b, b.Status.ObservedGeneration, b.Status.Conditions), `False RequestInvalid: name "`+long+`" has a part of more than 63 characters: choose a shorter one`)
}

// A message that changes from one look to the next would be written again each time.
func TestOfSeveralNamesThatNoArchiveCanHoldTheFirstIsTold(t *testing.T) {
	long := strings.Repeat("a", 64)
	b := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: "b", Labels: map[string]string{v1alpha1.ScheduleLabel: long}}}
	b.Spec.PolicyName = long
	for range 64 {
		err := (&Reconciler{}).checkNames(t.Context(), newScope(b, time.Unix(0, 0), ""))
		if err == nil || !strings.HasPrefix(err.Error(), "spec.policyName: ") {
			t.Fatalf("checkNames() = %v, want it to name spec.policyName", err)
		}
	}
}

func TestAStoreThatFailsIsTriedAgain(t *testing.T) {
	f := setUp(t)
	f.store.Inject(storetest.Fault{Op: storetest.OpCreate, Key: "/markers/", Effect: storetest.Fail(errors.New("bucket is full"))})
	f.backup("stubborn")
	for attempt := 1; attempt < maxAttempts; attempt++ {
		hasPrefix(t, "Ready", f.settle("stubborn"), "Unknown Retrying: ")
		if got := f.get("stubborn").Status.Attempts; got != int32(attempt) {
			t.Fatalf("attempts = %d, want %d: it must not be tried again at once", got, attempt)
		}
		f.clock.Advance(time.Duration(attempt)*retryAfter + time.Second)
	}
	text := f.settle("stubborn")
	hasPrefix(t, "Ready in the end", text, "False Failed: 5 attempts failed, the last one: ")
	if !strings.Contains(text, "bucket is full") {
		t.Errorf("Ready = %q, want the store's own words", text)
	}
	if left := f.keys(archive.DataPrefix(f.uid, "stubborn")); len(left) > 0 {
		t.Errorf("failed attempts left behind: %v", left)
	}
	if b := f.get("stubborn"); b.Status.Completeness != v1alpha1.CompletenessNone || b.Status.CompletionTime == nil {
		t.Errorf("status = %+v, want an end with nothing stored", b.Status)
	}
}

func TestADeletionRemovesWhatAnAttemptLeftWhoseMarkerMayStillArrive(t *testing.T) {
	f := setUp(t)
	f.store.Inject(storetest.Fault{Op: storetest.OpClose, Key: "/markers/", Effect: storetest.Fail(errors.New("connection reset"))})
	f.backup("doubtful")
	hasPrefix(t, "Ready", f.settle("doubtful"), "Unknown Retrying: attempt 1 failed: commit backup doubtful: ")
	if left := f.keys(archive.DataPrefix(f.uid, "doubtful")); len(left) == 0 {
		t.Error("the data went, and the marker may still arrive")
	}
	f.store.Heal()
	f.change("doubtful", deletion)
	hasPrefix(t, "Ready", f.settle("doubtful"), "True Deleted: ")
	if left := f.keys(archive.DataPrefix(f.uid, "doubtful")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestARestartResumesAsANewAttempt(t *testing.T) {
	f := setUp(t)
	reached := make(chan struct{})
	f.store.Inject(storetest.Fault{Op: storetest.OpClose, Key: archive.IndexFile, Nth: 1, Effect: storetest.Stall(func() { close(reached) })})
	f.backup("resumed")
	f.begin("resumed")
	<-reached
	f.restart()
	f.clock.Advance(time.Minute)
	hasPrefix(t, "Ready", f.settle("resumed"), "True Succeeded: stored ")
	if got := f.get("resumed").Status.Attempts; got != 2 {
		t.Errorf("attempts = %d, want 2", got)
	}
}

func TestRestartsUseUpNoAttempts(t *testing.T) {
	f := setUp(t)
	f.backup("runs")
	f.backup("waits")
	for range maxAttempts + 1 {
		reached := make(chan struct{})
		f.store.Inject(storetest.Fault{Op: storetest.OpClose, Key: archive.IndexFile, Nth: 1, Effect: storetest.Stall(func() { close(reached) })})
		f.begin("runs")
		<-reached
		f.reconcile("waits")
		f.restart()
		f.store.Heal()
	}
	for name, want := range map[string][2]int32{"runs": {6, 6}, "waits": {0, 0}} {
		if st := f.get(name).Status; st.Attempts != want[0] || st.Interrupted != want[1] {
			t.Errorf("%s: %d attempts, %d interrupted, want %v", name, st.Attempts, st.Interrupted, want)
		}
		hasPrefix(t, "Ready of "+name, f.settle(name), "True Succeeded: stored ")
	}
}

// A controller that is killed in every attempt, for lack of memory maybe, sees none
// of them end.
func TestAttemptsWhoseEndNobodySawAreCounted(t *testing.T) {
	f := setUp(t)
	f.backup("deadly")
	b := f.get("deadly")
	b.Status.Attempts, b.Status.StartTime = maxAttempts, &metav1.Time{Time: f.clock.Now().Add(-time.Hour)}
	if err := f.client.Status().Update(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	hasPrefix(t, "Ready", f.settle("deadly"), "False Failed: 5 attempts failed, the last one without a word: ")
	if st := f.get("deadly").Status; st.Attempts != maxAttempts || st.CompletionTime == nil {
		t.Errorf("attempts = %d, ended at %v, want it to have ended after %d", st.Attempts, st.CompletionTime, maxAttempts)
	}
}

func TestDeletingTheObjectStopsItsRun(t *testing.T) {
	f := setUp(t)
	reached := make(chan struct{})
	f.store.Inject(storetest.Fault{Op: storetest.OpClose, Key: archive.IndexFile, Nth: 1, Effect: storetest.Stall(func() { close(reached) })})
	f.backup("stopped")
	f.begin("stopped")
	<-reached
	if err := f.client.Delete(t.Context(), f.get("stopped")); err != nil {
		t.Fatal(err)
	}
	if got := controllertest.Verdict(t, f.get("stopped")); got != kstatus.TerminatingStatus {
		t.Errorf("kstatus takes it for %s, want %s", got, kstatus.TerminatingStatus)
	}
	f.reconcile("stopped")
	if b := f.get("stopped"); b != nil {
		t.Errorf("the object is still there, with finalizers %v", b.Finalizers)
	}
	if left := f.keys(f.uid + "/"); len(left) > 0 {
		t.Errorf("left in the store: %v", left)
	}
}

func TestADeletionAskedForWhileItRunsIsCarriedOut(t *testing.T) {
	for _, at := range []string{archive.IndexFile, "/markers/"} {
		t.Run("at "+at, func(t *testing.T) {
			f := setUp(t)
			reached := make(chan struct{})
			f.store.Inject(storetest.Fault{Op: storetest.OpClose, Key: at, Nth: 1, Effect: storetest.Stall(func() { close(reached) })})
			f.backup("unwanted")
			f.begin("unwanted")
			<-reached
			f.change("unwanted", func(s *v1alpha1.BackupSpec) { s.Deletion = &v1alpha1.Deletion{Reason: "a test"} })
			hasPrefix(t, "Ready", f.settle("unwanted"), "True Deleted: ")
			for _, key := range f.keys(f.uid + "/") {
				if !strings.Contains(key, "/records/") {
					t.Errorf("left in the store: %s", key)
				}
			}
			hasPrefix(t, "Ready afterwards", f.settle("unwanted"), "True Deleted: ")
			if f.stored("unwanted") != nil {
				t.Error("it was taken after all")
			}
		})
	}
}

func TestACommitThatNobodySawIsFound(t *testing.T) {
	f := setUp(t)
	f.store.Inject(storetest.Fault{Op: storetest.OpClose, Key: "/markers/", Nth: 1, Effect: storetest.LoseReply(errors.New("connection reset"))})
	f.backup("unseen")
	f.settle("unseen")
	f.clock.Advance(time.Minute)
	hasPrefix(t, "Ready", f.settle("unseen"), "True Succeeded: stored ")
	if n := len(f.keys(archive.DataPrefix(f.uid, "unseen"))); n != len(f.stored("unseen").Marker.Files) {
		t.Errorf("files in the store = %d, want those of the committed attempt only", n)
	}
}

func TestOwnSecretsAreNeverBackedUp(t *testing.T) {
	f := setUp(t)
	f.config(func(s *v1alpha1.ConfigSpec) { s.Storage[0].CredentialsSecretName = "bucket-keys" })
	left := []string{"ark-own-secret"}
	tests := map[string]struct {
		secret, key string
		codes       []string
	}{
		"one that the Config names":               {"bucket-keys", "any", left},
		"a key that signed before":                {"signing-of-last-year", "ed25519.key", left},
		"credentials of a bucket of S3":           {"old-s3", "secretAccessKey", left},
		"credentials of a bucket of Google Cloud": {"old-gs", "serviceAccount.json", left},
		"an account of Azure":                     {"old-azure", "accountKey", left},
		"a signature of Azure":                    {"old-signature", "sasToken", left},
		"one of somebody else":                    {"registry", "password", nil},
	}
	for _, tc := range tests {
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: tc.secret}, StringData: map[string]string{tc.key: "canary"}}
		f.create(secret)
		t.Cleanup(func() {
			if err := f.client.Delete(context.WithoutCancel(t.Context()), secret); err != nil {
				t.Error(err)
			}
		})
	}
	f.backup("guarded", func(b *v1alpha1.Backup) { b.Spec.Template.IncludedNamespaces = []string{labtest.Namespace} })
	hasPrefix(t, "Ready", f.settle("guarded"), "True Succeeded: ")
	index := f.index("guarded")
	for name, tc := range tests {
		codes, seen := index["secrets/ark-system/"+tc.secret]
		if diff := cmp.Diff(tc.codes, codes); diff != "" || !seen {
			t.Errorf("%s: in the index: %t; codes (-want +got):\n%s", name, seen, diff)
		}
	}
}

func TestRulesSelect(t *testing.T) {
	f := setUp(t)
	f.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "cache", Labels: map[string]string{"tier": "cache"}}})
	f.create(&v1alpha1.BackupPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "p"},
		Spec: v1alpha1.BackupPolicySpec{
			Template: &v1alpha1.BackupTemplate{IncludedNamespaces: []string{namespace}},
			Rules:    []v1alpha1.Rule{{Name: "caches", Rego: "package ark.select\n\nexclude contains \"cache\" if input.object.metadata.labels.tier == \"cache\"\n"}},
		},
	})
	f.backup("ruled", func(b *v1alpha1.Backup) { b.Spec = v1alpha1.BackupSpec{PolicyName: "p"} })
	hasPrefix(t, "Ready", f.settle("ruled"), "True Succeeded: ")
	if diff := cmp.Diff([]string{"cache"}, f.index("ruled")["configmaps/backup-test/cache"]); diff != "" {
		t.Errorf("codes of the cache (-want +got):\n%s", diff)
	}
	b := f.get("ruled")
	if diff := cmp.Diff([]v1alpha1.CodeCount{{Code: "cache", Count: 1}}, b.Status.ExcludedBy); diff != "" {
		t.Errorf("excludedBy (-want +got):\n%s", diff)
	}
	if b.Status.Policy == nil || b.Status.Policy.Rules != 1 {
		t.Errorf("policy = %+v, want the revision of one rule", b.Status.Policy)
	}
}

func TestRulesThatFailAreNotTriedAgain(t *testing.T) {
	f := setUp(t)
	f.create(&v1alpha1.BackupPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "p"},
		Spec: v1alpha1.BackupPolicySpec{
			Template:    &v1alpha1.BackupTemplate{IncludedNamespaces: []string{namespace}},
			OnRuleError: v1alpha1.RuleErrorFail,
			Rules:       []v1alpha1.Rule{{Name: "sizes", Rego: "package ark.select\n\nexclude contains \"big\" if to_number(input.object.metadata.name) > 7\n"}},
		},
	})
	f.backup("ruled", func(b *v1alpha1.Backup) { b.Spec = v1alpha1.BackupSpec{PolicyName: "p"} })
	hasPrefix(t, "Ready", f.settle("ruled"), "False Failed: apply rules to ")
	b := f.get("ruled")
	if stalled := meta.IsStatusConditionTrue(b.Status.Conditions, v1alpha1.StalledCondition); b.Status.Attempts != 1 || !stalled {
		t.Errorf("%d attempts, stalled %v, want one, true", b.Status.Attempts, stalled)
	}
}

func TestWhatIsCounted(t *testing.T) {
	f := setUp(t)
	f.backup("counted")
	f.settle("counted")
	f.change("counted", func(s *v1alpha1.BackupSpec) { s.Deletion = &v1alpha1.Deletion{Reason: "a test"} })
	f.settle("counted")
	const want = `
# HELP ark_backups_removed_total Backups whose data was removed, by reason: expired or deleted.
# TYPE ark_backups_removed_total counter
ark_backups_removed_total{reason="deleted"} 1
# HELP ark_backups_total Backups that ended, by policy and result.
# TYPE ark_backups_total counter
ark_backups_total{policy="",result="succeeded"} 1
`
	if err := testutil.GatherAndCompare(f.registry, strings.NewReader(want), "ark_backups_total", "ark_backups_removed_total"); err != nil {
		t.Error(err)
	}
}
