// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bytes"
	"sync"

	"github.com/klauspost/compress/gzip"
)

const (
	// CompressionLevel makes contents of 1.06 times the size of one gzip -6 stream of
	// the same JSON; about 0.04 of it are the tarball's headers. Level 5 of this
	// library makes 1.13 and halves the CPU time of a backup, level 7 makes 1.11 and
	// saves an eighth.
	CompressionLevel = 8
	// keepBuffer is the largest buffer that goes back to the pool: one big object
	// must not stay in memory for good.
	keepBuffer = 4 * MemberBytes
)

// block is a gzip member under construction.
type block struct {
	how method
	buf bytes.Buffer
	gz  *gzip.Writer
	// raw counts the uncompressed bytes.
	raw int64
	// parts are what a block of the index holds.
	parts parts
}

// blocks keeps compressors, which weigh up to a megabyte each, from one member to
// the next.
var blocks [methods]sync.Pool

func newBlock(how method) *block {
	if pooled, ok := blocks[how].Get().(*block); ok {
		return pooled
	}
	b := &block{how: how}
	gz, err := gzip.NewWriterLevel(&b.buf, levels[how])
	if err != nil {
		panic(err) // the levels are constants of this package
	}
	b.gz = gz
	return b
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
	blocks[b.how].Put(b)
}
