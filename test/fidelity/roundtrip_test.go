// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/backup"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/selection"
)

// clock is the machine's.
type clock struct{}

func (clock) Now() time.Time { return time.Now() }

// taken is a backup in a store of its own.
type taken struct {
	catalog  *catalog.Catalog
	snapshot *catalog.Snapshot
}

// take takes a backup of what a template covers.
func (s *stage) take(tb testing.TB, template selection.Template) *taken {
	tb.Helper()
	return s.takeFrom(tb, collect.Source{Discoverer: s.reader, Lister: s.reader, Historian: s.reader}, template)
}

func (s *stage) takeFrom(tb testing.TB, source collect.Source, template selection.Template) *taken {
	tb.Helper()
	store, err := blobstore.Open(tb.Context(), blobstore.Location{Name: "fidelity", URL: "mem://fidelity", Prefix: uuid.NewString()}, blobstore.Options{})
	must(tb, err)
	c, err := catalog.Attach(tb.Context(), store, clock{}, catalog.Options{Tool: "ark test"})
	must(tb, err)
	snapshot, err := backup.Take(tb.Context(), backup.Ports{Source: source, Catalog: c, Clock: clock{}}, backup.Request{
		Cluster: archive.Cluster{UID: s.uid, Name: "fidelity"}, Name: "all", Attempt: "a1",
		Spec: json.RawMessage("{}"), Template: json.RawMessage("{}"), Created: clock{}.Now(), TTL: time.Hour,
		Collect: collect.Options{Template: template},
	}, nil)
	must(tb, err)
	return &taken{catalog: c, snapshot: snapshot}
}

// restored is what a restore did.
type restored struct {
	*restore.Report

	// lines are its results by archived object.
	lines map[string]restore.Line
	// replaced are the objects that were deleted to be created anew.
	replaced string
}

// restore restores a backup. The request's label must be set.
func (s *stage) restore(tb testing.TB, from *taken, req restore.Request) *restored {
	tb.Helper()
	return s.restoreInto(tb, restore.Target{Discoverer: s.writer, Getter: s.writer, Writer: s.writer, Lister: s.writer}, from, req)
}

func (s *stage) restoreInto(tb testing.TB, target restore.Target, from *taken, req restore.Request) *restored {
	tb.Helper()
	index, err := from.catalog.Index(tb.Context(), from.snapshot)
	must(tb, err)
	var lines, replaced bytes.Buffer
	var mu sync.Mutex
	keep := func(_ context.Context, live engine.Object) error {
		mu.Lock()
		defer mu.Unlock()
		_, err := replaced.Write(append(bytes.Clone(live.Raw), '\n'))
		return err
	}
	report, err := restore.Run(tb.Context(), target, req, restore.Source{
		Types: restore.TypesOf(from.snapshot.Marker), Index: index, Contents: from.catalog.Contents(from.snapshot),
	}, restore.Options{Results: &lines, Replaced: keep, Sleep: restore.Sleep})
	must(tb, err)
	return &restored{Report: report, lines: readLines(tb, &lines), replaced: replaced.String()}
}

func readLines(tb testing.TB, r io.Reader) map[string]restore.Line {
	tb.Helper()
	lines := map[string]restore.Line{}
	for d := json.NewDecoder(r); ; {
		var line restore.Line
		if err := d.Decode(&line); err == io.EOF {
			return lines
		} else if err != nil {
			tb.Fatal(err)
		}
		lines[line.Object] = line
	}
}

// failures returns the messages of the objects that failed.
func (r *restored) failures() []string {
	var all []string
	for object, line := range r.lines {
		if line.Outcome == restore.Failed {
			all = append(all, object+": "+strings.Join(line.Messages, "; "))
		}
	}
	return all
}
