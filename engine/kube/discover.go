// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"

	"github.com/gopherwood/ark/engine"
)

// needed are the verbs without which a type can neither be backed up nor
// restored.
var needed = []string{"list", "get", "create", "delete"}

// Discover implements engine.Discoverer. It asks for aggregated discovery, one
// request for all groups, and falls back to one request for each where the API
// server has none.
func (c *Cluster) Discover(ctx context.Context) (engine.Discovery, error) {
	groups, lists, err := c.discovery.ServerGroupsAndResourcesWithContext(ctx)
	broken, partly := discovery.GroupDiscoveryFailedErrorGroups(err)
	if err != nil && !partly {
		return engine.Discovery{}, fmt.Errorf("discover types: %w", fromDiscovery(ctx, err))
	}
	served := index(lists)
	found := engine.Discovery{}
	for _, g := range groups {
		found.Resources = append(found.Resources, resources(g, served)...)
	}
	slices.SortFunc(found.Resources, func(a, b engine.Resource) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Name, b.Name))
	})
	for _, gv := range slices.SortedFunc(maps.Keys(broken), func(a, b schema.GroupVersion) int {
		return cmp.Compare(a.String(), b.String())
	}) {
		found.Broken = append(found.Broken, engine.BrokenGroup{GroupVersion: gv.String(), Err: broken[gv]})
	}
	return found, nil
}

// index finds the resources of a group version, those with a slash in their
// name, which are subresources, included.
func index(lists []*metav1.APIResourceList) map[string]map[string]metav1.APIResource {
	served := make(map[string]map[string]metav1.APIResource, len(lists))
	for _, l := range lists {
		byName := make(map[string]metav1.APIResource, len(l.APIResources))
		for _, r := range l.APIResources {
			byName[r.Name] = r
		}
		served[l.GroupVersion] = byName
	}
	return served
}

// resources are the types of a group, each in the first version that has the
// verbs we need: the group's preferred one, if it has the type, else the one that
// the API server puts before the others.
func resources(g *metav1.APIGroup, served map[string]map[string]metav1.APIResource) []engine.Resource {
	versions := versionsOf(g)
	found := map[string]*engine.Resource{}
	for _, v := range versions {
		inVersion := served[v.GroupVersion]
		for name, r := range inVersion {
			if strings.Contains(name, "/") || found[name] != nil || !usable(r) {
				continue
			}
			all := engine.Resource{
				Group: g.Name, Name: name, Kind: r.Kind, Singular: r.SingularName, ShortNames: r.ShortNames, Namespaced: r.Namespaced,
				Versions: servedIn(name, v.Version, versions, served), StatusVersions: servedIn(name+"/status", "", versions, served),
			}
			first := all.In(v.Version)
			found[name] = &first
		}
	}
	all := make([]engine.Resource, 0, len(found))
	for _, r := range found {
		all = append(all, *r)
	}
	return all
}

// usable reports whether a type has the verbs we need.
func usable(r metav1.APIResource) bool {
	for _, verb := range needed {
		if !slices.Contains(r.Verbs, verb) {
			return false
		}
	}
	return true
}

// versionsOf are the versions of a group, the preferred one first.
func versionsOf(g *metav1.APIGroup) []metav1.GroupVersionForDiscovery {
	versions := make([]metav1.GroupVersionForDiscovery, 0, len(g.Versions))
	for _, v := range g.Versions {
		if v == g.PreferredVersion {
			versions = slices.Insert(versions, 0, v)
		} else {
			versions = append(versions, v)
		}
	}
	return versions
}

// servedIn are the versions in which a type or subresource is served, the one that is
// used, if any, first.
func servedIn(
	name, used string, versions []metav1.GroupVersionForDiscovery, served map[string]map[string]metav1.APIResource,
) []string {
	var in []string
	if used != "" {
		in = append(in, used)
	}
	for _, v := range versions {
		if _, ok := served[v.GroupVersion][name]; ok && v.Version != used {
			in = append(in, v.Version)
		}
	}
	return in
}
