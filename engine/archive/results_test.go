// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

func TestResultsComeBackAsTheyWere(t *testing.T) {
	var r archive.Results
	for i := range archive.MaxMessages + 5 {
		r.Fail(archive.Message{Object: fmt.Sprintf("pods/app/%d", i), Code: "cut-short", Message: "bad\x00"})
	}
	r.Warn(archive.Message{Message: "group does not answer"})
	r.Resources = map[string]map[string]int64{"pods": {"failed": 10_005}}
	var buf bytes.Buffer
	if err := archive.WriteResults(&buf, &r); err != nil {
		t.Fatal(err)
	}
	got, err := archive.ReadResults(bytes.NewReader(buf.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&r, got); diff != "" {
		t.Errorf("ReadResults() mismatch (-want +got):\n%s", diff)
	}
	if len(got.Errors) != archive.MaxMessages || got.MoreErrors != 5 || got.Errors[0].Message != "bad\uFFFD" {
		t.Errorf("%d errors and %d more, the first %q", len(got.Errors), got.MoreErrors, got.Errors[0].Message)
	}
	if err := archive.WriteResults(&full{0}, &r); !errors.Is(err, errFull) {
		t.Errorf("WriteResults() error = %v", err)
	}
}

func TestReadResultsRefuses(t *testing.T) {
	for name, b := range map[string][]byte{
		"what is not gzip":        []byte("hello"),
		"what is cut short":       zip(t, "{}")[:15],
		"what is not JSON":        zip(t, "["),
		"what never ends":         bytes.Repeat(zip(t, strings.Repeat(" ", 1<<20)), 65),
		"a message with escape":   zip(t, `{"errors":[{"message":"\u001b"}]}`),
		"a negative number":       zip(t, `{"moreErrors":-1}`),
		"more messages than kept": zip(t, `{"errors":[`+strings.Repeat(`{},`, archive.MaxMessages)+`{}]}`),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := archive.ReadResults(bytes.NewReader(b)); !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("ReadResults() error = %v, want ErrCorrupt", err)
			}
		})
	}
}
