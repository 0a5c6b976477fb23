// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/own"
	engrestore "github.com/gopherwood/ark/engine/restore"
)

const (
	// maxShown and maxCodes bound what a status lists; the record has everything.
	maxShown = 16
	maxCodes = 32
)

// work is one run of a restore: everything it needs was decided before it began.
type work struct {
	target  engrestore.Target
	request engrestore.Request
	gate    engrestore.Gate
	clock   engine.Clock
	// whole looks whether Ark's kinds are served whole, and learnOwn asks what is Ark's.
	whole    func(ctx context.Context) error
	learnOwn func(ctx context.Context) (own.Facts, error)

	clusterUID, clusterName string
	// restore is a copy of the object, and backup what its status says of the backup.
	restore  *v1alpha1.Restore
	backup   *v1alpha1.RestoredBackup
	catalog  *catalog.Catalog
	snapshot *catalog.Snapshot
	records  recorder
	// unsigned warns that the record is not signed; empty when it is, or need not be.
	unsigned string

	started time.Time
	attempt int32
}

// run restores, and records what came of it. An error means that it broke off,
// and that another attempt may go further.
func (w *work) run(ctx context.Context, progress func(engrestore.Progress)) (*ending, error) {
	var err error
	if w.request.Own, err = w.learnOwn(ctx); err != nil {
		return nil, err
	}
	index, err := w.catalog.Index(ctx, w.snapshot)
	if err != nil {
		return nil, err
	}
	record, err := w.records.begin(ctx, w)
	if err != nil {
		return nil, err
	}
	defer record.discard()
	to := record.writers()
	log := newRunLog(to.log, w.clock)
	log.begin(w)
	report, err := engrestore.Run(ctx, w.target, w.request, engrestore.Source{
		Types:    engrestore.TypesOf(w.snapshot.Marker),
		Index:    index,
		Contents: w.catalog.Contents(w.snapshot),
	}, engrestore.Options{
		Gate: w.gate, BeforeWrites: w.whole, Results: log.watch(to.lines), Replaced: to.replaced, Progress: progress, Sleep: engrestore.Sleep,
	})
	var refused *engrestore.RequestError
	switch {
	case errors.As(err, &refused):
		return w.refused(refused), nil
	case err != nil:
		return nil, err
	}
	e := w.judge(report)
	log.end(e, report)
	if err := record.commit(ctx, e, report); err != nil {
		return nil, err
	}
	return e, nil
}

// refused is how a restore ends that cannot be carried out as it is.
func (w *work) refused(err *engrestore.RequestError) *ending {
	e := &ending{status: w.status(), reason: invalidReason(err), message: err.Message, policy: w.snapshot.Marker.Policy}
	e.status.Record = "" // nothing ran, and nothing was recorded
	e.status.Completeness = v1alpha1.CompletenessNone
	e.status.Errors = []string{err.Message}
	return e
}

// judge says how a restore ended that came to an end.
func (w *work) judge(report *engrestore.Report) *ending {
	e := &ending{status: w.status(), policy: w.snapshot.Marker.Policy}
	st := &e.status
	st.Planned = &v1alpha1.PlanCounts{
		Create: report.Planned.Create, Update: report.Planned.Update, Keep: report.Planned.Keep, Skip: report.Planned.Skip,
	}
	st.Results = &v1alpha1.ResultCounts{
		Created: report.Results.Created, Updated: report.Results.Updated, Unchanged: report.Results.Unchanged,
		Existing: report.Results.Existing, Skipped: report.Results.Skipped, Failed: report.Results.Failed,
	}
	st.SkippedBy = codeCounts(report.SkippedBy)
	st.Warnings, st.Errors = first(report.Warnings), first(report.Errors)
	for _, d := range first(report.Denials) {
		st.Denials = append(st.Denials, v1alpha1.Denial{Code: d.Code, Message: d.Message, Policy: d.Policy, Object: d.Object})
	}
	switch {
	case report.Denied:
		st.Completeness, e.reason = v1alpha1.CompletenessNone, v1alpha1.DeniedReason
		e.message = denied(report, w.attempt)
	case w.request.DryRun:
		st.Completeness, e.reason = v1alpha1.CompletenessNone, v1alpha1.PlannedReason
		e.message = fmt.Sprintf("nothing was written: %d objects would be created, %d changed, %d kept, %d skipped",
			st.Planned.Create, st.Planned.Update, st.Planned.Keep, st.Planned.Skip)
	case report.Results.Failed > 0:
		st.Completeness, e.reason = v1alpha1.CompletenessPartial, v1alpha1.PartiallyFailedReason
		e.message = counted(st.Results)
	default:
		st.Completeness, e.reason = v1alpha1.CompletenessComplete, v1alpha1.SucceededReason
		e.message = counted(st.Results)
	}
	if w.attempt > 1 {
		w.tellEarlier(e, report)
	}
	if w.unsigned != "" {
		e.status.Warnings = append(e.status.Warnings[:min(len(e.status.Warnings), maxShown-1)], w.unsigned)
	}
	if w.backup.Completeness == v1alpha1.CompletenessPartial && !report.Denied {
		e.message += "; the backup itself is partial"
	}
	return e
}

