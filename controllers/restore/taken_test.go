// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	engrestore "github.com/gopherwood/ark/engine/restore"
)

func TestANameThatStandsForAnotherSpecIsTaken(t *testing.T) {
	f := setUp(t)
	f.restore("used")
	hasPrefix(t, "Ready", f.settle("used"), "True Succeeded: ")
	if err := f.client.Delete(t.Context(), f.get("used")); err != nil {
		t.Fatal(err)
	}
	f.restart()
	f.restore("used", func(s *v1alpha1.RestoreSpec) { s.Names = []string{"password"} })
	hasPrefix(t, "Ready", f.settle("used"), "False NameTaken: a restore of this name ran on ")
	if st := f.get("used").Status; st.Results != nil || st.Record != "" {
		t.Errorf("status = %+v, want nothing of the other restore", st)
	}
}

func TestSpecsAreComparedByWhatTheyMean(t *testing.T) {
	spec := &v1alpha1.RestoreSpec{BackupName: "first", Names: []string{"a"}}
	tests := map[string]struct {
		recorded string
		want     bool
	}{
		"the same, in another order": {`{"names":["a"],"backupName":"first"}`, true},
		"an empty list is none":      {`{"names":["a"],"backupName":"first","includedNamespaces":[]}`, true},
		"another backup":             {`{"names":["a"],"backupName":"second"}`, false},
		"a field that is not known":  {`{"names":["a"],"backupName":"first","force":true}`, false},
		"no JSON":                    {`?`, false},
		"nothing":                    {``, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := sameSpec([]byte(tc.recorded), spec); got != tc.want {
				t.Errorf("sameSpec() = %v, want %v", got, tc.want)
			}
		})
	}
}

// stalling makes the location of that name hang, until what asks it gives up.
func (f *fixture) stalling(name string) {
	open := f.r.Locations.OpenStore
	f.r.Locations.OpenStore = func(ctx context.Context, l blobstore.Location, o blobstore.Options) (engine.Store, error) {
		if l.Name == name {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return open(ctx, l, o)
	}
}

// A record can lie in any location that holds the backup, and nobody can know where
// the latest one was found. What cannot hold it stops nothing.
func TestALocationThatHangs(t *testing.T) {
	latest := func(s *v1alpha1.RestoreSpec) { s.BackupName, s.ScheduleName = "", "nightly" }
	tests := map[string]struct {
		spec    func(*v1alpha1.RestoreSpec)
		holders []string
		want    string
	}{
		"and may hold the record, beside a copy of the backup": {
			func(*v1alpha1.RestoreSpec) {}, []string{"main", "second"},
			`Unknown StorageUnavailable: a restore of this name may be recorded in location "second", which does not answer: bring it back, or take it out of the Config: `,
		},
		"and cannot hold the record": {func(*v1alpha1.RestoreSpec) {}, []string{"main"}, "True Succeeded: "},
		"where the latest backup is asked for": {
			latest, []string{"main"},
			`Unknown StorageUnavailable: a restore of this name may be recorded in location "second", which does not answer: `,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			f.config(func(s *v1alpha1.ConfigSpec) {
				s.Storage = append([]v1alpha1.StorageLocation{{Name: "second", URL: "mem://second"}}, s.Storage...)
			})
			f.backup("nightly-20260101000000", f.uid, "ark.gopherwood.dev/schedule=nightly")
			for _, backup := range []string{"first", "nightly-20260101000000"} {
				var b v1alpha1.Backup
				if err := f.client.Get(t.Context(), client.ObjectKey{Name: backup}, &b); err != nil {
					t.Fatal(err)
				}
				b.Status.StorageLocations = tc.holders
				if err := f.client.Status().Update(t.Context(), &b); err != nil {
					t.Fatal(err)
				}
			}
			f.stalling("second")
			f.r.storeTimeout = 200 * time.Millisecond
			f.restore("unheard", tc.spec)
			hasPrefix(t, "Ready", f.settle("unheard"), tc.want)
			if began := f.get("unheard").Status.Attempts > 0; began != strings.HasPrefix(tc.want, "True") {
				t.Errorf("began: %v", began)
			}
		})
	}
}

