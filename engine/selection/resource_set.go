// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package selection

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
)

// ResourceSet is a list of patterns, resolved against the types that there are.
// A name that several groups have means all of them. A short name counts only
// where no type goes by that name in full, as in kubectl. It is safe for
// concurrent use.
type ResourceSet struct {
	patterns []ResourcePattern
	// resolved says of each known type how the patterns reach it.
	resolved  map[schema.GroupResource]reach
	unmatched []string
}

// reach is how patterns reach a type; a greater one says more.
type reach int

const (
	notReached reach = iota
	byWildcard
	byName
)

// NewResourceSet parses patterns and resolves them. Its errors name the entry,
// as field[index].
func NewResourceSet(field string, patterns []string, resources []engine.Resource) (*ResourceSet, error) {
	s := &ResourceSet{resolved: make(map[schema.GroupResource]reach, len(resources))}
	for _, r := range resources {
		s.resolved[r.GroupResource()] = notReached
	}
	for i, written := range patterns {
		p, err := ParseResourcePattern(written)
		if err != nil {
			return nil, fmt.Errorf("%s[%d]: %q %w", field, i, written, err)
		}
		s.patterns = append(s.patterns, p)
		matched := resolve(p, resources)
		if len(matched) == 0 {
			s.unmatched = append(s.unmatched, unmatchedText(field, p, resources))
		}
		for _, gr := range matched {
			s.resolved[gr] = max(s.resolved[gr], p.reach())
		}
	}
	return s, nil
}

// resolve finds the types that p names, by full names first.
func resolve(p ResourcePattern, resources []engine.Resource) []schema.GroupResource {
	var full, short []schema.GroupResource
	for _, r := range resources {
		switch {
		case p.matchesName(r):
			full = append(full, r.GroupResource())
		case p.matchesShortName(r):
			short = append(short, r.GroupResource())
		}
	}
	if len(full) > 0 {
		return full
	}
	return short
}

// Empty reports whether the set has no patterns at all.
func (s *ResourceSet) Empty() bool { return len(s.patterns) == 0 }

// Contains reports whether a pattern of the set names r. A type that was not
// known when the set was made is matched by its own names.
func (s *ResourceSet) Contains(r engine.Resource) bool { return s.reach(r) != notReached }

// Names reports whether r was asked for by name, and not only as one of all or
// of a group's.
func (s *ResourceSet) Names(r engine.Resource) bool { return s.reach(r) == byName }

func (s *ResourceSet) reach(r engine.Resource) reach {
	if known, ok := s.resolved[r.GroupResource()]; ok {
		return known
	}
	best := notReached
	for _, p := range s.patterns {
		if p.Matches(r) {
			best = max(best, p.reach())
		}
	}
	return best
}

// Unmatched tells, a sentence each, which patterns name no type, and which
// types are called nearly so.
func (s *ResourceSet) Unmatched() []string { return slices.Clone(s.unmatched) }
