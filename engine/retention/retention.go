// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package retention

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Backup is what a decision is made on: one committed backup of a Schedule, by
// the cluster that decides.
type Backup struct {
	Name string
	// Completed is when it was committed.
	Completed time.Time
	// Expires is when its time to live runs out; zero is never.
	Expires time.Time
	// Held says that it is on hold.
	Held bool
	// Complete says that nothing it should hold is missing.
	Complete bool
	// Objects is how many it holds.
	Objects int64
}

// Policy says what is kept beyond its time to live.
type Policy struct {
	// KeepLast is how many of the newest complete backups are kept, and partial
	// ones where there are too few. Nil is 1, so that the last good backup never
	// expires by time alone; for backups that belong to no Schedule, say 0.
	KeepLast *int32
	// Hourly to Yearly say for how many of the latest hours, days, ISO weeks,
	// months and years with a backup one is kept. Periods are in UTC.
	Hourly, Daily, Weekly, Monthly, Yearly int32
}

// Decision is what becomes of one backup.
type Decision struct {
	Name string
	// Expired says that the backup may be removed.
	Expired bool
	// Suspicious says that the backup holds less than half of what the complete
	// one before it held. As long as its time to live runs, or it is the newest
	// complete one, it evicts nothing: what was kept when it came is kept as well.
	Suspicious bool
	// Reason says why, for people: "kept: daily slot 2026-11-23".
	Reason string
}

// Decide rules on all backups of one Schedule. Decisions are ordered from the
// newest backup to the oldest, backups of one moment by name.
//
// A backup that was completed after now comes from a clock that is or was wrong.
// It is kept, and takes no other's place.
func Decide(now time.Time, backups []Backup, policy Policy) []Decision {
	d := newDecider(now, backups, policy)
	for _, b := range d.sorted {
		d.keepForItself(b)
	}
	d.applyRules(d.past)
	d.undoEvictions()
	return d.decisions()
}

// decider collects the reasons to keep each backup.
type decider struct {
	now    time.Time
	policy Policy
	// sorted are all backups and past those that were completed by now, the newest
	// first.
	sorted, past []Backup
	// suspicion maps each suspicious backup to the one before it.
	suspicion map[string]Backup
	reasons   map[string][]string
}

func newDecider(now time.Time, backups []Backup, policy Policy) *decider {
	d := &decider{now: now, policy: policy, sorted: slices.Clone(backups), reasons: make(map[string][]string, len(backups))}
	slices.SortFunc(d.sorted, func(a, b Backup) int {
		return cmp.Or(b.Completed.Compare(a.Completed), cmp.Compare(a.Name, b.Name))
	})
	d.past = d.sorted
	for len(d.past) > 0 && d.past[0].Completed.After(now) {
		d.past = d.past[1:]
	}
	d.suspicion = suspicions(d.past)
	return d
}

// suspicions finds the backups that shrank by more than half.
func suspicions(newestFirst []Backup) map[string]Backup {
	found := map[string]Backup{}
	var before *Backup
	for i := len(newestFirst) - 1; i >= 0; i-- {
		b := newestFirst[i]
		// Subtracting cannot overflow where doubling could: counts come from storage.
		if before != nil && b.Objects >= 0 && before.Objects-b.Objects > b.Objects {
			found[b.Name] = *before
		}
		if b.Complete {
			before = &newestFirst[i]
		}
	}
	return found
}

// keepForItself notes the reasons that lie in the backup alone.
func (d *decider) keepForItself(b Backup) {
	if b.Held {
		d.keep(b.Name, "on hold")
	}
	switch {
	case b.Expires.IsZero():
		d.keep(b.Name, "no ttl")
	case b.Expires.After(d.now):
		d.keep(b.Name, "ttl until "+b.Expires.UTC().Format(time.RFC3339))
	}
	if b.Completed.After(d.now) {
		d.keep(b.Name, "completed in the future, so a clock is or was wrong")
	}
}

// undoEvictions keeps what suspicious backups would evict: what the rules want
// of the backups that were there when the suspicious one came. That is given up
// once its time to live has run out, unless it was the newest complete one: of
// all backups, or of those that another suspicious one came upon.
func (d *decider) undoEvictions() {
	newest := ""
	if i := slices.IndexFunc(d.past, func(b Backup) bool { return b.Complete }); i >= 0 {
		newest = d.past[i].Name
	}
	for i, b := range d.past {
		before, suspicious := d.suspicion[b.Name]
		live := b.Expires.IsZero() || b.Expires.After(d.now)
		if !suspicious || !live && (b.Name != newest || len(d.reasons[b.Name]) == 0) {
			continue
		}
		d.keep(before.Name, "last complete one before the suspicious "+b.Name)
		d.applyRules(d.past[i+1:])
		newest = before.Name
	}
}

func (d *decider) keep(name, reason string) {
	if !slices.Contains(d.reasons[name], reason) {
		d.reasons[name] = append(d.reasons[name], reason)
	}
}

func (d *decider) decisions() []Decision {
	decisions := make([]Decision, 0, len(d.sorted))
	for _, b := range d.sorted {
		before, suspicious := d.suspicion[b.Name]
		decision := Decision{Name: b.Name, Suspicious: suspicious}
		if reasons := d.reasons[b.Name]; len(reasons) > 0 {
			decision.Reason = "kept: " + strings.Join(reasons, ", ")
		} else {
			decision.Expired = true
			decision.Reason = "expired: ttl ran out on " + b.Expires.UTC().Format(time.RFC3339) + " and no keep rule wants it"
		}
		if suspicious {
			decision.Reason += fmt.Sprintf("; suspicious: %d objects after %d in %s", b.Objects, before.Objects, before.Name)
		}
		decisions = append(decisions, decision)
	}
	return decisions
}
