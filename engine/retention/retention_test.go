// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package retention_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/retention"
)

// now is a Monday, in ISO week 48.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// good is a complete backup whose time to live has run out.
func good(name, completed string) retention.Backup {
	t, err := time.Parse("2006-01-02T15", completed)
	if err != nil {
		panic(err)
	}
	return retention.Backup{Name: name, Completed: t, Expires: t.Add(time.Hour), Complete: true, Objects: 100}
}

func partial(name, completed string) retention.Backup {
	b := good(name, completed)
	b.Complete = false
	return b
}

func with(b retention.Backup, change func(*retention.Backup)) retention.Backup {
	change(&b)
	return b
}

func TestDecide(t *testing.T) {
	type outcome struct {
		Name, Reason string
	}
	gone := func(name, at string) outcome {
		return outcome{name, "expired: ttl ran out on " + at + " and no keep rule wants it"}
	}
	small := func(b *retention.Backup) { b.Objects = 40 }
	suspicious := func(o outcome) outcome {
		return outcome{o.Name, o.Reason + "; suspicious: 0 objects after 100 in a"}
	}
	nothing := func(b *retention.Backup) { b.Objects = 0 }
	live := func(b *retention.Backup) { b.Expires = now.Add(time.Hour) }

	tests := map[string]struct {
		backups []retention.Backup
		policy  retention.Policy
		want    []outcome
	}{
		"nothing to decide": {},
		"the newest good backup never expires by time alone": {
			backups: []retention.Backup{good("a", "2026-11-20T00"), good("b", "2026-11-21T00")},
			want:    []outcome{{"b", "kept: the newest"}, gone("a", "2026-11-20T01:00:00Z")},
		},
		"keepLast zero lets even the last one expire": {
			backups: []retention.Backup{good("a", "2026-11-20T00")},
			policy:  retention.Policy{KeepLast: new(int32(0))},
			want:    []outcome{gone("a", "2026-11-20T01:00:00Z")},
		},
		"a good backup is kept rather than a newer partial one": {
			backups: []retention.Backup{good("a", "2026-11-20T00"), partial("b", "2026-11-21T00")},
			want:    []outcome{gone("b", "2026-11-21T01:00:00Z"), {"a", "kept: the newest"}},
		},
		"where there is no good one, the newest partial one is kept": {
			backups: []retention.Backup{partial("a", "2026-11-20T00"), partial("b", "2026-11-21T00")},
			want:    []outcome{{"b", "kept: the newest"}, gone("a", "2026-11-20T01:00:00Z")},
		},
		"a partial one that contains nothing takes nobody's place": {
			backups: []retention.Backup{partial("a", "2026-11-20T00"), with(partial("b", "2026-11-21T00"), nothing)},
			want:    []outcome{gone("b", "2026-11-21T01:00:00Z"), {"a", "kept: the newest"}},
		},
		"days of which there are only such fill no slots": {
			backups: []retention.Backup{
				good("a", "2026-11-19T00"), with(partial("b", "2026-11-20T00"), nothing), with(partial("c", "2026-11-21T00"), nothing),
			},
			policy: retention.Policy{KeepLast: new(int32(0)), Daily: 2},
			want: []outcome{
				suspicious(gone("c", "2026-11-21T01:00:00Z")), suspicious(gone("b", "2026-11-20T01:00:00Z")), {"a", "kept: daily slot 2026-11-19"},
			},
		},
		"where there is nothing else, one that contains nothing is kept": {
			backups: []retention.Backup{with(partial("a", "2026-11-20T00"), nothing)},
			want:    []outcome{{"a", "kept: the newest"}},
		},
		"the time to live runs to the second": {
			backups: []retention.Backup{
				with(good("a", "2026-11-20T00"), func(b *retention.Backup) { b.Expires = now }),
				with(good("b", "2026-11-20T01"), func(b *retention.Backup) { b.Expires = now.Add(time.Second) }),
			},
			policy: retention.Policy{KeepLast: new(int32(0))},
			want:   []outcome{{"b", "kept: ttl until 2026-11-23T12:00:01Z"}, gone("a", "2026-11-23T12:00:00Z")},
		},
		"a hold keeps, and so does having no time to live": {
			backups: []retention.Backup{
				with(good("a", "2026-11-20T00"), func(b *retention.Backup) { b.Held = true }),
				with(good("b", "2026-11-20T01"), func(b *retention.Backup) { b.Expires = time.Time{} }),
			},
			policy: retention.Policy{KeepLast: new(int32(0))},
			want:   []outcome{{"b", "kept: no ttl"}, {"a", "kept: on hold"}},
		},
		"slots are filled by the newest of each period, and periods without a backup do not count": {
			backups: []retention.Backup{
				good("a", "2026-11-10T03"), good("b", "2026-11-20T03"), good("c", "2026-11-20T15"), good("d", "2026-11-22T03"),
			},
			policy: retention.Policy{KeepLast: new(int32(0)), Daily: 2},
			want: []outcome{
				{"d", "kept: daily slot 2026-11-22"}, {"c", "kept: daily slot 2026-11-20"},
				gone("b", "2026-11-20T04:00:00Z"), gone("a", "2026-11-10T04:00:00Z"),
			},
		},
		"a slot is filled by the complete backup, else by the newest partial one": {
			backups: []retention.Backup{
				good("a", "2026-11-20T03"), partial("b", "2026-11-20T15"), partial("c", "2026-11-21T03"), partial("d", "2026-11-21T15"),
			},
			policy: retention.Policy{KeepLast: new(int32(0)), Daily: 7},
			want: []outcome{
				{"d", "kept: daily slot 2026-11-21"}, gone("c", "2026-11-21T04:00:00Z"),
				gone("b", "2026-11-20T16:00:00Z"), {"a", "kept: daily slot 2026-11-20"},
			},
		},
		"one backup can fill a slot of every kind": {
			backups: []retention.Backup{good("a", "2026-11-20T03")},
			policy:  retention.Policy{Hourly: 1, Daily: 1, Weekly: 1, Monthly: 1, Yearly: 1},
			want: []outcome{{"a", "kept: the newest, hourly slot 2026-11-20T03, daily slot 2026-11-20, " +
				"weekly slot 2026-W47, monthly slot 2026-11, yearly slot 2026"}},
		},
		"weeks are those of ISO 8601, which cross the year": {
			backups: []retention.Backup{good("a", "2025-12-29T00"), good("b", "2026-01-04T00"), good("c", "2026-01-05T00")},
			policy:  retention.Policy{KeepLast: new(int32(0)), Weekly: 5},
			want: []outcome{
				{"c", "kept: weekly slot 2026-W02"}, {"b", "kept: weekly slot 2026-W01"}, gone("a", "2025-12-29T01:00:00Z"),
			},
		},
		"periods are in UTC whatever the times are written in": {
			backups: []retention.Backup{
				with(good("a", "2026-11-20T23"), func(b *retention.Backup) { b.Completed = b.Completed.In(time.FixedZone("", 7200)) }),
				good("b", "2026-11-21T00"),
			},
			policy: retention.Policy{KeepLast: new(int32(0)), Daily: 2},
			want:   []outcome{{"b", "kept: daily slot 2026-11-21"}, {"a", "kept: daily slot 2026-11-20"}},
		},
		"several newest ones are kept, filled up with partial ones": {
			backups: []retention.Backup{
				partial("a", "2026-11-18T00"), good("b", "2026-11-19T00"), partial("c", "2026-11-20T00"), good("d", "2026-11-21T00"),
			},
			policy: retention.Policy{KeepLast: new(int32(3))},
			want: []outcome{
				{"d", "kept: one of the newest 3"}, {"c", "kept: one of the newest 3"}, {"b", "kept: one of the newest 3"},
				gone("a", "2026-11-18T01:00:00Z"),
			},
		},
		"a suspicious backup evicts nothing while its time to live runs": {
			backups: []retention.Backup{
				good("a", "2026-11-20T00"), good("b", "2026-11-21T00"),
				with(with(good("c", "2026-11-22T00"), small), live), with(good("d", "2026-11-23T00"), small),
			},
			policy: retention.Policy{KeepLast: new(int32(2))},
			want: []outcome{
				{"d", "kept: one of the newest 2"},
				{"c", "kept: ttl until 2026-11-23T13:00:00Z, one of the newest 2; suspicious: 40 objects after 100 in b"},
				{"b", "kept: last complete one before the suspicious c, one of the newest 2"},
				{"a", "kept: one of the newest 2"},
			},
		},
		"a suspicious backup that is the newest evicts nothing, however old": {
			backups: []retention.Backup{good("a", "2026-11-20T00"), with(good("b", "2026-11-21T00"), small)},
			want: []outcome{
				{"b", "kept: the newest; suspicious: 40 objects after 100 in a"},
				{"a", "kept: last complete one before the suspicious b, the newest"},
			},
		},
		"a suspicious backup that is out of date and not the newest evicts like any": {
			backups: []retention.Backup{
				good("a", "2026-11-20T00"), with(good("b", "2026-11-21T00"), small), with(good("c", "2026-11-22T00"), small),
			},
			want: []outcome{
				{"c", "kept: the newest"},
				{"b", "expired: ttl ran out on 2026-11-21T01:00:00Z and no keep rule wants it; suspicious: 40 objects after 100 in a"},
				gone("a", "2026-11-20T01:00:00Z"),
			},
		},
		"half is not suspicious": {
			backups: []retention.Backup{
				good("a", "2026-11-20T00"), with(good("b", "2026-11-21T00"), func(b *retention.Backup) { b.Objects = 50 }),
			},
			want: []outcome{{"b", "kept: the newest"}, gone("a", "2026-11-20T01:00:00Z")},
		},
		"a partial backup is no measure for the next": {
			backups: []retention.Backup{
				good("a", "2026-11-20T00"), with(partial("b", "2026-11-21T00"), func(b *retention.Backup) { b.Objects = 1000 }),
				with(good("c", "2026-11-22T00"), func(b *retention.Backup) { b.Objects = 90 }),
			},
			want: []outcome{{"c", "kept: the newest"}, gone("b", "2026-11-21T01:00:00Z"), gone("a", "2026-11-20T01:00:00Z")},
		},
		"a backup from the future is kept and takes no place": {
			backups: []retention.Backup{good("a", "2026-11-20T00"), good("b", "2036-11-21T00")},
			want: []outcome{
				{"b", "kept: ttl until 2036-11-21T01:00:00Z, completed in the future, so a clock is or was wrong"},
				{"a", "kept: the newest"},
			},
		},
		"backups of one moment are told apart by name": {
			backups: []retention.Backup{good("b", "2026-11-20T00"), good("a", "2026-11-20T00")},
			want:    []outcome{{"a", "kept: the newest"}, gone("b", "2026-11-20T01:00:00Z")},
		},
		"rules below zero want nothing": {
			backups: []retention.Backup{good("a", "2026-11-20T00")},
			policy:  retention.Policy{KeepLast: new(int32(-1)), Daily: -1},
			want:    []outcome{gone("a", "2026-11-20T01:00:00Z")},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			given := slices.Clone(tc.backups)
			var got []outcome
			for _, d := range retention.Decide(now, tc.backups, tc.policy) {
				got = append(got, outcome{d.Name, d.Reason})
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Decide() (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(given, tc.backups); diff != "" {
				t.Errorf("Decide() changed its input (-before +after):\n%s", diff)
			}
		})
	}
}
