// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// Orphan is an attempt that no marker names.
type Orphan struct {
	Name    string
	Attempt string
	// Touched is when its last file was written.
	Touched time.Time
	// Size is the number of bytes stored.
	Size int64
	// Superseded says that the backup's marker names another attempt.
	Superseded bool
	// Complete says that contents and index are both there: nothing but the marker
	// may be missing, and whether there never was one, or it was lost, only the
	// records can tell.
	Complete bool

	contents, index bool
}

// Sweeper is a store in which a writer that is killed leaves what no listing shows.
type Sweeper interface {
	// SweepUploads removes what was left in a folder, which is empty or ends in a slash,
	// and with deep in those below. Nothing is removed that was written to since a time,
	// nor what a living process still writes where the store can tell. It goes on past
	// what cannot be removed, and its error is the first reason.
	SweepUploads(ctx context.Context, folder string, deep bool, before time.Time) (engine.Uploads, error)
}

// SweepUploads removes the blobs that were never finished and that nobody has written to
// for longer than age: those of a cluster, and those that belong to no cluster. Most
// stores clean up themselves, and have none.
func (c *Catalog) SweepUploads(ctx context.Context, cluster string, age time.Duration) (engine.Uploads, error) {
	store, ok := c.store.(Sweeper)
	if !ok {
		return engine.Uploads{}, ctx.Err()
	}
	err := c.writable()
	if err == nil && !archive.IsUUID(cluster) {
		err = fmt.Errorf("cluster %q is not the UID of a cluster", cluster)
	}
	if err != nil {
		return engine.Uploads{}, fmt.Errorf("remove unfinished uploads: %w", err)
	}
	before := c.now().Add(-age)
	shared, serr := store.SweepUploads(ctx, "", false, before)
	own, oerr := store.SweepUploads(ctx, archive.ClusterPrefix(cluster), true, before)
	swept := engine.Uploads{Removed: shared.Removed + own.Removed, Bytes: shared.Bytes + own.Bytes, Left: shared.Left + own.Left}
	if err := errors.Join(serr, oerr); err != nil {
		return swept, fmt.Errorf("remove unfinished uploads: %w", err)
	}
	return swept, nil
}

// Orphans returns the attempts of a cluster that no marker names and whose files
// have all been there for longer than age: crashed attempts, and what a removal
// that never finished has left. RemoveAttempt, which looks at the marker
// once more, removes them.
func (c *Catalog) Orphans(ctx context.Context, cluster string, age time.Duration) ([]Orphan, error) {
	if !archive.IsUUID(cluster) {
		return nil, fmt.Errorf("find orphans: cluster %q is not the UID of a cluster", cluster)
	}
	// Data before markers: an attempt that is committed in between is then found to be.
	attempts, err := c.attempts(ctx, cluster)
	if err != nil {
		return nil, fmt.Errorf("find orphans: %w", err)
	}
	committed, err := c.committedNames(ctx, cluster)
	if err != nil {
		return nil, fmt.Errorf("find orphans: %w", err)
	}
	orphans, err := c.unnamed(ctx, cluster, attempts, committed, age)
	if err != nil {
		return nil, fmt.Errorf("find orphans: %w", err)
	}
	return orphans, nil
}

// unnamed returns the old ones among attempts that no marker of those that are
// listed names.
func (c *Catalog) unnamed(ctx context.Context, cluster string, attempts []Orphan, committed map[string]bool, age time.Duration) ([]Orphan, error) {
	number := map[string]int{}
	for _, a := range attempts {
		number[a.Name]++
	}
	var orphans []Orphan
	for _, a := range attempts {
		// The only attempt at a committed backup is the one that was committed.
		if c.now().Sub(a.Touched) <= age || (committed[a.Name] && number[a.Name] == 1) {
			continue
		}
		if committed[a.Name] {
			var err error
			if a.Superseded, err = c.supersedes(ctx, cluster, a); err != nil {
				return nil, err
			}
			if !a.Superseded {
				continue // it is committed, or the next listing tells
			}
		}
		a.Complete = a.contents && a.index
		orphans = append(orphans, a)
	}
	return orphans, nil
}

// attempts returns all attempts of a cluster, in the order of their keys.
func (c *Catalog) attempts(ctx context.Context, cluster string) ([]Orphan, error) {
	var all []Orphan
	folder := archive.AllDataPrefix(cluster)
	for blob, err := range c.store.List(ctx, folder, false) {
		if err != nil {
			return nil, fmt.Errorf("list data of cluster %s: %w", cluster, err)
		}
		parts := strings.Split(strings.TrimPrefix(blob.Key, folder), "/")
		if len(parts) != 3 || archive.CheckName(parts[0]) != nil || !archive.IsAttempt(parts[1]) {
			continue
		}
		if n := len(all); n == 0 || all[n-1].Name != parts[0] || all[n-1].Attempt != parts[1] {
			all = append(all, Orphan{Name: parts[0], Attempt: parts[1]})
		}
		last := &all[len(all)-1]
		last.Size += blob.Size
		last.contents = last.contents || parts[2] == archive.ContentsFile
		last.index = last.index || parts[2] == archive.IndexFile
		if blob.ModTime.After(last.Touched) {
			last.Touched = blob.ModTime
		}
	}
	return all, nil
}

func (c *Catalog) committedNames(ctx context.Context, cluster string) (map[string]bool, error) {
	names := map[string]bool{}
	for name, err := range c.Names(ctx, cluster) {
		if err != nil {
			return nil, err
		}
		names[name] = true
	}
	return names, nil
}

// supersedes reports whether the marker names another attempt. One that is gone
// by now, or cannot be read, does not.
func (c *Catalog) supersedes(ctx context.Context, cluster string, a Orphan) (bool, error) {
	s, err := c.readMarker(ctx, cluster, a.Name)
	switch {
	case errors.Is(err, engine.ErrNotFound), archive.Unreadable(err):
		return false, nil
	case err != nil:
		return false, err
	}
	return s.Marker.Attempt != a.Attempt, nil
}
