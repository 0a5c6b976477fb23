// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package terminal_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gopherwood/ark/cmd/ark/internal/terminal"
)

func TestTextIsShownAsItIsWritten(t *testing.T) {
	for text, want := range map[string]string{
		"as it is, äö\tand\n":   "as it is, äö\tand\n",
		"joined \u200d\u200c":   "joined \u200d\u200c",
		"\x1b[2Jgone\x07\r":     `\u001b[2Jgone\u0007\u000d`,
		"a\u202egnp.exe":        `a\u202egnp.exe`,
		"\u2066x\u2069\u200f":   `\u2066x\u2069\u200f`,
		"\u009b31m\u2028\ufeff": `\u009b31m\u2028\ufeff`,
		"\U000e0041":            `\udb40\udc41`,
		"no\xffUTF-8":           "no\ufffdUTF-8",
	} {
		if got := terminal.Text(text); got != want {
			t.Errorf("Text(%q) = %q, want %q", text, got, want)
		}
		var b strings.Builder
		w := terminal.NewWriter(&b)
		for i := range len(text) { // characters come in parts
			if _, err := w.Write([]byte{text[i]}); err != nil {
				t.Fatal(err)
			}
		}
		if b.String() != want {
			t.Errorf("written byte by byte: %q, want %q", b.String(), want)
		}
	}
}

func TestJSONStaysExact(t *testing.T) {
	want := "a\u202eb\u009b\U000e0041 äö"
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	escaped := terminal.Text(string(raw))
	var got string
	if err := json.Unmarshal([]byte(escaped), &got); err != nil || got != want {
		t.Errorf("Text() = %s, which is %q, %v, want %q", escaped, got, err, want)
	}
	if !terminal.Safe(escaped) {
		t.Errorf("Text() = %q is not safe", escaped)
	}
}
