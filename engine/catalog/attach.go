// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// probeLifetime is after how long a probe was left behind by a crash.
const probeLifetime = time.Hour

// Options adjust a Catalog. The zero value attaches to a store that is written.
type Options struct {
	// ReadOnly keeps the catalog from ever writing to the store.
	ReadOnly bool
	// Known is the identity that the store had before; empty where that is not known. A
	// store that has lost it is not given another: its directory may not be mounted.
	Known string
	// Tool is the program and version to be noted in what is written.
	Tool string
	// NewID makes random UUIDs; nil takes them from the system.
	NewID func() string
}

// Catalog is a store whose identity is known. It is safe for concurrent use. What is
// recorded in it is believed, and signed, as Trusting says.
type Catalog struct {
	store       engine.Store
	clock       engine.Clock
	identity    archive.Identity
	opts        Options
	conditional bool
	// trust is set by Trusting.
	trust Trust
}

// Attach reads the identity of a store. A store that is written is given one
// when it has none, after it was checked that it can be written and deleted from.
//
// ErrNotFound when a read-only store has no identity; ErrCorrupt when the
// identity cannot be read, or is missing although there are backups: a new one
// would make strangers of them; archive.ErrUnknownFormat when a newer version made
// the store.
func Attach(ctx context.Context, store engine.Store, clock engine.Clock, opts Options) (*Catalog, error) {
	if opts.NewID == nil {
		opts.NewID = uuid.NewString
	}
	c := &Catalog{store: store, clock: clock, opts: opts}
	if !opts.ReadOnly {
		if err := c.tryWriting(ctx); err != nil {
			return nil, fmt.Errorf("attach store: %w", err)
		}
	}
	id, err := c.readIdentity(ctx)
	if errors.Is(err, engine.ErrNotFound) {
		id, err = c.makeIdentity(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("attach store: %w", err)
	}
	c.identity = *id
	return c, nil
}

// Identity is that of the store.
func (c *Catalog) Identity() archive.Identity { return c.identity }

// ConditionalWrites reports whether the store refuses to overwrite a blob. It
// was not tried, and is false, when the store is read-only.
func (c *Catalog) ConditionalWrites() bool { return c.conditional }

// ReadOnly reports whether the store is never written.
func (c *Catalog) ReadOnly() bool { return c.opts.ReadOnly }

// Check reads the identity again, to tell a store that is there, and the same,
// from one that is not: nothing may be concluded from a listing of another.
func (c *Catalog) Check(ctx context.Context) error {
	id, err := c.readIdentity(ctx)
	if err != nil {
		return fmt.Errorf("check store: %w", err)
	}
	if id.ID != c.identity.ID {
		return fmt.Errorf("check store: %w: its identity was %s and is now %s: attach it again",
			engine.ErrConflict, c.identity.ID, id.ID)
	}
	return nil
}

func (c *Catalog) readIdentity(ctx context.Context) (*archive.Identity, error) {
	b, err := c.get(ctx, archive.IdentityKey)
	if err != nil {
		return nil, err
	}
	return archive.DecodeIdentity(b)
}

// makeIdentity gives the store an identity. Of several that do so at once, the
// one whose identity is stored wins, and Commit checks again.
func (c *Catalog) makeIdentity(ctx context.Context) (*archive.Identity, error) {
	if c.opts.ReadOnly {
		return nil, fmt.Errorf("%w: there is no %s: check url and prefix; a store is given one when it is first attached with access ReadWrite",
			engine.ErrNotFound, archive.IdentityKey)
	}
	if c.opts.Known != "" {
		return nil, c.vanished()
	}
	lost, err := c.holdsBackups(ctx)
	if err != nil {
		return nil, err
	}
	if lost != "" {
		// Another writer may have given it one, and committed, since it was looked for.
		id, err := c.readIdentity(ctx)
		if errors.Is(err, engine.ErrNotFound) {
			return nil, fmt.Errorf("%w: %s is missing although there are backups of cluster %s: put it back with the id that their markers name as store",
				engine.ErrCorrupt, archive.IdentityKey, lost)
		}
		return id, err
	}
	b, err := archive.EncodeIdentity(&archive.Identity{
		Format: archive.Format, ID: c.opts.NewID(), Created: c.now(), Tool: c.opts.Tool,
	})
	if err != nil {
		return nil, err
	}
	if err := c.put(ctx, archive.IdentityKey, b); err != nil && !errors.Is(err, engine.ErrExists) {
		return nil, err
	}
	return c.readIdentity(ctx)
}

// holdsBackups returns a cluster that has a marker, or nothing.
func (c *Catalog) holdsBackups(ctx context.Context) (string, error) {
	clusters, err := c.Clusters(ctx)
	if err != nil {
		return "", err
	}
	for _, cluster := range clusters {
		for _, err := range c.Names(ctx, cluster) {
			return cluster, err
		}
	}
	return "", nil
}

// tryWriting probes the store, unless its identity says that it is not to be
// written: not as much as a probe goes into what a newer version keeps, or into what
// lies where the store was.
func (c *Catalog) tryWriting(ctx context.Context) error {
	switch _, err := c.readIdentity(ctx); {
	case errors.Is(err, engine.ErrNotFound) && c.opts.Known != "":
		return c.vanished()
	case err != nil && !errors.Is(err, engine.ErrNotFound):
		return err
	}
	return c.probe(ctx)
}

// vanished is the error of a store that was there before.
func (c *Catalog) vanished() error {
	return fmt.Errorf("there is no %s any more, and the store was %s before: mount or restore it, or correct url and prefix; "+
		"to begin anew in an empty store, give the location another name", archive.IdentityKey, c.opts.Known)
}

// probe finds out whether the store can be written, deleted from, and whether
// it refuses to overwrite.
func (c *Catalog) probe(ctx context.Context) error {
	if err := c.sweepProbes(ctx); err != nil {
		return err
	}
	key := archive.ProbePrefix + c.opts.NewID()
	const cure = "access ReadWrite needs permission to write, read, list and delete"
	if err := c.put(ctx, key, []byte(c.opts.Tool)); err != nil {
		return fmt.Errorf("write a probe (%s): %w", cure, err)
	}
	err := c.put(ctx, key, []byte(c.opts.Tool))
	switch {
	case errors.Is(err, engine.ErrExists):
		c.conditional = true
	case err != nil:
		return fmt.Errorf("write a probe again: %w", err)
	}
	if _, err := c.get(ctx, key); err != nil {
		return fmt.Errorf("read a probe (%s): %w", cure, err)
	}
	if err := c.store.Delete(ctx, key); err != nil {
		return fmt.Errorf("delete a probe (%s): %w", cure, err)
	}
	return nil
}

// Ahead tells how far this clock is ahead of the store's, which stamps what is
// written; negative when it is behind. Two clocks that agree are hardly both
// wrong: whoever removes what is old asks first.
func (c *Catalog) Ahead(ctx context.Context) (time.Duration, error) {
	if err := c.writable(); err != nil {
		return 0, fmt.Errorf("compare clocks: %w", err)
	}
	key := archive.ProbePrefix + c.opts.NewID()
	if err := c.put(ctx, key, []byte(c.opts.Tool)); err != nil {
		return 0, fmt.Errorf("compare clocks: %w", err)
	}
	var stamped time.Time
	for blob, err := range c.store.List(ctx, key, false) {
		if err != nil {
			return 0, fmt.Errorf("compare clocks: %w", err)
		}
		stamped = blob.ModTime
	}
	if err := c.store.Delete(ctx, key); err != nil {
		return 0, fmt.Errorf("compare clocks: %w", err)
	}
	if stamped.IsZero() {
		return 0, errors.New("compare clocks: the store does not list what was just written")
	}
	return c.now().Sub(stamped), nil
}

// sweepProbes deletes the probes of processes that died.
func (c *Catalog) sweepProbes(ctx context.Context) error {
	for blob, err := range c.store.List(ctx, archive.ProbePrefix, false) {
		if err != nil {
			return fmt.Errorf("list probes: %w", err)
		}
		if c.now().Sub(blob.ModTime) < probeLifetime {
			continue
		}
		if err := c.store.Delete(ctx, blob.Key); err != nil {
			return fmt.Errorf("delete an old probe: %w", err)
		}
	}
	return nil
}
