// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"fmt"
	"time"

	"github.com/gopherwood/ark/engine/schedule"
)

// situation is what decides whether a backup is due.
type situation struct {
	now time.Time
	// created is when the Schedule was.
	created time.Time
	// since is when its cron expression and time zone came into force; zero when
	// that is not known.
	since time.Time
	// last is the newest firing that a backup was made for; zero when none is known.
	last time.Time
	// first says that there never was a backup of this Schedule: neither the
	// cluster nor its storage knows one.
	first bool
	// deadline is how late a backup may start; zero means any time.
	deadline time.Duration
	// running names a backup that must end before another may begin.
	running string
}

// plan is what follows.
type plan struct {
	// due is the firing to make a backup for now; zero when there is none.
	due time.Time
	// next is the next firing.
	next time.Time
	// missed is how many firings due makes up for, or the deadline skipped.
	missed int
	// late says how the Schedule is behind; empty when it is not.
	late string
}

// decide is pure. Firings before the Schedule was created are not missed, and a
// Schedule that was deleted and applied again makes up for none; neither are those
// that a changed cron expression would have had before it was changed.
//
// The first backup is made at once and named after the Schedule's creation,
// unless a firing passed while it had to wait: then that firing's backup is the
// first, so that there are not two in a row.
func decide(firings schedule.Schedule, s situation) plan {
	begun := later(s.created, s.since)
	p := plan{}
	p.due, p.next, p.missed = firings.Due(later(begun, s.last), s.now)
	switch {
	case s.first && !p.due.After(begun):
		p.due, p.missed = s.created, 0
	case !p.due.After(begun):
		p.due, p.missed = time.Time{}, 0
		return p
	case !s.first && s.deadline > 0 && s.now.Sub(p.due) > s.deadline:
		p.late = fmt.Sprintf("the firing of %s was skipped: it was missed by more than startingDeadline, %s",
			p.due.UTC().Format(time.RFC3339), s.deadline)
		p.due, p.missed = time.Time{}, p.missed+1
		return p
	}
	if s.running != "" {
		p.late = fmt.Sprintf("the firing of %s waits for backup %s, which still runs",
			p.due.UTC().Format(time.RFC3339), s.running)
		p.due, p.missed = time.Time{}, 0
	}
	return p
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
