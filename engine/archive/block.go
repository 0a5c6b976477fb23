// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bytes"
	"sync"

	"github.com/klauspost/compress/gzip"
)

const (
	// CompressionLevel makes what gzip -6 makes, within a tenth, of JSON as an API
	// server sends it; level 6 of this library gains a hundredth more for half as
	// much time again.
	CompressionLevel = 5
	// keepBuffer is the largest buffer that goes back to the pool: one big object
	// must not stay in memory for good.
	keepBuffer = 4 * MemberBytes
)

// block is a gzip member under construction.
type block struct {
	buf bytes.Buffer
	gz  *gzip.Writer
	// raw counts the uncompressed bytes.
	raw int64
	// parts are what a block of the index holds.
	parts parts
}

// blocks keeps compressors, which weigh a megabyte each, from one member to the
// next.
var blocks = sync.Pool{New: func() any {
	b := &block{}
	gz, err := gzip.NewWriterLevel(&b.buf, CompressionLevel)
	if err != nil {
		panic(err) // the level is a constant of this package
	}
	b.gz = gz
	return b
}}

func newBlock() *block {
	return blocks.Get().(*block) //nolint:forcetypeassert // the pool holds nothing else
}

// Write compresses p.
func (b *block) Write(p []byte) (int, error) {
	n, err := b.gz.Write(p)
	b.raw += int64(n)
	return n, err
}

func (b *block) close() error { return b.gz.Close() }

func (b *block) release() {
	if b.buf.Cap() > keepBuffer {
		return
	}
	b.buf.Reset()
	b.gz.Reset(&b.buf)
	b.raw = 0
	b.parts.forget()
	blocks.Put(b)
}
