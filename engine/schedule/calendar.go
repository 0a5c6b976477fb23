// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"slices"
	"time"
)

// Days of the calendar are written as their midnights in UTC, where every day
// has 24 hours.

const oneDay = 24 * time.Hour

// calendarDay returns the day that t falls on in the schedule's zone.
func (s Schedule) calendarDay(t time.Time) time.Time {
	year, month, day := t.In(s.zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// firings returns the instants at which the wall-clock times of a day fire, in
// order and each once. Where clocks change at midnight they may lie outside the
// day, by less than a day.
func (s Schedule) firings(day time.Time) []time.Time {
	if !s.firesOn(day) {
		return nil
	}
	midnight, quiet := s.midnight(day)
	ordinary := quiet >= oneDay
	instants := make([]time.Time, 0, s.timesPerDay())
	for hour := range 24 {
		if s.hours>>uint(hour)&1 == 0 {
			continue
		}
		for minute := range 60 {
			if s.minutes>>uint(minute)&1 == 0 {
				continue
			}
			sinceMidnight := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
			if ordinary {
				instants = append(instants, midnight.Add(sinceMidnight))
				continue
			}
			instants = s.appendInstants(instants, day.Add(sinceMidnight))
		}
	}
	if !ordinary {
		slices.SortFunc(instants, time.Time.Compare)
		instants = slices.CompactFunc(instants, time.Time.Equal)
	}
	return instants
}

// midnight returns when a day begins, and for how long after it clocks are
// known to stay as they were on the day before: zero when they were changed.
func (s Schedule) midnight(day time.Time) (midnight time.Time, quiet time.Duration) {
	midnight = s.at(day)
	start, end := midnight.ZoneBounds()
	switch {
	case !start.IsZero() && !start.Before(midnight.Add(-oneDay)):
		return midnight, 0
	case end.IsZero():
		return midnight, 365 * oneDay
	default:
		return midnight, max(0, end.Sub(midnight)-oneDay)
	}
}

// at reads wall, written in UTC, as a time in the schedule's zone.
func (s Schedule) at(wall time.Time) time.Time {
	year, month, day := wall.Date()
	return time.Date(year, month, day, wall.Hour(), wall.Minute(), 0, 0, s.zone)
}

// appendInstants appends the instants at which clocks show wall and the
// schedule fires: one; or two where the hour is repeated and every hour counts;
// or, where clocks jump over wall, the instant of the jump.
func (s Schedule) appendInstants(to []time.Time, wall time.Time) []time.Time {
	t := s.at(wall)
	start, end := t.ZoneBounds()
	// What clocks show at t, written in UTC. When it is not wall, clocks jump over
	// wall, and the time package chose an instant on either side of the jump.
	shown := t.Add(time.Duration(offset(t)) * time.Second)
	switch {
	case shown.After(wall):
		return append(to, start)
	case shown.Before(wall):
		return append(to, end)
	}
	first, second := t, time.Time{}
	if !start.IsZero() {
		if earlier := t.Add(-turnedBack(start)); earlier.Before(start) {
			first, second = earlier, t
		}
	}
	if !end.IsZero() {
		if later := t.Add(turnedBack(end)); !later.Before(end) {
			second = later
		}
	}
	if s.everyHour() && !second.IsZero() {
		return append(to, first, second)
	}
	return append(to, first)
}

// turnedBack is how far clocks are turned back at an instant, zero when they
// are turned forward.
func turnedBack(at time.Time) time.Duration {
	return time.Duration(max(0, offset(at.Add(-time.Nanosecond))-offset(at))) * time.Second
}

// offset is how many seconds clocks are ahead of UTC at t.
func offset(t time.Time) int {
	_, seconds := t.Zone()
	return seconds
}
