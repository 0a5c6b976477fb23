// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/klauspost/compress/gzip"

	"github.com/gopherwood/ark/engine"
)

const (
	// DirectoryFile tells which block of the index has the lines of which objects.
	// It is optional: whoever does not know it reads the whole index.
	DirectoryFile = "index-directory.jsonl.gz"

	// maxDirectory bounds a directory, uncompressed, and maxDirectoryLine a line of
	// it; maxBlock bounds a block of the index, compressed.
	maxDirectory     = 256 << 20
	maxDirectoryLine = 16 << 20
	maxBlock         = 64 << 20
)

// directory is what a Writer remembers of the index it writes.
type directory struct {
	blocks []indexBlock
	size   int64
	// namespaces says of each that was seen whether anything of it is archived.
	namespaces map[string]bool
}

// directoryHeader is the first line of a directory.
type directoryHeader struct {
	Format int `json:"format"`
	// Namespaces are those that objects in the archive lie in or are, and LeftOut
	// those of which everything was left out, both sorted.
	Namespaces []string `json:"namespaces,omitempty"`
	LeftOut    []string `json:"leftOut,omitempty"`
}

// indexBlock is a gzip member of the index; every other line of a directory.
type indexBlock struct {
	Offset int64 `json:"offset"`
	Size   int64 `json:"size"`
	// SHA256 is that of the stored bytes, so that a block can be believed alone.
	SHA256 string `json:"sha256"`
	Parts  []Part `json:"parts"`
}

// add notes a block that was appended to the index.
func (d *directory) add(b *block, sum [sha256.Size]byte, archived bool) {
	size := int64(b.buf.Len())
	if parts := b.parts.finish(); len(parts) > 0 {
		d.blocks = append(d.blocks, indexBlock{Offset: d.size, Size: size, SHA256: hex.EncodeToString(sum[:]), Parts: parts})
	}
	d.size += size
	for _, ns := range b.parts.namespaces {
		d.namespaces[ns] = d.namespaces[ns] || archived
	}
}

func (d *directory) header() directoryHeader {
	h := directoryHeader{Format: Format}
	for _, ns := range slices.Sorted(maps.Keys(d.namespaces)) {
		if d.namespaces[ns] {
			h.Namespaces = append(h.Namespaces, ns)
		} else {
			h.LeftOut = append(h.LeftOut, ns)
		}
	}
	return h
}

// WriteDirectory writes the directory of the index to out. It is called once,
// after Close.
func (w *Writer) WriteDirectory(out io.Writer) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		return errors.New("write directory of the index: the archive is not closed")
	}
	gz := gzip.NewWriter(out)
	enc := json.NewEncoder(gz)
	enc.SetEscapeHTML(false)
	lines := []any{w.directory.header()}
	for i := range w.directory.blocks {
		lines = append(lines, &w.directory.blocks[i])
	}
	for _, line := range lines {
		if err := enc.Encode(line); err != nil {
			return fmt.Errorf("write directory of the index: %w", err)
		}
	}
	if err := gz.Close(); err != nil {
		return fmt.Errorf("write directory of the index: %w", err)
	}
	return nil
}

// readDirectory reads what WriteDirectory wrote, of an index of that many bytes.
// ErrCorrupt when the bytes are to blame.
func readDirectory(r io.Reader, indexSize int64) (header directoryHeader, blocks []indexBlock, err error) {
	gz, err := gzip.NewReader(r)
	if err != nil {
		return header, nil, malformed(err)
	}
	lines := bufio.NewScanner(&capped{r: gz, left: maxDirectory})
	lines.Buffer(make([]byte, 0, 64<<10), maxDirectoryLine)
	if !lines.Scan() {
		return header, nil, malformed(cmp.Or(lines.Err(), io.ErrUnexpectedEOF))
	}
	if err := json.Unmarshal(lines.Bytes(), &header); err != nil {
		return header, nil, fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
	}
	if header.Format > Format {
		return header, nil, fmt.Errorf("%w: it has format %d and this version of ark reads format %d: use a newer version",
			ErrUnknownFormat, header.Format, Format)
	}
	if err := header.check(); err != nil {
		return header, nil, fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
	}
	end := int64(0)
	for lines.Scan() {
		var b indexBlock
		if err := json.Unmarshal(lines.Bytes(), &b); err != nil {
			return header, nil, fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
		}
		if err := b.check(end, indexSize); err != nil {
			return header, nil, fmt.Errorf("%w: block %d: %w", engine.ErrCorrupt, len(blocks)+1, err)
		}
		end = b.Offset + b.Size
		blocks = append(blocks, b)
	}
	if err := lines.Err(); err != nil {
		return header, nil, malformed(err)
	}
	return header, blocks, nil
}

func (h *directoryHeader) check() error {
	if h.Format != Format {
		return broken("format", h.Format, "is not a format")
	}
	for _, ns := range slices.Concat(h.Namespaces, h.LeftOut) {
		if !isLabel(ns) {
			return broken("namespace", ns, "is not a DNS label")
		}
	}
	return nil
}

// check tells what is wrong with a block that comes after end.
func (b *indexBlock) check(end, indexSize int64) error {
	if err := firstBroken(
		rule{b.Offset >= end, "offset", b.Offset, "is before the end of the block before"},
		rule{b.Size > 0 && b.Size <= maxBlock, "size", b.Size, "is not that of a block"},
		rule{b.Offset <= indexSize-b.Size, "offset", b.Offset, "is beyond the index"},
		rule{isDigest(b.SHA256), "sha256", b.SHA256, "is not a SHA-256"},
		rule{len(b.Parts) > 0 && len(b.Parts) <= MaxTypes, "parts", len(b.Parts), "are none or too many"},
	); err != nil {
		return err
	}
	for i := range b.Parts {
		if err := b.Parts[i].check(); err != nil {
			return fmt.Errorf("part %d: %w", i+1, err)
		}
	}
	return nil
}
