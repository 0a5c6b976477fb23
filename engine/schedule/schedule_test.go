// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/schedule"
)

func mustParse(t *testing.T, expr, zone string) schedule.Schedule {
	t.Helper()
	s, err := schedule.Parse(expr, zone)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// at reads a time as RFC 3339, and "" as the zero time.
func at(t *testing.T, s string) time.Time {
	t.Helper()
	if s == "" {
		return time.Time{}
	}
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func show(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func TestParseRefuses(t *testing.T) {
	const (
		form   = ": write minute, hour, day of month, month and day of week, such as \"0 3 * * *\""
		spaces = ", and no space within a field, as in \"0 3 * * MON,FRI\""
		words  = ": write @hourly, @daily, @weekly, @monthly or @yearly, or an expression such as \"0 3 * * MON\""
		days   = ", which is not part of cron: write days by number or name, such as \"0 3 1 * *\" or \"0 3 * * MON\""
	)
	tests := map[string]struct{ expr, zone, want string }{
		"an empty expression":                        {"  ", "", `cron: "" is empty: write an expression such as "0 3 * * *"`},
		"too few fields":                             {"0 3 * *", "", `cron: "0 3 * *" does not have 5 fields` + form + spaces},
		"seconds":                                    {"0 0 3 * * *", "", `cron: "0 0 3 * * *" does not have 5 fields` + form + spaces},
		"an hour too late":                           {"0 24 * * *", "", `cron: "0 24 * * *" cannot be read: end of range (24) above maximum (23): 24` + form},
		"an unknown name":                            {"@nightly", "", `cron: "@nightly" is not known` + words},
		"a day by its name":                          {"@monday", "", `cron: "@monday" is not known` + words},
		"a word in capitals":                         {"@Weekly", "", `cron: "@Weekly" is not known` + words},
		"a space in a list":                          {"0 3 * * MON, FRI", "", `cron: "0 3 * * MON, FRI" does not have 5 fields` + form + spaces},
		"a day written out":                          {"0 3 * * Monday", "", `cron: "0 3 * * Monday" has the name of a day written out: write MON for Monday, in the last field`},
		"a range of days written out":                {"0 3 * * tuesday-friday", "", `cron: "0 3 * * tuesday-friday" has the name of a day written out: write TUE for tuesday, in the last field`},
		"a month written out":                        {"0 3 1 January *", "", `cron: "0 3 1 January *" has the name of a month written out: write JAN for January, in the fourth field`},
		"a day of the week among those of the month": {"0 3 MON * *", "", `cron: "0 3 MON * *" has a day of the week, MON, in another field than the last: write such as "0 3 * * MON"`},
		"Sunday as 7":                                {"0 3 * * 7", "", `cron: "0 3 * * 7" has 7 as a day of the week: days are 0 to 6, and Sunday is 0 or SUN`},
		"a week to Sunday as 7":                      {"0 3 * * 1-7", "", `cron: "0 3 * * 1-7" has 7 as a day of the week: days are 0 to 6, and Sunday is 0 or SUN`},
		"a range over the week's end":                {"0 3 * * FRI-MON", "", `cron: "0 3 * * FRI-MON" has a range, FRI-MON, past the end of the week, which begins with Sunday: name the days, such as FRI,SAT,SUN,MON`},
		"the last day of the month":                  {"0 3 L * *", "", `cron: "0 3 L * *" has "L"` + days},
		"the last Friday":                            {"0 3 * * 5L", "", `cron: "0 3 * * 5L" has "5L"` + days},
		"the first Monday":                           {"0 3 * * MON#1", "", `cron: "0 3 * * MON#1" has "MON#1"` + days},
		"a time of the scheduler's choice":           {"H 3 * * *", "", `cron: "H 3 * * *" has "H"` + days},
		"a zone inside":                              {"TZ=Europe/Berlin 0 3 * * *", "", `cron: "TZ=Europe/Berlin 0 3 * * *" contains a time zone: set timeZone instead`},
		"a zone and nothing else, on which the cron package panics": {"CRON_TZ=UTC", "", `cron: "CRON_TZ=UTC" contains a time zone: set timeZone instead`},
		"an interval":                      {"@every 30m", "", `cron: "@every 30m" names no times of the day: write an expression such as "*/30 * * * *"`},
		"a reboot":                         {"@reboot", "", `cron: "@reboot" names no time: write an expression such as "0 3 * * *"`},
		"a day that no month has":          {"0 0 30 2 *", "", `cron: "0 0 30 2 *" never fires: no month has such a day`},
		"a day that these months have not": {"0 0 31 4,6,9,11 *", "", `cron: "0 0 31 4,6,9,11 *" never fires: no month has such a day`},
		"an empty list":                    {", * * * *", "", `cron: ", * * * *" never fires: no month has such a day`},
		"an endless expression":            {strings.Repeat("*", 129), "", "cron: \"" + strings.Repeat("*", 129) + "\" has 129 characters: at most 128 are allowed"},
		"an unknown zone":                  {"0 3 * * *", "Mars/Base", `timeZone: "Mars/Base" is unknown: use an IANA name such as "Europe/Berlin"`},
		"a zone outside of the database":   {"0 3 * * *", "../../etc/passwd", `timeZone: "../../etc/passwd" is unknown: use an IANA name such as "Europe/Berlin"`},
		"the zone of the machine":          {"0 3 * * *", "Local", `timeZone: "Local" differs from node to node: use an IANA name such as "Europe/Berlin"`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := schedule.Parse(tc.expr, tc.zone)
			if err == nil || err.Error() != tc.want {
				t.Errorf("Parse(%q, %q) error =\n%v, want\n%s", tc.expr, tc.zone, err, tc.want)
			}
		})
	}
}

func TestDue(t *testing.T) {
	type outcome struct {
		Due, Next string
		Missed    int
	}
	tests := map[string]struct {
		expr, zone, last, now string
		want                  outcome
	}{
		"nothing is due before the first firing": {
			"0 3 * * *", "", "2026-11-22T03:00:00Z", "2026-11-23T02:59:59Z",
			outcome{Next: "2026-11-23T03:00:00Z"},
		},
		"a firing is due at its very second": {
			"0 3 * * *", "", "2026-11-22T03:00:00Z", "2026-11-23T03:00:00Z",
			outcome{Due: "2026-11-23T03:00:00Z", Next: "2026-11-24T03:00:00Z"},
		},
		"the last firing is not due again": {
			"0 3 * * *", "", "2026-11-23T03:00:00Z", "2026-11-23T03:00:00Z",
			outcome{Next: "2026-11-24T03:00:00Z"},
		},
		"a last time between firings counts from there": {
			"0 3 * * *", "", "2026-11-22T12:34:56Z", "2026-11-23T03:00:01Z",
			outcome{Due: "2026-11-23T03:00:00Z", Next: "2026-11-24T03:00:00Z"},
		},
		"many missed firings make one due": {
			"0 * * * *", "", "2026-11-20T00:00:00Z", "2026-11-23T03:30:00Z",
			outcome{Due: "2026-11-23T03:00:00Z", Next: "2026-11-23T04:00:00Z", Missed: 74},
		},
		"nothing known before makes the latest firing due and nothing missed": {
			"@hourly", "", "", "2026-11-23T03:30:00Z",
			outcome{Due: "2026-11-23T03:00:00Z", Next: "2026-11-23T04:00:00Z"},
		},
		"decades of missed minutes are counted": {
			"* * * * *", "", "1970-01-01T00:00:00Z", "2026-11-23T03:30:30Z",
			outcome{Due: "2026-11-23T03:30:00Z", Next: "2026-11-23T03:31:00Z", Missed: 29923409},
		},
		"29 February fires across a century without a leap year": {
			"0 0 29 2 *", "", "2096-02-29T00:00:00Z", "2104-02-28T00:00:00Z",
			outcome{Next: "2104-02-29T00:00:00Z"},
		},
		"two restricted day fields are alternatives": {
			"0 0 13 * 5", "", "2026-11-06T00:00:00Z", "2026-11-12T00:00:00Z",
			outcome{Next: "2026-11-13T00:00:00Z"},
		},
		"a zone moves the hour": {
			"0 3 * * *", "Europe/Berlin", "2026-11-22T02:00:00Z", "2026-11-23T02:00:00Z",
			outcome{Due: "2026-11-23T02:00:00Z", Next: "2026-11-24T02:00:00Z"},
		},
		"clocks put forward: a time left out fires when the gap ends": {
			"30 2 * * *", "Europe/Berlin", "2026-03-28T01:30:00Z", "2026-03-28T12:00:00Z",
			outcome{Next: "2026-03-29T01:00:00Z"},
		},
		"clocks put forward: the night after is as ever": {
			"30 2 * * *", "Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z",
			outcome{Next: "2026-03-30T00:30:00Z"},
		},
		"clocks put forward: an hour left out does not fire twice": {
			"0 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z",
			outcome{Due: "2026-03-29T02:00:00Z", Next: "2026-03-29T03:00:00Z", Missed: 1},
		},
		"clocks put back: a repeated time fires the first time": {
			"30 2 * * *", "Europe/Berlin", "2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z",
			outcome{Due: "2026-10-25T00:30:00Z", Next: "2026-10-26T01:30:00Z"},
		},
		"clocks put back: an hourly expression fires in both hours": {
			"30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z",
			outcome{Due: "2026-10-25T01:30:00Z", Next: "2026-10-25T02:30:00Z", Missed: 1},
		},
		"clocks put forward at midnight: a midnight left out fires an hour into the day": {
			"0 0 * * *", "America/Sao_Paulo", "2018-11-03T03:00:00Z", "2018-11-03T12:00:00Z",
			outcome{Next: "2018-11-04T03:00:00Z"},
		},
		"half an hour put back: the hour after it fires": {
			"15 2 * * *", "Australia/Lord_Howe", "2026-04-03T15:15:00Z", "2026-04-04T12:00:00Z",
			outcome{Next: "2026-04-04T15:45:00Z"},
		},
		"a clock put right by less than a firing makes nothing due": {
			"0 3 * * *", "", "2026-11-23T03:00:00Z", "2026-11-23T02:59:50Z",
			outcome{Next: "2026-11-24T03:00:00Z"},
		},
		"a last firing from a clock that was years ahead is not believed": {
			"0 3 * * *", "", "2036-11-23T03:00:00Z", "2026-11-23T12:00:00Z",
			outcome{Due: "2026-11-23T03:00:00Z", Next: "2026-11-24T03:00:00Z"},
		},
		"a clock that jumps years ahead makes one due": {
			"0 3 1 1 *", "", "2026-01-01T03:00:00Z", "2036-06-01T00:00:00Z",
			outcome{Due: "2036-01-01T03:00:00Z", Next: "2037-01-01T03:00:00Z", Missed: 9},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			due, next, missed := mustParse(t, tc.expr, tc.zone).Due(at(t, tc.last), at(t, tc.now))
			if diff := cmp.Diff(tc.want, outcome{show(due), show(next), missed}); diff != "" {
				t.Errorf("Due() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestZeroScheduleNeverFires(t *testing.T) {
	var s schedule.Schedule
	now := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for _, last := range []time.Time{{}, now.Add(-time.Hour), now.Add(time.Hour)} {
		if due, next, missed := s.Due(last, now); !due.IsZero() || !next.IsZero() || missed != 0 {
			t.Errorf("Due(%v) = %v, %v, %d, want nothing", last, due, next, missed)
		}
	}
}

func TestBackupName(t *testing.T) {
	firing := time.Date(2026, 11, 23, 4, 0, 0, 0, time.FixedZone("CET", 3600))
	if got, want := schedule.BackupName("shop.daily", firing), "shop.daily-20261123030000"; got != want {
		t.Errorf("BackupName() = %q, want %q", got, want)
	}
	tests := map[string]struct {
		schedule, name string
		want           string
	}{
		"its own name":                  {"shop.daily", "shop.daily-20261123030000", "2026-11-23T03:00:00Z"},
		"another schedule's":            {"shop", "shop.daily-20261123030000", ""},
		"a schedule with a longer name": {"shop", "shop-x-20261123030000", ""},
		"a name by hand":                {"shop", "shop-before-upgrade", ""},
		"a month that does not exist":   {"shop", "shop-20261323030000", ""},
		"a day that does not exist":     {"shop", "shop-20260230030000", ""},
		"a digit too many":              {"shop", "shop-202611230300001", ""},
		"not only digits":               {"shop", "shop-2026112303+000", ""},
		"nothing behind the schedule":   {"shop", "shop", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := schedule.ParseBackupName(tc.schedule, tc.name)
			if show(got) != tc.want || ok != (tc.want != "") {
				t.Errorf("ParseBackupName(%q) = %v, %v, want %q", tc.name, got, ok, tc.want)
			}
		})
	}
}

func BenchmarkDueAfterDecades(b *testing.B) {
	s, err := schedule.Parse("*/5 * * * *", "America/New_York")
	if err != nil {
		b.Fatal(err)
	}
	last, now := time.Unix(0, 0), time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		s.Due(last, now)
	}
}

func TestParseTakesNames(t *testing.T) {
	for _, expr := range []string{
		"0 3 * * MON-FRI", "0 3 * * mon,Wed,FRI", "0 3 * * SUN", "0 3 ? * MON", "0 3 * JAN,JUL *", "0 3 * * SUN-SAT",
		"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually",
	} {
		if _, err := schedule.Parse(expr, ""); err != nil {
			t.Error(err)
		}
	}
}
