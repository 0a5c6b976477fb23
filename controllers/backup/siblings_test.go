// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/retention"
)

const someCluster = "11111111-2222-3333-4444-555555555555"

// shelf is a store with the backups of one Schedule, one an hour, all of them past
// their ttl.
type shelf struct {
	*testing.T

	store   *storetest.Faulty
	catalog *catalog.Catalog
	clock   *controllertest.Clock
	memory  memory
	trusted []ed25519.PublicKey
}

func newShelf(t *testing.T, n int) *shelf {
	t.Helper()
	inner, err := blobstore.Open(t.Context(), blobstore.Location{Name: "main", URL: "mem://" + rand.Text()}, blobstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{T: t, store: storetest.NewFaulty(inner), clock: controllertest.NewClock(time.Date(2026, time.May, 17, 3, 4, 5, 0, time.UTC))}
	s.store.Stamp(s.clock)
	if s.catalog, err = catalog.Attach(t.Context(), s.store, s.clock, catalog.Options{Tool: "test"}); err != nil {
		t.Fatal(err)
	}
	for range n {
		s.clock.Advance(time.Hour)
		s.take()
	}
	s.clock.Advance(2 * time.Hour)
	return s
}

func (s *shelf) take(keys ...ed25519.PrivateKey) string {
	s.Helper()
	now := s.clock.Now()
	name := "s-" + now.Format("20060102150405")
	a, err := s.catalog.NewAttempt(someCluster, name, "a1")
	if err != nil {
		s.Fatal(err)
	}
	for _, file := range []string{archive.ContentsFile, archive.IndexFile} {
		f, err := a.File(s.Context(), file)
		if err != nil || f.Close() != nil {
			s.Fatal(err)
		}
	}
	_, err = a.Commit(s.Context(), archive.Marker{
		Schedule: "s", Spec: json.RawMessage("{}"), Created: now, Started: now, Completed: now, Expires: now.Add(time.Hour),
		Completeness: archive.Complete, Objects: archive.Counts{Included: 3},
	}, keys...)
	if err != nil {
		s.Fatal(err)
	}
	return name
}

// expire judges one backup, removes it where it may go, and says why it stays.
func (s *shelf) expire(name string, policy retention.Policy) string {
	s.Helper()
	w := removeWork{
		places: []*place{{Location: &locations.Location{Catalog: s.catalog}}}, clock: s.clock, memory: &s.memory,
		record: archive.Record{Cluster: someCluster, Name: name, By: someCluster, Reason: expiredReason},
		expiry: true, schedule: "s", policy: policy, trusted: s.trusted,
	}
	ended, err := w.expire(s.Context(), func(struct{}) {})
	if err != nil {
		s.Fatal(err)
	}
	return ended.kept
}

func (s *shelf) names() []string {
	s.Helper()
	var names []string
	for name, err := range s.catalog.Names(s.Context(), someCluster) {
		if err != nil {
			s.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

func TestJudgingAllBackupsOfAScheduleReadsEachAFewTimes(t *testing.T) {
	const n = 60
	everything, few := int32(n), int32(3)
	tests := map[string]struct {
		policy retention.Policy
		left   int
		// reads is how many markers may be read for each backup.
		reads int
	}{
		"all of them are kept":   {retention.Policy{KeepLast: &everything}, n, 2},
		"almost all may be gone": {retention.Policy{KeepLast: &few}, 3, 10},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t, n)
			before := len(s.store.Calls())
			for _, name := range s.names() {
				s.expire(name, tc.policy)
			}
			if got := len(s.names()); got != tc.left {
				t.Errorf("%d are left, want %d", got, tc.left)
			}
			reads := 0
			for _, call := range s.store.Calls()[before:] {
				if call.Op == storetest.OpOpen && strings.Contains(call.Key, "/markers/") {
					reads++
				}
			}
			if reads > tc.reads*n {
				t.Errorf("%d markers were read for %d backups, want at most %d for each", reads, n, tc.reads)
			}
		})
	}
}

func TestWhatWasReadRemovesNothing(t *testing.T) {
	one := int32(1)
	keepOne := retention.Policy{KeepLast: &one}
	tests := map[string]func(s *shelf, newest string){
		"the one that was to stay is gone": func(s *shelf, newest string) {
			if err := s.catalog.Remove(context.WithoutCancel(s.Context()), someCluster, newest, someCluster, "a test"); err != nil {
				s.Fatal(err)
			}
		},
		"the one that was to stay lost its marker": func(s *shelf, newest string) {
			if err := s.store.Delete(s.Context(), archive.MarkerKey(someCluster, newest)); err != nil {
				s.Fatal(err)
			}
		},
	}
	for name, meanwhile := range tests {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t, 3)
			names := s.names()
			if got := s.expire(names[2], keepOne); !strings.HasPrefix(got, "kept: ") {
				t.Fatalf("the newest: %q", got)
			}
			meanwhile(s, names[2])
			if got := s.expire(names[1], keepOne); !strings.HasPrefix(got, "kept: ") {
				t.Errorf("the newest that is left went: %q", got)
			}
			if got := s.expire(names[0], keepOne); got != "" {
				t.Errorf("the oldest stays: %q", got)
			}
		})
	}
	t.Run("one that was put on hold", func(t *testing.T) {
		s := newShelf(t, 3)
		names := s.names()
		s.expire(names[2], keepOne)
		if _, err := s.catalog.Append(t.Context(), archive.Record{Type: archive.RecordHold, Cluster: someCluster, Name: names[0], By: someCluster}); err != nil {
			t.Fatal(err)
		}
		if got := s.expire(names[0], keepOne); !strings.Contains(got, "on hold") {
			t.Errorf("it went, or stays for %q", got)
		}
	})
}

func TestAForgedBackupRemovesNoneThatIsVerified(t *testing.T) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := newShelf(t, 1) // of before there was a key
	s.trusted = []ed25519.PublicKey{public}
	var signed []string
	for range 2 {
		signed = append(signed, s.take(key))
		s.clock.Advance(time.Hour)
	}
	s.take()
	s.clock.Advance(time.Hour)
	forged := s.take(stranger)
	s.clock.Advance(2 * time.Hour)

	one := int32(1)
	keepOne := retention.Policy{KeepLast: &one}
	if got := s.expire(signed[1], keepOne); got != "kept: the newest" {
		t.Errorf("the newest that is verified: %q", got)
	}
	if got := s.expire(signed[0], keepOne); got != "" {
		t.Errorf("one that is verified, older than another, stays: %q", got)
	}
	if got := s.expire(s.names()[0], keepOne); got != "" {
		t.Errorf("one that nobody signed stays: %q", got)
	}
	if got := s.expire(forged, keepOne); got == "" {
		t.Error("the newest of all went")
	}
}
