// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/gopherwood/ark/engine"
)

// Names returns nil when the tarball has the object of e where the index says, under
// the object's own path: whoever unpacks it with tar gets what a restore gets.
// ErrCorrupt otherwise. Lines of one member are asked for in a row.
func (m *MemberData) Names(e Entry) error {
	if m.named == nil {
		if err := m.list(); err != nil {
			return fmt.Errorf("read member at %d: %w: %w", m.offset, engine.ErrCorrupt, err)
		}
	}
	m.asked[e.Path()] = true
	if at, ok := m.named[e.Path()]; !ok || at != [2]int64{e.Offset, e.Size} {
		return fmt.Errorf("read %s: %w: the tarball does not have it as %s where the index says", e.Key(), engine.ErrCorrupt, e.Path())
	}
	return nil
}

// Unnamed returns nil when Names was asked for all that the stored bytes of the member
// hold: whoever unpacks the tarball gets nothing else. ErrCorrupt otherwise.
func (m *MemberData) Unnamed() error {
	end := int64(0)
	for _, path := range slices.Sorted(maps.Keys(m.named)) {
		if !m.asked[path] {
			return fmt.Errorf("read member at %d: %w: the tarball has %q, of which the index has no line", m.offset, engine.ErrCorrupt, invalidValue(path))
		}
		end = max(end, m.named[path][0]+m.named[path][1])
	}
	if padded := (end + tarBlock - 1) / tarBlock * tarBlock; m.behind > 0 || padded != int64(len(m.data)) {
		return fmt.Errorf("read member at %d: %w: it has bytes behind its last object", m.offset, engine.ErrCorrupt)
	}
	return nil
}

// tarBlock is what a tarball consists of.
const tarBlock = 512

// End returns nil when the contents end at offset from as they are written: with a
// member that has the format and the end of the tarball. ErrCorrupt otherwise.
func (c *Contents) End(ctx context.Context, from int64) error {
	const most = 64 << 10
	wrong := func(err error) error {
		return fmt.Errorf("read end of contents at %d: %w: %w", from, engine.ErrCorrupt, err)
	}
	if from < 0 || from > c.size || c.size-from > most {
		return wrong(fmt.Errorf("%d bytes are not those of objects that the index names", c.size-from))
	}
	stored, err := c.span(ctx, from, c.size)
	if err != nil {
		return fmt.Errorf("read end of contents at %d: %w", from, err)
	}
	data, behind, err := inflate(stored, most)
	if err != nil {
		return wrong(err)
	}
	last := MemberData{offset: from, data: data}
	if err := last.list(); err != nil {
		return wrong(err)
	}
	// An entry of one block and its header, and two blocks of zeros.
	if _, ok := last.named[versionPath]; !ok || len(last.named) != 1 || len(data) != 4*tarBlock || behind > 0 {
		return wrong(errors.New("it holds more or other than the format"))
	}
	return nil
}

// list notes where the entries of the member lie. A member has a thousand at most, or
// as many as fit its bound.
func (m *MemberData) list() error {
	m.named, m.asked = map[string][2]int64{}, map[string]bool{}
	data := bytes.NewReader(m.data)
	entries := tar.NewReader(data)
	for {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			return fmt.Errorf("%q is no file", invalidValue(h.Name))
		}
		if _, twice := m.named[h.Name]; twice {
			return fmt.Errorf("%q is there twice", invalidValue(h.Name))
		}
		m.named[h.Name] = [2]int64{int64(len(m.data)) - int64(data.Len()), h.Size}
	}
}
