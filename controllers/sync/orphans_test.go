// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
)

// crash leaves an attempt with those files and no marker.
func (b *bench) crash(cluster, name, attempt string, files ...string) {
	b.Helper()
	for _, file := range files {
		b.put("main", archive.FileKey(cluster, name, attempt, file), "half")
	}
}

// attemptsLeft are the attempts that have data, as <name>/<attempt>.
func (b *bench) attemptsLeft(cluster string) []string {
	b.Helper()
	var left []string
	for blob, err := range b.stores["main"].List(b.Context(), archive.AllDataPrefix(cluster), false) {
		if err != nil {
			b.Fatal(err)
		}
		parts := strings.Split(strings.TrimPrefix(blob.Key, archive.AllDataPrefix(cluster)), "/")
		left = append(left, parts[0]+"/"+parts[1])
	}
	return slices.Compact(left)
}

// collect lets the time of two collections pass.
func (b *bench) collect() v1alpha1.StorageLocationStatus {
	b.Helper()
	b.sync()
	b.clock.Advance(10 * time.Minute)
	return b.sync()["main"]
}

func TestWhatCrashedAttemptsLeftIsCollected(t *testing.T) {
	b := newBench(t, "main")
	both := []string{archive.ContentsFile, archive.IndexFile}
	b.commit("main", here, name(1)) // a1
	b.crash(here, name(1), "beside", both...)
	b.crash(here, name(2), "half", archive.ContentsFile)
	b.crash(here, name(3), "marker-lost", both...)
	b.crash(here, name(4), "runs", archive.ContentsFile)
	b.crash(there, name(5), "theirs", archive.ContentsFile)
	b.commit("main", here, name(6)) // a2, whose removal is cut short
	b.stores["main"].Inject(storetest.Fault{Op: storetest.OpDelete, Key: "/data/", Effect: storetest.Fail(errors.New("killed"))})
	if err := b.catalogs["main"].Remove(t.Context(), here, name(6), here, "a test"); err == nil {
		t.Fatal("the removal was not cut short")
	}
	b.stores["main"].Heal()
	controllertest.Create(t, b, &v1alpha1.Backup{
		ObjectMeta: metav1.ObjectMeta{Name: name(4)}, Status: v1alpha1.BackupStatus{Attempt: "runs"},
	})
	all := []string{
		name(1) + "/a1", name(1) + "/beside", name(2) + "/half", name(3) + "/marker-lost", name(4) + "/runs", name(6) + "/a2",
	}

	b.clock.Advance(23 * time.Hour)
	l := b.collect()
	if diff := cmp.Diff(all, b.attemptsLeft(here)); diff != "" {
		t.Errorf("within a day (-want +got):\n%s", diff)
	}
	if l.LastCollectionTime == nil || l.OrphanedAttempts != 0 {
		t.Errorf("location = %+v, want none counted that is young", l)
	}
	b.clock.Advance(time.Hour)
	b.events.Take()
	if l := b.sync()["main"]; l.OrphanedAttempts != 5 {
		t.Errorf("orphanedAttempts = %d, want 5", l.OrphanedAttempts)
	}
	if diff := cmp.Diff(all, b.attemptsLeft(here)); diff != "" {
		t.Errorf("after the first listing that knows them (-want +got):\n%s", diff)
	}
	b.clock.Advance(10 * time.Minute)
	l = b.sync()["main"]
	want := []string{name(1) + "/a1", name(3) + "/marker-lost", name(4) + "/runs"}
	if diff := cmp.Diff(want, b.attemptsLeft(here)); diff != "" {
		t.Errorf("after the second (-want +got):\n%s", diff)
	}
	if got := b.attemptsLeft(there); len(got) != 1 {
		t.Errorf("the other cluster's are %v, want one", got)
	}
	if l.OrphanedAttempts != 2 || l.SyncMessage != "" {
		t.Errorf("location = %+v, want two orphans left", l)
	}
	if got := b.told("OrphansRemoved"); len(got) != 1 || !strings.Contains(got[0], "what 3 attempts") {
		t.Errorf("events = %q, want one of three", got)
	}
}

// inDirectory gives the location main a directory, and returns it.
func (b *bench) inDirectory() string {
	b.Helper()
	root := b.TempDir()
	inner, err := blobstore.Open(b.Context(), blobstore.Location{Name: "main", URL: "file://" + root}, blobstore.Options{FileRoot: root})
	if err != nil {
		b.Fatal(err)
	}
	b.stores["main"] = storetest.NewFaulty(inner)
	b.stores["main"].Stamp(b.clock)
	b.attach("main")
	cfg := b.config()
	cfg.Status.Storage[0].StoreID = b.catalogs["main"].Identity().ID
	controllertest.WriteStatus(b, b, cfg, cfg.DeepCopy())
	return root
}

