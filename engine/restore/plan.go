// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/restore/transform"
	"github.com/gopherwood/ark/engine/selection"
)

var (
	namespaceType = schema.GroupResource{Resource: "namespaces"}
	serviceType   = schema.GroupResource{Resource: "services"}
	volumeType    = schema.GroupResource{Resource: "persistentvolumes"}
	claimType     = schema.GroupResource{Resource: "persistentvolumeclaims"}
	configMapType = schema.GroupResource{Resource: "configmaps"}
	leaseType     = schema.GroupResource{Group: "coordination.k8s.io", Resource: "leases"}
	crdType       = schema.GroupResource{Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"}
)

// item is one object of a plan. Its fields down to layer are fixed once planned;
// the rest is written by the one worker that handles it, phase after phase.
type item struct {
	// entry is the index line. Labels, annotations and needs are dropped when the
	// plan is made: a plan holds all its items in memory.
	entry archive.Entry
	// resource is the type as the target serves it when the object is written, in the
	// archived version if it can; nil as long as only a CustomResourceDefinition of this
	// plan promises it. now is the type as it is served at present, or nil: what
	// definitions of this plan change is known when they are in.
	resource, now *engine.Resource
	source        engine.Key
	target        engine.Key
	// support marks a Namespace that is only there to hold others: one that exists
	// is left as it is.
	support bool
	// related says that only others need the object: one that exists is left as it is.
	related bool
	// named says that the request asks for the type by name.
	named bool
	layer int

	progress
}

// progress is what is known of an item so far.
type progress struct {
	// action is empty until it was looked up or carried out.
	action Action
	// gated is the action that the gate was asked about.
	gated    Action
	outcome  Outcome
	code     string
	messages []string
	// mention tells where the object as written names a namespace that is mapped from.
	mention string
	// refusal is why the API server refused the object first, and refusedAt how much this
	// restore had written by then.
	refusal   error
	refusedAt int64
	// earlier says that an earlier attempt of this restore has written the object.
	earlier bool
	// renamed says that the object has a name of its own in the target.
	renamed bool
	// settled says that the outcome is final. Others may look at this field only.
	settled atomic.Bool
}

// fromArchive reports whether the archive holds the object. A Namespace that it
// lacks is made from its name.
func (it *item) fromArchive() bool { return it.entry.SHA256 != "" }

// Plan is what a restore is going to do, in order.
type Plan struct {
	items []*item
	// skipped are the objects left out, and failed those that cannot be restored,
	// both for what the index says of them.
	skipped []*item
	failed  []*item
	// namespaces are those written into, by their names in the target.
	namespaces map[string]*TargetNamespace
	byUID      map[types.UID]*item
	bySource   map[engine.Key]*item
	lineage    *lineage
	catalog    *catalog
	warnings   []string
	// gates is the first layer of what answers requests about others.
	gates int
}

// Len is how many objects are to be written.
func (p *Plan) Len() int { return len(p.items) }

// restores reports whether the archived object with that key is restored.
func (p *Plan) restores(k engine.Key) bool {
	_, ok := p.bySource[k]
	return ok
}

// brings reports whether the archived object with that key is restored, as far as
// that is known: not one that failed, or whose place somebody else's has.
func (p *Plan) brings(k engine.Key) bool {
	it, ok := p.bySource[k]
	if !ok || !it.settled.Load() {
		return ok
	}
	return it.outcome == Created || it.outcome == Updated || it.outcome == Unchanged
}

// planner makes a plan while the index streams by.
type planner struct {
	req      *Request
	sel      *selection.Selection
	names    selection.Globs
	layers   *layers
	catalog  *catalog
	mapping  transform.Transformer
	plan     *Plan
	lineage  *lineage
	selected []*item
	// cluster are the cluster-scoped objects that could be needed, and clusterUIDs
	// the same by UID.
	cluster     map[engine.Key]*item
	clusterUIDs map[types.UID]*item
	// bindings are the ClusterRoleBindings by the service account that they bind.
	bindings map[engine.Key][]*item
	// groupBindings are those that bind all service accounts of a namespace, or of
	// all namespaces under the empty name.
	groupBindings map[string][]*item
	// definitions are those that belong to a namespace: of the operator that runs there.
	definitions map[string][]*item
	// sources are the archived namespaces.
	sources map[string]bool
}

// NewPlan reads what the request concerns of the index and decides what is
// restored, and where. A *RequestError says that the request and the backup do
// not fit each other.
func NewPlan(ctx context.Context, req *Request, target engine.Discovery, src Source) (*Plan, error) {
	p, err := newPlanner(req, target, src.Types)
	if err != nil {
		return nil, err
	}
	if err := p.read(ctx, src.Index, src.Types); err != nil {
		return nil, fmt.Errorf("plan restore: %w", err)
	}
	return p.finish()
}

func newPlanner(req *Request, target engine.Discovery, archivedTypes []engine.Resource) (*planner, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	c := newCatalog(target)
	known := slices.Clone(target.Resources)
	for _, r := range archivedTypes {
		if _, served := c.served[r.GroupResource()]; !served {
			known = append(known, r)
		}
	}
	sel, err := selection.New(req.Selection, known)
	if err != nil {
		return nil, refuse(CodeInvalidRequest, "%v", err)
	}
	names, err := selection.NewGlobs("names", req.Names)
	if err != nil {
		return nil, refuse(CodeInvalidRequest, "%v", err)
	}
	l, err := newLayers(req.RestoreOrder, known)
	if err != nil {
		return nil, err
	}
	lineage := newLineage()
	return &planner{
		req: req, sel: sel, names: names, layers: l, catalog: c,
		mapping: transform.Transformer{Namespaces: req.NamespaceMapping},
		lineage: lineage,
		plan: &Plan{
			namespaces: map[string]*TargetNamespace{}, byUID: map[types.UID]*item{}, bySource: map[engine.Key]*item{},
			lineage: lineage, catalog: c, warnings: sel.Unmatched(), gates: l.gates(),
		},
		cluster: map[engine.Key]*item{}, clusterUIDs: map[types.UID]*item{},
		bindings: map[engine.Key][]*item{}, groupBindings: map[string][]*item{}, definitions: map[string][]*item{}, sources: map[string]bool{},
	}, nil
}

// add judges one line of the index by itself.
func (p *planner) add(e archive.Entry) error {
	p.lineage.add(&e)
	p.noteNamespace(&e)
	r := p.catalog.typeOf(&e)
	covered := p.covers(&e, r)
	candidate := !e.Namespaced && p.sel.ClusterScope() != selection.ClusterScopeNone && !p.sel.ExcludesResource(r)
	if isNamespace(&e) {
		candidate = !p.sel.ExcludesResource(r)
	}
	if !covered && !candidate {
		return nil
	}
	it := &item{entry: e, source: e.Key(), target: p.targetOf(e.Key()), named: p.sel.NamesResource(r)}
	if code := p.skipCode(&e, it.named); code != "" {
		if covered {
			p.skip(it, code)
		}
		return nil
	}
	it.trim()
	it.layer = p.layers.of(r)
	if candidate {
		if p.cluster[it.source] != nil {
			return fmt.Errorf("%w: the index lists %s twice", engine.ErrCorrupt, it.source)
		}
		p.remember(it)
	}
	if covered {
		return p.choose(it)
	}
	return nil
}

// skipCode returns why an object cannot be restored whatever else is.
func (p *planner) skipCode(e *archive.Entry, named bool) string {
	if code := leftOutCode(e, named); code != "" {
		return code
	}
	if e.Excluded || e.SHA256 == "" {
		return CodeNotInBackup
	}
	return ""
}

// noteNamespace remembers which namespaces the backup holds anything of.
func (p *planner) noteNamespace(e *archive.Entry) {
	switch {
	case e.Excluded:
	case e.Namespaced:
		p.sources[e.Namespace] = true
	case isNamespace(e):
		p.sources[e.Name] = true
	}
}

// covers reports whether the request asks for the object in its own right.
func (p *planner) covers(e *archive.Entry, r engine.Resource) bool {
	if !p.sel.CoversResource(r) || !p.sel.MatchesLabels(e.Labels) || (len(p.names) > 0 && !p.names.Match(e.Name)) {
		return false
	}
	switch {
	case e.Namespaced:
		return p.sel.CoversNamespace(e.Namespace)
	case isNamespace(e):
		return p.sel.CoversNamespace(e.Name)
	}
	return p.sel.ClusterScope() == selection.ClusterScopeAll
}

// remember keeps a cluster-scoped object that others may turn out to need.
func (p *planner) remember(it *item) {
	p.cluster[it.source] = it
	if it.entry.UID != "" {
		p.clusterUIDs[it.entry.UID] = it
	}
	for _, n := range it.entry.Needs {
		if it.source.GroupResource == crdType && refKey(n).GroupResource == namespaceType {
			p.definitions[n.Name] = append(p.definitions[n.Name], it)
		}
		if it.source.Resource != "clusterrolebindings" {
			continue
		}
		if refKey(n).GroupResource == accountType {
			p.bindings[refKey(n)] = append(p.bindings[refKey(n)], it)
		}
		if namespace, ok := accountGroup(n); ok {
			p.groupBindings[namespace] = append(p.groupBindings[namespace], it)
		}
	}
}

// choose takes an object into the plan.
func (p *planner) choose(it *item) error {
	if other := p.plan.bySource[it.source]; other == it {
		return nil
	} else if other != nil {
		return fmt.Errorf("%w: the index lists %s twice", engine.ErrCorrupt, it.source)
	}
	p.plan.bySource[it.source] = it
	p.selected = append(p.selected, it)
	return nil
}

func (p *planner) skip(it *item, code string) {
	it.action, it.outcome, it.code = ActionSkip, Skipped, code
	it.forget()
	p.plan.skipped = append(p.plan.skipped, it)
}

// finish judges what only the whole index can tell.
func (p *planner) finish() (*Plan, error) {
	if err := p.checkSelection(); err != nil {
		return nil, err
	}
	p.dropRemade()
	p.addRelated()
	if err := p.checkMapping(); err != nil {
		return nil, err
	}
	if err := p.addNamespaces(); err != nil {
		return nil, err
	}
	p.resolveTypes()
	for _, it := range p.selected {
		if it.entry.UID != "" {
			p.plan.byUID[it.entry.UID] = it
		}
		it.forget()
	}
	slices.SortFunc(p.selected, inOrder)
	p.plan.items = p.selected
	return p.plan, nil
}

// trim drops what nobody needs once an entry was judged by itself: with labels and
// annotations of every object, a plan would take three times as much while it is made.
func (it *item) trim() {
	it.entry.Annotations, it.entry.Codes = nil, nil
	if it.entry.Namespaced && it.entry.Resource != "endpointslices" { // whose labels tell who made them
		it.entry.Labels = nil
	}
}

// forget drops what is not needed after planning.
func (it *item) forget() {
	it.entry.Labels, it.entry.Annotations, it.entry.Needs, it.entry.Codes = nil, nil, nil, nil
}

// inOrder compares by layer; within one by place in the archive, so that a
// member is read once for all of its objects.
func inOrder(a, b *item) int {
	return cmp.Or(
		cmp.Compare(a.layer, b.layer),
		cmp.Compare(a.entry.Member, b.entry.Member),
		cmp.Compare(a.entry.Offset, b.entry.Offset),
		strings.Compare(a.source.Namespace, b.source.Namespace),
		strings.Compare(a.source.Name, b.source.Name),
		strings.Compare(a.source.Resource, b.source.Resource),
		strings.Compare(a.source.Group, b.source.Group),
	)
}

// dropRemade leaves out what a controller makes from another archived object,
// unless the request names the type.
func (p *planner) dropRemade() {
	p.selected = slices.DeleteFunc(p.selected, func(it *item) bool {
		if it.named || !p.lineage.isRemade(&it.entry) {
			return false
		}
		delete(p.plan.bySource, it.source)
		p.skip(it, CodeRemade)
		return true
	})
}

// resolveTypes finds how the target serves each type. Of one whose
// CustomResourceDefinition is in the plan too, that has not been decided yet.
func (p *planner) resolveTypes() {
	p.selected = slices.DeleteFunc(p.selected, func(it *item) bool {
		r, err := p.catalog.resolve(&it.entry)
		it.resource, it.now = r, r
		if err == nil || p.plan.restores(definitionOf(&it.entry)) {
			return false
		}
		delete(p.plan.bySource, it.source)
		it.action, it.outcome, it.messages = ActionSkip, Failed, []string{err.Error()}
		it.forget()
		p.plan.failed = append(p.plan.failed, it)
		return true
	})
}

// definitionOf is the CustomResourceDefinition that an entry's type would have.
func definitionOf(e *archive.Entry) engine.Key {
	return engine.Key{GroupResource: crdType, Name: e.Resource + "." + e.Group}
}

func (p *planner) targetOf(k engine.Key) engine.Key {
	k.Namespace, k.Name = p.mapping.TargetOf(k)
	return k
}

func isNamespace(e *archive.Entry) bool { return groupResource(e) == namespaceType }

func refKey(r archive.Ref) engine.Key {
	return engine.Key{
		GroupResource: schema.GroupResource{Group: r.Group, Resource: r.Resource},
		Namespace:     r.Namespace, Name: r.Name,
	}
}
