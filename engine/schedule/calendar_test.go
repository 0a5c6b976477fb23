// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule_test

import (
	"math/bits"
	"slices"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/gopherwood/ark/engine/schedule"
)

// firingsMinuteByMinute is the package's promise, worked out the slow way: every
// minute of a span is looked at.
func firingsMinuteByMinute(spec *cron.SpecSchedule, zone *time.Location, from, until time.Time) []time.Time {
	everyHour := bits.OnesCount64(spec.Hour<<1) == 24
	matches := func(w time.Time) bool {
		// On whole minutes of UTC, the cron package answers what matches a clock.
		utc := *spec
		utc.Location = time.UTC
		return utc.Next(w.Add(-time.Second)).Equal(w)
	}
	wall := func(t time.Time) time.Time {
		_, offset := t.In(zone).Zone()
		return t.UTC().Add(time.Duration(offset) * time.Second)
	}
	shown := map[time.Time]bool{}
	var firings []time.Time
	for t := from.Add(-48 * time.Hour); !t.After(until); t = t.Add(time.Minute) {
		before, now := wall(t.Add(-time.Minute)), wall(t)
		fires := matches(now) && (everyHour || !shown[now])
		for skipped := before.Add(time.Minute); skipped.Before(now); skipped = skipped.Add(time.Minute) {
			fires = fires || matches(skipped)
		}
		shown[now] = true
		if fires && t.After(from) {
			firings = append(firings, t)
		}
	}
	return firings
}

// spans hold changes of clocks of every kind.
var spans = map[string]struct {
	zone string
	from time.Time
}{
	"no change":                           {"UTC", time.Date(2026, 2, 26, 0, 0, 0, 0, time.UTC)},
	"an hour forward":                     {"Europe/Berlin", time.Date(2026, 3, 27, 12, 0, 0, 0, time.UTC)},
	"an hour back":                        {"Europe/Berlin", time.Date(2026, 10, 23, 12, 0, 0, 0, time.UTC)},
	"an hour back in the west":            {"America/New_York", time.Date(2026, 10, 30, 12, 0, 0, 0, time.UTC)},
	"half an hour back":                   {"Australia/Lord_Howe", time.Date(2026, 4, 2, 12, 0, 0, 0, time.UTC)},
	"half an hour forward":                {"Australia/Lord_Howe", time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)},
	"an hour forward at midnight":         {"America/Sao_Paulo", time.Date(2018, 11, 2, 12, 0, 0, 0, time.UTC)},
	"an hour back at midnight":            {"America/Sao_Paulo", time.Date(2018, 2, 16, 12, 0, 0, 0, time.UTC)},
	"an hour back a minute past midnight": {"America/St_Johns", time.Date(2010, 11, 5, 12, 0, 0, 0, time.UTC)},
	"an hour back into midnight":          {"America/Havana", time.Date(2026, 10, 30, 12, 0, 0, 0, time.UTC)},
	"a whole day left out":                {"Pacific/Apia", time.Date(2011, 12, 28, 0, 0, 0, 0, time.UTC)},
	"an odd offset":                       {"Asia/Kathmandu", time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)},
}

var expressions = []string{
	"*/20 * * * *", "0 * * * *", "30 2 * * *", "15 2 * * *", "0 0 * * *", "59 23 * * *", "5,35 0-3 * * *",
	"0 */2 * * *", "45 1 * * 0", "0 3 1 * 1", "@daily", "@hourly", "30 0,12,23 29-31 * *",
}

func TestFiringsAreThoseOfEveryMinuteLookedAt(t *testing.T) {
	for name, span := range spans {
		t.Run(name, func(t *testing.T) {
			zone, err := time.LoadLocation(span.zone)
			if err != nil {
				t.Fatal(err)
			}
			until := span.from.Add(4 * 24 * time.Hour)
			for _, expr := range expressions {
				parsed, err := cron.ParseStandard(expr)
				if err != nil {
					t.Fatal(err)
				}
				want := firingsMinuteByMinute(parsed.(*cron.SpecSchedule), zone, span.from, until)
				checkFirings(t, mustParse(t, expr, span.zone), expr, span.from, until, want)
			}
		})
	}
}

// checkFirings walks forward, asks for the latest at odd moments, and counts.
func checkFirings(t *testing.T, s schedule.Schedule, expr string, from, until time.Time, want []time.Time) {
	t.Helper()
	var got []time.Time
	for f := s.Next(from); !f.IsZero() && !f.After(until); f = s.Next(f) {
		got = append(got, f.UTC())
	}
	if !slices.EqualFunc(want, got, time.Time.Equal) {
		t.Fatalf("%s: walking forward gives\n%v, want\n%v", expr, got, want)
	}
	for now := from; now.Before(until); now = now.Add(457 * time.Minute) {
		past := slices.DeleteFunc(slices.Clone(want), func(f time.Time) bool { return f.After(now) })
		due, _, missed := s.Due(from, now)
		if len(past) == 0 {
			if !due.IsZero() || missed != 0 {
				t.Fatalf("%s: Due(%v) = %v, %d missed, want nothing", expr, now, due, missed)
			}
			continue
		}
		if newest := past[len(past)-1]; !due.Equal(newest) || missed != len(past)-1 {
			t.Fatalf("%s: Due(%v) = %v, %d missed, want %v, %d", expr, now, due.UTC(), missed, newest, len(past)-1)
		}
	}
}

// FuzzDue checks what must hold of any expression, zone and pair of times.
func FuzzDue(f *testing.F) {
	f.Add("0 3 * * *", "Europe/Berlin", int64(1_774_000_000), int64(1_775_000_000))
	f.Add("30 2 29 2 *", "America/New_York", int64(0), int64(4_000_000_000))
	f.Add("*/5 * * * *", "Pacific/Apia", int64(1_325_000_000), int64(1_325_200_000))
	f.Add("TZ=", "", int64(0), int64(0))
	f.Fuzz(func(t *testing.T, expr, zone string, lastUnix, nowUnix int64) {
		const year9000 = 221_845_000_000
		if max(lastUnix, nowUnix) > year9000 || min(lastUnix, nowUnix) < 0 {
			t.Skip()
		}
		s, err := schedule.Parse(expr, zone)
		if err != nil {
			t.Skip()
		}
		last, now := time.Unix(lastUnix, 0), time.Unix(nowUnix, 0)
		due, next, missed := s.Due(last, now)
		if next.IsZero() || !next.After(now) {
			t.Errorf("next = %v, want a time after %v", next, now)
		}
		if missed < 0 || (due.IsZero() && missed != 0) {
			t.Errorf("missed = %d with %v due", missed, due)
		}
		if !due.IsZero() {
			if due.After(now) || !s.Next(due.Add(-time.Second)).Equal(due) || s.Next(due).Before(now) && !s.Next(due).After(now) {
				t.Errorf("due = %v, which is not the latest firing before %v", due, now)
			}
			if again, _, _ := s.Due(due, now); !again.IsZero() {
				t.Errorf("%v is due after %v was made", again, due)
			}
			if got, ok := schedule.ParseBackupName("s", schedule.BackupName("s", due)); !ok || !got.Equal(due) {
				t.Errorf("ParseBackupName(BackupName(%v)) = %v, %v", due, got, ok)
			}
		}
	})
}
