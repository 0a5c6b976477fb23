// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Member gathers the objects of one worker into gzip members of its own, each a
// whole number of tar entries. It is not safe for concurrent use.
type Member struct {
	w     *Writer
	open  [methods]openMember
	tail  lineWriter
	index *block
}

// openMember is a gzip member under construction. It has no block as long as it is
// empty.
type openMember struct {
	block *block
	tar   *tar.Writer
	// heads are the index lines of the block's objects but for their ends, which say
	// where the block lies; pending tells them apart.
	heads   lineWriter
	pending []pendingLine
}

// pendingLine is an index line that waits for its block to be written.
type pendingLine struct {
	// end is where it ends in heads.
	end                              int
	group, resource, namespace, name string
}

// Add appends the object raw, whose type, names and codes e gives, and fills in
// the rest of its index line. It keeps neither raw nor e, apart from its strings
// until the next Flush. An error that wraps ErrInvalidEntry is about this object
// only, and nothing was written.
func (m *Member) Add(e Entry, raw []byte) error {
	e.Size = int64(len(raw))
	sum := sha256.Sum256(raw)
	e.SHA256 = hex.EncodeToString(sum[:])
	e.Error = Text(e.Error)
	if err := e.check(); err != nil {
		return fmt.Errorf("add %s: %w: %w", e.Key(), ErrInvalidEntry, err)
	}
	how := methodFor(raw)
	open := &m.open[how]
	// A big object gets a member of its own, so that its neighbours stay cheap to read.
	if len(raw) >= MemberBytes {
		if err := m.flushContents(open); err != nil {
			return err
		}
	}
	if open.block == nil {
		open.block = newBlock(how)
		open.tar = tar.NewWriter(open.block)
	}
	if err := open.add(&e, m.w.header(e.Path(), len(raw)), raw); err != nil {
		return fmt.Errorf("add %s: %w", e.Key(), err)
	}
	if open.block.raw < MemberBytes {
		return nil
	}
	return m.flushContents(open)
}

// add appends an object.
func (o *openMember) add(e *Entry, header *tar.Header, raw []byte) error {
	if err := o.tar.WriteHeader(header); err != nil {
		return err
	}
	e.Offset = o.block.raw
	if _, err := o.tar.Write(raw); err != nil {
		return err
	}
	o.heads.head(e)
	o.pending = append(o.pending, pendingLine{
		end: len(o.heads.buf), group: e.Group, resource: e.Resource, namespace: e.Namespace, name: e.Name,
	})
	return nil
}

// Flush hands everything that was added to the Writer. Blocks of the index then
// begin with what is added next: a worker that flushes between two types keeps
// their lines apart.
func (m *Member) Flush() error {
	for i := range m.open {
		if err := m.flushContents(&m.open[i]); err != nil {
			return err
		}
	}
	if m.index == nil {
		return nil
	}
	b := m.index
	m.index = nil
	return m.w.appendIndex(b, true)
}

// flushContents closes and appends one of the open members, unless it is empty.
func (m *Member) flushContents(open *openMember) error {
	if open.block == nil {
		return nil
	}
	b := open.block
	open.block = nil
	defer open.forget()
	if err := open.tar.Flush(); err != nil {
		b.release()
		return fmt.Errorf("pad contents: %w", err)
	}
	offset, size, err := m.w.appendContents(b)
	if err != nil {
		return err
	}
	return m.writeLines(open, offset, size)
}

// forget drops the lines of a block that was written.
func (o *openMember) forget() {
	clear(o.pending) // their strings are others'
	o.pending = o.pending[:0]
	o.heads.buf = o.heads.buf[:0]
}

// writeLines writes the pending lines, now that it is known where their objects lie.
func (m *Member) writeLines(of *openMember, offset, size int64) error {
	if m.index == nil {
		m.index = newBlock(thorough)
	}
	m.tail.buf = m.tail.buf[:0]
	m.tail.tail(offset, size)
	begin := 0
	for i := range of.pending {
		l := &of.pending[i]
		for _, part := range [][]byte{of.heads.buf[begin:l.end], m.tail.buf} {
			if _, err := m.index.Write(part); err != nil {
				return fmt.Errorf("write index: %w", err)
			}
		}
		m.index.parts.add(l.group, l.resource, l.namespace, l.name)
		begin = l.end
	}
	if m.index.raw < indexBlockBytes {
		return nil
	}
	full := m.index
	m.index = nil
	return m.w.appendIndex(full, true)
}
