// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/collect"
)

// abandonTimeout bounds the clearing away of an attempt that failed. What stays
// behind is an orphan, and collected later.
const abandonTimeout = 30 * time.Second

// maxShown bounds the warnings and errors in the marker. The results have all.
const maxShown = 16

// Take makes one attempt: everything is written below a folder of its own, and
// the marker last. Either the backup then exists, or nothing refers to what was
// written; Take clears that away, unless nobody knows what became of the marker.
//
// Errors are those of collect.Collect, and of the catalog: ErrExists when another
// attempt was committed or the name is not free any more.
func Take(ctx context.Context, ports Ports, req Request, progress func(collect.Progress)) (*catalog.Snapshot, error) {
	attempt, err := ports.Catalog.NewAttempt(req.Cluster.UID, req.Name, req.Attempt)
	if err != nil {
		return nil, err
	}
	t := &take{ports: ports, req: req, attempt: attempt, started: ports.Clock.Now().UTC().Truncate(time.Millisecond)}
	snapshot, err := t.run(ctx, progress)
	if err == nil {
		return snapshot, nil
	}
	t.closeAll()
	cleanup, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTimeout)
	defer cancel()
	// ErrConflict says that the attempt was committed after all.
	return nil, errors.Join(err, attempt.Abandon(cleanup))
}

// take is one attempt under way.
type take struct {
	ports   Ports
	req     Request
	attempt *catalog.Attempt
	started time.Time
	open    []*catalog.FileWriter
}

func (t *take) run(ctx context.Context, progress func(collect.Progress)) (*catalog.Snapshot, error) {
	log, err := t.startLog(ctx)
	if err != nil {
		return nil, err
	}
	log.line("Taking backup", "backup", t.req.Name, "attempt", t.req.Attempt, "cluster", t.req.Cluster.UID)
	report, err := t.collect(ctx, log, progress)
	if err != nil {
		return nil, err
	}
	if err := fitSummaries(report); err != nil {
		return nil, err
	}
	completed := t.ports.Clock.Now().UTC().Truncate(time.Millisecond)
	marker := t.marker(report, completed)
	log.outcome(report)
	if err := t.writeBeside(ctx, report); err != nil {
		return nil, err
	}
	if err := log.close(); err != nil {
		return nil, err
	}
	return t.attempt.Commit(ctx, marker, t.req.Keys...)
}

// collect writes contents, index and decisions.
func (t *take) collect(ctx context.Context, log *runLog, progress func(collect.Progress)) (*collect.Report, error) {
	contents, err := t.file(ctx, archive.ContentsFile)
	if err != nil {
		return nil, err
	}
	index, err := t.file(ctx, archive.IndexFile)
	if err != nil {
		return nil, err
	}
	decisionsFile, err := t.file(ctx, archive.DecisionsFile)
	if err != nil {
		return nil, err
	}
	decisionsGzip := gzip.NewWriter(decisionsFile)
	decisions, err := collect.NewDecisionLog(decisionsGzip, collect.DecisionHeader{
		Cluster: t.req.Cluster.UID, Backup: t.req.Name, Attempt: t.req.Attempt, Started: t.started,
		Policy: t.req.Policy, Rules: t.req.Rules, Engine: t.req.RuleEngine,
	})
	if err != nil {
		return nil, err
	}
	opts := t.req.Collect
	opts.Decisions = decisions
	opts.Progress = log.watch(progress)
	w := archive.NewWriter(contents, index, t.started)
	report, err := collect.Collect(ctx, t.ports.Source, t.req.Decider, collect.Archive(w), opts)
	if err != nil {
		return nil, err
	}
	for _, c := range []io.Closer{w, contents, index, decisionsGzip, decisionsFile} {
		if err := c.Close(); err != nil {
			return nil, fmt.Errorf("finish archive: %w", err)
		}
	}
	return report, t.writeDirectory(ctx, w)
}

// writeDirectory writes what finds an object in the index without reading it all.
func (t *take) writeDirectory(ctx context.Context, w *archive.Writer) error {
	f, err := t.file(ctx, archive.DirectoryFile)
	if err != nil {
		return err
	}
	if err := w.WriteDirectory(f); err != nil {
		return err
	}
	return f.Close()
}

// writeBeside writes the results, and the rules that selected.
func (t *take) writeBeside(ctx context.Context, report *collect.Report) error {
	results, err := t.file(ctx, archive.ResultsFile)
	if err != nil {
		return err
	}
	if err := archive.WriteResults(results, &report.Results); err != nil {
		return err
	}
	if err := results.Close(); err != nil {
		return err
	}
	if len(t.req.RuleFiles) == 0 {
		return nil
	}
	rules, err := t.file(ctx, archive.PolicyFile)
	if err != nil {
		return err
	}
	if err := writeTarball(rules, t.req.RuleFiles, t.started); err != nil {
		return fmt.Errorf("write rules: %w", err)
	}
	return rules.Close()
}

// marker describes the backup.
func (t *take) marker(report *collect.Report, completed time.Time) archive.Marker {
	m := archive.Marker{
		Cluster: t.req.Cluster, Schedule: t.req.Schedule, Policy: t.req.Policy,
		Spec: t.req.Spec, Template: t.req.Template, Rules: t.req.Rules,
		Created: t.req.Created.UTC(), Started: t.started, Completed: completed, Expires: t.req.Created.Add(t.req.TTL).UTC(),
		Revision: report.Revision, Completeness: archive.Complete, Objects: report.Objects, Resources: report.Resources, ExcludedBy: report.ExcludedBy,
		Warnings: texts(report.Results.Warnings), Errors: texts(report.Results.Errors),
	}
	if !report.Complete() {
		m.Completeness = archive.Partial
	}
	return m
}

// texts returns the first messages as sentences that name their object.
func texts(messages []archive.Message) []string {
	var all []string
	for _, m := range messages[:min(len(messages), maxShown)] {
		text := m.Message
		if m.Object != "" {
			text = m.Object + ": " + text
		}
		all = append(all, archive.Text(text))
	}
	return all
}

// file starts a file of the attempt, to be closed or, at the latest when the
// attempt fails, aborted.
func (t *take) file(ctx context.Context, name string) (*catalog.FileWriter, error) {
	f, err := t.attempt.File(ctx, name)
	if err != nil {
		return nil, err
	}
	t.open = append(t.open, f)
	return f, nil
}

// closeAll discards what is still open. Aborting what was closed does nothing.
func (t *take) closeAll() {
	for _, f := range t.open {
		f.Abort()
	}
}
