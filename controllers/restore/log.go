// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"log/slog"

	"github.com/gopherwood/ark/engine"
	engrestore "github.com/gopherwood/ark/engine/restore"
)

// runLog is what a restore tells of itself, for those who look at it later: a line
// of JSON for what happened, as backups have it. It names objects and says what
// became of them; what is in them it never says.
type runLog struct {
	logger *slog.Logger
	// told are the first texts that were logged, so that the report, which repeats
	// them, is not logged again.
	told map[string]bool
}

// maxTold is more than a report repeats.
const maxTold = 1024

// newRunLog logs to w with the times of a clock.
func newRunLog(w io.Writer, clock engine.Clock) *runLog {
	return &runLog{told: map[string]bool{}, logger: slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Time(slog.TimeKey, clock.Now().UTC())
			}
			return a
		},
	}))}
}

// begin logs what is restored from where.
func (l *runLog) begin(w *work) {
	m := w.snapshot.Marker
	l.logger.Info("Restoring backup", "restore", w.restore.Name, "attempt", w.attempt, "dryRun", w.request.DryRun,
		"backup", m.Name, "cluster", m.Cluster.UID, "completeness", m.Completeness)
}

// watch logs, of the lines that go to w, those that have something to say.
func (l *runLog) watch(w io.Writer) io.Writer { return &watchedLines{Writer: w, log: l} }

// watchedLines is handed whole lines, one at a time.
type watchedLines struct {
	io.Writer

	log *runLog
}

func (w *watchedLines) Write(p []byte) (int, error) {
	// Most lines say nothing, and are not worth decoding.
	if bytes.Contains(p, []byte(`"messages":`)) {
		w.log.object(p)
	}
	return w.Writer.Write(p)
}

func (l *runLog) object(raw []byte) {
	var line engrestore.Line
	if json.Unmarshal(raw, &line) != nil {
		return // the plan has it
	}
	say := l.logger.Warn
	if line.Outcome == engrestore.Failed {
		say = l.logger.Error
	}
	for _, text := range line.Messages {
		if len(l.told) < maxTold {
			l.told[cmp.Or(line.Target, line.Object)+": "+text] = true
		}
		say(text, "object", line.Object, "target", line.Target, "outcome", string(line.Outcome), "code", line.Code)
	}
}

// end logs what is not about one object, and how it ended.
func (l *runLog) end(e *ending, report *engrestore.Report) {
	for _, text := range report.Warnings {
		if !l.told[text] {
			l.logger.Warn(text)
		}
	}
	for _, text := range report.Errors {
		if !l.told[text] {
			l.logger.Error(text)
		}
	}
	for _, d := range report.Denials {
		l.logger.Error("Denied: "+d.Message, "code", d.Code, "policy", d.Policy, "object", d.Object)
	}
	l.logger.Info("Ended restore", "reason", e.reason, "message", e.message)
}
