// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/gopherwood/ark/engine"
)

const (
	// bufferSize is what a splitter starts with: most objects fit many times.
	bufferSize = 64 << 10
	// keepBuffer is the largest buffer that is used again.
	keepBuffer = 1 << 20
	// maxFields bounds the fields of a list, which has four.
	maxFields = 64
	// maxSpace bounds white space in a row. The API server sends none.
	maxSpace = 1 << 16
	// maxEmptyReads is how often a reader may return nothing and no error.
	maxEmptyReads = 100
)

// buffers holds the buffers of splitters that are done.
var buffers = sync.Pool{New: func() any { return new(make([]byte, bufferSize)) }}

// errEnd is the end of the response. One that a reader finds too early, or within the
// trailer of a compressed response, is none.
var errEnd = fmt.Errorf("the response ends: %w", io.ErrUnexpectedEOF)

// listMeta is the metadata of a list.
type listMeta struct {
	ResourceVersion    string `json:"resourceVersion"`
	Continue           string `json:"continue"`
	RemainingItemCount int64  `json:"remainingItemCount"`
}

// splitter takes a list apart while it arrives. It finds out where each item
// begins and ends and leaves its inside to others, so that the largest item
// bounds its memory. Items that are not JSON are passed on: whoever reads them
// notices.
//
// A failure to read is a *engine.RetryableError; any other error says that the
// response is not a list, and that asking again will not help.
type splitter struct {
	src    io.Reader
	pooled *[]byte
	// buf[pos:end] was read and not yet taken.
	buf      []byte
	pos, end int

	state  splitState
	first  bool // nothing precedes in the list or the items
	fields int
	items  bool // the items were found
	meta   *listMeta
}

type splitState int

const (
	beforeList splitState = iota
	inList
	inItems
	afterList
)

// newSplitter reads a list from src. It has to be closed.
func newSplitter(src io.Reader) *splitter {
	pooled := buffers.Get().(*[]byte) //nolint:forcetypeassert // nothing else is put into the pool
	return &splitter{src: src, pooled: pooled, buf: *pooled}
}

// close gives the buffer back. Items taken before are no longer valid.
func (s *splitter) close() {
	if cap(s.buf) <= keepBuffer {
		*s.pooled = s.buf
		buffers.Put(s.pooled)
	}
	s.buf = nil
}

// next returns the next item, which is valid until the next call, or io.EOF
// behind the list.
func (s *splitter) next() ([]byte, error) {
	for {
		switch s.state {
		case beforeList:
			if err := s.expect('{'); err != nil {
				return nil, err
			}
			s.state, s.first = inList, true
		case inList:
			if err := s.field(); err != nil {
				return nil, err
			}
		case inItems:
			item, err := s.item()
			if item != nil || err != nil {
				return item, err
			}
		case afterList:
			return nil, s.finish()
		}
	}
}

// field reads a field of the list, up to the first item of its items.
func (s *splitter) field() error {
	more, err := s.element('}')
	if err != nil {
		return err
	}
	if !more {
		s.state = afterList
		return nil
	}
	if s.fields++; s.fields > maxFields {
		return fmt.Errorf("the list has more than %d fields", maxFields)
	}
	name, err := s.name()
	if err != nil {
		return err
	}
	switch name {
	case "items":
		return s.startItems()
	case "metadata":
		return s.readMeta()
	default:
		_, err := s.value()
		return err
	}
}

// name reads the name of a field and the colon behind it.
func (s *splitter) name() (string, error) {
	if c, err := s.peek(); err != nil || c != '"' {
		return "", cmpErr(err, "the list has a field without a name")
	}
	raw, err := s.value()
	if err != nil {
		return "", err
	}
	var name string
	if err := json.Unmarshal(raw, &name); err != nil {
		return "", fmt.Errorf("read the name of a field of the list: %w", err)
	}
	return name, s.expect(':')
}

// startItems enters the items, which may be null when there are none.
func (s *splitter) startItems() error {
	if s.items {
		return errors.New("the list has items twice")
	}
	s.items = true
	c, err := s.peek()
	if err != nil {
		return err
	}
	if c == '[' {
		s.pos++
		s.state, s.first = inItems, true
		return nil
	}
	raw, err := s.value()
	if err == nil && !bytes.Equal(raw, []byte("null")) {
		err = errors.New("the items of the list are no array")
	}
	return err
}

// readMeta reads the metadata of the list.
func (s *splitter) readMeta() error {
	if s.meta != nil {
		return errors.New("the list has metadata twice")
	}
	raw, err := s.value()
	if err != nil {
		return err
	}
	var meta listMeta
	if err := json.Unmarshal(raw, &meta); err != nil {
		return fmt.Errorf("read the metadata of the list: %w", err)
	}
	s.meta = &meta
	return nil
}

