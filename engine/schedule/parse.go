// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"time"
	_ "time/tzdata" // An image built from scratch has no time zones of its own.

	"github.com/robfig/cron/v3"
)

// maxExpressionLength is far beyond any expression that a person writes.
const maxExpressionLength = 128

// star is the bit that the cron package sets in a field written "*" or "?".
const star = 1 << 63

// Schedule is a parsed cron expression in a fixed time zone. It is safe for
// concurrent use. The zero Schedule never fires.
type Schedule struct {
	minutes, hours, daysOfMonth, months, daysOfWeek uint64

	zone *time.Location
}

// Parse reads a cron expression, minute, hour, day of month, month and day of
// week, or one of @hourly, @daily, @weekly, @monthly and @yearly, in an IANA
// time zone; no zone is UTC. Errors begin with the API field that is at fault,
// cron or timeZone, and say what to write instead.
func Parse(expr, zone string) (Schedule, error) {
	location, err := parseZone(zone)
	if err != nil {
		return Schedule{}, err
	}
	expr = strings.TrimSpace(expr)
	if err := refuseExtensions(expr); err != nil {
		return Schedule{}, fmt.Errorf("cron: %q %w", expr, err)
	}
	parsed, err := cron.ParseStandard(expr)
	if err != nil {
		return Schedule{}, fmt.Errorf("cron: %q %w", expr, misread(expr, err))
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return Schedule{}, fmt.Errorf("cron: %q names no times of the day: write an expression such as \"*/30 * * * *\"", expr)
	}
	s := Schedule{
		minutes: spec.Minute, hours: spec.Hour, daysOfMonth: spec.Dom, months: spec.Month, daysOfWeek: spec.Dow,
		zone: location,
	}
	if s.Next(time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return Schedule{}, fmt.Errorf("cron: %q never fires: no month has such a day", expr)
	}
	return s, nil
}

func parseZone(name string) (*time.Location, error) {
	// Local is the zone of whatever machine the controller happens to run on.
	if name == "Local" {
		return nil, errors.New("timeZone: \"Local\" differs from node to node: use an IANA name such as \"Europe/Berlin\"")
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("timeZone: %q is unknown: use an IANA name such as \"Europe/Berlin\"", name)
	}
	return location, nil
}

// refuseExtensions refuses what the cron package reads, or fails on, but has no
// place here.
func refuseExtensions(expr string) error {
	switch {
	case expr == "":
		return errors.New("is empty: write an expression such as \"0 3 * * *\"")
	case len(expr) > maxExpressionLength:
		return fmt.Errorf("has %d characters: at most %d are allowed", len(expr), maxExpressionLength)
	case strings.HasPrefix(expr, "TZ="), strings.HasPrefix(expr, "CRON_TZ="):
		return errors.New("contains a time zone: set timeZone instead")
	case strings.HasPrefix(expr, "@every"):
		// It would count from the start of the process, and drift with every restart.
		return errors.New("names no times of the day: write an expression such as \"*/30 * * * *\"")
	case strings.HasPrefix(expr, "@reboot"):
		return errors.New("names no time: write an expression such as \"0 3 * * *\"")
	}
	return nil
}

// firesOn reports whether the schedule fires on a calendar day. As in any cron,
// two restricted day fields are alternatives.
func (s Schedule) firesOn(day time.Time) bool {
	if s.months>>uint(day.Month())&1 == 0 || s.timesPerDay() == 0 {
		return false
	}
	ofMonth := s.daysOfMonth>>uint(day.Day())&1 == 1
	ofWeek := s.daysOfWeek>>uint(day.Weekday())&1 == 1
	if s.daysOfMonth&star != 0 || s.daysOfWeek&star != 0 {
		return ofMonth && ofWeek
	}
	return ofMonth || ofWeek
}

// timesPerDay is how many wall-clock times of a day fire.
func (s Schedule) timesPerDay() int {
	return bits.OnesCount64(s.hours&^star) * bits.OnesCount64(s.minutes&^star)
}

// everyHour reports whether every hour of a day fires.
func (s Schedule) everyHour() bool { return bits.OnesCount64(s.hours&^star) == 24 }
