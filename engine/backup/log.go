// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/klauspost/compress/gzip"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/collect"
)

// runLog is what a run tells of itself, for those who look at the backup later:
// a line of JSON for what happened.
type runLog struct {
	file   *catalog.FileWriter
	gzip   *gzip.Writer
	logger *slog.Logger
	clock  engine.Clock
	// done is how many types were listed when that was last logged.
	done int
}

// startLog starts the log file of the attempt.
func (t *take) startLog(ctx context.Context) (*runLog, error) {
	f, err := t.file(ctx, archive.LogFile)
	if err != nil {
		return nil, err
	}
	l := &runLog{file: f, gzip: gzip.NewWriter(f), clock: t.ports.Clock}
	l.logger = slog.New(slog.NewJSONHandler(l.gzip, &slog.HandlerOptions{
		// The time is the engine's clock's, which line adds.
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Time(slog.TimeKey, l.clock.Now().UTC())
			}
			return a
		},
	}))
	return l, nil
}

// line logs what happened.
func (l *runLog) line(message string, args ...any) { l.logger.Info(message, args...) }

// watch logs progress now and then, and hands it on.
func (l *runLog) watch(next func(collect.Progress)) func(collect.Progress) {
	const every = 10
	return func(p collect.Progress) {
		if p.ResourcesDone >= l.done+every || (p.ResourcesDone == p.Resources && p.ResourcesDone != l.done) {
			l.done = p.ResourcesDone
			l.line("Listing types", "done", p.ResourcesDone, "of", p.Resources, "objects", p.Objects)
		}
		if next != nil {
			next(p)
		}
	}
}

// outcome logs everything that people should look at, and how the run ended.
func (l *runLog) outcome(report *collect.Report) {
	for _, m := range report.Results.Warnings {
		l.logger.Warn(m.Message, "object", m.Object, "code", m.Code)
	}
	for _, m := range report.Results.Errors {
		l.logger.Error(m.Message, "object", m.Object, "code", m.Code)
	}
	if report.Revision != "" {
		l.line("Listed types at one moment", "revision", report.Revision, "withOwnHistory", withOwnHistory(report))
	}
	l.line("Committing backup", "included", report.Objects.Included, "excluded", report.Objects.Excluded,
		"failed", report.Objects.Failed, "complete", report.Complete())
}

// withOwnHistory names the types that could not be listed at the moment of the
// others.
func withOwnHistory(report *collect.Report) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(report.Resources)), func(name string) bool {
		return !report.Resources[name].OwnHistory
	})
}

func (l *runLog) close() error {
	if err := l.gzip.Close(); err != nil {
		return fmt.Errorf("write log: %w", err)
	}
	return l.file.Close()
}
