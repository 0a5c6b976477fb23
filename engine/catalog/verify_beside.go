// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// span is where a member lies in the contents.
type span struct{ from, to int64 }

// judge keeps a finding, and returns an error that says nothing of the backup.
func (v *objectCheck) judge(err error) error {
	switch {
	case err == nil:
	case !archive.Unreadable(err):
		return err
	case len(v.findings) < maxFindings:
		v.findings = append(v.findings, err)
	}
	return nil
}

// leave ends with a member, all lines of which have come: they stand in a row.
func (v *objectCheck) leave() error {
	member := v.member
	if v.member = nil; member == nil {
		return nil
	}
	return member.Unnamed()
}

// beside looks for what the lines of the index did not lead to. Where a member could not
// be read, what it covers is not known, and has been told.
func (v *objectCheck) beside(ctx context.Context, c *Catalog, s *Snapshot) error {
	if err := v.judge(v.leave()); err != nil {
		return err
	}
	if len(v.findings) == 0 {
		if err := v.judge(v.gaps(ctx)); err != nil {
			return err
		}
	}
	for file, read := range map[string]func(io.Reader) error{
		archive.ResultsFile:   func(r io.Reader) error { _, err := archive.ReadResults(r); return err },
		archive.DecisionsFile: archive.CheckDecisions,
	} {
		if err := v.judge(c.readable(ctx, s, file, read)); err != nil {
			return err
		}
	}
	return nil
}

// gaps returns an error where the members that lines lead to leave bytes of the contents
// between them, or lie in each other, or the end is another than it should be.
func (v *objectCheck) gaps(ctx context.Context) error {
	slices.SortFunc(v.covered, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	end := int64(0)
	for _, s := range v.covered {
		if s.from != end {
			return fmt.Errorf("read contents: %w: the members that the index names do not follow each other at %d", engine.ErrCorrupt, end)
		}
		end = s.to
	}
	return v.contents.End(ctx, end)
}

// readable reads a file that a backup may have.
func (c *Catalog) readable(ctx context.Context, s *Snapshot, name string, read func(io.Reader) error) error {
	r, err := c.OpenFile(ctx, s, name)
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(read(r), r.Close())
}