func TestUploadsOfKilledProcessesAreCollected(t *testing.T) {
	b := newBench(t, "main")
	root := b.inDirectory()
	b.commit("main", here, name(1)) // a1
	leave := func(key string) string {
		t.Helper()
		path := filepath.Join(root, filepath.FromSlash(key))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("half"), 0o600),
			os.Chtimes(path, b.clock.Now(), b.clock.Now())); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ours := []string{
		leave(archive.FileKey(here, name(1), "a1", ",upload-KILLED")), leave(archive.FileKey(here, name(2), "half", ",upload-KILLED")),
		leave(archive.MarkersPrefix(here) + ",upload-KILLED"), leave(",upload-PROBE"),
	}
	theirs := leave(archive.MarkersPrefix(there) + ",upload-KILLED")
	left := func() (found []string) {
		for _, path := range append(slices.Clone(ours), theirs) {
			if _, err := os.Lstat(path); err == nil {
				found = append(found, path)
			}
		}
		return found
	}
	b.clock.Advance(23 * time.Hour)
	b.collect()
	if diff := cmp.Diff(append(slices.Clone(ours), theirs), left()); diff != "" {
		t.Errorf("within a day (-want +got):\n%s", diff)
	}
	b.clock.Advance(time.Hour)
	b.events.Take()
	l := b.sync()["main"]
	if diff := cmp.Diff([]string{theirs}, left()); diff != "" {
		t.Errorf("after a day (-want +got):\n%s", diff)
	}
	if l.OrphanedAttempts != 0 || l.SyncMessage != "" {
		t.Errorf("location = %+v, want nothing left", l)
	}
	if got := b.told("OrphansRemoved"); len(got) != 1 || !strings.Contains(got[0], "4 uploads that were never finished: 16 bytes") {
		t.Errorf("events = %q, want one of four", got)
	}
	if b.ready(name(1)) == "" || len(b.attemptsLeft(here)) != 1 {
		t.Errorf("the backup lost its data: %v", b.attemptsLeft(here))
	}
}

func TestOrphansStayWhereAnythingIsDoubtful(t *testing.T) {
	tests := map[string]struct {
		doubt func(b *bench)
		says  string
	}{
		"the store lies about markers": {
			doubt: func(b *bench) {
				b.stores["main"].Inject(storetest.Fault{Op: storetest.OpList, Key: "/markers/", Effect: storetest.Lose()})
			},
			says: "it was committed",
		},
		"the clock is ahead of the store's": {
			doubt: func(b *bench) {
				servers := controllertest.NewClock(b.clock.Now().Add(-2 * time.Hour))
				b.stores["main"].Stamp(servers)
			},
			says: "ahead of the store's",
		},
		"the data cannot be listed": {
			doubt: func(b *bench) {
				b.stores["main"].Inject(storetest.Fault{Op: storetest.OpList, Key: archive.AllDataPrefix(here), Effect: storetest.Fail(errors.New("access denied"))})
			},
			says: "access denied",
		},
		"the location is ReadOnly": {
			doubt: func(b *bench) {
				b.changeConfig(func(s *v1alpha1.ConfigSpec) { s.Storage[0].Access = v1alpha1.AccessReadOnly })
			},
		},
		"the cluster only restores": {
			doubt: func(b *bench) { b.changeConfig(func(s *v1alpha1.ConfigSpec) { s.Mode = v1alpha1.ModeRestoreOnly }) },
		},
	}
	for what, tc := range tests {
		t.Run(what, func(t *testing.T) {
			b := newBench(t, "main")
			b.commit("main", here, name(1))
			if what != "the store lies about markers" { // there, only the committed one is at stake
				b.crash(here, name(2), "half", archive.ContentsFile)
			}
			b.clock.Advance(25 * time.Hour)
			before := b.attemptsLeft(here)
			tc.doubt(b)
			b.collect()
			l := b.collect()
			b.stores["main"].Heal()
			if diff := cmp.Diff(before, b.attemptsLeft(here)); diff != "" {
				t.Errorf("attempts (-before +after):\n%s", diff)
			}
			if !strings.Contains(l.SyncMessage, tc.says) && what != "the store lies about markers" {
				t.Errorf("syncMessage = %q, want it to say %q", l.SyncMessage, tc.says)
			}
		})
	}
}

func TestAMarkerThatIsNotBelievedTakesNoAttemptWithIt(t *testing.T) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		signed, held bool
		want         []string
	}{
		"one that is signed":                  {signed: true, want: []string{"a1"}},
		"one that somebody put in its place":  {want: []string{"a1", "whole"}},
		"one that is signed, and put on hold": {signed: true, held: true, want: []string{"a1", "whole"}},
	}
	for what, tc := range tests {
		t.Run(what, func(t *testing.T) {
			b := newBench(t, "main")
			b.changeConfig(func(s *v1alpha1.ConfigSpec) {
				s.TrustedKeys = []v1alpha1.TrustedKey{{Name: "own", PublicKey: base64.StdEncoding.EncodeToString(public)}}
			})
			if tc.signed {
				b.keys = []ed25519.PrivateKey{key}
			}
			b.commit("main", here, name(1))
			b.crash(here, name(1), "whole", archive.ContentsFile, archive.IndexFile)
			if tc.held {
				if _, err := b.catalogs["main"].Append(t.Context(), archive.Record{Type: archive.RecordHold, Cluster: here, Name: name(1), By: here}); err != nil {
					t.Fatal(err)
				}
			}
			b.clock.Advance(25 * time.Hour)
			b.collect()
			var want []string
			for _, attempt := range tc.want {
				want = append(want, name(1)+"/"+attempt)
			}
			if diff := cmp.Diff(want, b.attemptsLeft(here)); diff != "" {
				t.Errorf("attempts (-want +got):\n%s", diff)
			}
		})
	}
}

// changeConfig changes the spec of the Config.
func (b *bench) changeConfig(change func(*v1alpha1.ConfigSpec)) {
	b.Helper()
	cfg := &v1alpha1.Config{}
	if err := b.Get(b.Context(), client.ObjectKey{Name: "default"}, cfg); err != nil {
		b.Fatal(err)
	}
	change(&cfg.Spec)
	if err := b.Update(b.Context(), cfg); err != nil {
		b.Fatal(err)
	}
}
