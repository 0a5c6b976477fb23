// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/restore"
)

// passing are a definition and an object of it; KIND is the name of its type.
const passing = `
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: KINDs.NS.example}, spec: {group: NS.example, scope: Namespaced,
  names: {plural: KINDs, singular: KIND, kind: KIND, listKind: KINDList}, versions: [
  {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}
---
{apiVersion: NS.example/v1, kind: KIND, metadata: {namespace: NS, name: one}, spec: {k: v}}
`

// passingObjects are those of a type in the namespace of a case.
func passingObjects(t *testing.T, kind, ns string) []*object {
	t.Helper()
	return parse(t, strings.NewReplacer("KIND", kind, "NS", ns).Replace(passing))
}

// passingType is a type as YAML of a case.
func passingType(kind string) string { return strings.ReplaceAll(passing, "KIND", kind) }

// passingObstacles are types that are there during a part of a run only.
func passingObstacles() []hostileCase {
	return []hostileCase{
		{
			name: "Types that vanish and appear during the backup", setUp: passingType("lasting") + "---" + passingType("vanishing"),
			source: func(t *testing.T, s *stage, ns string) collect.Source {
				return collect.Source{Discoverer: s.reader, Historian: s.reader, Lister: &changing{Lister: s.reader, group: ns + ".example", change: func() {
					s.remove(t, passingObjects(t, "vanishing", ns)...)
					s.create(t, passingObjects(t, "appearing", ns)...)
					s.served(t, "vanishings", ns, false)
				}}}
			},
			named: []string{"vanishings.NS.example: list vanishings.NS.example in namespace NS: list vanishings.NS.example: the server could not find the requested resource"},
			told:  []told{{"lastings.NS.example/NS/one", restore.Created, ""}},
			so:    "what appears is in the next backup",
		},
		{
			name: "A type that vanishes during the restore", setUp: passingType("lasting") + "---" + passingType("vanishing"),
			set: func(req *restore.Request, _ string) {
				no := false
				req.Selection.ClusterResources = &no // or it comes back with its definition
			},
			target: func(t *testing.T, s *stage, ns string) restore.Target {
				return restore.Target{Discoverer: s.writer, Getter: s.writer, Writer: &changing{Writer: s.writer, group: ns + ".example", change: func() {
					s.remove(t, passingObjects(t, "vanishing", ns)...)
					s.served(t, "vanishings", ns, false)
				}}}
			},
			told: []told{
				{"lastings.NS.example/NS/one", restore.Created, ""},
				{"vanishings.NS.example/NS/one", restore.Failed, "the server could not find the requested resource"},
			},
			so: "a second restore brings it, with its definition",
			check: func(t *testing.T, s *stage, ns string, _ *restored) {
				if _, err := s.fetch(t.Context(), passingObjects(t, "vanishing", ns)[1]); !gone(err) {
					t.Errorf("the object of the type that vanished: %v", err)
				}
			},
		},
	}
}

// changing calls change once, ahead of the first list or create in a group.
type changing struct {
	engine.Lister
	engine.Writer

	group  string
	once   sync.Once
	change func()
}

func (c *changing) List(ctx context.Context, r engine.Resource, opts engine.ListOptions) iter.Seq2[engine.Object, error] {
	if r.Group == c.group {
		c.once.Do(c.change)
	}
	return c.Lister.List(ctx, r, opts)
}

func (c *changing) Create(ctx context.Context, r engine.Resource, namespace, manager string, raw []byte) (engine.Object, error) {
	if r.Group == c.group {
		c.once.Do(c.change)
	}
	return c.Writer.Create(ctx, r, namespace, manager, raw)
}

// served waits until a type is, or is not, among those that there are.
func (s *stage) served(t *testing.T, plural, ns string, want bool) {
	t.Helper()
	eventually(t, "serve "+plural, func(ctx context.Context) error {
		discovery, err := s.writer.Discover(ctx)
		if err != nil {
			return err
		}
		is := slices.ContainsFunc(discovery.Resources, func(r engine.Resource) bool { return r.Name == plural && r.Group == ns+".example" })
		if is != want {
			return fmt.Errorf("%s is served: %v", plural, is)
		}
		return nil
	})
}
