// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync

import (
	"cmp"
	"slices"

	"github.com/gopherwood/ark/api/v1alpha1"
)

const (
	// defaultShown is how many backups of other clusters are shown when the Config does
	// not say: what a person still finds something in, and 16 MiB at the most.
	defaultShown = 1000
	// maxChanges is how many objects one listing makes, changes or removes of what this
	// cluster is not proven to have made: an API server does that in seconds.
	maxChanges = 500
	// maxClusters is how many other clusters are listed: each is at least one request.
	maxClusters = 1000
	// maxForeign is how many backups of other clusters are looked at in one listing, and
	// maxOfCluster how many of one.
	maxForeign, maxOfCluster = 1_000_000, 200_000
)

// bounds are what is shown of the backups of other clusters, with every default resolved.
type bounds struct {
	show   v1alpha1.ForeignShow
	listed []string
	most   int
}

func boundsOf(cfg *v1alpha1.Config, location string) bounds {
	b := bounds{show: v1alpha1.ForeignShowAll, most: defaultShown}
	for _, l := range cfg.Spec.Storage {
		if l.Name != location || l.Foreign == nil {
			continue
		}
		b.show, b.most = cmp.Or(l.Foreign.Show, b.show), cmp.Or(int(l.Foreign.Max), b.most)
		b.listed = l.Foreign.Clusters
	}
	return b
}

// shows reports whether backups of a cluster are shown at all.
func (b bounds) shows(cluster string) bool {
	return b.show == v1alpha1.ForeignShowAll || b.show == v1alpha1.ForeignShowListed && slices.Contains(b.listed, cluster)
}

// candidate is a backup that may be shown.
type candidate struct {
	id
	stamp

	// rank is that of its cluster, and place its own among those of its cluster.
	rank, place int
}

// before orders candidates: those of clusters that are listed or known first, then in
// turn the newest of each cluster, so that none takes the place of all the others.
func before(a, b candidate) int {
	return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.place, b.place),
		cmp.Compare(b.written, a.written), cmp.Compare(a.cluster, b.cluster), cmp.Compare(a.name, b.name))
}

// first keeps the first of what is added, and never holds more than twice as many.
type first struct {
	most int
	all  []candidate
}

func (f *first) add(c candidate) {
	f.all = append(f.all, c)
	if len(f.all) >= 2*max(f.most, 1) {
		f.cut()
	}
}

// cut returns the first ones, in order.
func (f *first) cut() []candidate {
	slices.SortFunc(f.all, before)
	if len(f.all) > f.most {
		clear(f.all[f.most:])
		f.all = f.all[:f.most]
	}
	return f.all
}
