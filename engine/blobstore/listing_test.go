// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/gopherwood/ark/engine"
)

// listed is a store that lists these keys.
type listed struct {
	engine.Store

	keys []string
}

func (l listed) List(context.Context, string, bool) iter.Seq2[engine.Blob, error] {
	return func(yield func(engine.Blob, error) bool) {
		for _, key := range l.keys {
			if !yield(engine.Blob{Key: key}, nil) {
				return
			}
		}
	}
}

func TestAListingGoesForward(t *testing.T) {
	tests := map[string]struct {
		keys string
		// fails is the key at which the listing fails; empty when it does not.
		fails string
	}{
		"in the order of keys":                       {keys: "a a-b/c a.b a/x b"},
		"in the order of folders":                    {keys: "a/x a-b/c a.b b"},
		"a page that comes twice":                    {keys: "a b a b", fails: "a"},
		"a page that comes twice, by folders":        {keys: "a/x a-b/c a/x a-b/c", fails: "a/x"},
		"a key that comes twice":                     {keys: "a b b", fails: "b"},
		"a listing that goes back":                   {keys: "b c a d", fails: "a"},
		"one that changes its order in between":      {keys: "a/x a-b/c b a.b", fails: "a.b"},
		"what is not ours may come in between twice": {keys: "a ä b ä c"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			keys := strings.Fields(tc.keys)
			store := newStore(listed{keys: keys}, Location{Name: "main"})
			var got []string
			var failed error
			for blob, err := range store.List(t.Context(), "", false) {
				if failed = err; err == nil {
					got = append(got, blob.Key)
				}
			}
			want := slices.DeleteFunc(keys, func(key string) bool { return !ours(key) })
			if tc.fails == "" && (failed != nil || !slices.Equal(got, want)) {
				t.Errorf("listed %v, %v, want %v", got, failed, want)
			}
			if tc.fails != "" && (!errors.Is(failed, errListing) || !strings.Contains(failed.Error(), `goes back: "`+tc.fails+`" comes after`)) {
				t.Errorf("listed %v, %v, want it to fail at %s", got, failed, tc.fails)
			}
		})
	}
}
