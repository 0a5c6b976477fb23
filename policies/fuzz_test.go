// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/gopherwood/ark/engine/restore"
)

// FuzzCompile feeds arbitrary text to the compiler, and what compiles to the
// evaluator. Neither may panic, and evaluation keeps to its time. OPA iterates maps,
// so that coverage varies: fuzz with -fuzzminimizetime 1x, or it only minimizes.
func FuzzCompile(f *testing.F) {
	for _, rule := range library() {
		f.Add(rule.rego)
	}
	f.Add("")
	f.Add(endless)
	f.Add("package ark.select\n\nexclude[\"x\"] if true\n")
	f.Add("package ark.select\n\nimport rego.v2\n\nexclude contains \"x\" if not { input.object.spec }\n")
	f.Add("# METADATA\n# title: [\npackage ark.select\n\nexclude contains \"x\"\n")
	f.Add("package ark.restore\n\ndeny contains {\"code\": \"x\", \"msg\": $\"{input.restore.name}\"}\n")
	f.Fuzz(func(t *testing.T, rego string) {
		p, err := Compile(t.Context(), inline(rego), Options{Mode: OptOut})
		var list Errors
		if (p == nil) == (err == nil) || (err != nil && !errors.As(err, &list)) {
			t.Fatalf("Compile() = %v, %v", p, err)
		}
		if err != nil {
			return
		}
		s := mustSelector(t, p)
		s.patience.alone = firstLimit
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, _ = s.Decide(ctx, object(deployments, `{"metadata":{"name":"web"},"spec":{"replicas":3}}`), shop)
		g := mustGates(t, someRestore, false, GateRules{Rules: p})
		g.patience.alone, g.requestTime = firstLimit, firstLimit
		_, _ = g.Request(ctx, somePlan)
		_, _ = g.Object(ctx, restore.Candidate{Object: object(deployments, "{}")})
		if ctx.Err() != nil {
			t.Error("evaluation did not keep to its time")
		}
	})
}

// FuzzObject feeds arbitrary bytes to the reader of objects.
func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"metadata":{"name":"web","annotations":null},"spec":{"n":1e400},"data":{"a":"b"}}`))
	f.Add([]byte(`{"kind":"Secret","data":null,"stringData":[]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		o := object(configMaps, string(raw))
		v, err := objectValue(o, objectFields{All: true})
		if (v == nil) == (err == nil) {
			t.Fatalf("objectValue() = %v, %v", v, err)
		}
	})
}
