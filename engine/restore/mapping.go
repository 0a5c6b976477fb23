// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/selection"
)

// maxSuggestions is how many near misses an error names.
const maxSuggestions = 3

// checkMapping refuses a mapping whose source is not there to be mapped: a
// restore into the place of the original is what nobody who maps wants.
func (p *planner) checkMapping() error {
	for _, source := range slices.Sorted(maps.Keys(p.req.NamespaceMapping)) {
		if !p.sources[source] {
			return refuse(CodeMappingSource, "namespaceMapping: the backup holds nothing of namespace %q%s", source, p.suggest(source))
		}
		if !p.sel.CoversNamespace(source) {
			return refuse(CodeMappingSource, "namespaceMapping: namespace %q is mapped but not selected: "+
				"add it to includedNamespaces, or take it out of excludedNamespaces", source)
		}
	}
	return nil
}

// checkSelection refuses a request that would succeed without having done what
// it says: a namespace that the backup lacks, or nothing at all.
func (p *planner) checkSelection() error {
	for _, name := range p.req.Selection.IncludedNamespaces {
		if glob, err := selection.NewGlob(name); err == nil && glob.Exact() && !p.sources[name] {
			return refuse(CodeInvalidRequest, "includedNamespaces: the backup holds nothing of namespace %q%s", name, p.suggest(name))
		}
	}
	if len(p.selected)+len(p.plan.skipped) == 0 {
		return refuse(CodeInvalidRequest, "nothing in the backup matches: see what it holds with \"ark backup contents\", "+
			"and mend includedNamespaces, includedResources, names or the label selectors")
	}
	return nil
}

// suggest names the archived namespaces that come closest to a name.
func (p *planner) suggest(name string) string {
	type near struct {
		name   string
		shared int
	}
	var found []near
	for source := range p.sources {
		if shared := sharedEnds(name, source); 2*shared >= len(name) {
			found = append(found, near{source, shared})
		}
	}
	if len(found) == 0 {
		return ": see what it holds with \"ark backup contents\""
	}
	slices.SortFunc(found, func(a, b near) int {
		return cmp.Or(cmp.Compare(b.shared, a.shared), strings.Compare(a.name, b.name))
	})
	names := make([]string, 0, maxSuggestions)
	for _, n := range found[:min(len(found), maxSuggestions)] {
		names = append(names, n.name)
	}
	return ": did you mean " + strings.Join(names, " or ") + "?"
}

// sharedEnds is how many bytes two names share at the beginning and the end.
func sharedEnds(a, b string) int {
	n := min(len(a), len(b))
	prefix := 0
	for prefix < n && a[prefix] == b[prefix] {
		prefix++
	}
	suffix := 0
	for suffix < n-prefix && a[len(a)-1-suffix] == b[len(b)-1-suffix] {
		suffix++
	}
	return prefix + suffix
}

// addNamespaces finds the namespaces that are written into, and adds what makes
// them: the archived Namespace, or a plain one.
func (p *planner) addNamespaces() error {
	origins := map[string]string{} // target to source
	for _, it := range p.selected {
		source, target := it.source.Namespace, it.target.Namespace
		if isNamespace(&it.entry) {
			source, target = it.source.Name, it.target.Name
		}
		if target == "" {
			continue
		}
		if other, ok := origins[target]; ok && other != source {
			first, second := min(other, source), max(other, source)
			return refuse(CodeMappingConflict, "namespaceMapping: the archived namespaces %q and %q would both be restored into %q: "+
				"map them to namespaces of their own, or leave one out with excludedNamespaces", first, second, target)
		}
		origins[target] = source
	}
	for _, target := range slices.Sorted(maps.Keys(origins)) {
		p.plan.namespaces[target] = &TargetNamespace{Name: target, Source: origins[target]}
		p.supportNamespace(origins[target], target)
	}
	return nil
}

// supportNamespace adds a Namespace that was not selected in its own right.
func (p *planner) supportNamespace(source, target string) {
	key := namespaceKey(source)
	if p.sel.ExcludesResource(engine.Resource{Version: "v1", Name: "namespaces", Kind: "Namespace", Singular: "namespace"}) {
		return
	}
	if chosen := p.plan.bySource[key]; chosen != nil {
		// The namespace mapped into may be somebody else's: it gets no labels of ours.
		chosen.support = source != target
		return
	}
	it := p.cluster[key]
	if it == nil {
		e := archive.Entry{Version: "v1", Resource: "namespaces", Kind: "Namespace", Name: source}
		it = &item{entry: e, source: key, target: namespaceKey(target), layer: p.layers.of(archived(&e))}
	}
	it.support = true
	p.plan.bySource[key] = it
	p.selected = append(p.selected, it)
}
