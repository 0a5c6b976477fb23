// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package contents shows what a backup holds: the lines of its index, and single
// objects of its archive.
package contents

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/selection"
)

// Outcome says which lines of an index are asked for.
type Outcome string

// The outcomes.
const (
	// Stored objects are in the archive.
	Stored Outcome = "stored"
	// Excluded objects were seen and left out.
	Excluded Outcome = "excluded"
	// Failed objects could not be read or decided on; they may be stored.
	Failed Outcome = "failed"
	// All is every object that was seen.
	All Outcome = "all"
)

// Outcomes are all of them.
var Outcomes = []Outcome{Stored, Excluded, Failed, All}

// Filter says which lines of an index to show.
type Filter struct {
	outcome   Outcome
	selection *selection.Selection
	names     selection.Globs
	types     map[schema.GroupResource]engine.Resource
}

// NewFilter returns a filter for a backup that holds these types. Its errors, and
// the sentences about what can match nothing, name the field of the template.
func NewFilter(t selection.Template, names []string, outcome Outcome, types []engine.Resource) (f *Filter, unmatched []string, err error) {
	f = &Filter{outcome: outcome, types: map[schema.GroupResource]engine.Resource{}}
	if f.selection, err = selection.New(t, types); err != nil {
		return nil, nil, err
	}
	if f.names, err = selection.NewGlobs("names", names); err != nil {
		return nil, nil, err
	}
	for _, r := range types {
		f.types[r.GroupResource()] = r
	}
	return f, f.selection.Unmatched(), nil
}

// Part reports whether a part of the index may have lines to show. So of a large
// index only what matters is read.
func (f *Filter) Part(p archive.Part) bool {
	r, known := f.types[p.Type()]
	return !known || f.selection.CoversResource(r)
}

// Shows reports whether to show a line.
func (f *Filter) Shows(e *archive.Entry) bool {
	switch f.outcome {
	case Stored:
		if e.SHA256 == "" {
			return false
		}
	case Excluded:
		if !e.Excluded {
			return false
		}
	case Failed:
		if e.Error == "" {
			return false
		}
	case All:
	}
	if !f.selection.CoversResource(TypeOf(e)) || !f.selection.MatchesLabels(e.Labels) {
		return false
	}
	if len(f.names) > 0 && !f.names.Match(e.Name) {
		return false
	}
	return f.covers(e)
}

// covers reports whether the namespace of an object is asked for. Cluster-scoped
// objects are shown with all namespaces, or where they are asked for.
func (f *Filter) covers(e *archive.Entry) bool {
	switch {
	case e.Namespaced:
		return f.selection.CoversNamespace(e.Namespace)
	case e.Group == "" && e.Resource == "namespaces":
		return f.selection.CoversNamespace(e.Name)
	default:
		return f.selection.ClusterScope() == selection.ClusterScopeAll
	}
}

// TypeOf is the type of the object of a line.
func TypeOf(e *archive.Entry) engine.Resource {
	return engine.Resource{Group: e.Group, Version: e.Version, Name: e.Resource, Kind: e.Kind, Namespaced: e.Namespaced}
}
