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
	// Index yields the lines of the index. It is read once.
	Index iter.Seq2[archive.Entry, error]
	// Contents reads the archived objects.
	Contents Contents
}

// Contents reads members of an archive. *archive.Contents is one.
type Contents interface {
	// Member reads the member that holds e. Its error is ErrCorrupt when the
	// archive is at fault; any other is the store's.
	Member(ctx context.Context, e archive.Entry) (*archive.MemberData, error)
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
