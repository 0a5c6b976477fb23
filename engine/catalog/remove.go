// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// Remove deletes a backup for good: first it records that and why, then the
// marker goes, then the data. It may be repeated until it succeeds, and does
// nothing to a backup that is gone; what an earlier call has recorded stays.
// The cluster by must own the backup.
//
// ErrNotFound when there never was anything of that name, ErrConflict when the
// backup is held, ErrForbidden when it belongs to another cluster, ErrCorrupt when
// a record of it cannot be read: a hold may be what is lost.
func (c *Catalog) Remove(ctx context.Context, cluster, name, by, reason string) error {
	if err := c.remove(ctx, cluster, name, by, reason); err != nil {
		return fmt.Errorf("remove backup %s: %w", name, err)
	}
	return nil
}

// Condemn is the first step of Remove, and no other: it records that the backup
// of r.Cluster and r.Name is removed by r.By for r.Reason. A backup that lies in
// several stores is condemned in all of them before it is removed from any, so
// that each of them tells by itself that the removal has to go on.
//
// Unless expired is zero, ErrConflict also when the backup's time to live has not
// run out by then, with all that was recorded until the very record that condemns
// it. Otherwise its errors are those of Remove.
func (c *Catalog) Condemn(ctx context.Context, r archive.Record, expired time.Time) error {
	if err := c.condemn(ctx, r, expired); err != nil {
		return fmt.Errorf("remove backup %s: %w", r.Name, err)
	}
	return nil
}

func (c *Catalog) condemn(ctx context.Context, r archive.Record, expired time.Time) error {
	if err := c.writable(); err != nil {
		return err
	}
	if err := c.Check(ctx); err != nil {
		return err
	}
	j, err := c.sound(ctx, r.Cluster, r.Name)
	if err != nil {
		return err
	}
	if s := j.fold(time.Time{}); s.Deletion != nil {
		return s.belongs(r.Cluster, r.Name, r.By)
	}
	var expires time.Time
	if !expired.IsZero() {
		snapshot, err := c.readMarker(ctx, r.Cluster, r.Name)
		if err != nil {
			return err
		}
		expires = snapshot.Marker.Expires
	}
	return c.recordDeletion(ctx, r, func(s State) error {
		if expired.IsZero() || !expired.Before(expires) && !expired.Before(s.Expires) {
			return nil
		}
		return fmt.Errorf("%w: its time to live was extended", engine.ErrConflict)
	})
}

func (c *Catalog) remove(ctx context.Context, cluster, name, by, reason string) error {
	if err := c.condemn(ctx, archive.Record{Cluster: cluster, Name: name, By: by, Reason: reason}, time.Time{}); err != nil {
		return err
	}
	// Whatever was recorded meanwhile, by whom ever: what is held stays.
	j, err := c.sound(ctx, cluster, name)
	if err != nil {
		return err
	}
	if err := j.fold(time.Time{}).released(); err != nil {
		return err
	}
	// While the marker is there, so must be the data.
	if err := c.store.Delete(ctx, archive.MarkerKey(cluster, name)); err != nil {
		return fmt.Errorf("delete marker: %w", err)
	}
	return c.clear(ctx, archive.DataPrefix(cluster, name))
}

// recordDeletion writes the record, as long as allowed has nothing against it
// either.
func (c *Catalog) recordDeletion(ctx context.Context, r archive.Record, allowed func(State) error) error {
	if err := c.anything(ctx, r.Cluster, r.Name); err != nil {
		return err
	}
	r.Type = archive.RecordDeletion
	_, err := c.append(ctx, r, func(s State) error {
		if err := s.released(); err != nil {
			return err
		}
		if err := s.belongs(r.Cluster, r.Name, r.By); err != nil {
			return err
		}
		return allowed(s)
	})
	return err
}

// released returns ErrConflict while the backup is held.
func (s State) released() error {
	if s.Held {
		return fmt.Errorf("%w: it is on hold: release it first", engine.ErrConflict)
	}
	return nil
}

// anything returns ErrNotFound when neither marker nor data of a name exist. The
// marker need not be readable: what is broken can be removed.
func (c *Catalog) anything(ctx context.Context, cluster, name string) error {
	for _, prefix := range []string{archive.MarkerKey(cluster, name), archive.DataPrefix(cluster, name)} {
		for _, err := range c.store.List(ctx, prefix, false) {
			if err != nil {
				return fmt.Errorf("list %s: %w", prefix, err)
			}
			return nil
		}
	}
	return fmt.Errorf("%w in cluster %s", engine.ErrNotFound, cluster)
}

// RemoveAttempt deletes the files of an attempt that was not committed. It may
// be repeated until it succeeds. ErrConflict when the backup's marker names the
// attempt; a marker that cannot be read keeps all attempts.
func (c *Catalog) RemoveAttempt(ctx context.Context, cluster, name, attempt string) error {
	if err := c.removeAttempt(ctx, cluster, name, attempt); err != nil {
		return fmt.Errorf("remove attempt %s at backup %s: %w", attempt, name, err)
	}
	return nil
}

func (c *Catalog) removeAttempt(ctx context.Context, cluster, name, attempt string) error {
	if err := c.writable(); err != nil {
		return err
	}
	if !archive.IsAttempt(attempt) {
		return errors.New("it is not the name of an attempt")
	}
	if err := c.Check(ctx); err != nil {
		return err
	}
	s, err := c.readMarker(ctx, cluster, name)
	switch {
	case errors.Is(err, engine.ErrNotFound):
	case err != nil:
		return err
	case s.Marker.Attempt == attempt:
		return fmt.Errorf("%w: it was committed", engine.ErrConflict)
	}
	return c.clear(ctx, archive.FileKey(cluster, name, attempt, ""))
}
