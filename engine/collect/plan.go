// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/selection"
)

// Types that others are related to.
var (
	namespacesType = schema.GroupResource{Resource: "namespaces"}
	accountsType   = schema.GroupResource{Resource: "serviceaccounts"}
	claimsType     = schema.GroupResource{Resource: "persistentvolumeclaims"}
	volumesType    = schema.GroupResource{Resource: "persistentvolumes"}

	rolesType               = schema.GroupResource{Group: rbacGroup, Resource: "roles"}
	roleBindingsType        = schema.GroupResource{Group: rbacGroup, Resource: "rolebindings"}
	clusterRolesType        = schema.GroupResource{Group: rbacGroup, Resource: "clusterroles"}
	groupsType              = schema.GroupResource{Group: rbacGroup, Resource: "groups"}
	clusterRoleBindingsType = schema.GroupResource{Group: rbacGroup, Resource: "clusterrolebindings"}

	definitionsType = schema.GroupResource{Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"}
)

const rbacGroup = "rbac.authorization.k8s.io"

// servedTwice maps types whose objects another type, if there is one and it is
// covered, serves too. An Event of events.k8s.io is an Event of the core group with other names
// for its fields. Types that are mere projections, such as componentstatuses,
// cannot be created, and so are not discovered at all.
var servedTwice = map[schema.GroupResource]schema.GroupResource{
	{Group: "events.k8s.io", Resource: "events"}: {Resource: "events"},
}

// task is one type to list.
type task struct {
	resource engine.Resource
	// ownRight says that the template covers objects of the type. Without it, only
	// those that others need are archived.
	ownRight bool
}

// stages are the types to list: the objects of a stage may need objects of a later one
// only, but for volumes and their claims.
type stages [4][]task

// plan decides on every type, and puts those to list into stages.
func (r *run) plan(resources []engine.Resource) (all stages, err error) {
	for _, resource := range resources {
		code := r.judgeType(resources, resource)
		related := code != "" && r.mayBeRelated(resource, code)
		if err := archive.CheckType(resource.Group, resource.Version, resource.Name, resource.Kind); err != nil && (code == "" || related) {
			code, related = CodeTypeNotArchivable, false
			r.report.Results.Warn(archive.Message{
				Object: resource.GroupResource().String(), Code: code,
				Message: fmt.Sprintf("nothing of it is in the backup, which cannot hold such a type: %v", err),
			})
		}
		if err := r.opts.Decisions.ofType(resource, code, related); err != nil {
			return all, err
		}
		if code != "" && !related {
			continue
		}
		stage := stageOf(resource)
		all[stage] = append(all[stage], task{resource: resource, ownRight: code == ""})
	}
	return all, nil
}

func stageOf(r engine.Resource) int {
	switch gr := r.GroupResource(); {
	case r.Namespaced:
		return 0
	case gr == definitionsType:
		return 3
	case gr == namespacesType, gr == clusterRolesType, classTypes[gr]:
		return 2
	default:
		return 1
	}
}

// judgeType returns why the template covers no objects of a type in their own
// right, or nothing when it does.
func (r *run) judgeType(all []engine.Resource, t engine.Resource) string {
	if other, twice := servedTwice[t.GroupResource()]; twice && slices.ContainsFunc(all, func(o engine.Resource) bool {
		return o.GroupResource() == other && r.judgeType(all, o) == ""
	}) {
		return CodeServedTwice
	}
	clusterScoped := !t.Namespaced && t.GroupResource() != namespacesType
	switch {
	case r.selection.ExcludesResource(t):
		return CodeTypeExcluded
	case clusterScoped && r.selection.ClusterScope() != selection.ClusterScopeAll:
		return CodeClusterScoped
	case !r.selection.CoversResource(t):
		return CodeTypeNotIncluded
	}
	return ""
}

// mayBeRelated reports whether objects of a type that is not covered are still
// pulled in where others need them.
func (r *run) mayBeRelated(t engine.Resource, code string) bool {
	if code == CodeTypeExcluded || code == CodeServedTwice {
		return false
	}
	switch gr := t.GroupResource(); {
	case gr == namespacesType:
		return true
	case gr == volumesType, gr == clusterRoleBindingsType, gr == clusterRolesType, gr == definitionsType, classTypes[gr]:
		return r.selection.ClusterScope() != selection.ClusterScopeNone
	}
	return false
}
