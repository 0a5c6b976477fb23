// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// Source is the backup that is restored. Nothing in it is trusted.
type Source struct {
	// Types are those of the archived objects, as far as the marker tells.
	Types []engine.Resource
	// Index is what the backup holds.
	Index Index
	// Contents reads the archived objects.
	Contents Contents
}

// Index reads lines of an index. *archive.Index is one.
type Index interface {
	// Namespaces returns the namespaces that archived objects lie in or are, and
	// those of which everything was left out. When it is not known, Lines yields all
	// lines whatever is wanted.
	Namespaces() (archived, leftOut []string, known bool)
	// Lines yields at least the lines of parts that are wanted; nil wants all.
	Lines(ctx context.Context, wanted func(archive.Part) bool) iter.Seq2[archive.Entry, error]
}

var _ Index = (*archive.Index)(nil)

// WholeIndex makes an Index of lines that can only be had all together.
type WholeIndex iter.Seq2[archive.Entry, error]

// Namespaces says that it is not known.
func (WholeIndex) Namespaces() (archived, leftOut []string, known bool) { return nil, nil, false }

// Lines yields all lines.
func (w WholeIndex) Lines(context.Context, func(archive.Part) bool) iter.Seq2[archive.Entry, error] {
	return iter.Seq2[archive.Entry, error](w)
}

// Contents reads members of an archive. *archive.Contents is one.
type Contents interface {
	// Members reads, in one request, the members that hold entries, each of which is
	// archive.InReach of those before it. It yields them in order. Its error is
	// ErrCorrupt, and about one member, when the archive is at fault; any other is the
	// store's and ends the sequence.
	Members(ctx context.Context, entries []archive.Entry) iter.Seq2[*archive.MemberData, error]
}

var _ Contents = (*archive.Contents)(nil)

// TypesOf returns the types that a marker says are archived, in order.
func TypesOf(m *archive.Marker) []engine.Resource {
	var types []engine.Resource
	for _, name := range slices.Sorted(maps.Keys(m.Resources)) {
		summary := m.Resources[name]
		plural, group, _ := strings.Cut(name, ".")
		types = append(types, engine.Resource{
			Group: group, Version: summary.Version, Name: plural, Kind: summary.Kind,
			Singular: strings.ToLower(summary.Kind), Namespaced: summary.Namespaced, Versions: []string{summary.Version},
		})
	}
	return types
}
