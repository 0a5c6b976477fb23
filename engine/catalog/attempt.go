// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// Attempt is a backup that is being taken. Its files can be written by several
// at once.
type Attempt struct {
	*folder

	cluster string
	name    string
	attempt string
	// sent says that the marker was: whatever became of the request, the store may
	// hold it, or come to hold it.
	sent atomic.Bool
}

// NewAttempt begins, or rather names, an attempt: nothing is written before its
// first File. No two attempts at a backup may have the same name.
func (c *Catalog) NewAttempt(cluster, name, attempt string) (*Attempt, error) {
	if err := c.writable(); err != nil {
		return nil, fmt.Errorf("begin backup %s: %w", name, err)
	}
	if err := checkPlace(cluster, name); err != nil {
		return nil, fmt.Errorf("begin backup: %w", err)
	}
	if !archive.IsAttempt(attempt) {
		return nil, fmt.Errorf("begin backup %s: attempt %q is not a lower-case name", name, attempt)
	}
	return &Attempt{
		folder:  newFolder(c, archive.FileKey(cluster, name, attempt, "")),
		cluster: cluster, name: name, attempt: attempt,
	}, nil
}

// Commit makes the backup exist: it writes the marker, signed with every key
// given. What the attempt knows is filled in: Format, Store, Cluster.UID, Name,
// Attempt, Tool and Files. It may be repeated until it succeeds.
//
// ErrExists when another attempt was committed, or a backup of this name was
// removed: names are never used again. ErrCorrupt when a file that was written is
// not there. ErrConflict when the store is not the one that was attached.
func (a *Attempt) Commit(ctx context.Context, m archive.Marker, keys ...ed25519.PrivateKey) (*Snapshot, error) {
	s, err := a.commit(ctx, m, keys)
	if err != nil {
		return nil, fmt.Errorf("commit backup %s: %w", a.name, err)
	}
	return s, nil
}

func (a *Attempt) commit(ctx context.Context, m archive.Marker, keys []ed25519.PrivateKey) (*Snapshot, error) {
	if err := a.c.Check(ctx); err != nil {
		return nil, err
	}
	if err := a.neverRemoved(ctx); err != nil {
		return nil, err
	}
	// A retry finds what an attempt, this one perhaps, has committed before.
	s, err := a.committed(ctx)
	if !errors.Is(err, engine.ErrNotFound) {
		return s, err
	}
	files, err := a.files(ctx)
	if err != nil {
		return nil, err
	}
	m.Format, m.Store, m.Tool = archive.Format, a.c.identity.ID, a.c.opts.Tool
	m.Cluster.UID, m.Name, m.Attempt, m.Files = a.cluster, a.name, a.attempt, files
	b, err := archive.EncodeMarker(&m, keys...)
	if err != nil {
		return nil, err
	}
	err = a.send(ctx, b)
	if err != nil && !errors.Is(err, engine.ErrExists) {
		return nil, err
	}
	return a.committed(ctx)
}

// send writes the marker, and notes when nobody can know what became of it.
func (a *Attempt) send(ctx context.Context, b []byte) error {
	f, err := a.c.stage(ctx, archive.MarkerKey(a.cluster, a.name), b)
	if err != nil {
		return err
	}
	before := a.sent.Swap(true)
	_, err = f.Close()
	if !before && (errors.Is(err, engine.ErrForbidden) || errors.Is(err, engine.ErrReadOnly)) {
		a.sent.Store(false) // the answer says that it is not stored
	}
	return err
}

// neverRemoved refuses a name whose removal was recorded.
func (a *Attempt) neverRemoved(ctx context.Context) error {
	r, removed, err := a.c.Deletion(ctx, a.cluster, a.name)
	if err != nil {
		return err
	}
	if removed {
		return fmt.Errorf("%w: a backup of this name was removed at %s: choose another name",
			engine.ErrExists, r.Time.Format("2006-01-02T15:04:05Z07:00"))
	}
	return nil
}

// committed returns the backup when this attempt is the one committed,
// ErrExists when another is, ErrNotFound when none is.
func (a *Attempt) committed(ctx context.Context) (*Snapshot, error) {
	s, err := a.c.Marker(ctx, a.cluster, a.name)
	if err != nil {
		return nil, err
	}
	if s.Marker.Attempt != a.attempt {
		return nil, fmt.Errorf("%w: attempt %s was committed", engine.ErrExists, s.Marker.Attempt)
	}
	return s, nil
}

// Abandon removes the attempt's files, which must all be closed or aborted, unless
// its marker was sent: a request that failed for this side may still be carried
// out, however late, and the backup would be one without data. Then they stay, until
// it is certain that another attempt took the name; what else stays is for Orphans to
// find. ErrConflict when the attempt was committed.
func (a *Attempt) Abandon(ctx context.Context) error {
	if a.sent.Load() && !a.lost(ctx) {
		return nil
	}
	return a.c.RemoveAttempt(ctx, a.cluster, a.name, a.attempt)
}

// lost reports whether a marker that was sent can never come into being: the store
// refuses to overwrite, and another has its place. For one that was stored, it is for
// RemoveAttempt to say so.
func (a *Attempt) lost(ctx context.Context) bool {
	_, err := a.committed(ctx)
	return err == nil || a.c.conditional && errors.Is(err, engine.ErrExists)
}
