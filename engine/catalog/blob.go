// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// now is the time, as precise as what is written.
func (c *Catalog) now() time.Time { return c.clock.Now().UTC().Truncate(time.Millisecond) }

// writable returns ErrReadOnly for a store that is never written.
func (c *Catalog) writable() error {
	if c.opts.ReadOnly {
		return fmt.Errorf("%w: its access is ReadOnly", engine.ErrReadOnly)
	}
	return nil
}

// put writes a small blob, or nothing.
func (c *Catalog) put(ctx context.Context, key string, b []byte) error {
	f, err := c.stage(ctx, key, b)
	if err != nil {
		return err
	}
	_, err = f.Close()
	return err
}

// stage begins a small blob, which its Close makes be.
func (c *Catalog) stage(ctx context.Context, key string, b []byte) (*archive.FileWriter, error) {
	f, err := archive.NewFile(ctx, c.store, key)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(b); err != nil {
		f.Abort()
		return nil, err
	}
	return f, nil
}

// get reads a small blob.
func (c *Catalog) get(ctx context.Context, key string) ([]byte, error) {
	r, err := c.store.Open(ctx, key, 0, archive.MaxDocument+1)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	b, err := io.ReadAll(io.LimitReader(r, archive.MaxDocument+1))
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	if len(b) > archive.MaxDocument {
		return nil, fmt.Errorf("read %s: %w: more than %d bytes", key, engine.ErrCorrupt, archive.MaxDocument)
	}
	return b, nil
}

// clear deletes every blob below prefix. It goes on past those that fail, so
// that one locked blob does not keep the rest, and then returns the first failure.
func (c *Catalog) clear(ctx context.Context, prefix string) error {
	var failed error
	for blob, err := range c.store.List(ctx, prefix, false) {
		if err != nil {
			return errors.Join(failed, fmt.Errorf("list %s: %w", prefix, err))
		}
		err := c.store.Delete(ctx, blob.Key)
		if err != nil && failed == nil {
			failed = fmt.Errorf("delete %s: %w", blob.Key, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return failed
}

// checkPlace refuses names that no key can be made of.
func checkPlace(cluster, name string) error {
	if !archive.IsUUID(cluster) {
		return fmt.Errorf("cluster %q is not the UID of a cluster", cluster)
	}
	return archive.CheckName(name)
}
