// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/selection"
)

var accountType = schema.GroupResource{Resource: "serviceaccounts"}

// addRelated pulls in the cluster-scoped objects that the selected ones need, and
// those that these need in turn: the volume of a claim, the definition of a
// custom resource, the classes that an object names, the bindings of a service account and
// their roles, the definitions of an operator, owners. They are shared by all of the cluster: unless the request asks for them itself, they are
// only made where they are missing.
func (p *planner) addRelated() {
	if p.sel.ClusterScope() == selection.ClusterScopeNone {
		return
	}
	for i := 0; i < len(p.selected); i++ { // selected grows meanwhile
		for _, needed := range p.neededBy(p.selected[i]) {
			if !p.plan.restores(needed.source) {
				needed.related = !p.asksFor(needed)
				p.plan.bySource[needed.source] = needed
				p.selected = append(p.selected, needed)
			}
		}
	}
}

// asksFor reports whether the request names the type of a cluster-scoped object and
// nothing else of it rules the object out.
func (p *planner) asksFor(it *item) bool {
	return it.named && p.sel.MatchesLabels(it.entry.Labels) && (len(p.names) == 0 || p.names.Match(it.entry.Name))
}

// neededBy returns the cluster-scoped objects of the backup that it needs.
func (p *planner) neededBy(it *item) []*item {
	var needed []*item
	add := func(found *item) {
		if found != nil && !isNamespace(&found.entry) {
			needed = append(needed, found)
		}
	}
	for _, ref := range it.entry.Needs {
		add(p.cluster[refKey(ref)])
	}
	for _, owner := range it.entry.Owners {
		add(p.clusterUIDs[owner.UID])
	}
	add(p.cluster[definitionOf(&it.entry)])
	if it.source.GroupResource == accountType {
		for _, of := range [][]*item{
			p.bindings[it.source], p.groupBindings[it.source.Namespace], p.groupBindings[""], p.definitions[it.source.Namespace],
		} {
			for _, object := range of {
				add(object)
			}
		}
	}
	return needed
}

// accountGroup returns the namespace whose service accounts a needed group stands
// for, or "" for that of all service accounts: see "Service account tokens" in
// Kubernetes' page on authenticating.
func accountGroup(ref archive.Ref) (namespace string, ok bool) {
	const all = "system:serviceaccounts"
	if refKey(ref).GroupResource != (schema.GroupResource{Group: "rbac.authorization.k8s.io", Resource: "groups"}) {
		return "", false
	}
	if ref.Name == all {
		return "", true
	}
	namespace, ok = strings.CutPrefix(ref.Name, all+":")
	return namespace, ok && namespace != ""
}

// namespaceKey is the key of the Namespace of that name.
func namespaceKey(name string) engine.Key {
	return engine.Key{GroupResource: namespaceType, Name: name}
}
