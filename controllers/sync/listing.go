// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/health"
	"github.com/gopherwood/ark/engine/catalog"
)

func stampOf(marker catalog.Listed) stamp {
	return stamp{size: marker.Size, written: marker.ModTime.UnixNano()}
}

// listOwn notes the backups of this cluster. Those that have an object are looked at
// as they come. Anybody who writes into the store can forge others, and so only
// as many of them are shown as of other clusters, unless a key vouches for them.
func (r *run) listOwn(ctx context.Context, active *errgroup.Group) error {
	newest := first{most: maxChanges}
	passed := map[id]stamp{}
	for marker, err := range r.catalog.Listed(ctx, r.cluster) {
		if err != nil {
			return err
		}
		if r.outcome.own++; r.outcome.own > maxBackups {
			return fmt.Errorf("there are more than %d backups of this cluster: give it a prefix of its own", maxBackups)
		}
		i, is := id{r.cluster, marker.Name}, stampOf(marker)
		was, known := r.memory.passed[i]
		switch {
		case r.objects.byID[i] != nil:
			r.listed[i] = is
		case known && was == is && r.memory.trust == r.trust:
			passed[i] = was
		default:
			newest.add(candidate{id: i, stamp: is})
		}
	}
	r.memory.passed = passed
	chosen := newest.cut()
	r.outcome.hidden = r.outcome.own - int32(len(r.listed)+len(chosen)) //nolint:gosec // bounded by maxBackups
	r.strangers = r.bounds.most - r.unproven()
	for _, c := range chosen {
		r.listed[c.id] = c.stamp
	}
	if err := r.listRecords(ctx, r.cluster); err != nil {
		return err
	}
	r.lookAtOwn(ctx, active, chosen)
	return nil
}

// lookAtOwn looks at the backups of this cluster: first at those that have an object,
// then at those that were chosen of the others.
func (r *run) lookAtOwn(ctx context.Context, active *errgroup.Group, chosen []candidate) {
	for i := range r.listed {
		r.records.note(r.listed, i)
	}
	for i, is := range r.listed {
		if r.objects.byID[i] != nil {
			r.look(ctx, active, i, is)
		}
	}
	for _, c := range chosen {
		r.look(ctx, active, c.id, r.listed[c.id])
	}
}

// unproven counts the objects of this cluster's backups that were made from storage
// alone, and that no key vouches for.
func (r *run) unproven() int {
	n := 0
	for i, b := range r.objects.byID {
		if i.cluster == r.cluster && fromStorage(b) && b.Status.Verification != v1alpha1.VerificationVerified {
			n++
		}
	}
	return n
}

func fromStorage(b *v1alpha1.Backup) bool {
	return b.Labels[v1alpha1.CreatedByLabel] == v1alpha1.CreatedBySync
}

// look looks at one backup in its turn.
func (r *run) look(ctx context.Context, active *errgroup.Group, i id, is stamp) {
	active.Go(func() error { return r.show(ctx, i, is) })
}

// listForeign shows of the backups of other clusters those that come first, and notes
// which of those that have an object are more than are to be shown. It holds no more
// than that, however much there is.
func (r *run) listForeign(ctx context.Context, active *errgroup.Group) error {
	clusters, err := r.otherClusters(ctx)
	if err != nil {
		return err
	}
	chosen := first{most: r.bounds.most}
	budget := maxForeign
	for n, cluster := range clusters {
		if budget <= 0 {
			r.cutOff(clusters[n:])
			break
		}
		looked, err := r.listCluster(ctx, cluster, r.rank(cluster), min(budget, maxOfCluster), &chosen)
		if err != nil {
			return err
		}
		budget -= looked
	}
	return r.showFirst(ctx, active, chosen.cut())
}

