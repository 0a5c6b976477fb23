// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/engine/catalog"
)

// copyTo makes a location of its own store, to which everything in the main one is
// copied, as a bucket that is replicated.
func (f *fixture) copyTo(location string, access v1alpha1.Access) {
	f.t.Helper()
	inner, err := blobstore.Open(f.t.Context(), blobstore.Location{Name: location, URL: "mem://" + rand.Text()}, blobstore.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	if f.more == nil {
		f.more = map[string]*storetest.Faulty{}
	}
	f.more[location] = storetest.NewFaulty(inner)
	f.more[location].Stamp(f.clock)
	for _, key := range f.keys("") {
		r, err := f.store.Open(f.t.Context(), key, 0, -1)
		if err != nil {
			f.t.Fatal(err)
		}
		w, err := f.more[location].Create(f.t.Context(), key)
		if err == nil {
			_, err = io.Copy(w, r)
			err = errors.Join(err, w.Close(), r.Close())
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
	f.config(func(s *v1alpha1.ConfigSpec) {
		s.Storage = append(s.Storage, v1alpha1.StorageLocation{Name: location, URL: "mem://" + location, Access: access})
	})
}

// known writes into status where the backup lies, as sync does.
func (f *fixture) known(name string, locations ...string) {
	f.t.Helper()
	b := f.get(name)
	b.Status.StorageLocations = locations
	if err := f.client.Status().Update(f.t.Context(), b); err != nil {
		f.t.Fatal(err)
	}
}

// at returns the catalog of a location, and whether it holds the backup.
func (f *fixture) at(location, name string) (*catalog.Catalog, bool) {
	f.t.Helper()
	store := engine.Store(f.store)
	if own := f.more[location]; own != nil {
		store = own
	}
	c, err := catalog.Attach(f.t.Context(), store, f.clock, catalog.Options{Tool: "test"})
	if err != nil {
		f.t.Fatal(err)
	}
	_, err = c.Marker(f.t.Context(), f.uid, name)
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		f.t.Fatal(err)
	}
	return c, err == nil
}

func deletion(s *v1alpha1.BackupSpec) { s.Deletion = &v1alpha1.Deletion{Reason: "a test"} }

func TestACopyGoesWithTheBackup(t *testing.T) {
	expire := func(f *fixture) { f.clock.Advance(721 * time.Hour) }
	remove := func(f *fixture) { f.change("twice", deletion) }
	tests := map[string]struct {
		access v1alpha1.Access
		known  []string
		leave  func(*fixture)
		want   string
		stays  bool
	}{
		"deleted":                      {known: []string{"copy", "main"}, leave: remove, want: "True Deleted: "},
		"expired":                      {known: []string{"copy", "main"}, leave: expire, want: "True Expired: "},
		"deleted before sync found it": {known: []string{"main"}, leave: remove, want: "True Deleted: "},
		"expired before sync found it": {known: []string{"main"}, leave: expire, want: "True Expired: "},
		"deleted, and the copy is ReadOnly": {
			access: v1alpha1.AccessReadOnly, known: []string{"copy", "main"}, leave: remove, stays: true,
			want: `False LocationReadOnly: the data was removed where that is possible: location "copy" is ReadOnly`,
		},
		"expired, and the copy is ReadOnly": {
			access: v1alpha1.AccessReadOnly, known: []string{"copy", "main"}, leave: expire, stays: true,
			want: "True Succeeded: ",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			f.backup("twice")
			f.settle("twice")
			f.copyTo("copy", tc.access)
			f.known("twice", tc.known...)
			tc.leave(f)
			hasPrefix(t, "Ready", f.settle("twice"), tc.want)
			hasPrefix(t, "Ready afterwards", f.settle("twice"), tc.want[:min(len(tc.want), len("False LocationReadOnly: "))])
			if _, there := f.at("main", "twice"); there {
				t.Error("it is left in main")
			}
			if _, there := f.at("copy", "twice"); there != tc.stays {
				t.Errorf("it is in the copy: %v, want %v", there, tc.stays)
			}
			var want []string
			if tc.stays {
				want = []string{"copy"}
			}
			if diff := cmp.Diff(want, f.get("twice").Status.StorageLocations); diff != "" {
				t.Errorf("storageLocations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnotherBackupOfItsNameStays(t *testing.T) {
	f := setUp(t)
	f.backup("name")
	f.settle("name")
	f.copyTo("other", v1alpha1.AccessReadWrite)
	c, _ := f.at("other", "name")
	if err := c.Remove(t.Context(), f.uid, "name", f.uid, "a test"); err != nil {
		t.Fatal(err)
	}
	f.clock.Advance(time.Hour)
	hold := true
	f.change("name", func(s *v1alpha1.BackupSpec) { s.Hold = &hold })
	f.settle("name")
	f.clock.Advance(721 * time.Hour)
	hasPrefix(t, "Ready beside a tombstone elsewhere", f.settle("name"), "True Succeeded: ")
	if f.stored("name") == nil {
		t.Error("a tombstone in another location removed the backup")
	}

	f = setUp(t)
	f.backup("clash")
	f.settle("clash")
	f.copyTo("other", v1alpha1.AccessReadWrite)
	inner := f.more["other"]
	key := archive.MarkerKey(f.uid, "clash")
	r, err := inner.Open(t.Context(), key, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	marker, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	if err := inner.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	w, err := inner.Create(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	attempt := f.get("clash").Status.Attempt
	if _, err := io.WriteString(w, strings.ReplaceAll(string(marker), attempt, "other")); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	f.change("clash", deletion)
	hasPrefix(t, "Ready", f.settle("clash"), "True Deleted: ")
	if _, there := f.at("other", "clash"); !there {
		t.Error("another backup of the same name was removed with it")
	}
}

func TestACopyThatAnotherClusterRemovedTakesNothingFromTheBackup(t *testing.T) {
	const other = "11111111-2222-3333-4444-555555555555"
	for _, access := range []v1alpha1.Access{v1alpha1.AccessReadWrite, v1alpha1.AccessReadOnly} {
		t.Run(string(access), func(t *testing.T) {
			f := setUp(t)
			f.backup("given")
			f.settle("given")
			f.copyTo("copy", access)
			f.known("given", "copy", "main")
			c, _ := f.at("copy", "given")
			if _, err := c.Append(t.Context(), archive.Record{Type: archive.RecordAdopted, Cluster: f.uid, Name: "given", By: other}); err != nil {
				t.Fatal(err)
			}
			if err := c.Remove(t.Context(), f.uid, "given", other, expiredReason); err != nil {
				t.Fatal(err)
			}
			yes := true
			f.change("given", func(s *v1alpha1.BackupSpec) { s.Hold = &yes })
			hasPrefix(t, "Ready", f.settle("given"), "True Succeeded: ")
			if s := f.stored("given"); s == nil || !s.Held {
				t.Error("it went, or its hold was not recorded")
			}
		})
	}
}

func TestAHoldCountsAndIsKeptInEveryLocation(t *testing.T) {
	f := setUp(t)
	f.backup("held")
	f.settle("held")
	f.copyTo("copy", v1alpha1.AccessReadWrite)
	f.known("held", "copy", "main")
	c, _ := f.at("copy", "held")
	if _, err := c.Append(t.Context(), archive.Record{Type: archive.RecordHold, Cluster: f.uid, Name: "held", By: f.uid}); err != nil {
		t.Fatal(err)
	}
	f.clock.Advance(721 * time.Hour)
	hasPrefix(t, "Ready with a hold on the copy", f.settle("held"), "True Succeeded: ")
	if f.stored("held") == nil {
		t.Fatal("it was removed from main, although it is on hold in the copy")
	}
	yes, no := true, false
	f.change("held", func(s *v1alpha1.BackupSpec) { s.Hold = &yes })
	f.settle("held")
	if !f.stored("held").Held {
		t.Error("the hold was not recorded in main")
	}
	f.change("held", func(s *v1alpha1.BackupSpec) { s.Hold = &no })
	hasPrefix(t, "Ready once released", f.settle("held"), "True Expired: ")
	if _, there := f.at("copy", "held"); there {
		t.Error("it is left in the copy")
	}
}

func TestARemovalThatFailsInOneLocationIsToldAndEnds(t *testing.T) {
	f := setUp(t)
	f.backup("stubborn")
	f.settle("stubborn")
	f.copyTo("copy", v1alpha1.AccessReadWrite)
	f.known("stubborn", "copy", "main")
	f.more["copy"].Inject(storetest.Fault{Op: storetest.OpDelete, Key: "/data/", Effect: storetest.Fail(errors.New("object is locked"))})
	f.change("stubborn", deletion)
	got := f.settle("stubborn")
	hasPrefix(t, "Ready meanwhile", got, `Unknown StorageUnavailable: location "copy": remove backup stubborn: delete `)
	if !strings.Contains(got, "object is locked") {
		t.Errorf("Ready = %q, want the store's own words", got)
	}
	if _, there := f.at("main", "stubborn"); there {
		t.Error("one location that fails keeps the other")
	}
	f.more["copy"].Heal()
	f.restart()
	hasPrefix(t, "Ready afterwards", f.settle("stubborn"), "True Deleted: ")
	for _, location := range []string{"main", "copy"} {
		c, _ := f.at(location, "stubborn")
		if r, removed, err := c.Deletion(t.Context(), f.uid, "stubborn"); err != nil || !removed || r.Reason != "a test" {
			t.Errorf("Deletion() in %s = %+v, %v, %v", location, r, removed, err)
		}
	}
}

func TestAnExpiryThatWasBegunIsNotCalledGood(t *testing.T) {
	f := setUp(t)
	f.backup("half-gone")
	f.settle("half-gone")
	f.clock.Advance(721 * time.Hour)
	f.store.Inject(storetest.Fault{Op: storetest.OpDelete, Key: "/data/", Effect: storetest.Fail(errors.New("object is locked"))})
	hasPrefix(t, "Ready meanwhile", f.settle("half-gone"), `Unknown StorageUnavailable: location "main": remove backup half-gone: delete `)
	f.store.Heal()
	hasPrefix(t, "Ready afterwards", f.settle("half-gone"), "True Expired: ")
}

func TestTheObjectStaysWhileItsRemovalFails(t *testing.T) {
	f := setUp(t)
	f.backup("by-ark", func(b *v1alpha1.Backup) {
		b.Labels = map[string]string{v1alpha1.CreatedByLabel: v1alpha1.CreatedByCLI}
	})
	f.settle("by-ark")
	f.store.Inject(storetest.Fault{Op: storetest.OpDelete, Key: "/data/", Effect: storetest.Fail(errors.New("object is locked"))})
	f.change("by-ark", deletion)
	for _, try := range []string{"first", "second"} {
		hasPrefix(t, "Ready at the "+try+" try", f.settle("by-ark"), `Unknown StorageUnavailable: location "main": remove backup by-ark: delete `)
	}
	f.store.Heal()
	if got := f.settle("by-ark"); got != "gone" {
		t.Errorf("Ready = %q, want the object gone with its data", got)
	}
}

// TestAProcessMayDieAtEveryStepOfARemoval kills the process at the first, second
// and every further step that a removal takes in either store.
func TestAProcessMayDieAtEveryStepOfARemoval(t *testing.T) {
	steps := map[string][]storetest.Fault{
		"as main is condemned":     {{Op: storetest.OpClose, Key: "/records/", Nth: 1}},
		"as main loses its marker": {{Op: storetest.OpDelete, Key: "/markers/", Nth: 1}},
		"as main loses its data":   {{Op: storetest.OpDelete, Key: "/data/", Nth: 2}},
	}
	for name, faults := range steps {
		for _, location := range []string{"main", "copy"} {
			for _, how := range []string{"deleted", "expired"} {
				t.Run(how+" "+strings.ReplaceAll(name, "main", location), func(t *testing.T) {
					f := setUp(t)
					f.backup("killed")
					f.settle("killed")
					f.copyTo("copy", v1alpha1.AccessReadWrite)
					f.known("killed", "copy", "main")
					store := f.store
					if location == "copy" {
						store = f.more["copy"]
					}
					reached := make(chan struct{})
					fault := faults[0]
					fault.Effect = storetest.Stall(func() { close(reached) })
					store.Inject(fault)
					want := "True Expired: "
					if how == "deleted" {
						want = "True Deleted: "
						f.change("killed", deletion)
					} else {
						f.clock.Advance(721 * time.Hour)
					}
					f.reconcile("killed")
					<-reached
					f.restart()
					store.Heal()
					hasPrefix(t, "Ready", f.settle("killed"), want)
					for _, l := range []string{"main", "copy"} {
						if _, there := f.at(l, "killed"); there {
							t.Errorf("it is left in %s", l)
						}
					}
				})
			}
		}
	}
}

func TestAClockThatIsPutForwardRemovesNothing(t *testing.T) {
	f := setUp(t)
	f.backup("by-hand", func(b *v1alpha1.Backup) { b.Spec.TTL = &metav1.Duration{Duration: time.Hour} })
	f.settle("by-hand")
	servers := controllertest.NewClock(f.clock.Now()) // which the store's server goes on to have
	f.store.Stamp(servers)
	f.clock.Advance(10 * 365 * 24 * time.Hour)
	got := f.settle("by-hand")
	hasPrefix(t, "Ready", got, "True Succeeded: ")
	if !strings.Contains(got, `87600h0m0s ahead of that of location "main"`) || f.stored("by-hand") == nil {
		t.Errorf("Ready = %q, want it kept because the clocks differ", got)
	}
	f.store.Stamp(f.clock)
	hasPrefix(t, "Ready once the clocks agree", f.settle("by-hand"), "True Expired: ")
}

func TestAListingThatLeavesABackupOutIsNoReasonToRemoveIt(t *testing.T) {
	f := setUp(t)
	f.backup("s-20260101000000", func(b *v1alpha1.Backup) { b.Labels = map[string]string{v1alpha1.ScheduleLabel: "s"} })
	f.settle("s-20260101000000")
	f.store.Inject(storetest.Fault{Op: storetest.OpList, Key: "/markers/", Effect: storetest.Lose()})
	f.clock.Advance(721 * time.Hour)
	if got := f.settle("s-20260101000000"); !strings.Contains(got, "kept: storage does not list it, as it was stored,") {
		t.Errorf("Ready = %q, want it kept", got)
	}
	f.store.Heal()
	if f.stored("s-20260101000000") == nil {
		t.Error("the only backup of the Schedule is gone")
	}
}

func TestALongerLifeThatIsRecordedWhileItExpiresKeepsIt(t *testing.T) {
	f := setUp(t)
	f.backup("late")
	f.settle("late")
	f.clock.Advance(721 * time.Hour)
	reached, release := make(chan struct{}), make(chan struct{})
	// The removal has looked at the backup, and is about to record it.
	f.store.Inject(storetest.Fault{Op: storetest.OpDelete, Key: archive.ProbePrefix, Nth: 1, Effect: storetest.Hold(func() { close(reached) }, release)})
	f.reconcile("late")
	<-reached
	later := f.clock.Now().Add(time.Hour)
	record := archive.Record{Type: archive.RecordExtend, Cluster: f.uid, Name: "late", By: f.uid, Expires: &later}
	var cfg v1alpha1.Config
	if err := f.client.Get(t.Context(), client.ObjectKey{Name: v1alpha1.ConfigName}, &cfg); err != nil {
		t.Fatal(err)
	}
	c, err := f.r.Locations.Open(t.Context(), &cfg, "main")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Catalog.Append(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	close(release)
	hasPrefix(t, "Ready", f.settle("late"), "True Succeeded: ")
	if f.stored("late") == nil {
		t.Error("it was removed, although its life was extended")
	}
}
