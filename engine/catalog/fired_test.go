// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog_test

import (
	"testing"
	"time"
)

func TestLastFiredBelievesNoNameAheadAndWhereTheStoreSignsNoUnsignedOne(t *testing.T) {
	const past, present, ahead = "a-20260101000000", "a-20260201000000", "a-20260301000000"
	until := time.Date(2026, time.February, 1, 0, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		taken   []string
		removed bool // present, with a signed record
		signs   bool
		want    string
	}{
		"what is ahead":                          {taken: []string{past, ahead}, want: past},
		"what is now":                            {taken: []string{past, present}, want: present},
		"what nobody signed":                     {taken: []string{past}, signs: true},
		"what was removed with a signed record":  {taken: []string{past, present}, removed: true, signs: true, want: present},
		"what is ahead, and nothing else exists": {taken: []string{ahead}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			store := newMemory()
			plain := attach(t, store, store.clock)
			for _, name := range tc.taken {
				mustTake(t, plain, clusterA, name, "one")
			}
			c := plain
			if tc.signs {
				c = signing(plain, 1)
			}
			if tc.removed {
				if err := c.Remove(t.Context(), clusterA, present, clusterA, "expired"); err != nil {
					t.Fatal(err)
				}
			}
			got, ok, err := c.LastFired(t.Context(), clusterA, "a", until)
			if err != nil || got != tc.want || ok != (tc.want != "") {
				t.Errorf("LastFired() = %q, %t, %v, want %q", got, ok, err, tc.want)
			}
		})
	}
}
