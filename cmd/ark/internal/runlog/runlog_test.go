// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package runlog_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"unicode"

	"github.com/gopherwood/ark/cmd/ark/internal/runlog"
	"github.com/gopherwood/ark/engine"
)

func TestALogThatIsNone(t *testing.T) {
	tests := map[string]string{
		"no JSON":              "hello\n",
		"a list":               "[1]\n",
		"cut short":            `{"time":"2026-11-23T12:00:00Z","level":`,
		"a time that is none":  `{"time":"noon","level":"INFO","msg":"x"}`,
		"a level that is none": `{"level":"LOUD","msg":"x"}`,
		"an endless line":      `{"msg":"` + strings.Repeat("x", 300<<10) + `"}`,
	}
	for name, log := range tests {
		t.Run(name, func(t *testing.T) {
			err := runlog.PrintPlain(&bytes.Buffer{}, strings.NewReader(log), slog.LevelInfo, runlog.Text)
			if !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("PrintPlain() error = %v, want ErrCorrupt", err)
			}
		})
	}
}

// FuzzPrint checks that nothing that lies in a bucket harms a terminal.
func FuzzPrint(f *testing.F) {
	f.Add(`{"time":"2026-11-23T12:00:00Z","level":"WARN","msg":"a` + "\x1b" + `[2J","n":1e3,"o":{"a":[null]}}`)
	f.Add(`{"level":"ERROR+2","msg":"x","\u001b[31m":"y"}`)
	f.Add("{}\n\n{\"msg\":\"\\n\"}")
	f.Fuzz(func(t *testing.T, log string) {
		for _, format := range []runlog.Format{runlog.Text, runlog.JSON} {
			var out bytes.Buffer
			_ = runlog.PrintPlain(&out, strings.NewReader(log), slog.LevelDebug, format) // what is wrong with it may be said
			for _, r := range out.String() {
				if unicode.IsControl(r) && r != '\n' && r != '\t' {
					t.Fatalf("%q is printed as %q", log, out.String())
				}
			}
		}
	})
}
