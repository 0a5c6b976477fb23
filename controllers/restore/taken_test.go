// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
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
