// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// Holds reports whether an API server's answer, as it was received, has all that was
// sent: that Changed finds nothing in it. It decodes nothing, and costs a small part of
// that. It is sure only when it says so: what differs but is as good, and what no API
// server writes, is for Changed to judge.
func Holds(sent Manifest, answer []byte) bool {
	r := reader{raw: answer}
	return r.object(sent, atRoot) && r.peek() == 0
}

// depth is where in an object a reader is: not everything is compared there.
type depth int

const (
	atRoot depth = iota
	inMetadata
	inLabels
	deeper
)

// below is where the value of a field is.
func (d depth) below(field []byte) depth {
	switch {
	case d == atRoot && string(field) == "metadata":
		return inMetadata
	case d == inMetadata && string(field) == "labels":
		return inLabels
	}
	return deeper
}

// ignores reports whether a field is not compared.
func (d depth) ignores(field string) bool {
	return d == inMetadata && slices.Contains(serverSet, field) || d == inLabels && field == RestoreLabel
}

// maxCompared is how many fields of one object are compared: there may be no two of
// one name, and finding that out takes time.
const maxCompared = 64

// reader compares JSON with values while it reads. What it passes over need not be
// JSON.
type reader struct {
	raw []byte
	at  int
	// found are the fields that were compared, of every object that it is in.
	found [][]byte
}

// value compares the next value.
func (r *reader) value(want any, d depth) bool {
	switch w := want.(type) {
	case Manifest:
		return r.object(w, d)
	case []any:
		return r.list(w)
	case string:
		return r.text(w)
	case int64:
		n, err := strconv.ParseInt(string(r.word()), 10, 64)
		return err == nil && n == w
	case float64:
		n, err := strconv.ParseFloat(string(r.word()), 64)
		return err == nil && n == w
	case bool:
		return string(r.word()) == strconv.FormatBool(w)
	case nil:
		return string(r.word()) == "null"
	}
	return false
}

func (r *reader) object(want Manifest, d depth) bool {
	if len(want) > maxCompared || !r.take('{') {
		return false
	}
	missing := wanted(want, d)
	if r.maybe('}') {
		return missing == 0
	}
	first := len(r.found)
	for more := true; more; more = r.maybe(',') {
		counts, ok := r.field(want, d, first)
		if !ok {
			return false
		}
		if counts {
			missing--
		}
	}
	r.found = r.found[:first]
	return missing == 0 && r.take('}')
}

// wanted is how many fields an answer must have.
func wanted(want Manifest, d depth) int {
	n := 0
	for field, v := range want {
		if v != nil && !d.ignores(field) {
			n++
		}
	}
	return n
}

// field compares the next field of an object whose first is found[first], and
// reports whether it is one of those that must be there.
func (r *reader) field(want Manifest, d depth, first int) (counts, ok bool) {
	field, escaped, ok := r.quoted()
	if !ok || escaped || !r.take(':') {
		return false, false
	}
	v, sent := want[string(field)]
	if !sent || d != deeper && d.ignores(string(field)) {
		return false, r.skip()
	}
	if slices.ContainsFunc(r.found[first:], func(other []byte) bool { return bytes.Equal(field, other) }) {
		return false, false
	}
	r.found = append(r.found, field)
	return v != nil, r.value(v, d.below(field))
}

func (r *reader) list(want []any) bool {
	if !r.take('[') {
		return false
	}
	for i, w := range want {
		if i > 0 && !r.take(',') || !r.value(w, deeper) {
			return false
		}
	}
	return r.take(']')
}

func (r *reader) text(want string) bool {
	b, escaped, ok := r.quoted()
	if !ok || !escaped {
		return ok && string(b) == want
	}
	var text string
	return json.Unmarshal(r.raw[r.at-len(b)-2:r.at], &text) == nil && text == want
}

// quoted reads a string and returns what is between its quotes, and whether that has
// escapes.
func (r *reader) quoted() (b []byte, escaped, ok bool) {
	if !r.take('"') {
		return nil, false, false
	}
	begin := r.at
	for {
		// One look for both: to look for the quote first, again behind every escape,
		// takes minutes of a MiB of escapes.
		i := bytes.IndexAny(r.raw[r.at:], `"\`)
		if i < 0 {
			return nil, false, false
		}
		if r.at += i + 1; r.raw[r.at-1] == '"' {
			return r.raw[begin : r.at-1], escaped, true
		}
		escaped = true
		if r.at++; r.at > len(r.raw) {
			return nil, false, false
		}
	}
}

// word reads what is neither string, list nor object.
func (r *reader) word() []byte {
	r.space()
	begin := r.at
	for r.at < len(r.raw) && strings.IndexByte(",]} \n\t\r", r.raw[r.at]) < 0 {
		r.at++
	}
	return r.raw[begin:r.at]
}

// skip passes over a value.
func (r *reader) skip() bool {
	r.space()
	for open := 0; r.at < len(r.raw); {
		switch r.raw[r.at] {
		case '"':
			if _, _, ok := r.quoted(); !ok {
				return false
			}
			if open == 0 {
				return true
			}
			continue
		case '{', '[':
			open++
		case '}', ']':
			if open == 0 {
				return true // behind a word
			}
			if open--; open == 0 {
				r.at++
				return true
			}
		case ',':
			if open == 0 {
				return true // behind a word
			}
		}
		r.at++
	}
	return false
}

func (r *reader) space() {
	for r.at < len(r.raw) && (r.raw[r.at] == ' ' || r.raw[r.at] == '\n' || r.raw[r.at] == '\t' || r.raw[r.at] == '\r') {
		r.at++
	}
}

// peek returns the next byte that is not white space, or zero.
func (r *reader) peek() byte {
	if r.space(); r.at < len(r.raw) {
		return r.raw[r.at]
	}
	return 0
}

// take takes one byte, which must be c.
func (r *reader) take(c byte) bool { return r.peek() == c && r.maybe(c) }

// maybe takes one byte if it is c.
func (r *reader) maybe(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.at++
	return true
}
