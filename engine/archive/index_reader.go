// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"runtime"
	"slices"

	"github.com/gopherwood/ark/engine"
)

// coalesce is up to how many bytes that nobody asked for are read to save a
// request: what a bucket sends in the time that a request takes to it.
const coalesce = 128 << 10

// maxBlockBytes and maxBlockLines bound an uncompressed block, all lines of which are
// in memory together. A block is closed at 256 KiB; what may come on top are the
// lines of one member: a thousand objects at most, or one with a long line.
const (
	maxBlockBytes = 32 << 20
	maxBlockLines = 64 << 10
)

// Index reads the index of a backup, all of it or the blocks that matter. It is
// safe for concurrent use.
type Index struct {
	store  Opener
	key    string
	file   File
	header directoryHeader
	// The header has no format when the backup has no directory.
	blocks []indexBlock
	// most is how many lines there may be.
	most int64
}

// Within bounds the lines to those that the marker counts: each object that was seen has
// at most one. A small file can hold a line ten million times, and whoever reads it is
// not to be kept busy with that. ErrCorrupt when the directory tells of more.
func (x *Index) Within(objects Counts) error {
	x.most = objects.seen()
	told := int64(0)
	for i := range x.blocks {
		if told += x.blocks[i].lines(); told > x.most {
			return fmt.Errorf("read directory of the index: %w: it tells of more lines than the marker's %d objects", engine.ErrCorrupt, x.most)
		}
	}
	return nil
}

// seen is how many objects were counted, at most.
func (c Counts) seen() int64 {
	const most = math.MaxInt64 / 4
	return min(c.Included, most) + min(c.Excluded, most) + min(c.Failed, most)
}

// lines is how many lines the directory tells of in a block; their number in one part
// is bounded, and so is that of the parts.
func (b *indexBlock) lines() int64 {
	n := int64(0)
	for i := range b.Parts {
		n += min(b.Parts[i].Lines, maxBlockLines)
	}
	return min(n, maxBlockLines)
}

// OpenIndex returns the index of the backup whose files lie in folder, which ends
// in a slash; files are what the marker says of them. It reads the directory of
// the index, if there is one. ErrCorrupt when that is not what was written.
func OpenIndex(ctx context.Context, store Opener, folder string, files map[string]File) (*Index, error) {
	x := &Index{store: store, key: folder + IndexFile, file: files[IndexFile], most: math.MaxInt64}
	directory, ok := files[DirectoryFile]
	if !ok {
		return x, nil
	}
	r, err := store.Open(ctx, folder+DirectoryFile, 0, -1)
	if errors.Is(err, engine.ErrNotFound) {
		err = fmt.Errorf("%w: it is missing", engine.ErrCorrupt)
	}
	if err != nil {
		return nil, fmt.Errorf("read directory of the index: %w", err)
	}
	defer func() { _ = r.Close() }()
	checked := NewCheckedReader(r, directory)
	x.header, x.blocks, err = readDirectory(checked, x.file.Size)
	if err == nil {
		_, err = io.Copy(io.Discard, checked) // up to the end, where the digest is compared
	}
	if err != nil {
		return nil, fmt.Errorf("read directory of the index: %w", err)
	}
	return x, nil
}

// Namespaces returns the namespaces that archived objects lie in or are, and
// those of which everything was left out. It is not known when the backup has no
// directory.
func (x *Index) Namespaces() (archived, leftOut []string, known bool) {
	return x.header.Namespaces, x.header.LeftOut, x.header.Format != 0
}

// Lines yields the lines of the blocks of which wanted reports true for a part,
// in the order they were written, and so lines that nobody wants among them. A
// nil wanted yields all lines, and so does an index without a directory. More than
// Within allows are ErrCorrupt.
//
// Each Entry was checked and is the caller's to keep. A yielded error ends the
// sequence; it wraps ErrCorrupt when the index is to blame.
func (x *Index) Lines(ctx context.Context, wanted func(Part) bool) iter.Seq2[Entry, error] {
	return bounded(x.most, x.unbounded(ctx, wanted))
}

