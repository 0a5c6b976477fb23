// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// maxProofs bounds how many names LastFired looks into.
const maxProofs = 100

// LastFired is Latest without the firings after until: whoever writes into the store
// can put something under any name that is yet to come. Where the store signs, a name
// counts only if a trusted key signed its marker, or the record of its removal.
func (c *Catalog) LastFired(ctx context.Context, cluster, schedule string, until time.Time) (name string, ok bool, err error) {
	names, err := c.fired(ctx, cluster, schedule, until)
	if err != nil {
		return "", false, err
	}
	// The stamps are of one length, and order as the firings do.
	for _, n := range names[:min(len(names), maxProofs)] {
		proven, err := c.proven(ctx, cluster, n)
		if err != nil {
			return "", false, fmt.Errorf("find the last backup of a schedule: %w", err)
		}
		if proven {
			return n, true, nil
		}
	}
	return "", false, nil
}

// fired returns the names of the firings up to until, the newest first.
func (c *Catalog) fired(ctx context.Context, cluster, schedule string, until time.Time) ([]string, error) {
	if err := checkPlace(cluster, schedule); err != nil {
		return nil, fmt.Errorf("find the last backup of a schedule: %w", err)
	}
	found := map[string]bool{}
	for _, names := range []iter.Seq2[string, error]{
		c.names(ctx, cluster, schedule+"-"),
		c.recorded(ctx, cluster, schedule+"-"),
	} {
		for n, err := range names {
			if err != nil {
				return nil, err
			}
			if at, scheduled := firing(schedule, n); scheduled && !at.After(until) {
				found[n] = true
			}
		}
	}
	names := slices.Sorted(maps.Keys(found))
	slices.Reverse(names)
	return names, nil
}

// proven reports whether a name may be believed to be that of a backup.
func (c *Catalog) proven(ctx context.Context, cluster, name string) (bool, error) {
	if !c.trust.Signed {
		return true, nil
	}
	s, err := c.readMarker(ctx, cluster, name)
	switch {
	case err == nil && archive.Verify(s.Envelope, c.trust.Keys) == archive.Verified:
		return true, nil
	case err != nil && !errors.Is(err, engine.ErrNotFound) && !archive.Unreadable(err):
		return false, err
	}
	j, err := c.journal(ctx, cluster, name)
	if err != nil {
		return false, err
	}
	return j.fold(time.Time{}).Deletion != nil, nil
}
