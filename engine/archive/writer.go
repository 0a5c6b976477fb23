// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"
)

const (
	// MemberBytes is how much a gzip member of the contents holds, uncompressed,
	// when it is closed. It is what a restore of one object has to read.
	MemberBytes = 1 << 20
	// MaxObjectBytes is the largest object that fits into an archive. The API
	// server's own limit is 3 MiB; an aggregated one may have another.
	MaxObjectBytes = 32 << 20

	// indexBlockBytes closes a gzip member of the index.
	indexBlockBytes = 256 << 10
	// versionPath is the entry that tells the format of the contents.
	versionPath = "metadata/version"
)

// Writer writes the contents and the index of a backup. It is safe for several
// workers, each of which takes a Member of its own: what they share is only the
// order in which compressed bytes are appended.
//
// The first failure to write to contents or index is final: every later call
// returns it.
type Writer struct {
	mtime time.Time

	mu       sync.Mutex // guards the fields below
	contents io.Writer
	index    io.Writer
	offset   int64
	err      error
	closed   bool

	notesMu sync.Mutex // guards notes
	notes   *block
}

// NewWriter returns a Writer that appends to contents and index. In contents,
// every entry carries mtime, so that equal objects make equal bytes. Neither
// writer is closed by it.
func NewWriter(contents, index io.Writer, mtime time.Time) *Writer {
	return &Writer{mtime: mtime.UTC().Truncate(time.Second), contents: contents, index: index}
}

// NewMember returns a Member for one worker.
func (w *Writer) NewMember() *Member { return &Member{w: w} }

// Note writes an index line without contents, for an object that was left out
// or could not be read. It is safe for concurrent use.
func (w *Writer) Note(e Entry) error {
	e.Size, e.SHA256, e.Member, e.MemberSize, e.Offset = 0, "", 0, 0, 0
	e.Error = Text(e.Error)
	if err := e.check(); err != nil {
		return fmt.Errorf("note %s: %w: %w", e.Key(), ErrInvalidEntry, err)
	}
	w.notesMu.Lock()
	defer w.notesMu.Unlock()
	if w.notes == nil {
		w.notes = newBlock()
	}
	if err := w.notes.line(&e); err != nil {
		return err
	}
	if w.notes.raw < indexBlockBytes {
		return nil
	}
	return w.flushNotes()
}

// flushNotes needs notesMu.
func (w *Writer) flushNotes() error {
	b := w.notes
	w.notes = nil
	return w.appendIndex(b)
}

// Close ends both files: the version and the end of the tarball in a last
// member, and the notes that are still held back. Members must have been
// flushed before.
func (w *Writer) Close() error {
	w.notesMu.Lock()
	defer w.notesMu.Unlock()
	if w.notes == nil {
		// An index without lines is still a gzip file.
		w.notes = newBlock()
	}
	if err := w.flushNotes(); err != nil {
		return err
	}
	if err := w.appendEnd(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	return nil
}

// appendEnd writes the last member of the contents.
func (w *Writer) appendEnd() error {
	b := newBlock()
	tw := tar.NewWriter(b)
	version := []byte(strconv.Itoa(Format) + "\n")
	if err := tw.WriteHeader(w.header(versionPath, len(version))); err != nil {
		return fmt.Errorf("write %s: %w", versionPath, err)
	}
	if _, err := tw.Write(version); err != nil {
		return fmt.Errorf("write %s: %w", versionPath, err)
	}
	if err := tw.Close(); err != nil {
		return fmt.Errorf("end contents: %w", err)
	}
	_, _, err := w.appendContents(b)
	return err
}

func (w *Writer) header(path string, size int) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: path, Size: int64(size), Mode: 0o644, ModTime: w.mtime}
}

// appendContents closes b, appends it, and returns where it lies.
func (w *Writer) appendContents(b *block) (offset, size int64, err error) {
	defer b.release()
	if err := b.close(); err != nil {
		return 0, 0, fmt.Errorf("compress contents: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.append(w.contents, b, "contents"); err != nil {
		return 0, 0, err
	}
	offset, size = w.offset, int64(b.buf.Len())
	w.offset += size
	return offset, size, nil
}

// appendIndex closes b and appends it.
func (w *Writer) appendIndex(b *block) error {
	defer b.release()
	if err := b.close(); err != nil {
		return fmt.Errorf("compress index: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.append(w.index, b, "index")
}

// append needs mu.
func (w *Writer) append(to io.Writer, b *block, what string) error {
	switch {
	case w.err != nil:
		return w.err
	case w.closed:
		return fmt.Errorf("write %s: archive is closed", what)
	}
	if _, err := to.Write(b.buf.Bytes()); err != nil {
		w.err = fmt.Errorf("write %s: %w", what, err)
	}
	return w.err
}

// Member gathers the objects of one worker into a gzip member of its own, a
// whole number of tar entries. It is not safe for concurrent use.
type Member struct {
	w       *Writer
	block   *block
	tar     *tar.Writer
	pending []Entry
	index   *block
}

// Add appends the object raw, whose type, names and codes e gives, and fills in
// the rest of its index line. It keeps neither raw nor anything that e refers
// to beyond the next Flush. An error that wraps ErrInvalidEntry is about this object
// only, and nothing was written.
func (m *Member) Add(e Entry, raw []byte) error {
	e.Size = int64(len(raw))
	sum := sha256.Sum256(raw)
	e.SHA256 = hex.EncodeToString(sum[:])
	e.Error = Text(e.Error)
	if err := e.check(); err != nil {
		return fmt.Errorf("add %s: %w: %w", e.Key(), ErrInvalidEntry, err)
	}
	// A big object gets a member of its own, so that its neighbours stay cheap to read.
	if len(raw) >= MemberBytes {
		if err := m.flushContents(); err != nil {
			return err
		}
	}
	if m.block == nil {
		m.block = newBlock()
		m.tar = tar.NewWriter(m.block)
	}
	if err := m.tar.WriteHeader(m.w.header(e.Path(), len(raw))); err != nil {
		return fmt.Errorf("add %s: %w", e.Key(), err)
	}
	e.Offset = m.block.raw
	if _, err := m.tar.Write(raw); err != nil {
		return fmt.Errorf("add %s: %w", e.Key(), err)
	}
	m.pending = append(m.pending, e)
	if m.block.raw < MemberBytes {
		return nil
	}
	return m.flushContents()
}

// Flush hands everything that was added to the Writer. Blocks of the index then
// begin with what is added next: a worker that flushes between two types keeps
// their lines apart.
func (m *Member) Flush() error {
	if err := m.flushContents(); err != nil {
		return err
	}
	if m.index == nil {
		return nil
	}
	b := m.index
	m.index = nil
	return m.w.appendIndex(b)
}

func (m *Member) flushContents() error {
	if m.block == nil {
		return nil
	}
	b, pending := m.block, m.pending
	m.block, m.pending = nil, m.pending[:0]
	defer clear(pending)
	if err := m.tar.Flush(); err != nil {
		b.release()
		return fmt.Errorf("pad contents: %w", err)
	}
	offset, size, err := m.w.appendContents(b)
	if err != nil {
		return err
	}
	if m.index == nil {
		m.index = newBlock()
	}
	for i := range pending {
		pending[i].Member, pending[i].MemberSize = offset, size
		if err := m.index.line(&pending[i]); err != nil {
			return err
		}
	}
	if m.index.raw < indexBlockBytes {
		return nil
	}
	full := m.index
	m.index = nil
	return m.w.appendIndex(full)
}
