// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/policies"
)

// BenchmarkDecide compares a decision within this process with one in another:
// asked one at a time, by four lists at a time as a backup does, and by many, which
// share messages and wake-ups as batches would.
func BenchmarkDecide(b *testing.B) {
	raw, err := json.Marshal(deployment(4 << 10))
	if err != nil {
		b.Fatal(err)
	}
	pool := New(DefaultLimits())
	b.Cleanup(pool.Close)
	ns := &collect.Namespace{Name: "shop", Labels: map[string]string{"team": "web"}, Phase: "Active"}
	o := engine.Object{
		Resource: engine.Resource{Group: "apps", Version: "v1", Name: "deployments", Kind: "Deployment", Namespaced: true},
		Raw:      raw, Meta: engine.Meta{Name: "web", Namespace: "shop"},
	}
	for _, rules := range []struct{ name, condition string }{
		{"type and namespace", "input.namespace.labels.team == \"web\""},
		{"labels", "input.object.metadata.labels.app == \"web\""},
		{"spec", "some c in input.object.spec.template.spec.containers\n\tendswith(c.image, \":latest\")"},
		{"whole object", "count(input.object) > 30"},
	} {
		set := module("package ark.select\n\nexclude contains \"x\" if {\n\t" + rules.condition + "\n}\n")
		here, err := policies.Compile(b.Context(), set, policies.Options{Mode: policies.OptOut})
		if err != nil {
			b.Fatal(err)
		}
		there, err := pool.Compile(b.Context(), set, policies.Options{Mode: policies.OptOut})
		if err != nil {
			b.Fatal(err)
		}
		for _, at := range []struct {
			name   string
			policy *policies.Policy
		}{{"within", here}, {"child", there}} {
			for _, lists := range []int{1, 4, 32} {
				b.Run(fmt.Sprintf("%s/%s/%d", rules.name, at.name, lists), func(b *testing.B) {
					s, err := policies.NewSelector(policies.BackupFacts{Name: "b"}, at.policy)
					if err != nil {
						b.Fatal(err)
					}
					decide(b, s, o, ns, lists)
				})
			}
		}
	}
}

func decide(b *testing.B, s *policies.Selector, o engine.Object, ns *collect.Namespace, lists int) {
	b.Helper()
	var all sync.WaitGroup
	for i := range lists {
		all.Go(func() {
			for range (b.N + i) / lists {
				if _, err := s.Decide(b.Context(), o, ns); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// deployment is one of about size bytes, most of them in its spec.
func deployment(size int) map[string]any {
	var env []any
	for i := range size / 64 {
		env = append(env, map[string]any{"name": fmt.Sprintf("SETTING_%03d", i), "value": strings.Repeat("v", 24)})
	}
	container := map[string]any{"name": "web", "image": "registry.example.org/web:1.2.3", "env": env}
	return map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": "web", "namespace": "shop", "labels": map[string]any{"app": "web"}},
		"spec":     map[string]any{"replicas": 3, "template": map[string]any{"spec": map[string]any{"containers": []any{container}}}},
	}
}

func module(rego string) policies.Set {
	return policies.Set{Modules: []policies.Source{{Rule: "r", Rego: rego}}}
}
