// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package selection

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
)

// ClusterScope says which cluster-scoped objects a template covers. A Namespace
// is not one of them: it goes with what lies in it.
type ClusterScope int

const (
	// ClusterScopeRelated covers those that the selected objects need.
	ClusterScopeRelated ClusterScope = iota
	// ClusterScopeAll covers all, within the covered types and labels.
	ClusterScopeAll
	// ClusterScopeNone covers none.
	ClusterScopeNone
)

// String is the name of the scope, for logs and decisions.
func (s ClusterScope) String() string {
	switch s {
	case ClusterScopeRelated:
		return "Related"
	case ClusterScopeAll:
		return "All"
	case ClusterScopeNone:
		return "None"
	}
	return fmt.Sprintf("ClusterScope(%d)", int(s))
}

// namespaces is the type whose objects are covered by their own name.
var namespaces = schema.GroupResource{Resource: "namespaces"}

// Selection is a Template, checked and compiled. It is safe for concurrent use.
type Selection struct {
	includedNamespaces Globs
	excludedNamespaces Globs
	includedResources  *ResourceSet
	excludedResources  *ResourceSet
	selectors          []labels.Selector
	scope              ClusterScope
	unmatched          []string
}

// New compiles t for the types that a cluster serves, or that a backup holds:
// of the latter only group, name, kind and scope are known, and that is enough.
// Errors name the field and the entry.
func New(t Template, resources []engine.Resource) (*Selection, error) {
	s := &Selection{selectors: slices.Clone(t.Selectors)}
	var err error
	if s.includedNamespaces, err = newNamespaceGlobs("includedNamespaces", t.IncludedNamespaces); err != nil {
		return nil, err
	}
	if s.excludedNamespaces, err = newNamespaceGlobs("excludedNamespaces", t.ExcludedNamespaces); err != nil {
		return nil, err
	}
	if s.includedResources, err = NewResourceSet("includedResources", t.IncludedResources, resources); err != nil {
		return nil, err
	}
	if s.excludedResources, err = NewResourceSet("excludedResources", t.ExcludedResources, resources); err != nil {
		return nil, err
	}
	if i := slices.Index(t.Selectors, nil); i >= 0 {
		return nil, fmt.Errorf("selectors[%d]: is nil: leave it out to match everything", i)
	}
	s.scope = clusterScope(t.ClusterResources, s.AllNamespaces())
	s.unmatched = slices.Concat(s.includedResources.Unmatched(), s.excludedResources.Unmatched(), s.outOfScope(resources))
	return s, nil
}

// Check finds what New would refuse whatever types there are.
func (t Template) Check() error {
	_, err := New(t, nil)
	return err
}

// newNamespaceGlobs refuses what can be part of no namespace's name, because
// such a pattern would silently match nothing.
func newNamespaceGlobs(field string, patterns []string) (Globs, error) {
	globs, err := NewGlobs(field, patterns)
	if err != nil {
		return nil, err
	}
	for i, p := range patterns {
		if strings.Trim(p, "abcdefghijklmnopqrstuvwxyz0123456789-*?") != "" {
			return nil, fmt.Errorf("%s[%d]: %q matches no namespace: names have lower case letters, digits and \"-\"", field, i, p)
		}
	}
	return globs, nil
}

func clusterScope(asked *bool, allNamespaces bool) ClusterScope {
	switch {
	case asked == nil && !allNamespaces:
		return ClusterScopeRelated
	case asked == nil || *asked:
		return ClusterScopeAll
	default:
		return ClusterScopeNone
	}
}

// outOfScope tells which types are named one by one, but are cluster-scoped
// where the template does not cover cluster-scoped objects.
func (s *Selection) outOfScope(resources []engine.Resource) []string {
	if s.scope == ClusterScopeAll {
		return nil
	}
	var texts []string
	for _, p := range s.includedResources.patterns {
		if p.name == "*" {
			continue
		}
		for _, gr := range resolve(p, resources) {
			i := slices.IndexFunc(resources, func(r engine.Resource) bool { return r.GroupResource() == gr })
			if !resources[i].Namespaced && gr != namespaces {
				texts = append(texts, fmt.Sprintf("includedResources: %q is cluster-scoped, and such objects are covered only "+
					"where selected ones need them: set includeClusterResources to true", p.written))
			}
		}
	}
	return texts
}

// Unmatched tells, a sentence each, what of the template can have no effect:
// patterns that name no type, with near misses, and cluster-scoped types named
// where such objects are not covered.
func (s *Selection) Unmatched() []string { return slices.Clone(s.unmatched) }

// ClusterScope says which cluster-scoped objects are covered.
func (s *Selection) ClusterScope() ClusterScope { return s.scope }

// AllNamespaces reports whether every namespace is covered, whatever its name.
func (s *Selection) AllNamespaces() bool {
	return len(s.excludedNamespaces) == 0 &&
		(len(s.includedNamespaces) == 0 || slices.ContainsFunc(s.includedNamespaces, Glob.MatchesAll))
}

// CoversNamespace reports whether the namespace of that name is covered.
func (s *Selection) CoversNamespace(name string) bool {
	return (len(s.includedNamespaces) == 0 || s.includedNamespaces.Match(name)) && !s.excludedNamespaces.Match(name)
}

// NamedNamespaces returns, sorted, the covered namespaces that the template
// names without a glob; they need not exist. only says that no others are covered.
func (s *Selection) NamedNamespaces() (names []string, only bool) {
	only = len(s.includedNamespaces) > 0
	for _, g := range s.includedNamespaces {
		switch {
		case !g.Exact():
			only = false
		case s.CoversNamespace(g.pattern):
			names = append(names, g.pattern)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), only
}

// CoversResource reports whether objects of the type are covered in their own
// right. Where cluster-scoped ones are covered is for ClusterScope to say.
func (s *Selection) CoversResource(r engine.Resource) bool {
	return (s.includedResources.Empty() || s.includedResources.Contains(r)) && !s.ExcludesResource(r)
}

// ExcludesResource reports whether the template rules the type out, so that not
// even objects that others need are covered.
func (s *Selection) ExcludesResource(r engine.Resource) bool { return s.excludedResources.Contains(r) }

// NamesResource reports whether the template asks for the type by name, and not
// only as one of all or of a group's. What is left out by default is wanted then.
func (s *Selection) NamesResource(r engine.Resource) bool {
	return s.includedResources.Names(r) && !s.ExcludesResource(r)
}

// MatchesLabels reports whether an object with these labels is covered.
func (s *Selection) MatchesLabels(of map[string]string) bool {
	return len(s.selectors) == 0 || slices.ContainsFunc(s.selectors, func(sel labels.Selector) bool {
		return sel.Matches(labels.Set(of))
	})
}

// LabelSelector returns a selector that an API server can apply, or nil: it
// knows no alternatives, so there is one only when the template has one.
func (s *Selection) LabelSelector() labels.Selector {
	if len(s.selectors) == 1 && !s.selectors[0].Empty() {
		return s.selectors[0]
	}
	return nil
}
