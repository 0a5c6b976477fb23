// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/gopherwood/ark/engine"
)

const (
	// maxDepth is the decoders' own limit; what is nested deeper nobody could read.
	maxDepth = 10_000
	// maxNames and maxNameBytes bound what a names remembers.
	maxNames     = 4096
	maxNameBytes = 64
)

// names gives equal short strings the same memory: in a list, most keys of labels
// and their values come again and again.
type names map[string]string

// of returns b as a string.
func (n names) of(b []byte) string {
	if s, ok := n[string(b)]; ok {
		return s
	}
	s := string(b)
	if n != nil && len(b) <= maxNameBytes && len(n) < maxNames {
		n[s] = s
	}
	return s
}

// scanner reads the header of an object without decoding the rest, which costs
// three times as much for a Pod, and twenty-five times for a ConfigMap of one
// long string. It understands what API servers send. Everything else,
// fields that come twice, names with escapes, values of another type, it leaves
// to a decoder: ok is false then.
//
// What it skips need not be JSON. Whoever reads that part notices.
type scanner struct {
	raw   []byte
	at    int
	ok    bool
	names names
}

// scanHeader reads the header of an object, or reports that a decoder has to.
func scanHeader(raw []byte, known names) (header, bool) {
	s := &scanner{raw: raw, ok: true, names: known}
	var h header
	seen := 0
	s.object(func(name []byte) {
		switch string(name) {
		case "apiVersion":
			seen += once(s, h.APIVersion == nil)
			v := s.text()
			h.APIVersion = &v
		case "kind":
			seen += once(s, h.Kind == nil)
			v := s.text()
			h.Kind = &v
		case "metadata":
			seen += once(s, seen < metadataSeen) + metadataSeen
			s.metadata(&h.Metadata)
		default:
			s.skip()
		}
	})
	s.space()
	return h, s.ok && s.at == len(raw)
}

// metadataSeen is more than the other fields together.
const metadataSeen = 16

// once leaves a field that comes twice to the decoder.
func once(s *scanner, first bool) int {
	s.ok = s.ok && first
	return 1
}

// metadata reads the fields that the engine decides on.
func (s *scanner) metadata(m *engine.Meta) {
	var seen [8]bool
	first := func(field int) bool {
		s.ok = s.ok && !seen[field]
		seen[field] = true
		return s.ok
	}
	s.object(func(name []byte) {
		switch string(name) {
		case "name":
			first(0)
			m.Name = s.text()
		case "namespace":
			first(1)
			m.Namespace = s.text()
		case "uid":
			first(2)
			m.UID = types.UID(s.text())
		case "resourceVersion":
			first(3)
			m.ResourceVersion = s.text()
		case "creationTimestamp", "deletionTimestamp":
			s.time(m, string(name))
		case "labels":
			first(4)
			m.Labels = s.texts()
		case "annotations":
			first(5)
			m.Annotations = s.texts()
		case "ownerReferences":
			first(6)
			m.OwnerReferences = s.owners()
		default:
			s.skip()
		}
	})
}

func (s *scanner) time(m *engine.Meta, name string) {
	field := &m.CreationTimestamp
	if name == "deletionTimestamp" {
		field = &m.DeletionTimestamp
	}
	s.ok = s.ok && *field == "" && s.peek() == '"' // null is the decoder's
	*field = s.text()
}

// owners are few: the decoder reads them.
func (s *scanner) owners() []engine.Owner {
	s.space()
	begin := s.at
	s.skip()
	var owners []engine.Owner
	if s.ok {
		s.ok = json.Unmarshal(s.raw[begin:s.at], &owners) == nil
	}
	return owners
}

// texts reads an object of strings.
func (s *scanner) texts() map[string]string {
	m := map[string]string{}
	s.object(func(name []byte) {
		key := s.names.of(name)
		_, twice := m[key]
		s.ok = s.ok && !twice
		m[key] = s.text()
	})
	return m
}

// object calls field for every field of an object; field reads the value.
func (s *scanner) object(field func(name []byte)) {
	if !s.take('{') || s.maybe('}') {
		return
	}
	for s.ok {
		name, escaped := s.quoted()
		s.ok = s.ok && !escaped
		if !s.take(':') {
			return
		}
		field(name)
		if s.maybe('}') {
			return
		}
		s.take(',')
	}
}

// text reads a string.
func (s *scanner) text() string {
	b, escaped := s.quoted()
	switch {
	case !s.ok:
		return ""
	case !escaped:
		return s.names.of(b)
	}
	var v string
	s.ok = json.Unmarshal(s.raw[s.at-len(b)-2:s.at], &v) == nil
	return v
}

// quoted reads a string and returns what is between its quotes, and whether that
// has escapes.
func (s *scanner) quoted() (b []byte, escaped bool) {
	if !s.take('"') {
		return nil, false
	}
	end := closingQuote(s.raw[s.at:])
	if end < 0 {
		s.ok = false
		return nil, false
	}
	b = s.raw[s.at : s.at+end]
	s.at += end + 1
	escaped = bytes.IndexByte(b, '\\') >= 0
	s.ok = utf8.Valid(b) && bytes.IndexFunc(b, isControl) < 0
	return b, escaped
}

func isControl(r rune) bool { return r < ' ' }

// skip passes over a value.
func (s *scanner) skip() {
	s.space()
	begin, depth := s.at, 0
	for s.at < len(s.raw) {
		switch classes[s.raw[s.at]] {
		case quote:
			end := closingQuote(s.raw[s.at+1:])
			if end < 0 {
				s.ok = false
				return
			}
			s.at += end + 1
		case opening:
			if depth++; depth > maxDepth {
				s.ok = false
				return
			}
		case closing:
			if depth--; depth < 0 {
				s.ok = s.ok && s.at > begin
				return
			}
		case separator:
			if depth == 0 {
				s.ok = s.ok && s.at > begin
				return
			}
		}
		s.at++
	}
	s.ok = false
}

func (s *scanner) space() {
	for s.at < len(s.raw) && (s.raw[s.at] == ' ' || s.raw[s.at] == '\n' || s.raw[s.at] == '\t' || s.raw[s.at] == '\r') {
		s.at++
	}
}

// peek returns the next byte that is not white space, or zero.
func (s *scanner) peek() byte {
	if s.space(); s.at < len(s.raw) {
		return s.raw[s.at]
	}
	return 0
}

// take takes one byte, which must be c.
func (s *scanner) take(c byte) bool {
	s.ok = s.ok && s.peek() == c
	s.at++
	return s.ok
}

// maybe takes one byte if it is c.
func (s *scanner) maybe(c byte) bool {
	if s.ok && s.peek() == c {
		s.at++
		return true
	}
	return !s.ok
}

// closingQuote finds the end of a string of which b is the rest, or returns -1.
func closingQuote(b []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(b[from:], '"')
		if i < 0 {
			return -1
		}
		if !endsInEscape(b[from : from+i]) {
			return from + i
		}
		from += i + 1
	}
}

// endsInEscape reports whether b, which begins outside of an escape, ends in the
// backslash of one.
func endsInEscape(b []byte) bool {
	n := len(b)
	for n > 0 && b[n-1] == '\\' {
		n--
	}
	return (len(b)-n)%2 == 1
}
