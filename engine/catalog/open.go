// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// OpenFile reads a file of a backup from beginning to end. Where size or SHA-256
// are not those of the marker, the last Read returns ErrCorrupt instead of io.EOF.
// ErrNotFound when the backup has no such file; one that it has and that is
// gone is ErrCorrupt.
func (c *Catalog) OpenFile(ctx context.Context, s *Snapshot, name string) (io.ReadCloser, error) {
	m := s.Marker
	r, err := c.open(ctx, archive.FileKey(m.Cluster.UID, m.Name, m.Attempt, name), m.Files, name)
	if err != nil {
		return nil, fmt.Errorf("open backup %s: %w", m.Name, err)
	}
	return r, nil
}

// OpenRestoreFile reads a file about a restore, as OpenFile does.
func (c *Catalog) OpenRestoreFile(ctx context.Context, s *archive.RestoreSummary, name string) (io.ReadCloser, error) {
	r, err := c.open(ctx, archive.RestoreKey(s.Cluster.UID, s.Name, s.UID, name), s.Files, name)
	if err != nil {
		return nil, fmt.Errorf("open record of restore %s: %w", s.Name, err)
	}
	return r, nil
}

func (c *Catalog) open(ctx context.Context, key string, files map[string]archive.File, name string) (io.ReadCloser, error) {
	file, ok := files[name]
	if !ok {
		return nil, fmt.Errorf("file %s: %w", name, engine.ErrNotFound)
	}
	blob, err := c.store.Open(ctx, key, 0, -1)
	if errors.Is(err, engine.ErrNotFound) {
		return nil, fmt.Errorf("file %s: %w: it is missing", name, engine.ErrCorrupt)
	}
	if err != nil {
		return nil, fmt.Errorf("file %s: %w", name, err)
	}
	return archive.NewCheckedReader(blob, file), nil
}

// Index reads the index of a backup, all of it or what matters. It reads the
// directory of the index at once, and takes no more lines than the marker counts; see
// archive.OpenIndex for its errors.
func (c *Catalog) Index(ctx context.Context, s *Snapshot) (*archive.Index, error) {
	m := s.Marker
	x, err := archive.OpenIndex(ctx, c.store, archive.FileKey(m.Cluster.UID, m.Name, m.Attempt, ""), m.Files)
	if err == nil {
		err = x.Within(m.Objects)
	}
	if err != nil {
		return nil, fmt.Errorf("open backup %s: %w", m.Name, err)
	}
	return x, nil
}

// Contents reads single objects of a backup.
func (c *Catalog) Contents(s *Snapshot) *archive.Contents {
	m := s.Marker
	key := archive.FileKey(m.Cluster.UID, m.Name, m.Attempt, archive.ContentsFile)
	return archive.OpenContents(c.store, key, m.Files[archive.ContentsFile])
}
