// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// related remembers, by name only, what archived objects need. It is safe for
// concurrent use.
type related struct {
	mu sync.Mutex
	// needed are names by type, of cluster-scoped objects.
	needed map[schema.GroupResource]map[string]struct{}
	// accounts are the archived ServiceAccounts, and accountNamespaces where such lie.
	accounts          map[archive.Ref]struct{}
	accountNamespaces map[string]struct{}
}

func newRelated() *related {
	return &related{
		needed:            map[schema.GroupResource]map[string]struct{}{},
		accounts:          map[archive.Ref]struct{}{},
		accountNamespaces: map[string]struct{}{},
	}
}

func (r *related) need(t schema.GroupResource, name string) {
	if r.needed[t] == nil {
		r.needed[t] = map[string]struct{}{}
	}
	r.needed[t][name] = struct{}{}
}

// addType notes that an object of the type is archived. Whether a definition
// stands behind the type shows when definitions are listed: each is called as
// the type it defines.
func (r *related) addType(t engine.Resource) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.need(definitionsType, t.GroupResource().String())
}

// addNamespace notes that an object in the namespace is archived.
func (r *related) addNamespace(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.need(namespacesType, name)
}

// addObject notes what an archived object needs, or what it makes others needed by.
func (r *related) addObject(o engine.Object, refs []archive.Ref) {
	gr := o.Resource.GroupResource()
	if gr != accountsType && len(refs) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if gr == accountsType {
		r.accounts[accountRef(o.Meta.Namespace, o.Meta.Name)] = struct{}{}
		r.accountNamespaces[o.Meta.Namespace] = struct{}{}
	}
	for _, ref := range refs {
		t := schema.GroupResource{Group: ref.Group, Resource: ref.Resource}
		if t == volumesType || t == clusterRolesType || t == definitionsType || classTypes[t] {
			r.need(t, ref.Name)
		}
	}
}

func accountRef(namespace, name string) archive.Ref {
	return archive.Ref{Resource: accountsType.Resource, Namespace: namespace, Name: name}
}

// needsType reports whether any object of a type can be needed.
func (r *related) needsType(t schema.GroupResource) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t == clusterRoleBindingsType || t == definitionsType {
		return len(r.accounts) > 0 || len(r.needed[t]) > 0
	}
	return len(r.needed[t]) > 0
}

// needs reports whether an archived object needs the cluster-scoped object o.
func (r *related) needs(o engine.Object, refs []archive.Ref) bool {
	gr := o.Resource.GroupResource()
	r.mu.Lock()
	defer r.mu.Unlock()
	if gr == clusterRoleBindingsType {
		return slices.ContainsFunc(refs, r.isArchivedAccount)
	}
	_, needed := r.needed[gr][o.Meta.Name]
	return needed || gr == definitionsType && slices.ContainsFunc(refs, r.isOfOperator)
}

// isArchivedAccount reports whether a reference is to an archived ServiceAccount,
// or to a group that the API server puts one into: that of all, or of a namespace.
func (r *related) isArchivedAccount(ref archive.Ref) bool {
	if (schema.GroupResource{Group: ref.Group, Resource: ref.Resource}) != groupsType {
		_, archived := r.accounts[ref]
		return archived
	}
	if ref.Name == allAccounts {
		return len(r.accounts) > 0
	}
	_, archived := r.accountNamespaces[strings.TrimPrefix(ref.Name, accountsOfPlace)]
	return archived
}
