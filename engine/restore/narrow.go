// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"slices"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/selection"
)

// read adds the lines that the request concerns. Of an index of a million lines,
// the restore of one object so reads a few thousand.
func (p *planner) read(ctx context.Context, index Index, archivedTypes []engine.Resource) error {
	archivedIn, leftOut, known := index.Namespaces()
	for _, name := range archivedIn {
		p.sources[name] = true
	}
	n := newNarrowing(p, slices.Concat(archivedIn, leftOut), archivedTypes)
	for e, err := range index.Lines(ctx, n.wants) {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.add(e); err != nil {
			return err
		}
	}
	if !known {
		return nil
	}
	return n.readControllers(ctx, index)
}

// narrowing says which parts of an index a plan needs.
type narrowing struct {
	*planner

	// folders are the covered namespaces, each with a slash behind it, in the order
	// in which parts compare.
	folders []string
	// exact are the names asked for; none when one of them is a glob.
	exact []string
	// types are the archived ones.
	types map[schema.GroupResource]engine.Resource
}

func newNarrowing(p *planner, namespaces []string, archivedTypes []engine.Resource) *narrowing {
	n := &narrowing{planner: p, types: map[schema.GroupResource]engine.Resource{}}
	for _, t := range archivedTypes {
		n.types[t.GroupResource()] = t
	}
	named, _ := p.sel.NamedNamespaces()
	for _, name := range slices.Concat(namespaces, named) {
		if p.sel.CoversNamespace(name) {
			n.folders = append(n.folders, name+"/")
		}
	}
	slices.Sort(n.folders)
	n.folders = slices.Compact(n.folders)
	if !slices.ContainsFunc(p.names, func(g selection.Glob) bool { return !g.Exact() }) {
		n.exact = p.req.Names
	}
	return n
}

// wants reports whether the plan needs a part. All cluster-scoped ones it does,
// because anything may need them.
func (n *narrowing) wants(part archive.Part) bool {
	switch {
	case n.req.Existing == ExistingRecreate:
		return true // what owns others is never recreated, and any line can tell
	case !part.Namespaced():
		return part.Type() == namespaceType || n.sel.ClusterScope() != selection.ClusterScopeNone
	}
	return n.sel.CoversResource(n.typeOf(part.Type())) && n.mayHold(part)
}

// mayHold reports whether a part can have what the request names in the
// namespaces that it covers.
func (n *narrowing) mayHold(part archive.Part) bool {
	from := sort.Search(len(n.folders), func(i int) bool {
		return n.folders[i] > part.First || strings.HasPrefix(part.First, n.folders[i])
	})
	for _, folder := range n.folders[from:] {
		switch {
		case folder > part.Last:
			return false
		case len(n.exact) == 0:
			return true
		case slices.ContainsFunc(n.exact, func(name string) bool { return part.MayHold(strings.TrimSuffix(folder, "/"), name) }):
			return true
		}
	}
	return false
}

// typeOf returns a type by the names that the target, or else the archive, knows
// it by.
func (n *narrowing) typeOf(t schema.GroupResource) engine.Resource {
	if r, ok := n.catalog.served[t]; ok {
		return r
	}
	if r, ok := n.types[t]; ok {
		return r
	}
	return engine.Resource{Group: t.Group, Name: t.Resource}
}

// readControllers reads, for the lineage alone, the lines of what controls the
// selected objects: whether one is remade by a controller, its owner tells, of
// which the request need not cover the type.
func (n *narrowing) readControllers(ctx context.Context, index Index) error {
	asked := map[place]bool{}
	for {
		missing := map[place]bool{}
		for _, it := range n.selected {
			for _, at := range n.unknownControllers(&it.entry) {
				if !asked[at] {
					asked[at], missing[at] = true, true
				}
			}
		}
		if len(missing) == 0 {
			return nil
		}
		for e, err := range index.Lines(ctx, func(part archive.Part) bool { return mayHoldAny(part, missing) }) {
			if err != nil {
				return err
			}
			n.lineage.add(&e)
		}
	}
}

// place is a type in a namespace.
type place struct {
	schema.GroupResource

	namespace string
}

func mayHoldAny(part archive.Part, places map[place]bool) bool {
	for at := range places {
		if part.Type() == at.GroupResource && part.MayHoldNamespace(at.namespace) {
			return true
		}
	}
	return false
}

// unknownControllers says where the lines are that tell whether an object is remade.
func (n *narrowing) unknownControllers(e *archive.Entry) []place {
	if e.Namespace == "" {
		return nil
	}
	var places []place
	if groupResource(e) == (schema.GroupResource{Resource: "endpoints"}) {
		slices := schema.GroupResource{Group: "discovery.k8s.io", Resource: "endpointslices"}
		places = append(places, place{slices, e.Namespace})
	}
	kind, unknown := n.lineage.unknownController(e)
	if !unknown {
		return places
	}
	if r, served := n.catalog.kinds[kind]; served {
		places = append(places, place{r.GroupResource(), e.Namespace})
	}
	for _, t := range n.types {
		if t.Group == kind.Group && t.Kind == kind.Kind {
			places = append(places, place{t.GroupResource(), e.Namespace})
		}
	}
	return places
}

// unknownController returns the kind of the first in the line of an object's
// controllers that was not read, if what was read does not tell whether the
// object is remade.
func (l *lineage) unknownController(e *archive.Entry) (schema.GroupKind, bool) {
	uid, kind := controllerOf(e)
	if !isMade(e, kind) {
		return schema.GroupKind{}, false
	}
	if _, read := l.remakers[uid]; read {
		uid, kind = l.maker(e)
	}
	for range len(remakers) {
		if uid == "" || !slices.Contains(remakers, kind) {
			return schema.GroupKind{}, false
		}
		r, ok := l.remakers[uid]
		if !ok {
			return kind, true
		}
		if r.included {
			return schema.GroupKind{}, false
		}
		uid, kind = r.controller, r.controllerKind
	}
	return schema.GroupKind{}, false
}
