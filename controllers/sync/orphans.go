// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync

import (
	"context"
	"fmt"
	"math"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/announce"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

const (
	// collectEvery is how often orphans are looked for when the Config does not say.
	collectEvery = 10 * time.Minute
	// orphanAge is how long nothing may have been written into an attempt before it
	// can be an orphan. The longest of backups writes a file now and then, and this
	// cluster's own that run are known besides.
	orphanAge = 24 * time.Hour
	// maxAhead is how far the clock here may be ahead of the store's for an age to
	// be believed.
	maxAhead = time.Hour
)

// orphan identifies an attempt that no marker names.
type orphan struct{ name, attempt string }

// collection is what became of the orphans of a location.
type collection struct {
	// removed and size count what was removed, left what was not.
	removed int
	size    int64
	left    int32
	// uploads counts the blobs that were never finished and were removed; those that
	// were not count as left, and the bytes of both as size.
	uploads int
	// message says why something could not be done.
	message string
	// complete says that all of them were looked at.
	complete bool
}

// collectOrphans removes what attempts of this cluster left behind that were cut
// short. It comes after a complete listing of a store whose identity was read
// before and after, and anything that is doubtful leaves everything as it is:
// nobody misses an orphan that stays.
func (r *run) collectOrphans(ctx context.Context) {
	now := r.Clock.Now()
	since := now.Sub(r.memory.collected)
	if r.catalog.ReadOnly() || r.cfg.Spec.Mode == v1alpha1.ModeRestoreOnly || since >= 0 && since < collectInterval(r.cfg) {
		return
	}
	r.memory.collected = now
	c, err := r.collect(ctx)
	if err != nil {
		c.message = "what crashed attempts left could not be collected: " + err.Error()
		log.FromContext(ctx).Info("Collecting orphans failed", "location", r.memory.location, "error", err.Error())
	}
	r.outcome.orphans = &c
}

func (r *run) collect(ctx context.Context) (collection, error) {
	var c collection
	ahead, err := r.catalog.Ahead(ctx)
	if err != nil {
		return c, err
	}
	if ahead > maxAhead {
		return c, fmt.Errorf("the clock here is %s ahead of the store's, and one of them is wrong: set it right", ahead.Round(time.Minute))
	}
	found, err := r.catalog.Orphans(ctx, r.cluster, orphanAge)
	if err != nil {
		return c, err
	}
	owned := r.ownedAttempts()
	seen := map[orphan]bool{}
	for _, o := range found {
		key := orphan{o.Name, o.Attempt}
		seen[key] = true
		remove, err := r.collectable(ctx, o, owned)
		if err == nil && remove && r.memory.orphans[key] {
			err = r.catalog.RemoveAttempt(ctx, r.cluster, o.Name, o.Attempt)
			if err == nil {
				log.FromContext(ctx).Info("Removed what an attempt left that was cut short",
					"location", r.memory.location, "backup", o.Name, "attempt", o.Attempt, "bytes", o.Size, "lastWritten", o.Touched)
				c.removed, c.size = c.removed+1, c.size+o.Size
				continue
			}
		}
		if err != nil {
			c.message = err.Error() // one that cannot be removed must not keep the others
		}
		if c.left < math.MaxInt32 {
			c.left++
		}
	}
	r.memory.orphans = seen
	if err := r.sweepUploads(ctx, &c); err != nil {
		c.message = err.Error()
	}
	c.complete = true
	return c, nil
}

// sweepUploads removes what writers that were killed left beside the attempts. Of a
// finished attempt too: where it was killed says nothing of what was done again.
func (r *run) sweepUploads(ctx context.Context, c *collection) error {
	swept, err := r.catalog.SweepUploads(ctx, r.cluster, orphanAge)
	if swept.Removed > 0 {
		log.FromContext(ctx).Info("Removed uploads that were never finished",
			"location", r.memory.location, "uploads", swept.Removed, "bytes", swept.Bytes)
	}
	c.uploads, c.size = swept.Removed, c.size+swept.Bytes
	c.left += int32(min(swept.Left, math.MaxInt32-int(c.left))) //nolint:gosec // bounded just here
	return err
}

// collectable reports whether nothing can need the attempt any more. An attempt
// that has everything but a marker may be a backup whose marker was lost, and that
// can be put back: unless a record says that it was removed, it stays.
func (r *run) collectable(ctx context.Context, o catalog.Orphan, owned map[orphan]bool) (bool, error) {
	switch {
	case owned[orphan{o.Name, o.Attempt}]:
		return false, nil
	case o.Superseded:
		return r.believed(ctx, o.Name)
	case !o.Complete:
		return true, nil
	}
	_, removed, err := r.catalog.Deletion(ctx, r.cluster, o.Name)
	return removed, err
}

// believed reports whether a marker may tell that attempts other than its own are of no
// use: where markers are signed, somebody may have put another one in its place, and
// what is on hold is not touched.
func (r *run) believed(ctx context.Context, name string) (bool, error) {
	s, err := r.catalog.Marker(ctx, r.cluster, name)
	if err != nil {
		return false, err
	}
	return !s.Held && (len(r.trusted) == 0 || archive.Verify(s.Envelope, r.trusted) == archive.Verified), nil
}

// ownedAttempts are those that a Backup speaks of: that run, or that are taken to
// be stored, whatever the listing says.
func (r *run) ownedAttempts() map[orphan]bool {
	owned := map[orphan]bool{}
	for i, b := range r.objects.byID {
		stalled := meta.IsStatusConditionTrue(b.Status.Conditions, v1alpha1.StalledCondition)
		ended := b.Status.CompletionTime != nil || stalled
		if i.cluster == r.cluster && b.Status.Attempt != "" && (committed(b) || !ended) {
			owned[orphan{i.name, b.Status.Attempt}] = true
		}
	}
	return owned
}

// tellCollected counts and announces what was removed.
func (r *Reconciler) tellCollected(cfg *v1alpha1.Config, location string, c *collection) {
	if c == nil || c.removed+c.uploads == 0 {
		return
	}
	r.Metrics.OrphansRemoved(location, c.removed, c.uploads, c.size)
	announce.Normal(r.Events, cfg, v1alpha1.EventOrphansRemoved, "CollectOrphans", fmt.Sprintf(
		"removed from storage location %q what %d attempts at backups left that were cut short, and %d uploads that were never finished: %d bytes",
		location, c.removed, c.uploads, c.size))
}

func collectInterval(cfg *v1alpha1.Config) time.Duration {
	if cfg.Spec.GCInterval == nil {
		return collectEvery
	}
	return max(cfg.Spec.GCInterval.Duration, shortestInterval)
}
