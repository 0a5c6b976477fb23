// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"

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
	if at, ok := m.named[e.Path()]; !ok || at != [2]int64{e.Offset, e.Size} {
		return fmt.Errorf("read %s: %w: the tarball does not have it as %s where the index says", e.Key(), engine.ErrCorrupt, e.Path())
	}
	return nil
}

// list notes where the entries of the member lie. A member has a thousand at most, or
// as many as fit its bound.
func (m *MemberData) list() error {
	m.named = map[string][2]int64{}
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
		if _, twice := m.named[h.Name]; twice {
			return fmt.Errorf("%s is there twice", h.Name)
		}
		m.named[h.Name] = [2]int64{int64(len(m.data)) - int64(data.Len()), h.Size}
	}
}
