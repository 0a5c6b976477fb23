// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package selection

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxPatternLength is the length of the longest name an object can have: a
// longer pattern is a mistake, whatever it is.
const maxPatternLength = 253

// Glob matches names: "*" stands for any characters, also none, and "?" for one
// character. Everything else stands for itself. The zero Glob matches nothing.
type Glob struct{ pattern string }

// NewGlob checks and returns a glob of 1 to 253 bytes.
func NewGlob(pattern string) (Glob, error) {
	switch {
	case pattern == "":
		return Glob{}, errors.New("is empty: write a name, or \"*\" for all")
	case len(pattern) > maxPatternLength:
		return Glob{}, fmt.Errorf("has %d bytes: names have at most %d", len(pattern), maxPatternLength)
	case !utf8.ValidString(pattern):
		return Glob{}, errors.New("is not UTF-8")
	}
	return Glob{pattern: pattern}, nil
}

// String is the glob as it was written.
func (g Glob) String() string { return g.pattern }

// Exact reports whether the glob is a plain name.
func (g Glob) Exact() bool { return !strings.ContainsAny(g.pattern, "*?") }

// MatchesAll reports whether the glob matches every name.
func (g Glob) MatchesAll() bool { return g.pattern != "" && strings.Trim(g.pattern, "*") == "" }

// Match reports whether the glob matches the whole of name. Its time is bounded
// by the product of both lengths: there is no pattern that makes it explode.
func (g Glob) Match(name string) bool {
	if g.pattern == "" {
		return false
	}
	// On a mismatch, the last star takes one more character and matching goes on
	// behind it. Earlier stars need no second try.
	p, n := 0, 0
	star, taken := -1, 0
	for n < len(name) {
		switch {
		case p < len(g.pattern) && g.pattern[p] == '*':
			star, taken = p, n
			p++
		case p < len(g.pattern) && g.pattern[p] == '?':
			_, size := utf8.DecodeRuneInString(name[n:])
			p, n = p+1, n+size
		case p < len(g.pattern) && g.pattern[p] == name[n]:
			p, n = p+1, n+1
		case star >= 0:
			_, size := utf8.DecodeRuneInString(name[taken:])
			taken += size
			p, n = star+1, taken
		default:
			return false
		}
	}
	return strings.Trim(g.pattern[p:], "*") == ""
}

// Globs matches names against several globs.
type Globs []Glob

// NewGlobs checks the patterns of a list. Its errors name the entry, as
// field[index].
func NewGlobs(field string, patterns []string) (Globs, error) {
	globs := make(Globs, 0, len(patterns))
	for i, p := range patterns {
		g, err := NewGlob(p)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %q %w", field, i, p, err)
		}
		globs = append(globs, g)
	}
	return globs, nil
}

// Match reports whether one of the globs matches name.
func (gs Globs) Match(name string) bool {
	return slices.ContainsFunc(gs, func(g Glob) bool { return g.Match(name) })
}