// tellEarlier adds what earlier attempts did, whose own words nobody has heard.
func (w *work) tellEarlier(e *ending, report *engrestore.Report) {
	switch {
	case w.request.DryRun:
		return
	case report.Denied && report.Earlier > 0:
		e.status.Completeness = v1alpha1.CompletenessPartial
	case report.Earlier > 0:
		e.message += fmt.Sprintf("; %d of them were written by an earlier attempt", report.Earlier)
	}
	if w.request.Existing == engrestore.ExistingRecreate {
		e.status.Warnings = append(e.status.Warnings[:min(len(e.status.Warnings), maxShown-1)], w.replacedBefore())
	}
}

// replacedBefore tells where to find what earlier attempts deleted to create it anew:
// each attempt keeps it beside its own record, or where that would be.
func (w *work) replacedBefore() string {
	places := make([]string, 0, w.attempt)
	for n := int32(1); n < w.attempt; n++ {
		places = append(places, strings.TrimSuffix(w.records.place(w.restore, n), archive.RestoreFile)+replacedFiles)
	}
	return "what an earlier attempt deleted to create it anew, if anything, is in " + strings.Join(places, ", ")
}

// status is what is known whatever the outcome.
func (w *work) status() v1alpha1.RestoreStatus {
	return v1alpha1.RestoreStatus{
		Backup: w.backup, Attempts: w.attempt, Record: w.records.place(w.restore, w.attempt),
		StartTime: &metav1.Time{Time: w.started}, CompletionTime: &metav1.Time{Time: w.clock.Now()},
	}
}

// denied tells the first reason, and how many more there are. Gates are asked in each
// attempt, so that one may deny what is half done.
func denied(report *engrestore.Report, attempt int32) string {
	wrote := "nothing was written"
	switch {
	case attempt > 1 && report.Earlier > 0:
		wrote = fmt.Sprintf("this attempt wrote nothing, but an earlier one had written %d objects and was not finished", report.Earlier)
	case attempt > 1:
		wrote = "nothing was written in this attempt, and nothing that an earlier one made is there"
	}
	if len(report.Denials) == 0 {
		return "a gate denied the restore; " + wrote
	}
	d := report.Denials[0]
	by := "the Config"
	if d.Policy != "" {
		by = "BackupPolicy " + d.Policy
	}
	text := fmt.Sprintf("%s denied the restore, and %s: %s (%s)", by, wrote, cmp.Or(d.Message, "no message"), d.Code)
	if more := report.DenialCount - 1; more > 0 {
		text += fmt.Sprintf(", and %d more reasons", more)
	}
	return text
}

// codeCounts orders counts by frequency, and bounds them.
func codeCounts(by map[string]int64) []v1alpha1.CodeCount {
	counts := make([]v1alpha1.CodeCount, 0, len(by))
	for code, n := range by {
		counts = append(counts, v1alpha1.CodeCount{Code: code, Count: n})
	}
	slices.SortFunc(counts, func(a, b v1alpha1.CodeCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code))
	})
	return counts[:min(len(counts), maxCodes)]
}

func first[T any](list []T) []T { return list[:min(len(list), maxShown)] }
