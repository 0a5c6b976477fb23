// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

// key is made of a seed, so that a failure can be repeated.
func key(seed byte) (ed25519.PublicKey, ed25519.PrivateKey) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	public, _ := private.Public().(ed25519.PublicKey)
	return public, private
}

// signing is the store as a location that signs with the key of that seed has it.
func signing(c *catalog.Catalog, seed byte) *catalog.Catalog {
	public, private := key(seed)
	return c.Trusting(catalog.Trust{Signed: true, Keys: []ed25519.PublicKey{public}}).SigningWith(private)
}

const (
	unsigned = "nobody signed it, although what is recorded in this location is signed"
	unknown  = "no trusted key signed it: where it is genuine, add the key of its cluster to trustedKeys"
)

func TestWhatNobodyTrustedSignedOnlyProtects(t *testing.T) {
	later := marker().Expires.Add(time.Hour)
	hold, release := entry(archive.RecordHold, clusterA), entry(archive.RecordRelease, clusterA)
	deletion, adopted := entry(archive.RecordDeletion, clusterA), entry(archive.RecordAdopted, clusterB)
	// by says who writes each record: 1 is trusted, 2 is not, 0 does not sign.
	type written struct {
		by     byte
		record archive.Record
	}
	tests := map[string]struct {
		records []written
		signs   bool
		want    catalog.State
	}{
		"a hold and an extension of anybody count": {
			[]written{{0, hold}, {2, extension(later)}}, true, catalog.State{Held: true, Expires: later},
		},
		"a release that nobody signed does not": {
			[]written{{1, hold}, {0, release}}, true,
			catalog.State{Held: true, Expires: marker().Expires, Unverified: []string{"record 2 (release) does not count: " + unsigned}},
		},
		"a release that a stranger signed does not": {
			[]written{{1, hold}, {2, release}}, true,
			catalog.State{Held: true, Expires: marker().Expires, Unverified: []string{"record 2 (release) does not count: " + unknown}},
		},
		"one that a trusted key signed does": {
			[]written{{1, hold}, {1, release}}, true, catalog.State{Expires: marker().Expires},
		},
		"a deletion that nobody signed does not": {
			[]written{{0, deletion}}, true,
			catalog.State{Expires: marker().Expires, Unverified: []string{"record 1 (deletion) does not count: " + unsigned}},
		},
		"a deletion that a stranger signed does not": {
			[]written{{2, deletion}}, true,
			catalog.State{Expires: marker().Expires, Unverified: []string{"record 1 (deletion) does not count: " + unknown}},
		},
		"an adoption that nobody signed does not": {
			[]written{{0, adopted}}, true,
			catalog.State{Expires: marker().Expires, Unverified: []string{"record 1 (adopted) does not count: " + unsigned}},
		},
		"an adoption that a trusted key signed does": {
			[]written{{1, adopted}}, true, catalog.State{Expires: marker().Expires, AdoptedBy: clusterB},
		},
		"where nothing is signed all of them count": {
			[]written{{0, hold}, {2, release}, {0, adopted}}, false, catalog.State{Expires: marker().Expires, AdoptedBy: clusterB},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			store := newMemory()
			plain := attach(t, store, store.clock)
			mustTake(t, plain, clusterA, "nightly", "one")
			for i, w := range tc.records {
				store.write(t, i+1, w.by, w.record)
			}
			c := signing(plain, 1)
			if !tc.signs {
				c = plain
			}
			s, err := c.Marker(t.Context(), clusterA, "nightly")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, s.State, cmpopts.IgnoreFields(catalog.State{}, "Records", "Deletion")); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
			if s.Deletion != nil {
				t.Errorf("it is being removed: %+v", s.Deletion)
			}
		})
	}
}

// write puts a record in place past the catalog, signed by the key of a seed.
func (m *memory) write(t *testing.T, seq int, by byte, r archive.Record) {
	t.Helper()
	r.Format, r.Store, r.Seq, r.Time = 1, storeID, seq, start
	var keys []ed25519.PrivateKey
	if by != 0 {
		_, private := key(by)
		keys = append(keys, private)
	}
	b, err := archive.EncodeRecord(&r, keys...)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.put(archive.RecordKey(clusterA, "nightly", seq), b); err != nil {
		t.Fatal(err)
	}
}

