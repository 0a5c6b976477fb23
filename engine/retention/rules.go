// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package retention

import (
	"fmt"
	"slices"
	"time"
)

// period is a keep rule over stretches of the calendar.
type period struct {
	name string
	keep int32
	// slot names the stretch that a time lies in.
	slot func(time.Time) string
}

func layout(l string) func(time.Time) string {
	return func(t time.Time) string { return t.UTC().Format(l) }
}

func isoWeek(t time.Time) string {
	year, week := t.UTC().ISOWeek()
	return fmt.Sprintf("%04d-W%02d", year, week)
}

func (p Policy) periods() []period {
	return []period{
		{"hourly", p.Hourly, layout("2006-01-02T15")},
		{"daily", p.Daily, layout("2006-01-02")},
		{"weekly", p.Weekly, isoWeek},
		{"monthly", p.Monthly, layout("2006-01")},
		{"yearly", p.Yearly, layout("2006")},
	}
}

// keepLast resolves the default.
func (p Policy) keepLast() int {
	if p.KeepLast == nil {
		return 1
	}
	return int(max(0, *p.KeepLast))
}

// applyRules notes what the keep rules want of backups, the newest first, as if
// there were no others. What the rules choose from a list they choose again
// from any part of it that holds the choice: so a decision repeated after its
// removals removes nothing more.
func (d *decider) applyRules(newestFirst []Backup) {
	d.applyKeepLast(newestFirst)
	for _, p := range d.policy.periods() {
		d.applyPeriod(newestFirst, p)
	}
}

// applyKeepLast prefers complete backups: partial ones fill up, and those that
// contain nothing only where there is nothing else.
func (d *decider) applyKeepLast(newestFirst []Backup) {
	left := d.policy.keepLast()
	reason := "the newest"
	if left > 1 {
		reason = fmt.Sprintf("one of the newest %d", left)
	}
	for _, rank := range []int{complete, partial, empty} {
		for _, b := range newestFirst {
			if left > 0 && rankOf(b) == rank {
				d.keep(b.Name, reason)
				left--
			}
		}
	}
}

// How much backups are worth keeping.
const (
	// empty is a partial backup that contains nothing.
	empty = iota
	partial
	complete
)

func rankOf(b Backup) int {
	switch {
	case b.Complete:
		return complete
	case b.Objects > 0:
		return partial
	}
	return empty
}

// applyPeriod fills the slots of the latest periods that have a backup which contains
// something: a day of empty ones must not push out an earlier day.
func (d *decider) applyPeriod(newestFirst []Backup, p period) {
	newestFirst = slices.DeleteFunc(slices.Clone(newestFirst), func(b Backup) bool { return rankOf(b) == empty })
	var filled int32
	for start := 0; start < len(newestFirst) && filled < p.keep; filled++ {
		slot := p.slot(newestFirst[start].Completed)
		best, end := start, start
		for end < len(newestFirst) && p.slot(newestFirst[end].Completed) == slot {
			if newestFirst[end].Complete && !newestFirst[best].Complete {
				best = end
			}
			end++
		}
		d.keep(newestFirst[best].Name, p.name+" slot "+slot)
		start = end
	}
}