// item reads an item, or the end of the items, which is nil.
func (s *splitter) item() ([]byte, error) {
	more, err := s.element(']')
	if err != nil {
		return nil, err
	}
	if !more {
		s.state, s.first = inList, false
		return nil, nil
	}
	if c, err := s.peek(); err != nil || c != '{' {
		return nil, cmpErr(err, "an item of the list is no object")
	}
	return s.value()
}

// finish checks that nothing follows the list.
func (s *splitter) finish() error {
	if !s.items {
		return errors.New("the response is no list: it has no items")
	}
	_, err := s.peek()
	if errors.Is(err, errEnd) {
		return io.EOF
	}
	return cmpErr(err, "something follows the list")
}

// element reports whether another element comes before closing, behind the
// comma if one is due.
func (s *splitter) element(closing byte) (bool, error) {
	c, err := s.peek()
	if err != nil {
		return false, err
	}
	if c == closing {
		s.pos++
		return false, nil
	}
	if !s.first {
		return true, s.expect(',')
	}
	s.first = false
	return true, nil
}

// expect takes one byte, which must be c.
func (s *splitter) expect(c byte) error {
	got, err := s.peek()
	if err != nil {
		return err
	}
	if got != c {
		return fmt.Errorf("the list has %q where %q belongs", got, c)
	}
	s.pos++
	return nil
}

// peek returns the next byte that is not white space, without taking it.
func (s *splitter) peek() (byte, error) {
	for range maxSpace {
		if s.pos == s.end {
			if err := s.fill(); err != nil {
				return 0, err
			}
		}
		switch c := s.buf[s.pos]; c {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return c, nil
		}
	}
	return 0, fmt.Errorf("the list has more than %d bytes of white space in a row", maxSpace)
}

// value takes a value and returns its bytes.
func (s *splitter) value() ([]byte, error) {
	c, err := s.peek()
	if err != nil {
		return nil, err
	}
	scan := nested{}
	for at := 0; ; {
		n, done := scan.step(s.buf[s.pos:s.end], at)
		if done && n == 0 {
			return nil, fmt.Errorf("the list has %q where a value belongs", c)
		}
		if done {
			raw := s.buf[s.pos : s.pos+n]
			s.pos += n
			return raw, nil
		}
		at = n
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
}

// classes says what a byte outside of strings does.
var classes = [256]byte{
	'"': quote, '{': opening, '[': opening, '}': closing, ']': closing,
	',': separator, ':': separator, ' ': separator, '\t': separator, '\r': separator, '\n': separator,
}

const (
	quote = 1 + iota
	opening
	closing
	separator
)

// nested finds the end of a value that arrives in parts.
type nested struct {
	depth             int
	inString, escaped bool
}

// step looks at window, which begins with the value, from at on. It returns the
// length of the value and true, or the length of window.
func (n *nested) step(window []byte, at int) (int, bool) {
	for ; at < len(window); at++ {
		if n.inString {
			if at = n.inside(window, at); !n.inString && n.depth == 0 {
				return at + 1, true
			}
			continue
		}
		switch classes[window[at]] {
		case quote:
			n.inString = true
		case opening:
			n.depth++
		case closing:
			if n.depth == 0 {
				return at, true // behind a number or a word
			}
			if n.depth--; n.depth == 0 {
				return at + 1, true
			}
		case separator:
			if n.depth == 0 {
				return at, true
			}
		}
	}
	return at, false
}

// inside takes the bytes of a string from at on, up to its end or that of window,
// and returns where the last of them is. Most bytes of most objects lie in strings.
func (n *nested) inside(window []byte, at int) int {
	if n.escaped {
		n.escaped = false
		return at
	}
	end := closingQuote(window[at:])
	if end < 0 {
		n.escaped = endsInEscape(window[at:])
		return len(window) - 1
	}
	n.inString = false
	return at + end
}

// fill reads more behind what was not yet taken.
func (s *splitter) fill() error {
	if s.pos > 0 {
		s.end = copy(s.buf, s.buf[s.pos:s.end])
		s.pos = 0
	}
	if s.end > maxObject {
		return fmt.Errorf("a part of the list is larger than %d bytes", maxObject)
	}
	if s.end == len(s.buf) {
		s.buf = slices.Grow(s.buf, len(s.buf))
		s.buf = s.buf[:cap(s.buf)]
	}
	for range maxEmptyReads {
		n, err := s.src.Read(s.buf[s.end:])
		s.end += n
		if n > 0 {
			return nil // an error comes again
		}
		if errors.Is(err, io.EOF) {
			return &engine.RetryableError{Err: errEnd}
		}
		if err != nil {
			return &engine.RetryableError{Err: err}
		}
	}
	return &engine.RetryableError{Err: io.ErrNoProgress}
}

// cmpErr returns err, or where there is none an error of its own.
func cmpErr(err error, otherwise string) error {
	if err != nil {
		return err
	}
	return errors.New(otherwise)
}
