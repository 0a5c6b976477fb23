// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/schedule"
)

func TestDecide(t *testing.T) {
	nightly, err := schedule.Parse("0 3 * * *", "")
	if err != nil {
		t.Fatal(err)
	}
	at := func(text string) time.Time {
		v, err := time.Parse("2006-01-02 15:04:05", text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	created := at("2026-05-10 10:00:00")

	tests := map[string]struct {
		situation situation
		want      plan
	}{
		"the first backup is made at once, and named after the creation": {
			situation: situation{now: at("2026-05-10 10:00:07"), first: true},
			want:      plan{due: created, next: at("2026-05-11 03:00:00")},
		},
		"a first backup that had to wait past a firing is that firing's": {
			situation: situation{now: at("2026-05-11 03:00:05"), first: true},
			want:      plan{due: at("2026-05-11 03:00:00"), next: at("2026-05-12 03:00:00")},
		},
		"a first backup is made although the clock was put back behind the creation": {
			situation: situation{now: at("2026-05-10 09:00:00"), first: true},
			want:      plan{due: created, next: at("2026-05-11 03:00:00")},
		},
		"nothing is due before the next firing": {
			situation: situation{now: at("2026-05-11 02:59:59"), last: created},
			want:      plan{next: at("2026-05-11 03:00:00")},
		},
		"a firing is due when its time has come": {
			situation: situation{now: at("2026-05-11 03:00:00"), last: created},
			want:      plan{due: at("2026-05-11 03:00:00"), next: at("2026-05-12 03:00:00")},
		},
		"it is not due again once it was made": {
			situation: situation{now: at("2026-05-11 03:00:01"), last: at("2026-05-11 03:00:00")},
			want:      plan{next: at("2026-05-12 03:00:00")},
		},
		"however many were missed, one is due": {
			situation: situation{now: at("2026-05-14 12:00:00"), last: at("2026-05-11 03:00:00")},
			want:      plan{due: at("2026-05-14 03:00:00"), next: at("2026-05-15 03:00:00"), missed: 2},
		},
		"a forward jump of years makes one": {
			situation: situation{now: at("2036-05-11 12:00:00"), last: at("2026-05-11 03:00:00")},
			want:      plan{due: at("2036-05-11 03:00:00"), next: at("2036-05-12 03:00:00"), missed: 3652},
		},
		"a clock put back a little fires nothing twice": {
			situation: situation{now: at("2026-05-11 02:59:00"), last: at("2026-05-11 03:00:00")},
			want:      plan{next: at("2026-05-12 03:00:00")},
		},
		"a Schedule that was applied again makes up for nothing": {
			situation: situation{now: at("2026-05-10 10:00:07"), last: at("2026-05-01 03:00:00")},
			want:      plan{next: at("2026-05-11 03:00:00")},
		},
		"a backup of a clock that was years ahead does not stop the Schedule": {
			situation: situation{now: at("2026-05-11 03:00:10"), last: at("2036-05-11 03:00:00")},
			want:      plan{due: at("2026-05-11 03:00:00"), next: at("2026-05-12 03:00:00")},
		},
		"and makes up for nothing from before the creation": {
			situation: situation{now: at("2026-05-10 10:00:07"), last: at("2036-05-11 03:00:00")},
			want:      plan{next: at("2026-05-11 03:00:00")},
		},
		"a changed expression does not fire for a time before the change": {
			situation: situation{now: at("2026-05-14 12:00:07"), last: at("2026-05-13 18:00:00"), since: at("2026-05-14 12:00:00")},
			want:      plan{next: at("2026-05-15 03:00:00")},
		},
		"it fires for a time after it, however late that is seen": {
			situation: situation{now: at("2026-05-14 12:00:00"), last: at("2026-05-12 18:00:00"), since: at("2026-05-13 12:00:00")},
			want:      plan{due: at("2026-05-14 03:00:00"), next: at("2026-05-15 03:00:00")},
		},
		"a change before the first backup does not put it off": {
			situation: situation{now: at("2026-05-12 12:00:00"), first: true, since: at("2026-05-12 11:00:00")},
			want:      plan{due: created, next: at("2026-05-13 03:00:00")},
		},
		"a firing within its deadline is made": {
			situation: situation{now: at("2026-05-11 03:09:00"), last: created, deadline: 10 * time.Minute},
			want:      plan{due: at("2026-05-11 03:00:00"), next: at("2026-05-12 03:00:00")},
		},
		"a firing missed by more than its deadline is skipped, and said to be": {
			situation: situation{now: at("2026-05-12 03:11:00"), last: created, deadline: 10 * time.Minute},
			want: plan{
				next: at("2026-05-13 03:00:00"), missed: 2,
				late: "the firing of 2026-05-12T03:00:00Z was skipped: it was missed by more than startingDeadline, 10m0s",
			},
		},
		"the first backup knows no deadline": {
			situation: situation{now: at("2026-05-11 12:00:00"), first: true, deadline: time.Minute},
			want:      plan{due: at("2026-05-11 03:00:00"), next: at("2026-05-12 03:00:00")},
		},
		"a firing waits for the backup that runs": {
			situation: situation{now: at("2026-05-11 03:00:00"), last: created, running: "nightly-1"},
			want: plan{
				next: at("2026-05-12 03:00:00"),
				late: "the firing of 2026-05-11T03:00:00Z waits for backup nightly-1, which still runs",
			},
		},
		"a backup that runs is no delay while nothing is due": {
			situation: situation{now: at("2026-05-10 12:00:00"), last: created, running: "nightly-1"},
			want:      plan{next: at("2026-05-11 03:00:00")},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			tc.situation.created = created
			if diff := cmp.Diff(tc.want, decide(nightly, tc.situation), cmp.AllowUnexported(plan{})); diff != "" {
				t.Errorf("decide() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}
