// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"slices"
	"time"
)

// maxDaysBetweenFirings is the longest that any schedule pauses: from one 29
// February to the next around a century that is no leap year.
const maxDaysBetweenFirings = 8*366 + 1

// Due returns the latest firing in (last, now], or zero when there is none; the
// first firing to wait for after that; and how many firings of that span were
// missed, due not counted. However many were missed, one backup is due.
//
// A zero last means that nothing is known to have fired: the latest firing is
// due and nothing was missed. A last after now was stamped by a clock that was
// wrong since or then. When it is no more than one firing ahead, clocks
// were put right a little, and nothing is due until it has passed. When it is
// further ahead it is not believed, or a clock that once was years ahead would
// stop backups for years: the latest firing is due. A backup of its name may
// well exist, and is then the one that is due.
func (s Schedule) Due(last, now time.Time) (due, next time.Time, missed int) {
	next = s.Next(now)
	switch {
	case last.IsZero():
		return s.latest(now), next, 0
	case !last.After(now):
		due = s.latest(now)
		if !due.After(last) {
			return time.Time{}, next, 0
		}
		return due, next, s.count(last, due) - 1
	case !next.IsZero() && !last.After(next):
		return time.Time{}, s.Next(last), 0
	default:
		return s.latest(now), next, 0
	}
}

// Next returns the first firing after t, or zero when there is none.
func (s Schedule) Next(t time.Time) time.Time {
	if s.zone == nil {
		return time.Time{}
	}
	// Around a change of clocks at midnight, the firings of neighbouring days may
	// overlap: the day before is looked at, and the day after the one that fires.
	var best time.Time
	day := s.calendarDay(t).Add(-oneDay)
	for range maxDaysBetweenFirings + 2 {
		found := !best.IsZero()
		for _, f := range s.firings(day) {
			if f.After(t) {
				if best.IsZero() || f.Before(best) {
					best = f
				}
				break
			}
		}
		if found {
			break
		}
		day = day.Add(oneDay)
	}
	return best
}

// latest returns the last firing that is not after t, or zero when there is none.
func (s Schedule) latest(t time.Time) time.Time {
	if s.zone == nil {
		return time.Time{}
	}
	var best time.Time
	day := s.calendarDay(t).Add(oneDay)
	for range maxDaysBetweenFirings + 2 {
		found := !best.IsZero()
		for _, f := range slices.Backward(s.firings(day)) {
			if !f.After(t) {
				if f.After(best) {
					best = f
				}
				break
			}
		}
		if found {
			break
		}
		day = day.Add(-oneDay)
	}
	return best
}

// count returns the number of firings in (after, until]. A day on which clocks
// are not changed costs a few nanoseconds, so that a span of decades is counted
// in milliseconds.
func (s Schedule) count(after, until time.Time) int {
	n := 0
	var newest, quietUntil time.Time
	first, last := s.calendarDay(after).Add(-oneDay), s.calendarDay(until).Add(oneDay)
	for day := first; !day.After(last); day = day.Add(oneDay) {
		if !s.firesOn(day) {
			continue
		}
		if inner := day.Sub(first) > 2*oneDay && last.Sub(day) > 2*oneDay; inner {
			if !day.Before(quietUntil) {
				_, quiet := s.midnight(day)
				quietUntil = day.Add(quiet.Truncate(oneDay))
			}
			if day.Before(quietUntil) {
				n += s.timesPerDay()
				continue
			}
		}
		for _, f := range s.firings(day) {
			// Where a whole day is left out, its firings are those of the next midnight.
			if f.After(after) && !f.After(until) && !f.Equal(newest) {
				n++
				newest = f
			}
		}
	}
	return n
}
