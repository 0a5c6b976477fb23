// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync_test

import (
	"errors"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
)

func TestAnObjectWhoseMarkerIsGoneTwiceIsRemoved(t *testing.T) {
	for _, maker := range []string{v1alpha1.CreatedBySync, v1alpha1.CreatedBySchedule, v1alpha1.CreatedByCLI} {
		t.Run("made by "+maker, func(t *testing.T) {
			b := newBench(t, "main")
			b.commit("main", here, name(1))
			b.sync()
			o := b.backup(name(1))
			o.Labels[v1alpha1.CreatedByLabel] = maker
			if err := b.Update(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			b.vanish("main", here, name(1))
			b.sync()
			if b.backup(name(1)) == nil {
				t.Fatal("it was removed after one listing")
			}
			if l := b.sync()["main"]; b.backup(name(1)) != nil || l.Backups != 0 {
				t.Errorf("it is still there after two listings, or counted: %+v", l)
			}
			if got := b.told("BackupGone"); len(got) != 1 {
				t.Errorf("events = %q, want one", got)
			}
		})
	}
}

func TestAnObjectFromGitStays(t *testing.T) {
	arrange := func(t *testing.T) *bench {
		t.Helper()
		b := newBench(t, "main")
		b.commit("main", here, name(1))
		controllertest.Create(t, b, &v1alpha1.Backup{
			ObjectMeta: metav1.ObjectMeta{Name: name(1)}, Spec: v1alpha1.BackupSpec{PolicyName: "shop"},
			Status: v1alpha1.BackupStatus{Completeness: v1alpha1.CompletenessComplete, StorageLocations: []string{"main"}},
		})
		return b
	}
	t.Run("and says that it expired, as it should", func(t *testing.T) {
		b := arrange(t)
		if err := b.catalogs["main"].Remove(t.Context(), here, name(1), here, "expired"); err != nil {
			t.Fatal(err)
		}
		b.sync()
		b.sync()
		if got := b.ready(name(1)); !strings.HasPrefix(got, "True Expired: its time was up") {
			t.Errorf("Ready = %s", got)
		}
	})
	t.Run("and says that its data vanished, until it is back", func(t *testing.T) {
		b := arrange(t)
		b.vanish("main", here, name(1))
		b.sync()
		b.sync()
		if got := b.ready(name(1)); !strings.HasPrefix(got, "False BackupMissing: its marker is gone") {
			t.Errorf("Ready = %s", got)
		}
		b.commit("main", here, name(1))
		b.sync()
		if got := b.ready(name(1)); !strings.HasPrefix(got, "True Succeeded") {
			t.Errorf("Ready when it is back = %s", got)
		}
	})
}

func TestNothingIsRemovedUnlessTheListingCanBeTrusted(t *testing.T) {
	broken := errors.New("connection reset")
	tests := map[string]func(b *bench){
		"when the listing fails": func(b *bench) {
			b.stores["main"].Inject(storetest.Fault{Op: storetest.OpList, Key: "markers/", Effect: storetest.Fail(broken)})
		},
		"when the records cannot be listed": func(b *bench) {
			b.stores["main"].Inject(storetest.Fault{Op: storetest.OpList, Key: "records/", Effect: storetest.Fail(broken)})
		},
		"when the identity cannot be read": func(b *bench) {
			b.stores["main"].Inject(storetest.Fault{Op: storetest.OpOpen, Key: archive.IdentityKey, Effect: storetest.Fail(broken)})
		},
		"when the identity cannot be read after the listing": func(b *bench) {
			b.stores["main"].Inject(storetest.Fault{Op: storetest.OpOpen, Key: archive.IdentityKey, Nth: 2, Effect: storetest.Fail(broken)},
				storetest.Fault{Op: storetest.OpOpen, Key: archive.IdentityKey, Nth: 4, Effect: storetest.Fail(broken)},
				storetest.Fault{Op: storetest.OpOpen, Key: archive.IdentityKey, Nth: 6, Effect: storetest.Fail(broken)})
		},
		"when it is another store": func(b *bench) {
			if err := b.stores["main"].Delete(b.Context(), archive.IdentityKey); err != nil {
				b.Fatal(err)
			}
			b.put("main", archive.IdentityKey, `{"format":1,"id":"00000000-1111-2222-3333-444444444444","created":"2026-05-17T03:04:05Z"}`)
		},
	}
	for name1, breakIt := range tests {
		t.Run(name1, func(t *testing.T) {
			b := newBench(t, "main")
			b.commit("main", here, name(1))
			before := b.sync()["main"]
			b.vanish("main", here, name(1))
			breakIt(b)
			var l v1alpha1.StorageLocationStatus
			for range 3 {
				l = b.sync()["main"]
			}
			if b.backup(name(1)) == nil {
				t.Error("the object was removed")
			}
			if l.SyncMessage == "" || !l.LastSyncTime.Equal(before.LastSyncTime) || l.Backups != 1 {
				t.Errorf("location = %+v, want a message, and time and count as before", l)
			}
			if got := b.told("SyncIncomplete"); len(got) != 1 {
				t.Errorf("events = %q, want one", got)
			}
		})
	}
}

func TestAListingThatMissesAMarkerOnceRemovesNothing(t *testing.T) {
	b := newBench(t, "main")
	b.commit("main", here, name(1))
	b.sync()
	for range 3 {
		b.stores["main"].Inject(storetest.Fault{Op: storetest.OpList, Key: name(1), Effect: storetest.Lose()})
		b.sync()
		b.stores["main"].Heal()
		b.sync()
	}
	if b.backup(name(1)) == nil {
		t.Error("the object was removed")
	}
}

func TestABackupBeingRemovedIsItsOwnControllersMatter(t *testing.T) {
	b := newBench(t, "main")
	b.commit("main", here, name(1))
	b.sync()
	o := b.backup(name(1))
	o.Spec.Deletion = &v1alpha1.Deletion{Reason: "test"}
	if err := b.Update(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if err := b.catalogs["main"].Remove(t.Context(), here, name(1), here, "test"); err != nil {
		t.Fatal(err)
	}
	before := o.ResourceVersion
	for range 3 {
		b.sync()
	}
	if got := b.backup(name(1)); got == nil || got.ResourceVersion != before {
		t.Errorf("it was touched: %+v", got)
	}
}
