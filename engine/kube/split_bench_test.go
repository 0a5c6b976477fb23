// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"strings"
	"testing"
)

// BenchmarkSplit takes a page of 500 objects of 4 KiB apart; with their metadata
// read, it is what an object costs before anybody looks at it.
func BenchmarkSplit(b *testing.B) {
	object := `{"metadata":{"name":"a","namespace":"n","uid":"0f6a8a4e-3c9b-4c57-a7f4-8a0d39d0f0b2","labels":{"app":"web","tier":"front"}},"data":{"k":"` +
		strings.Repeat(`line of a file\n`, 256) + `"}}`
	page := []byte(metaFirst("7", "", strings.Split(strings.Repeat(object+"\n", 500), "\n")[:500]...))
	for name, read := range map[string]bool{"items": false, "items and metadata": true} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				s := newSplitter(bytes.NewReader(page))
				var buf []byte
				for range 500 {
					item, err := s.next()
					if err == nil && read {
						_, buf, err = restoreType(configMaps, item, buf, nil)
					}
					if err != nil {
						b.Fatal(err)
					}
				}
				s.close()
			}
		})
	}
}
