// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package terminal makes text safe to show: what lies in a bucket or a cluster is
// anybody's, and a terminal acts on some of it, or shows it in another order than it is
// written in.
package terminal

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// unsafe reports whether a terminal does something else with r than to show it: control
// characters, those that change the direction of text or cannot be seen (Unicode's
// formats, which include the bidirectional ones), and separators of lines that are none
// to us. Those that join letters stay: some scripts, and emoji, cannot be written without.
func unsafe(r rune) bool {
	const nonJoiner, joiner = 0x200c, 0x200d
	switch r {
	case '\n', '\t', nonJoiner, joiner:
		return false
	}
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// Text makes s safe: what is not shown as it is written becomes \u and its number, as
// JSON escapes it (RFC 8259). So a JSON text stays the same JSON: what is escaped can lie
// in its strings only.
func Text(s string) string {
	if Safe(s) {
		return s
	}
	var b strings.Builder
	for _, r := range strings.ToValidUTF8(s, string(utf8.RuneError)) {
		switch {
		case !unsafe(r):
			b.WriteRune(r)
		case r > 0xffff: // as UTF-16 has it
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// Safe reports whether Text leaves s as it is.
func Safe(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, unsafe) }

// Writer makes safe whatever is written through it: every stream of a command goes
// through one, so that no output is forgotten. It is not safe for concurrent use.
type Writer struct {
	w io.Writer
	// rest is the beginning of a character whose end is still to come.
	rest []byte
}

var _ io.Writer = (*Writer)(nil)

// NewWriter returns a Writer to w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write writes p, whose last character may be completed by the next call.
func (t *Writer) Write(p []byte) (int, error) {
	text := append(t.rest, p...)
	whole := len(text) - unfinished(text)
	t.rest = append([]byte(nil), text[whole:]...)
	if _, err := io.WriteString(t.w, Text(string(text[:whole]))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Unwrapped is what w writes to, for what a program itself tells a terminal to do.
func Unwrapped(w io.Writer) io.Writer {
	if t, ok := w.(*Writer); ok {
		return t.w
	}
	return w
}

// unfinished is how many bytes at the end of p begin a character and do not end it.
func unfinished(p []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if b := p[len(p)-n]; utf8.RuneStart(b) {
			if utf8.FullRune(p[len(p)-n:]) {
				return 0
			}
			return n
		}
	}
	return 0
}