// A removal that was recorded before the location signed begins anew, and one that
// somebody made up does not end a backup, nor take a name.
func TestARemovalIsRecordedAgainWhereTheRecordDoesNotCount(t *testing.T) {
	store := newMemory()
	plain := attach(t, store, store.clock)
	c := signing(plain, 1)
	mustTake(t, c, clusterA, "nightly", "one")
	store.write(t, 1, 0, entry(archive.RecordDeletion, clusterA))
	if r, removed, err := c.Deletion(t.Context(), clusterA, "nightly"); removed || err != nil {
		t.Errorf("Deletion() = %+v, %v, %v, want none", r, removed, err)
	}
	if _, err := c.Append(t.Context(), entry(archive.RecordHold, clusterA)); err != nil {
		t.Errorf("Append() of a hold: %v", err)
	}
	if _, err := c.Append(t.Context(), entry(archive.RecordRelease, clusterA)); err != nil {
		t.Errorf("Append() of a release: %v", err)
	}
	if err := c.Remove(t.Context(), clusterA, "nightly", clusterA, "a test"); err != nil {
		t.Fatal(err)
	}
	r, removed, err := c.Deletion(t.Context(), clusterA, "nightly")
	if err != nil || !removed || r.Seq != 4 || r.Reason != "a test" {
		t.Errorf("Deletion() = %+v, %v, %v, want the fourth record", r, removed, err)
	}
	store.forgeName(t, "coming")
	if _, err := take(t.Context(), c, clusterA, "coming", "one"); err != nil {
		t.Errorf("a name that a forged record says was removed: %v", err)
	}
}

// forgeName says that a backup of that name was removed.
func (m *memory) forgeName(t *testing.T, name string) {
	t.Helper()
	r := archive.Record{Format: 1, Store: storeID, Cluster: clusterA, Name: name, Seq: 1, Type: archive.RecordDeletion, Time: start, By: clusterA}
	b, err := archive.EncodeRecord(&r)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.put(archive.RecordKey(clusterA, name, 1), b); err != nil {
		t.Fatal(err)
	}
}

func TestARecordThatWasExchangedKeepsTheBackup(t *testing.T) {
	first := archive.RecordKey(clusterA, "nightly", 1)
	for name, tc := range map[string]struct {
		spoil func(*testing.T, *memory)
		says  string
	}{
		"for one that nobody signed": {
			func(t *testing.T, m *memory) {
				t.Helper()
				delete(m.blobs, first)
				m.write(t, 1, 0, extension(marker().Expires))
			}, "record 1 was exchanged after record 2 was written",
		},
		"for another that is signed": {
			func(t *testing.T, m *memory) {
				t.Helper()
				delete(m.blobs, first)
				m.write(t, 1, 1, extension(marker().Expires))
			}, "record 1 was exchanged after record 2 was written",
		},
		"in its bytes": {
			func(_ *testing.T, m *memory) { m.replace(first, `"hold"`, `"release"`) },
			"record 1 is not to be relied on: it was changed after it was signed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := newMemory()
			c := signing(attach(t, store, store.clock), 1)
			mustTake(t, c, clusterA, "nightly", "one")
			for _, r := range []archive.Record{entry(archive.RecordHold, clusterA), extension(marker().Expires.Add(time.Hour))} {
				if _, err := c.Append(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
			tc.spoil(t, store)
			s, err := c.Marker(t.Context(), clusterA, "nightly")
			if err != nil || !s.Held || len(s.Unreadable) == 0 || s.Unreadable[0] != tc.says {
				t.Errorf("state = %+v, %v, want it held because %q", s.State, err, tc.says)
			}
			if err := c.Remove(t.Context(), clusterA, "nightly", clusterA, "expired"); !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("Remove() error = %v, want ErrCorrupt", err)
			}
		})
	}
}

func TestARecordIsNotWrittenWithoutTheKey(t *testing.T) {
	store := newMemory()
	plain := attach(t, store, store.clock)
	mustTake(t, plain, clusterA, "nightly", "one")
	lost := errors.New("the Secret is gone")
	c := plain.Trusting(catalog.Trust{Signed: true, Sign: func(context.Context) (ed25519.PrivateKey, error) { return nil, lost }})
	before := store.keys()
	if _, err := c.Append(t.Context(), entry(archive.RecordRelease, clusterA)); !errors.Is(err, lost) {
		t.Errorf("Append() error = %v, want %v", err, lost)
	}
	if diff := cmp.Diff(before, store.keys()); diff != "" {
		t.Errorf("store (-before +after):\n%s", diff)
	}
}

