// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"fmt"
	"runtime"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/restore"
)

// BenchmarkPlan tells what a plan costs for each line of an index, and what it holds
// as long as the restore takes.
func BenchmarkPlan(b *testing.B) {
	req := request()
	target := engine.Discovery{Resources: builtInTypes()}
	index := func(yield func(archive.Entry, error) bool) {
		for n := range b.N {
			e := archive.Entry{
				Version: "v1", Resource: "configmaps", Kind: "ConfigMap", Namespaced: true, Namespace: "some-namespace",
				Name: fmt.Sprintf("object-%d", n), UID: types.UID(fmt.Sprintf("%036d", n)), SHA256: fmt.Sprintf("%064d", n),
				Labels: map[string]string{"app": "web"}, Member: int64(n / 100), MemberSize: 1, Offset: int64(n % 100),
			}
			if !yield(e, nil) {
				return
			}
		}
	}
	b.ReportAllocs()
	before := liveBytes()
	plan, err := restore.NewPlan(b.Context(), &req, target, restore.Source{Index: restore.WholeIndex(index)})
	if err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	b.ReportMetric(float64(liveBytes()-before)/float64(plan.Len()), "live-B/op")
	runtime.KeepAlive(plan)
}

// liveBytes is how much memory is in use, without what is garbage.
func liveBytes() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
