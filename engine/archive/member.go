// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Member gathers the objects of one worker into a gzip member of its own, a
// whole number of tar entries. It is not safe for concurrent use.
type Member struct {
	w     *Writer
	block *block
	tar   *tar.Writer
	// heads are the index lines of the block's objects but for their ends, which say
	// where the block lies; pending tells them apart.
	heads   lineWriter
	pending []pendingLine
	tail    lineWriter
	index   *block
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
	m.heads.head(&e)
	m.pending = append(m.pending, pendingLine{
		end: len(m.heads.buf), group: e.Group, resource: e.Resource, namespace: e.Namespace, name: e.Name,
	})
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
	return m.w.appendIndex(b, true)
}

func (m *Member) flushContents() error {
	if m.block == nil {
		return nil
	}
	b := m.block
	m.block = nil
	defer m.forget()
	if err := m.tar.Flush(); err != nil {
		b.release()
		return fmt.Errorf("pad contents: %w", err)
	}
	offset, size, err := m.w.appendContents(b)
	if err != nil {
		return err
	}
	return m.writeLines(offset, size)
}

// forget drops the lines of a block that was written.
func (m *Member) forget() {
	clear(m.pending) // their strings are others'
	m.pending = m.pending[:0]
	m.heads.buf = m.heads.buf[:0]
}

// writeLines writes the pending lines, now that it is known where their objects lie.
func (m *Member) writeLines(offset, size int64) error {
	if m.index == nil {
		m.index = newBlock()
	}
	m.tail.buf = m.tail.buf[:0]
	m.tail.tail(offset, size)
	begin := 0
	for i := range m.pending {
		l := &m.pending[i]
		for _, part := range [][]byte{m.heads.buf[begin:l.end], m.tail.buf} {
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
