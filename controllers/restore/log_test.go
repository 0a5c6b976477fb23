// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
	engrestore "github.com/gopherwood/ark/engine/restore"
)

// stopped is a clock that stands still.
type stopped struct{}

func (stopped) Now() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func TestARunLogsWhatItHasToSay(t *testing.T) {
	var log, plan bytes.Buffer
	l := newRunLog(&log, stopped{})
	l.begin(&work{
		restore: &v1alpha1.Restore{}, attempt: 2, request: engrestore.Request{DryRun: true},
		snapshot: &catalog.Snapshot{Marker: &archive.Marker{Name: "nightly", Cluster: archive.Cluster{UID: "u"}, Completeness: archive.Partial}},
	})
	lines := []string{
		`{"object":"configmaps/a/quiet","action":"create","outcome":"created"}`,
		`{"object":"configmaps/a/there","target":"configmaps/b/there","action":"keep","outcome":"existing","messages":["differs in data"]}`,
		`{"object":"secrets/a/bad","action":"create","outcome":"failed","messages":["refused"]}`,
	}
	w := l.watch(&plan)
	for _, line := range lines {
		if n, err := w.Write([]byte(line + "\n")); n != len(line)+1 || err != nil {
			t.Fatalf("Write() = %d, %v", n, err)
		}
	}
	l.end(&ending{reason: "PartiallyFailed", message: "1 failed"}, &engrestore.Report{
		Warnings: []string{"configmaps/b/there: differs in data", "no-gate: nobody was asked"},
		Errors:   []string{"secrets/a/bad: refused"},
		Denials:  []engrestore.Reason{{Code: "no", Message: "not today", Policy: "p"}},
	})
	if diff := cmp.Diff(strings.Join(lines, "\n")+"\n", plan.String()); diff != "" {
		t.Errorf("the lines are not what was written (-want +got):\n%s", diff)
	}
	at := `{"time":"2026-11-23T12:00:00Z","level":`
	want := []string{
		at + `"INFO","msg":"Restoring backup","restore":"","attempt":2,"dryRun":true,"backup":"nightly","cluster":"u","completeness":"Partial"}`,
		at + `"WARN","msg":"differs in data","object":"configmaps/a/there","target":"configmaps/b/there","outcome":"existing","code":""}`,
		at + `"ERROR","msg":"refused","object":"secrets/a/bad","target":"","outcome":"failed","code":""}`,
		at + `"WARN","msg":"no-gate: nobody was asked"}`,
		at + `"ERROR","msg":"Denied: not today","code":"no","policy":"p","object":""}`,
		at + `"INFO","msg":"Ended restore","reason":"PartiallyFailed","message":"1 failed"}`,
		"",
	}
	if diff := cmp.Diff(want, strings.Split(log.String(), "\n")); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestOnlyWholeLinesAreKept(t *testing.T) {
	l := wholeLines{most: 10}
	for _, line := range []string{"12345\n", "678901\n", "2\n"} {
		if n, err := l.Write([]byte(line)); n != len(line) || err != nil {
			t.Fatalf("Write() = %d, %v", n, err)
		}
	}
	if l.String() != "12345\n" || !l.cut {
		t.Errorf("kept %q, cut = %v", l.String(), l.cut)
	}
}
