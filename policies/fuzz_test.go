// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"errors"
	"testing"
	"time"

	"github.com/gopherwood/ark/engine/restore"
)

// FuzzCompile feeds arbitrary text to the compiler, and what compiles to the
// evaluator. Neither may panic, and evaluation keeps to its time.
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
		before := time.Now()
		_, _ = s.Decide(t.Context(), object(deployments, `{"metadata":{"name":"web"},"spec":{"replicas":3}}`), shop)
		g := mustGates(t, someRestore, false, GateRules{Rules: p})
		g.patience.alone, g.requestTime = firstLimit, firstLimit
		_, _ = g.Request(t.Context(), somePlan)
		_, _ = g.Object(t.Context(), restore.Candidate{Object: object(deployments, "{}")})
		if took := time.Since(before); took > 5*time.Second {
			t.Errorf("evaluation took %v", took)
		}
	})
}

// FuzzObject feeds arbitrary bytes to the reader of objects.
func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"metadata":{"name":"web","annotations":null},"spec":{"n":1e400},"data":{"a":"b"}}`))
	f.Add([]byte(`{"kind":"Secret","data":null,"stringData":[]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		o := object(configMaps, string(raw))
		v, err := objectValue(o, objectFields{all: true})
		if (v == nil) == (err == nil) {
			t.Fatalf("objectValue() = %v, %v", v, err)
		}
	})
}
