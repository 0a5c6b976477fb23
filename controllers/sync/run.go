// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/longrun"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

const (
	// maxBackups bounds what is held in memory of one location: an order of
	// magnitude more than is to be expected.
	maxBackups = 200_000
	// maxTold is of how many problems the reason is kept: more than are named.
	maxTold = 100
	// maxReads is how many markers are read, and objects written, at a time: enough
	// to hide the latency of a store, few enough for its rate limits.
	maxReads = 8
	// maxFailures is how many markers may fail to be read before the listing does.
	maxFailures = 32
)

// run is one listing of one location.
type run struct {
	*Reconciler

	cfg     *v1alpha1.Config
	cluster string
	memory  *memory
	catalog *catalog.Catalog
	objects *objects

	// trusted are the keys whose signatures count, and trust their text.
	trusted []ed25519.PublicKey
	trust   string

	// bounds are what is shown of what this cluster did not make.
	bounds bounds
	// listed are the backups that the listing yielded: of those of other clusters only
	// the ones that are shown, or were.
	listed map[id]stamp
	// hidden are those of them that are beyond what is shown.
	hidden map[id]bool
	// unseen tells of which clusters nothing may be concluded, because they were not
	// listed to the end.
	unseen func(cluster string) bool
	// records are what the listings of records told, by cluster.
	records recordedBy

	mu      sync.Mutex
	outcome outcome
	// changes is how much this listing may still write of what is not proven to be this
	// cluster's, and strangers how many of its own without proof may still be shown.
	changes, strangers int
	// later are those that are left to a later listing.
	later map[id]bool
	// failures is how many markers could not be read.
	failures int
}

// work lists a location and shows what it holds.
func (r *Reconciler) work(cfg *v1alpha1.Config, m *memory) longrun.Work[struct{}, outcome] {
	return func(ctx context.Context, _ func(struct{})) (outcome, error) {
		ctx, cancel := context.WithTimeout(ctx, runTimeout)
		defer cancel()
		failed := outcome{storeID: m.storeID}
		location, err := r.Locations.Open(ctx, cfg, m.location)
		if err != nil {
			return failed, err
		}
		one := &run{
			Reconciler: r, cfg: cfg, cluster: cfg.Status.ClusterUID, memory: m, catalog: location.Catalog,
			bounds: boundsOf(cfg, m.location), listed: map[id]stamp{}, hidden: map[id]bool{}, later: map[id]bool{},
			records: recordedBy{}, changes: maxChanges, outcome: outcome{storeID: m.storeID, problems: map[id]problem{}},
		}
		one.trusted = projection.TrustedKeys(cfg)
		one.trust = trustOf(one.trusted)
		if location.Spec.Signing != nil {
			one.trust += " signed" // records of it are judged otherwise
		}
		if err := one.do(ctx); err != nil {
			return failed, err
		}
		return one.outcome, nil
	}
}

// trustOf makes one text of the keys: while it is the same, so is every verdict.
func trustOf(keys []ed25519.PublicKey) string {
	var texts []string
	for _, key := range keys {
		texts = append(texts, hex.EncodeToString(key))
	}
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), " ")
}

// do reads the objects before the listing, so that what it misses was missing
// when the object was there already. The identity of the store is read before and
// after: what lies between is a listing of that store.
func (r *run) do(ctx context.Context) error {
	if err := r.sameStore(ctx); err != nil {
		return err
	}
	var err error
	if r.objects, err = r.readObjects(ctx); err != nil {
		return err
	}
	if err := r.list(ctx); err != nil {
		return fmt.Errorf("list storage location %q: %w", r.memory.location, err)
	}
	if err := r.sameStore(ctx); err != nil {
		return err
	}
	if err := r.removeMissing(ctx); err != nil {
		return err
	}
	if err := r.removeHidden(ctx); err != nil {
		return err
	}
	if err := r.endClashes(ctx); err != nil {
		return err
	}
	r.collectOrphans(ctx)
	r.memory.keep(r)
	r.outcome.bounds = r.bounds
	r.outcome.finished = r.Clock.Now()
	return nil
}

// sameStore makes sure that the store is the one that the memory speaks of.
func (r *run) sameStore(ctx context.Context) error {
	if got := r.catalog.Identity().ID; got != r.memory.storeID {
		return fmt.Errorf("storage location %q is store %s, and was %s when it was last checked: it is checked again",
			r.memory.location, got, r.memory.storeID)
	}
	if err := r.catalog.Check(ctx); err != nil {
		return fmt.Errorf("identify storage location %q: %w", r.memory.location, err)
	}
	return nil
}

// list goes through the names of all clusters, and shows what is not shown yet: what
// this cluster made first, then of the rest as much as is to be shown.
func (r *run) list(ctx context.Context) error {
	active, ctx := errgroup.WithContext(ctx)
	active.SetLimit(maxReads)
	err := r.listOwn(ctx, active)
	if err == nil {
		err = r.listForeign(ctx, active)
	}
	if werr := active.Wait(); werr != nil {
		return werr
	}
	return err
}

// listRecords notes what was recorded of the backups of a cluster that are listed.
// Where there are many records, most of them of backups that are gone, they are
// listed only now and then, and what others record is shown later. Nothing else
// depends on it: whoever expires, deletes or restores a backup reads its records.
func (r *run) listRecords(ctx context.Context, cluster string) error {
	if known := r.memory.records[cluster]; known.listed > fewRecords && r.memory.rounds%reread != 0 {
		r.records[cluster] = known
		return nil
	}
	last, listed, err := r.catalog.LastRecords(ctx, cluster, func(name string) bool {
		_, there := r.listed[id{cluster, name}]
		return there
	})
	r.records[cluster] = recorded{last, listed}
	return err
}

// problem is why a backup cannot be shown.
type problem struct {
	why string
	// lasting says that reading it again is hardly any use.
	lasting bool
}

// cannotShow notes a problem of one backup, which must not hold up the others.
func (r *run) cannotShow(i id, p problem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.why = archive.Text(p.why); len(r.outcome.problems) >= maxTold {
		p.why = ""
	}
	r.outcome.problems[i] = p
}

// unreadable notes a marker that could not be read, and returns the error once
// there are so many that it is the store and not the marker.
func (r *run) unreadable(ctx context.Context, i id, err error) error {
	if ctx.Err() != nil {
		return err
	}
	r.cannotShow(i, problem{why: err.Error()})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failures++; r.failures > maxFailures {
		return err
	}
	return nil
}
