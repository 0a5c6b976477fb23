// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxText bounds a text for people, such as an error.
const maxText = 4096

// Text makes s fit for an archive: valid UTF-8 without control characters other
// than tab and newline, so that showing it on a terminal is harmless, and at most
// 4,096 bytes. Everything else stays as it is.
func Text(s string) string { return textWithin(s, maxText) }

// TextWithin is Text for at most that many bytes, of which there must be at least 3.
func TextWithin(s string, most int) string { return textWithin(s, most) }

// textWithin is Text for at most that many bytes.
func textWithin(s string, most int) string {
	if len(s) <= most && isText(s) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if unprintable(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
	if len(s) <= most {
		return s
	}
	const more = "…"
	end := most - len(more)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + more
}

func isText(s string) bool {
	return len(s) <= maxText && utf8.ValidString(s) && !strings.ContainsFunc(s, unprintable)
}

func unprintable(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\n' }
