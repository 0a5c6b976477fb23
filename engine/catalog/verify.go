// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// Verify reads every file of a backup and compares it with the marker. The error
// wraps ErrCorrupt when a file is missing or differs, and names each that does;
// it does not when the store could not be read.
func (c *Catalog) Verify(ctx context.Context, s *Snapshot) error {
	var differing []error
	for _, name := range slices.Sorted(maps.Keys(s.Marker.Files)) {
		err := c.verifyFile(ctx, s, name)
		switch {
		case err == nil:
		case errors.Is(err, engine.ErrCorrupt):
			differing = append(differing, err)
		default:
			return fmt.Errorf("verify: %w", err)
		}
	}
	if len(differing) > 0 {
		return fmt.Errorf("verify: %w", errors.Join(differing...))
	}
	return nil
}

func (c *Catalog) verifyFile(ctx context.Context, s *Snapshot, name string) error {
	r, err := c.OpenFile(ctx, s, name)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	if err := errors.Join(err, r.Close()); err != nil {
		return fmt.Errorf("read backup %s: file %s: %w", s.Marker.Name, name, err)
	}
	return nil
}

// VerifyObjects reads every object of a backup and compares it with its line of the
// index, the lines with those that the directory leads to, and their numbers with the
// marker. The contents must hold nothing of which the index has no line, and results and
// decisions must be readable. One member is in memory at a time. Its error is that of Verify; reading the
// index ends at the first thing that is wrong with it. objects is how many were good.
func (c *Catalog) VerifyObjects(ctx context.Context, s *Snapshot, progress func(objects int64)) (objects int64, err error) {
	v := objectCheck{contents: c.Contents(s), progress: progress}
	if err := v.all(ctx, c, s); err != nil {
		return v.good, fmt.Errorf("verify: %w", err)
	}
	return v.good, nil
}

// maxFindings bounds what is told of one backup.
const maxFindings = 8

// objectCheck goes through the lines of an index.
type objectCheck struct {
	contents *archive.Contents
	progress func(int64)

	member         *archive.MemberData
	covered        []span
	lines          int64
	archived, good int64
	findings       []error
}

func (v *objectCheck) all(ctx context.Context, c *Catalog, s *Snapshot) error {
	index, err := c.Index(ctx, s)
	if err != nil {
		return err
	}
	for e, err := range index.Lines(ctx, nil) {
		if err != nil {
			return errors.Join(append(v.findings, err)...)
		}
		v.lines++
		if e.SHA256 == "" {
			continue
		}
		v.archived++
		if err := v.judge(v.object(ctx, e)); err != nil {
			return err
		}
		v.progress(v.archived)
	}
	if err := v.beside(ctx, c, s); err != nil {
		return err
	}
	if v.archived != s.Marker.Objects.Included {
		v.findings = append(v.findings, fmt.Errorf("%w: the index has %d objects that are archived, the marker counts %d",
			engine.ErrCorrupt, v.archived, s.Marker.Objects.Included))
	}
	if err := v.directory(ctx, c, s); err != nil {
		v.findings = append(v.findings, err)
	}
	return errors.Join(v.findings...)
}

// object compares one object with its line, and what the tarball calls it.
func (v *objectCheck) object(ctx context.Context, e archive.Entry) error {
	if v.member == nil || !v.member.Holds(e) {
		if err := v.judge(v.leave()); err != nil {
			return err
		}
		member, err := v.contents.Member(ctx, e)
		if err != nil {
			return err
		}
		v.member = member
		v.covered = append(v.covered, span{e.Member, e.Member + e.MemberSize})
	}
	if err := v.member.Names(e); err != nil {
		return err
	}
	if _, err := v.member.Object(e); err != nil {
		return err
	}
	v.good++
	return nil
}

// directory reads the index without its directory, which must lead to every line.
func (v *objectCheck) directory(ctx context.Context, c *Catalog, s *Snapshot) error {
	r, err := c.OpenFile(ctx, s, archive.IndexFile)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	n := int64(0)
	for _, err := range archive.ReadIndex(r) {
		if err != nil {
			return err
		}
		n++
	}
	if n != v.lines {
		return fmt.Errorf("%w: the index has %d lines, and its directory leads to %d", engine.ErrCorrupt, n, v.lines)
	}
	return nil
}
