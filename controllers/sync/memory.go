// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync

import (
	"time"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// reread is after how many listings what was corrupt is tried again: somebody
// may have repaired it.
const reread = 10

// fewRecords is how many records of a cluster are listed every time: a handful of
// pages.
const fewRecords = 5_000

// recorded is what a listing told of the records of a cluster.
type recorded struct {
	// last is the number of the last record of each backup that has any, listed how
	// many records there are.
	last   map[string]int
	listed int
}

// recordedBy is what was told of the records, by cluster.
type recordedBy map[string]recorded

// note adds to what a listing told of a backup the number of its last record.
func (r recordedBy) note(listed map[id]stamp, i id) {
	is := listed[i]
	is.records = r[i.cluster].last[i.name]
	listed[i] = is
}

// id identifies a backup across clusters.
type id struct{ cluster, name string }

// stamp is by what a listing tells that nothing about a backup changed: nothing
// was recorded since, and its marker is the one that was read.
type stamp struct {
	// records is the number of the last record.
	records int
	size    int64
	written int64 // in nanoseconds of Unix
}

// memory is what this process learned of one store. Losing it costs a few reads,
// and puts off a removal by one listing.
type memory struct {
	location, storeID string

	// generation and began are those of the last run.
	generation int64
	began      time.Time
	rounds     int

	// trust is by which keys the backups were last verified. A process that has just
	// begun does not know, and verifies all of them where there are keys.
	trust string

	// shown are the backups that had an object after the last complete listing, and
	// what they were then. One that is not known is unread.
	shown map[id]stamp
	// records are what was last told of the records of each cluster.
	records recordedBy
	// missing are the objects whose marker was not in the last complete listing.
	missing map[id]bool
	// problems say which backups cannot be shown, and why.
	problems map[id]problem
	// collected is when orphans were last collected, and orphans are those that were
	// found then.
	collected time.Time
	orphans   map[orphan]bool
	// passed are the backups of this cluster without an object that no key vouches for,
	// and that are more than are shown: what they were when they were read.
	passed map[id]stamp
	// announced is the last message that an event told.
	announced string
}

func newMemory(location, storeID string) *memory {
	return &memory{location: location, storeID: storeID}
}

// keep takes over what a complete listing told.
func (m *memory) keep(r *run) {
	m.trust = r.trust
	m.shown, m.problems, m.records = r.listed, r.outcome.problems, r.records
	for i := range m.problems {
		delete(m.shown, i)
	}
	for i := range r.hidden {
		delete(m.shown, i)
	}
	for i := range r.later {
		if r.objects.byID[i] == nil {
			delete(m.shown, i)
			continue
		}
		m.shown[i] = stamp{} // what it was when it was shown is not what it is
	}
}

// due is how long it takes until the location is to be listed again; a change of
// the Config's spec makes it due at once.
func (m *memory) due(cfg *v1alpha1.Config, now time.Time) time.Duration {
	switch since := now.Sub(m.began); {
	case m.began.IsZero(), m.generation != cfg.Generation:
		return 0
	case since < 0: // the clock was put back
		return 0
	default:
		return interval(cfg) - since
	}
}

func (m *memory) begin(cfg *v1alpha1.Config, now time.Time) {
	m.generation, m.began = cfg.Generation, now
	m.rounds++
}