func TestACopyThatMayComeBackIsWaitedFor(t *testing.T) {
	gone := step.Stall(v1alpha1.BackupMissingReason, "gone from a")
	hiccup := step.Wait(time.Second, v1alpha1.StorageUnavailableReason, "b does not answer")
	broken := errors.New("the API server does not answer")
	tests := map[string]struct {
		failures []error
		want     error
	}{
		"one lost, one that does not answer": {[]error{gone, hiccup}, step.Wait(time.Second, v1alpha1.StorageUnavailableReason, "gone from a; b does not answer")},
		"all lost":                           {[]error{gone, gone}, step.Stall(v1alpha1.BackupMissingReason, "gone from a; gone from a")},
		"what nobody can judge":              {[]error{gone, broken, hiccup}, broken},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := unopened(tc.failures)
			var is, want *step.Error
			if errors.As(got, &is) != errors.As(tc.want, &want) || got.Error() != tc.want.Error() {
				t.Fatalf("unopened() = %v, want %v", got, tc.want)
			}
			if want != nil && (is.After != want.After || is.Reason != want.Reason) {
				t.Errorf("unopened() = %s after %s, want %s after %s", is.Reason, is.After, want.Reason, want.After)
			}
		})
	}
}

func TestOneLostCopyAndOneHiccup(t *testing.T) {
	f := setUp(t)
	f.config(func(s *v1alpha1.ConfigSpec) {
		s.Storage = append(s.Storage, v1alpha1.StorageLocation{Name: "second", URL: "mem://second"})
	})
	var b v1alpha1.Backup
	if err := f.client.Get(t.Context(), client.ObjectKey{Name: "first"}, &b); err != nil {
		t.Fatal(err)
	}
	b.Status.StorageLocations = nil
	if err := f.client.Status().Update(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	f.restore("patient")
	hasPrefix(t, "Ready where nothing says which location holds it", f.settle("patient"), `Unknown BackupMissing: backup "first" does not say yet `)
	b.Status.StorageLocations = []string{"gone", "main"} // the Config has no location of the first name
	if err := f.client.Status().Update(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	f.store.Inject(storetest.Fault{Op: storetest.OpOpen, Key: "/markers/first", Effect: storetest.Fail(&engine.RetryableError{Err: errors.New("503")})})
	hasPrefix(t, "Ready while the other does not answer", f.settle("patient"), "Unknown StorageUnavailable: ")
	f.store.Heal()
	hasPrefix(t, "Ready then", f.settle("patient"), "True Succeeded: ")
}

func TestAConfigMapThatIsNoRecordOfThisRestore(t *testing.T) {
	foreign, err := json.Marshal(archive.RestoreSummary{Name: "mine", UID: "u-1", Cluster: archive.Cluster{UID: otherCluster}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"is another cluster's": string(foreign), "cannot be read": "?"} {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			f.create(&corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Namespace: f.r.Namespace, Name: "ark-restore-mine"}, Data: map[string]string{summaryKey: content},
			})
			f.restore("mine")
			hasPrefix(t, "Ready", f.settle("mine"), "False NameTaken: ConfigMap ark-system/ark-restore-mine has the name of this restore's record, and ")
			if f.there() {
				t.Error("it ran")
			}
		})
	}
}

// A record that is there already is this attempt's, or the attempt has none.
func TestARecordIsNotTakenForGranted(t *testing.T) {
	f := setUp(t)
	o := &v1alpha1.Restore{ObjectMeta: metav1.ObjectMeta{Name: "twice", UID: "u-1"}}
	commit := func(attempt int32) error {
		e := &ending{reason: v1alpha1.SucceededReason}
		e.status.Completeness = v1alpha1.CompletenessComplete
		e.status.CompletionTime = &metav1.Time{Time: f.clock.Now()}
		b, err := f.catalog.Marker(t.Context(), f.uid, "first")
		if err != nil {
			t.Fatal(err)
		}
		w := &work{restore: o, attempt: attempt, clusterUID: f.uid, snapshot: b, started: f.clock.Now()}
		recorder := clusterRecorder{client: f.r.Client, records: f.r.Records, namespace: f.r.Namespace, catalog: f.catalog}
		record, err := recorder.begin(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		return record.commit(t.Context(), e, &engrestore.Report{})
	}
	if err := errors.Join(commit(1), commit(1)); err != nil {
		t.Errorf("the same attempt, whose first answer was lost: %v", err)
	}
	if err := commit(2); !errors.Is(err, errOthersRecord) {
		t.Errorf("another attempt: error %v, want %v", err, errOthersRecord)
	}
}
