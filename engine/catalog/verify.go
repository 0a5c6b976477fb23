// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	m := s.Marker
	var differing []error
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		key := archive.FileKey(m.Cluster.UID, m.Name, m.Attempt, name)
		err := c.verifyFile(ctx, key, m.Files[name])
		switch {
		case err == nil:
		case errors.Is(err, engine.ErrCorrupt):
			differing = append(differing, fmt.Errorf("file %s: %w", name, err))
		default:
			return fmt.Errorf("verify backup %s: file %s: %w", m.Name, name, err)
		}
	}
	if len(differing) > 0 {
		return fmt.Errorf("verify backup %s: %w", m.Name, errors.Join(differing...))
	}
	return nil
}

func (c *Catalog) verifyFile(ctx context.Context, key string, want archive.File) error {
	r, err := c.store.Open(ctx, key, 0, -1)
	if errors.Is(err, engine.ErrNotFound) {
		return fmt.Errorf("%w: it is missing", engine.ErrCorrupt)
	}
	if err != nil {
		return err
	}
	sum := sha256.New()
	// One byte more than there should be is enough to know.
	n, err := io.Copy(sum, io.LimitReader(r, want.Size+1))
	if err := errors.Join(err, r.Close()); err != nil {
		return err
	}
	switch {
	case n < want.Size:
		return fmt.Errorf("%w: it is cut short: %d of %d bytes", engine.ErrCorrupt, n, want.Size)
	case n > want.Size:
		return fmt.Errorf("%w: it is longer than the %d bytes that were written", engine.ErrCorrupt, want.Size)
	case hex.EncodeToString(sum.Sum(nil)) != want.SHA256:
		return fmt.Errorf("%w: its SHA-256 is not that of what was written", engine.ErrCorrupt)
	}
	return nil
}
