// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/gopherwood/ark/engine"
)

var listing = map[string]check{
	"an empty store lists nothing": func(t *testing.T, s engine.Store) {
		wantKeys(t, s, "", false)
		wantKeys(t, s, "none/", true)
	},
	"a listing is in the order of keys": func(t *testing.T, s engine.Store) {
		all := []string{"a", "a-b/c", "a.b", "b-c-d/x", "b-c/x", "b/x", "b0", "ba/x", "b~"}
		shuffled := slices.Clone(all)
		slices.Reverse(shuffled)
		mustPut(t, s, shuffled...)
		wantKeys(t, s, "", false, all...)
		wantKeys(t, s, "", true, "a", "a-b/", "a.b", "b-c-d/", "b-c/", "b/", "b0", "ba/", "b~")
	},
	"a prefix may end anywhere in a key": func(t *testing.T, s engine.Store) {
		mustPut(t, s, "x/markers/a", "x/markers/ab", "x/markers/b", "x/records/a/1", "xy")
		wantKeys(t, s, "x/markers/", false, "x/markers/a", "x/markers/ab", "x/markers/b")
		wantKeys(t, s, "x/markers/a", false, "x/markers/a", "x/markers/ab")
		wantKeys(t, s, "x/mar", false, "x/markers/a", "x/markers/ab", "x/markers/b")
		wantKeys(t, s, "x/none/", false)
		wantKeys(t, s, "x/markers/a/", false)
	},
	"a folder is yielded once, cut behind the prefix": func(t *testing.T, s engine.Store) {
		mustPut(t, s, "u/data/a/1/x", "u/data/a/2/y", "u/data/b/1/x", "u/data/c", "ark-store.json")
		wantKeys(t, s, "", true, "ark-store.json", "u/")
		wantKeys(t, s, "u/data/", true, "u/data/a/", "u/data/b/", "u/data/c")
		wantKeys(t, s, "u/data/a", true, "u/data/a/")
		wantKeys(t, s, "u/data", true, "u/data/")
	},
	"an entry tells size and time": func(t *testing.T, s engine.Store) {
		mustPut(t, s, "a/bcd")
		for b, err := range s.List(t.Context(), "", false) {
			if err != nil || b.Size != 5 || b.ModTime.IsZero() {
				t.Errorf("entry %+v, error %v; want 5 bytes and a time", b, err)
			}
		}
	},
	"a listing of several pages is complete": func(t *testing.T, s engine.Store) {
		// A page of most stores holds 1,000 blobs; it ends between two folders whose
		// names sort otherwise than their keys.
		all := slices.Concat(numbered("m/shop-2/", 5), numbered("m/shop/", 1005))
		mustPut(t, s, all...)
		wantKeys(t, s, "m/", false, all...)
		wantKeys(t, s, "m/shop/", true, all[5:]...)
	},
	"what is deleted while it is listed is missed by nobody else": func(t *testing.T, s engine.Store) {
		all := numbered("x/y/", 50)
		mustPut(t, s, all...)
		var seen []string
		for b, err := range s.List(t.Context(), "x/", false) {
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, b.Key)
			if err := s.Delete(t.Context(), b.Key); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(seen, all) {
			t.Errorf("saw %d of %d blobs: %v", len(seen), len(all), seen)
		}
		wantKeys(t, s, "", false)
	},
	"a listing can be left early, and taken again": func(t *testing.T, s engine.Store) {
		mustPut(t, s, "a/1", "a/2", "b/1")
		for _, folders := range []bool{false, true} {
			listing := s.List(t.Context(), "", folders)
			for range 2 {
				for b, err := range listing {
					if err != nil || !strings.HasPrefix(b.Key, "a/") {
						t.Errorf("first entry is %+v, %v", b, err)
					}
					break
				}
			}
		}
	},
	"a listing ends with its context": func(t *testing.T, s engine.Store) {
		mustPut(t, s, "a", "b")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var last error
		n := 0
		for _, err := range s.List(ctx, "", false) {
			cancel()
			last = err
			n++
		}
		wantError(t, "List", last, context.Canceled)
		if n != 2 {
			t.Errorf("%d entries, want one and the error", n)
		}
	},
}

// hostile are strings that are no keys.
var hostile = []string{
	"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "a/./b", "./a", "a b", "a\x00b", "a\nb", `a\b`, "ä",
	"a%2e", "a:b", "a?b", "a#b", "a*", "a+b", "a,b", "\xff",
	strings.Repeat("a", 256), strings.Repeat("a/", 512) + "a",
}

var refusing = map[string]check{
	"what is no key is refused everywhere": func(t *testing.T, s engine.Store) {
		for _, key := range hostile {
			if _, err := s.Create(t.Context(), key); err == nil {
				t.Errorf("Create(%q) is accepted", key)
			}
			if r, err := s.Open(t.Context(), key, 0, -1); err == nil {
				t.Errorf("Open(%q) is accepted: %v", key, r.Close())
			}
			if err := s.Delete(t.Context(), key); err == nil {
				t.Errorf("Delete(%q) is accepted", key)
			}
		}
		wantKeys(t, s, "", false)
	},
	"what no key begins with is no prefix": func(t *testing.T, s engine.Store) {
		for _, prefix := range hostile {
			if prefix == "" || prefix == "a/" {
				continue
			}
			if _, err := keys(t.Context(), s, prefix, false); err == nil {
				t.Errorf("List(%q) is accepted", prefix)
			}
		}
	},
}