// bounded ends a sequence with an error when there are more lines than there may be.
func bounded(most int64, lines iter.Seq2[Entry, error]) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		n := int64(0)
		for e, err := range lines {
			if n++; err == nil && n > most {
				yield(Entry{}, fmt.Errorf("read index: %w: it has more lines than the marker's %d objects", engine.ErrCorrupt, most))
				return
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func (x *Index) unbounded(ctx context.Context, wanted func(Part) bool) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		if x.header.Format == 0 {
			x.stream(ctx, yield)
			return
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		for block := range x.decoded(ctx, x.runs(wanted)) {
			lines := <-block
			for _, e := range lines.entries {
				if !yield(e, nil) {
					return
				}
			}
			if lines.err != nil {
				yield(Entry{}, fmt.Errorf("read index: %w", lines.err))
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(Entry{}, fmt.Errorf("read index: %w", err))
		}
	}
}

// stream yields the lines of an index that has no directory.
func (x *Index) stream(ctx context.Context, yield func(Entry, error) bool) {
	r, err := x.store.Open(ctx, x.key, 0, -1)
	if errors.Is(err, engine.ErrNotFound) {
		err = fmt.Errorf("%w: it is missing", engine.ErrCorrupt)
	}
	if err != nil {
		yield(Entry{}, fmt.Errorf("read index: %w", err))
		return
	}
	defer func() { _ = r.Close() }()
	for e, err := range ReadIndex(NewCheckedReader(r, x.file)) {
		if !yield(e, err) {
			return
		}
	}
}

// blockRun are blocks that are read in one request.
type blockRun []indexBlock

// runs puts wanted blocks that lie near each other into one request.
func (x *Index) runs(wanted func(Part) bool) []blockRun {
	var runs []blockRun
	for _, b := range x.blocks {
		if wanted != nil && !slices.ContainsFunc(b.Parts, wanted) {
			continue
		}
		if n := len(runs) - 1; n >= 0 {
			last := runs[n][len(runs[n])-1]
			if b.Offset-last.Offset-last.Size <= coalesce {
				runs[n] = append(runs[n], b)
				continue
			}
		}
		runs = append(runs, blockRun{b})
	}
	return runs
}

// decodedLines are the lines of one block, up to the first that is wrong.
type decodedLines struct {
	entries []Entry
	err     error
}

// decoded reads runs one after the other and decodes their blocks in parallel.
// The channels it sends come in the order of the blocks, and how many there may
// be bounds how far it reads ahead.
func (x *Index) decoded(ctx context.Context, runs []blockRun) <-chan chan decodedLines {
	ahead := make(chan chan decodedLines, runtime.GOMAXPROCS(0))
	go func() {
		defer close(ahead)
		for _, run := range runs {
			if !x.readRun(ctx, run, ahead) {
				return
			}
		}
	}()
	return ahead
}

// readRun reads the blocks of a run, and reports whether to go on.
func (x *Index) readRun(ctx context.Context, run blockRun, ahead chan<- chan decodedLines) bool {
	send := func(c chan decodedLines) bool {
		select {
		case ahead <- c:
			return true
		case <-ctx.Done():
			return false
		}
	}
	fail := func(err error) bool {
		c := make(chan decodedLines, 1)
		c <- decodedLines{err: err}
		send(c)
		return false
	}
	last := run[len(run)-1]
	r, err := x.store.Open(ctx, x.key, run[0].Offset, last.Offset+last.Size-run[0].Offset)
	if errors.Is(err, engine.ErrNotFound) {
		err = fmt.Errorf("%w: it is missing", engine.ErrCorrupt)
	}
	if err != nil {
		return fail(err)
	}
	defer func() { _ = r.Close() }()
	at := run[0].Offset
	for _, b := range run {
		stored := make([]byte, b.Size)
		if _, err := io.CopyN(io.Discard, r, b.Offset-at); err != nil {
			return fail(malformed(err))
		}
		if _, err := io.ReadFull(r, stored); err != nil {
			return fail(malformed(err))
		}
		at = b.Offset + b.Size
		c := make(chan decodedLines, 1)
		go func() { c <- b.decode(stored) }()
		if !send(c) {
			return false
		}
	}
	return true
}

// decode reads the lines of a block that was read alone.
func (b *indexBlock) decode(stored []byte) decodedLines {
	if sum := sha256.Sum256(stored); hex.EncodeToString(sum[:]) != b.SHA256 {
		return decodedLines{err: fmt.Errorf("%w: the SHA-256 of the block at %d is not that of what was written", engine.ErrCorrupt, b.Offset)}
	}
	var lines decodedLines
	for e, err := range readLines(bytes.NewReader(stored), maxBlockBytes) {
		if most := b.lines(); err == nil && int64(len(lines.entries)) == most {
			err = fmt.Errorf("%w: more than %d lines", engine.ErrCorrupt, most)
		}
		if err != nil {
			lines.err = fmt.Errorf("block at %d: %w", b.Offset, err)
			break
		}
		lines.entries = append(lines.entries, e)
	}
	return lines
}
