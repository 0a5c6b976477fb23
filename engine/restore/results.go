// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
)

// Outcome is what became of one object.
type Outcome string

// The outcomes.
const (
	Created Outcome = "created"
	// Updated objects were overwritten, recreated, or completed where an earlier
	// attempt was broken off.
	Updated Outcome = "updated"
	// Unchanged objects were there as archived.
	Unchanged Outcome = "unchanged"
	// Left objects exist, differ, and were left alone.
	Left    Outcome = "existing"
	Skipped Outcome = "skipped"
	Failed  Outcome = "failed"
)

// maxMessages bounds the lists of a report. The results have everything.
const maxMessages = 64

// maxMentions bounds how many of the warnings are about namespaces that objects still
// name: there may be one for each object, and other warnings have to be seen too.
const maxMentions = 4

// Counts counts what became of the objects.
type Counts struct {
	Created, Updated, Unchanged, Existing, Skipped, Failed int64
}

// PlanCounts counts objects by what is to be done with them. Update includes
// those that are recreated.
type PlanCounts struct {
	Create, Update, Keep, Skip int64
}

// Report is the outcome of a restore.
type Report struct {
	// Denied says that a gate refused the restore; nothing was written then.
	Denied bool
	// Denials are the first reasons, DenialCount is how many there are.
	Denials     []Reason
	DenialCount int64
	// Planned counts by action, as far as it is known: without a gate or a dry run,
	// what exists turns out during the restore.
	Planned PlanCounts
	Results Counts
	// Earlier is how many of the objects were found as an earlier attempt of this restore
	// has written them.
	Earlier int64
	// SkippedBy counts the objects left out by code.
	SkippedBy map[string]int64
	// Warnings and Errors are the first of each, as sentences that name the object.
	Warnings []string
	Errors   []string
}

// Line is one object in the results, one JSON document a line. Where there are
// two about one object, the later holds.
type Line struct {
	// Object is the archived object, as <resource>[.<group>]/<namespace>/<name>.
	Object string `json:"object"`
	// Target is where it goes, when a mapping moves it.
	Target string `json:"target,omitempty"`
	// Action is what was planned, and Outcome what came of it; a dry run has none.
	Action  Action  `json:"action"`
	Outcome Outcome `json:"outcome,omitempty"`
	// Code is why the object was left out.
	Code     string   `json:"code,omitempty"`
	Messages []string `json:"messages,omitempty"`
}

// Progress is how far a restore is.
type Progress struct {
	// Total is how many objects the plan has, those left out included.
	Total   int64
	Results Counts
}

// recorder gathers the report and writes the results. It is safe for
// concurrent use.
type recorder struct {
	mu       sync.Mutex
	report   Report
	lines    io.Writer
	failed   bool // a line could not be written
	total    int64
	progress func(Progress)
	// mentions is how many objects still name a namespace that is mapped from.
	mentions int
}

// record counts an item whose fate is known and writes its line.
func (r *recorder) record(it *item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count(it, 1)
	r.countAction(it.action)
	if it.earlier {
		r.report.Earlier++
	}
	if it.mention != "" && brought(it) {
		it.messages = append(it.messages, it.mention)
	}
	for _, m := range it.messages {
		text := it.target.String() + ": " + m
		if m == it.mention {
			if r.mentions++; r.mentions > maxMentions {
				continue
			}
		}
		if it.outcome == Failed {
			r.report.Errors = appendBounded(r.report.Errors, text)
		} else {
			r.report.Warnings = appendBounded(r.report.Warnings, text)
		}
	}
	r.write(it)
	if r.progress != nil && it.outcome != "" {
		r.progress(Progress{Total: r.total, Results: r.report.Results})
	}
}

// brought reports whether the object is, or would be, in the cluster as archived.
func brought(it *item) bool {
	return it.outcome == Created || it.outcome == Updated || it.outcome == "" && writes(it.action)
}

// count adds n to what the item counts as.
func (r *recorder) count(it *item, n int64) {
	c := &r.report.Results
	switch it.outcome {
	case Created:
		c.Created += n
	case Updated:
		c.Updated += n
	case Unchanged:
		c.Unchanged += n
	case Left:
		c.Existing += n
	case Skipped:
		c.Skipped += n
		if r.report.SkippedBy == nil {
			r.report.SkippedBy = map[string]int64{}
		}
		r.report.SkippedBy[it.code] += n
	case Failed:
		c.Failed += n
	}
}

func (r *recorder) countAction(a Action) {
	c := &r.report.Planned
	switch a {
	case ActionCreate:
		c.Create++
	case ActionUpdate, ActionRecreate:
		c.Update++
	case ActionKeep:
		c.Keep++
	case ActionSkip:
		c.Skip++
	}
}

// write writes the item's line. That the record is incomplete is worth a
// warning; a half restored cluster would be worse.
func (r *recorder) write(it *item) {
	if r.lines == nil || r.failed {
		return
	}
	line := Line{Object: it.source.String(), Action: it.action, Outcome: it.outcome, Code: it.code, Messages: it.messages}
	if it.target != it.source {
		line.Target = it.target.String()
	}
	raw, err := json.Marshal(line)
	if err == nil {
		_, err = r.lines.Write(append(raw, '\n'))
	}
	if err != nil {
		r.failed = true
		r.report.Warnings = appendBounded(r.report.Warnings, fmt.Sprintf("the results are incomplete: %v", err))
	}
}

// warn records what is not about one object.
func (r *recorder) warn(texts ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, text := range texts {
		r.report.Warnings = appendBounded(r.report.Warnings, text)
	}
}

// amend turns an item that is recorded already into a failure. The later of two
// lines about an object holds.
func (r *recorder) amend(it *item, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count(it, -1)
	it.outcome = Failed
	it.messages = append(it.messages, text)
	r.count(it, 1)
	r.report.Errors = appendBounded(r.report.Errors, it.target.String()+": "+text)
	r.write(it)
}

// deny records the reasons of a refusal.
func (r *recorder) deny(reasons ...Reason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, reason := range reasons {
		r.report.DenialCount++
		if len(r.report.Denials) < maxMessages {
			r.report.Denials = append(r.report.Denials, reason)
		}
	}
}

// snapshot returns the report so far.
func (r *recorder) snapshot() *Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	report := r.report
	report.SkippedBy = maps.Clone(report.SkippedBy)
	if n := r.mentions - maxMentions; n > 0 {
		text := fmt.Sprintf("%d more objects still name a namespace that is mapped: the record of the restore says where", n)
		report.Warnings = slices.Insert(slices.Clone(report.Warnings), 0, text)
	}
	return &report
}

func appendBounded(list []string, text string) []string {
	if len(list) >= maxMessages {
		return list
	}
	return append(list, text)
}
