// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
)

// maxSpan bounds what one request reads of the contents, unless a single member is
// larger: it is held in memory until its last member is uncompressed.
const maxSpan = 1 << 20

// InReach reports whether the member of next comes with the request that reads the
// members from that of first to that of last: it lies close behind, and all of them
// are not too much. Entries are in the order of the archive.
func InReach(first, last, next Entry) bool {
	gap := next.Member - last.Member - last.MemberSize
	return first.SHA256 != "" && next.SHA256 != "" && last.MemberSize <= maxMember &&
		gap >= 0 && gap <= coalesce && next.Member-first.Member <= maxSpan-next.MemberSize
}

// Members reads, in one request, the members that hold the objects of entries, each
// one of another member that is in reach of those before it. It yields them
// uncompressed, one after the other, each with an error of its own that wraps
// ErrCorrupt where the archive is at fault. An error of the store ends the sequence.
func (c *Contents) Members(ctx context.Context, entries []Entry) iter.Seq2[*MemberData, error] {
	return func(yield func(*MemberData, error) bool) {
		for _, e := range entries {
			if err := c.within(&e); err != nil {
				for range entries {
					if !yield(nil, fmt.Errorf("read member of %s: %w", e.Key(), err)) {
						return
					}
				}
				return
			}
		}
		first, last := entries[0], entries[len(entries)-1]
		stored, err := c.span(ctx, first.Member, last.Member+last.MemberSize)
		if err != nil {
			yield(nil, fmt.Errorf("read member of %s at %d: %w", first.Key(), first.Member, err))
			return
		}
		for _, e := range entries {
			from := min(e.Member-first.Member, int64(len(stored)))
			data, behind, err := inflate(stored[from:min(from+e.MemberSize, int64(len(stored)))], maxMember)
			if err != nil {
				err = fmt.Errorf("read member of %s at %d: %w", e.Key(), e.Member, err)
			}
			if !yield(&MemberData{offset: e.Member, data: data, behind: behind}, err) {
				return
			}
		}
	}
}

// span reads the contents between two offsets, or less where they are cut short.
func (c *Contents) span(ctx context.Context, from, to int64) ([]byte, error) {
	r, err := c.store.Open(ctx, c.key, from, to-from)
	if err != nil {
		return nil, err
	}
	stored := make([]byte, to-from)
	n, err := io.ReadFull(r, stored)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // whose member is cut short is found out member by member
	}
	return stored[:n], errors.Join(err, r.Close())
}
