// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/restore"
)

// countedIndex counts the lines that were read.
type countedIndex struct {
	restore.Index

	lines int
}

func (x *countedIndex) Lines(ctx context.Context, wanted func(archive.Part) bool) iter.Seq2[archive.Entry, error] {
	return func(yield func(archive.Entry, error) bool) {
		for e, err := range x.Index.Lines(ctx, wanted) {
			x.lines++
			if !yield(e, err) {
				return
			}
		}
	}
}

// crowd is a cluster of many namespaces, each with a Deployment that owns a
// ReplicaSet that owns pods, and service accounts with bindings.
func crowd(t *testing.T) *fakeCluster {
	t.Helper()
	c := shop(t)
	for n := range 12 {
		ns := fmt.Sprintf("team-%02d", n)
		c.add(fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, ns))
		for i := range 5 {
			c.add(fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"config-%d","namespace":%q}}`, i, ns))
			c.add(fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web-%d","namespace":%q,"uid":"d-%d-%d"}}`, i, ns, n, i))
			owned := `{"apiVersion":%q,"kind":%q,"metadata":{"name":"web-%d%s","namespace":%q,"uid":"%s-%d-%d",` +
				`"ownerReferences":[{"apiVersion":"apps/v1","kind":%q,"name":"web","uid":"%s-%d-%d","controller":true}]}}`
			c.add(fmt.Sprintf(owned, "apps/v1", "ReplicaSet", i, "-a", ns, "r", n, i, "Deployment", "d", n, i))
			c.add(fmt.Sprintf(owned, "v1", "Pod", i, "-a-b", ns, "p", n, i, "ReplicaSet", "r", n, i))
		}
	}
	return c
}

func TestANarrowedPlanIsThePlanOfTheWholeIndex(t *testing.T) {
	yes, no := true, false
	for name, change := range map[string]func(*restore.Request){
		"everything":              func(*restore.Request) {},
		"one namespace":           func(r *restore.Request) { r.Selection.IncludedNamespaces = []string{"team-03"} },
		"namespaces by a pattern": func(r *restore.Request) { r.Selection.IncludedNamespaces = []string{"team-0?", "shop"} },
		"all but one namespace":   func(r *restore.Request) { r.Selection.ExcludedNamespaces = []string{"team-*"} },
		"a namespace that has a longer neighbour": func(r *restore.Request) {
			r.Selection.IncludedNamespaces = []string{"team-00"}
		},
		"one object": func(r *restore.Request) {
			r.Selection.IncludedNamespaces, r.Selection.IncludedResources = []string{"team-03"}, []string{"configmaps"}
			r.Names = []string{"config-2"}
		},
		"objects by a pattern": func(r *restore.Request) {
			r.Selection.IncludedNamespaces, r.Names = []string{"team-03"}, []string{"config-*", "web-1"}
		},
		"pods, whose owners are of other types": func(r *restore.Request) {
			r.Selection.IncludedNamespaces, r.Selection.ExcludedResources = []string{"team-03"}, []string{"deployments", "replicasets"}
			r.Names = []string{"web-1-a-b"}
		},
		"another namespace": func(r *restore.Request) {
			r.Selection.IncludedNamespaces, r.NamespaceMapping = []string{"shop"}, map[string]string{"shop": "copy"}
		},
		"cluster-scoped objects too": func(r *restore.Request) {
			r.Selection.IncludedNamespaces, r.Selection.ClusterResources = []string{"shop"}, &yes
		},
		"no cluster-scoped objects": func(r *restore.Request) {
			r.Selection.IncludedNamespaces, r.Selection.ClusterResources = []string{"shop"}, &no
		},
	} {
		t.Run(name, func(t *testing.T) {
			source, req := crowd(t), request()
			change(&req)
			src := backup(t, source)
			narrow := &countedIndex{Index: src.Index}
			whole := src
			whole.Index = restore.WholeIndex(src.Index.Lines(t.Context(), nil))
			src.Index = narrow
			created, skipped, _ := planned(t, newFakeCluster(t), req, src)
			wantCreated, wantSkipped, _ := planned(t, newFakeCluster(t), req, whole)
			for _, all := range []map[string][]string{skipped, wantSkipped} {
				for _, objects := range all {
					slices.Sort(objects)
				}
			}
			if diff := cmp.Diff(wantCreated, created); diff != "" {
				t.Errorf("created (-whole +narrow):\n%s", diff)
			}
			if diff := cmp.Diff(wantSkipped, skipped); diff != "" {
				t.Errorf("skipped (-whole +narrow):\n%s", diff)
			}
			if req.Names != nil && narrow.lines > 100 {
				t.Errorf("read %d lines for %v", narrow.lines, req.Names)
			}
		})
	}
}
