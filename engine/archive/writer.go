// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"archive/tar"
	"crypto/sha256"
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

	mu        sync.Mutex // guards the fields below
	contents  io.Writer
	index     io.Writer
	offset    int64
	directory directory
	err       error
	closed    bool

	notesMu sync.Mutex // guards notes and line
	notes   *block
	line    lineWriter
}

// NewWriter returns a Writer that appends to contents and index. In contents,
// every entry carries mtime, so that equal objects make equal bytes. Neither
// writer is closed by it.
func NewWriter(contents, index io.Writer, mtime time.Time) *Writer {
	return &Writer{
		mtime: mtime.UTC().Truncate(time.Second), contents: contents, index: index,
		directory: directory{namespaces: map[string]bool{}},
	}
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
		w.notes = newBlock(thorough)
	}
	w.line.buf = w.line.buf[:0]
	w.line.head(&e)
	w.line.tail(0, 0)
	w.notes.parts.add(e.Group, e.Resource, e.Namespace, e.Name)
	if _, err := w.notes.Write(w.line.buf); err != nil {
		return fmt.Errorf("note %s: %w", e.Key(), err)
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
	return w.appendIndex(b, false)
}

// Close ends both files: the version and the end of the tarball in a last
// member, and the notes that are still held back. Members must have been
// flushed before.
func (w *Writer) Close() error {
	w.notesMu.Lock()
	defer w.notesMu.Unlock()
	if w.notes == nil {
		// An index without lines is still a gzip file.
		w.notes = newBlock(thorough)
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
	b := newBlock(thorough)
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

// appendIndex closes b and appends it. archived says that the contents hold what
// its lines are about.
func (w *Writer) appendIndex(b *block, archived bool) error {
	defer b.release()
	if err := b.close(); err != nil {
		return fmt.Errorf("compress index: %w", err)
	}
	sum := sha256.Sum256(b.buf.Bytes())
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.append(w.index, b, "index"); err != nil {
		return err
	}
	w.directory.add(b, sum, archived)
	return nil
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
