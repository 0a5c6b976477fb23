// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// randomValue is any JSON value that an API server can hold.
func randomValue(r *rand.Rand, depth int) any {
	kinds := 9
	if depth == 0 {
		kinds = 7
	}
	switch r.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return []int64{math.MaxInt64, math.MinInt64, 0, -1, 1 << 53}[r.IntN(5)]
	case 3:
		return []float64{0.1, -1e300, 5e-324, math.MaxFloat64}[r.IntN(4)]
	case 4:
		return string([]rune{'a', '<', '"', '\\', 'ü', '世', '\u2028', '\t', 0x1F600}[r.IntN(9)])
	case 5:
		return map[string]any{}
	case 6:
		return []any{}
	case 7:
		list := make([]any, r.IntN(4))
		for i := range list {
			list[i] = randomValue(r, depth-1)
		}
		return list
	}
	object := map[string]any{}
	for n := range r.IntN(4) {
		object[fmt.Sprintf("k%d.é/%d", n, r.IntN(9))] = randomValue(r, depth-1)
	}
	return object
}

// Whatever an object holds comes back, to the last digit.
func TestRestoringABackupGivesBackWhatWasThere(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) // the same objects every time
	source, target := newFakeCluster(t), newFakeCluster(t)
	source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
	for n := range 300 {
		m := transform.Manifest{
			"apiVersion": "v1", "kind": "ConfigMap",
			"metadata": transform.Manifest{"namespace": "a", "name": fmt.Sprintf("c%d", n)},
			"spec":     randomValue(r, 4), "status": randomValue(r, 2),
		}
		raw, err := transform.Encode(m)
		must(t, err)
		source.add(string(raw))
	}
	mustRun(t, target, request(), backup(t, source), restore.Options{})
	for n := range 300 {
		key := fmt.Sprintf("configmaps/a/c%d", n)
		want, got := source.object(key), target.object(key)
		for _, field := range []string{"spec", "status"} {
			if diff := cmp.Diff(want[field], got[field]); diff != "" {
				t.Fatalf("%s of %s (-want +got):\n%s", field, key, diff)
			}
		}
	}
}