// recorded writes the record of a restore as a catalog writes it.
func recorded(t *testing.T, c *catalog.Catalog, uid string, completed time.Time) {
	t.Helper()
	r, err := c.NewRestoreRecord(clusterA, "back", uid)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeFile(t.Context(), r, archive.PlanFile, "plan"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Commit(t.Context(), summary(completed)); err != nil {
		t.Fatal(err)
	}
}

func TestTheRecordOfARestoreIsJudged(t *testing.T) {
	early, late := start, start.Add(time.Hour)
	at := func(uid string) string { return archive.RestoreKey(clusterA, "back", uid, archive.RestoreFile) }
	tests := map[string]struct {
		write  func(t *testing.T, m *memory, plain *catalog.Catalog)
		plain  bool
		uid    string
		trust  archive.Trust
		doubt  string
		broken bool
	}{
		"a trusted key signed it": {
			write: func(t *testing.T, _ *memory, c *catalog.Catalog) {
				t.Helper()
				recorded(t, signing(c, 1), "one", early)
			},
			uid: "one", trust: archive.Verified,
		},
		"nobody did": {
			write: func(t *testing.T, _ *memory, c *catalog.Catalog) { t.Helper(); recorded(t, c, "one", early) },
			uid:   "one", trust: archive.Unsigned, doubt: unsigned,
		},
		"a stranger did": {
			write: func(t *testing.T, _ *memory, c *catalog.Catalog) {
				t.Helper()
				recorded(t, signing(c, 2), "one", early)
			},
			uid: "one", trust: archive.UnknownKey, doubt: unknown,
		},
		"it was edited": {
			write: func(t *testing.T, m *memory, c *catalog.Catalog) {
				t.Helper()
				recorded(t, signing(c, 1), "one", early)
				m.replace(at("one"), `"Succeeded"`, `"Planned"`)
			},
			uid: "one", trust: archive.Tampered, doubt: "it was changed after it was signed",
		},
		"it was edited where nothing need be signed": {
			write: func(t *testing.T, m *memory, c *catalog.Catalog) {
				t.Helper()
				recorded(t, signing(c, 1), "one", early)
				m.replace(at("one"), `"Succeeded"`, `"Planned"`)
			},
			plain: true, uid: "one", trust: archive.Tampered, doubt: "it was changed after it was signed",
		},
		"the signature was taken away": {
			write: func(t *testing.T, m *memory, c *catalog.Catalog) {
				t.Helper()
				recorded(t, signing(c, 1), "one", early)
				b := m.blobs[at("one")].data
				body := strings.TrimPrefix(string(b[:bytes.Index(b, []byte(`,"signatures":`))]), `{"restore":`)
				m.replace(at("one"), string(b), body)
			},
			uid: "one", trust: archive.Unsigned, doubt: unsigned,
		},
		"a forged one is later than the genuine one": {
			write: func(t *testing.T, _ *memory, c *catalog.Catalog) {
				t.Helper()
				recorded(t, signing(c, 1), "one", early)
				recorded(t, c, "two", late)
			},
			uid: "one", trust: archive.Verified,
		},
		"one that cannot be read is beside the genuine one": {
			write: func(t *testing.T, m *memory, c *catalog.Catalog) {
				t.Helper()
				recorded(t, signing(c, 1), "one", early)
				_ = m.put(at("two"), []byte("junk"))
			},
			uid: "one", trust: archive.Verified,
		},
		"one that cannot be read is beside one that nobody signed": {
			write: func(t *testing.T, m *memory, c *catalog.Catalog) {
				t.Helper()
				recorded(t, c, "one", early)
				_ = m.put(at("two"), []byte("junk"))
			},
			plain: true, broken: true,
		},
		"it was moved to another attempt": {
			write: func(t *testing.T, m *memory, c *catalog.Catalog) {
				t.Helper()
				recorded(t, signing(c, 1), "one", early)
				m.blobs[at("two")] = m.blobs[at("one")]
				delete(m.blobs, at("one"))
			},
			broken: true,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			store := newMemory()
			plain := attach(t, store, store.clock)
			tc.write(t, store, plain)
			c := signing(plain, 1)
			if tc.plain {
				c = plain
			}
			found, err := c.FindRestore(t.Context(), clusterA, "back")
			if tc.broken {
				if !errors.Is(err, engine.ErrCorrupt) {
					t.Errorf("FindRestore() error = %v, want ErrCorrupt", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if found.UID != tc.uid || found.Trust != tc.trust || found.Doubt != tc.doubt {
				t.Errorf("FindRestore() = attempt %s, %s, %q, want %s, %s, %q", found.UID, found.Trust, found.Doubt, tc.uid, tc.trust, tc.doubt)
			}
		})
	}
}