// otherClusters returns the clusters to list: those that are listed in the Config, then
// those that objects here speak of, then others, as many as are listed at all.
func (r *run) otherClusters(ctx context.Context) ([]string, error) {
	var clusters []string
	total := 0
	complete := true
	for cluster, err := range r.catalog.EachCluster(ctx) {
		if err != nil {
			return nil, err
		}
		if cluster == r.cluster || !r.bounds.shows(cluster) {
			continue
		}
		if total++; total > maxForeign {
			complete = false
			break
		}
		clusters = append(clusters, cluster)
		if len(clusters) >= 2*maxClusters {
			clusters = r.mostWanted(clusters)
		}
	}
	clusters = r.mostWanted(clusters)
	seen := map[string]bool{}
	for _, cluster := range clusters {
		seen[cluster] = true
	}
	all := complete && total == len(clusters)
	if !all {
		r.outcome.cut = fmt.Sprintf("more than %d other clusters have backups in storage location %q, and those of %d are shown: list the ones that matter in its foreign.clusters",
			maxClusters, r.memory.location, len(clusters))
	}
	r.unseen = func(cluster string) bool { return !all && !seen[cluster] }
	return clusters, nil
}

// mostWanted keeps of the clusters those that are listed first.
func (r *run) mostWanted(clusters []string) []string {
	slices.SortStableFunc(clusters, func(a, b string) int { return r.rank(a) - r.rank(b) })
	return clusters[:min(len(clusters), maxClusters)]
}

// rank is the order of clusters: listed in the Config; known by a backup that a key
// vouches for; shown; and others.
func (r *run) rank(cluster string) int {
	switch {
	case slices.Contains(r.bounds.listed, cluster):
		return 0
	case r.objects.verified[cluster]:
		return 1
	default:
		return 2
	}
}

// listCluster adds the newest backups of a cluster to chosen, and returns how many it
// looked at.
func (r *run) listCluster(ctx context.Context, cluster string, rank, most int, chosen *first) (int, error) {
	newest := first{most: r.bounds.most}
	looked := 0
	for marker, err := range r.catalog.Listed(ctx, cluster) {
		if err != nil {
			return looked, err
		}
		if looked++; looked > most {
			r.cutOff([]string{cluster})
			break
		}
		i, is := id{cluster, marker.Name}, stampOf(marker)
		newest.add(candidate{id: i, stamp: is, rank: rank})
		if r.objects.byID[i] != nil {
			r.listed[i] = is
		}
	}
	r.outcome.foreign += int32(min(looked, most)) //nolint:gosec // bounded by maxForeign
	for place, c := range newest.cut() {
		c.place = place
		chosen.add(c)
	}
	return looked, nil
}

// cutOff notes clusters that were not listed to the end.
func (r *run) cutOff(clusters []string) {
	before := r.unseen
	r.unseen = func(cluster string) bool { return before(cluster) || slices.Contains(clusters, cluster) }
	r.outcome.cut = fmt.Sprintf("storage location %q holds more backups of other clusters than are looked at, among them of cluster %s: list the clusters that matter in its foreign.clusters, with show Listed",
		r.memory.location, clusters[0])
}

// showFirst shows what was chosen. What belongs to this cluster although another made
// it, was adopted, and is shown whatever else is.
func (r *run) showFirst(ctx context.Context, active *errgroup.Group, chosen []candidate) error {
	shown := map[id]bool{}
	for _, c := range chosen {
		r.listed[c.id] = c.stamp
		shown[c.id] = true
	}
	for i := range r.listed {
		if i.cluster == r.cluster || shown[i] {
			continue
		}
		if b := r.objects.byID[i]; b != nil && !health.Foreign(b, r.cluster) {
			shown[i] = true
			chosen = append(chosen, candidate{id: i, stamp: r.listed[i]})
			continue
		}
		r.hidden[i] = true
	}
	r.leftOut(r.outcome.foreign - int32(len(shown))) //nolint:gosec // bounded by the schema
	for _, c := range chosen {
		if _, known := r.records[c.cluster]; !known {
			if err := r.listRecords(ctx, c.cluster); err != nil {
				return err
			}
		}
		r.records.note(r.listed, c.id)
		r.look(ctx, active, c.id, r.listed[c.id])
	}
	return nil
}

// leftOut counts backups that are not shown.
func (r *run) leftOut(n int32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcome.hidden += max(n, 0)
}
