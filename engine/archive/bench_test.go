// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/gopherwood/ark/engine/archive"
)

// BenchmarkAdd archives objects of 4 KiB: ns and allocations are per object.
func BenchmarkAdd(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("by %d workers", workers), func(b *testing.B) {
			raw := make([][]byte, 256)
			for i := range raw {
				raw[i] = text(uint64(i), 4096)
			}
			e := configMap("app", "some-config-map-with-a-name")
			e.UID, e.Labels = "0e8d1c6a-6f5c-4b8e-9d6f-0a1b2c3d4e5f", map[string]string{"app": "web", "tier": "front"}
			b.SetBytes(4096)
			b.ReportAllocs()
			w := archive.NewWriter(io.Discard, io.Discard, mtime)
			b.ResetTimer()
			var wg sync.WaitGroup
			for range workers {
				wg.Go(func() {
					m := w.NewMember()
					for i := range b.N / workers {
						if err := m.Add(e, raw[i%len(raw)]); err != nil {
							b.Error(err)
						}
					}
					if err := m.Flush(); err != nil {
						b.Error(err)
					}
				})
			}
			wg.Wait()
		})
	}
}

// BenchmarkReadIndex reads lines as real objects have them.
func BenchmarkReadIndex(b *testing.B) {
	var objects []object
	for i := range 1000 {
		e := configMap("app", fmt.Sprintf("config-%d", i))
		e.UID, e.Labels = "0e8d1c6a-6f5c-4b8e-9d6f-0a1b2c3d4e5f", map[string]string{"app": "web", "tier": "front"}
		objects = append(objects, object{e, text(uint64(i), 100)})
	}
	index := write(b, 1, objects).index.Bytes()
	b.ReportAllocs()
	n := 0
	for n < b.N {
		for _, err := range archive.ReadIndex(bytes.NewReader(index)) {
			if err != nil {
				b.Fatal(err)
			}
			if n++; n == b.N {
				break
			}
		}
	}
}
