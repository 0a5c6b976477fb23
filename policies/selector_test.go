// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/collect"
)

var (
	deployments = engine.Resource{Group: "apps", Version: "v1", Name: "deployments", Kind: "Deployment", Namespaced: true}
	secrets     = engine.Resource{Version: "v1", Name: "secrets", Kind: "Secret", Namespaced: true}
	configMaps  = engine.Resource{Version: "v1", Name: "configmaps", Kind: "ConfigMap", Namespaced: true}
	bindings    = engine.Resource{Group: "rbac.authorization.k8s.io", Version: "v1", Name: "clusterrolebindings", Kind: "ClusterRoleBinding"}

	shop = &collect.Namespace{Name: "shop", Labels: map[string]string{"team": "web"}, Annotations: map[string]string{"tier": "1"}, Phase: "Active"}

	someFacts = BackupFacts{
		Name: "shop.daily-20261123030000", Policy: "shop", Schedule: "shop.daily",
		Cluster: Cluster{UID: "0b1f", Name: "prod"},
		Time:    time.Date(2026, 11, 23, 4, 0, 0, 0, time.FixedZone("CET", 3600)),
	}
)

// object is one of type r whose JSON is raw.
func object(r engine.Resource, raw string) engine.Object {
	return engine.Object{Resource: r, Raw: []byte(raw), Meta: engine.Meta{Name: "web"}}
}

func mustSelector(t testing.TB, policies ...*Policy) *Selector {
	t.Helper()
	s, err := NewSelector(someFacts, policies...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// excludes is a module that gives code when all conditions hold.
func excludes(code string, conditions ...string) string {
	return fmt.Sprintf("package ark.select\n\nimport rego.v2\n\nexclude contains %q if {\n\t%s\n}\n", code, strings.Join(conditions, "\n\t"))
}

// fires reports whether a rule with these conditions fires for o.
func fires(t *testing.T, o engine.Object, ns *collect.Namespace, conditions ...string) bool {
	t.Helper()
	s := mustSelector(t, mustCompile(t, inline(excludes("x", conditions...)), OptOut))
	ruling, err := s.Decide(t.Context(), o, ns)
	if err != nil {
		t.Fatal(err)
	}
	return len(ruling.Exclude) == 1
}

func TestRulesSeeTheDocumentOfTheContract(t *testing.T) {
	const deployment = `{"apiVersion":"apps/v1","kind":"Deployment",
		"metadata":{"name":"web","labels":{"a":"b"},"managedFields":[{"manager":"kubectl"}],
			"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}"}},
		"spec":{"replicas":9007199254740993},"status":null}`
	const want = `{
		"contract": "v1",
		"backup": {"name": "shop.daily-20261123030000", "policy": "shop", "schedule": "shop.daily",
			"time": "2026-11-23T03:00:00Z", "cluster": {"uid": "0b1f", "name": "prod"}},
		"resource": {"group": "apps", "version": "v1", "resource": "deployments", "kind": "Deployment",
			"key": "deployments.apps", "namespaced": true},
		"namespace": {"name": "shop", "labels": {"team": "web"}, "annotations": {"tier": "1"}, "phase": "Active"},
		"object": {"metadata": {"name": "web", "labels": {"a": "b"},
				"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}},
			"spec": {"replicas": 9007199254740993}, "status": null}
	}`
	if !fires(t, object(deployments, deployment), shop, "input == "+want) {
		t.Error("the input is not what the contract says")
	}
	if !fires(t, object(bindings, `{"metadata":{"name":"b"},"roleRef":{"name":"admin"},"subjects":[]}`), nil,
		`input.object == {"metadata": {"name": "b"}, "roleRef": {"name": "admin"}, "subjects": []}`,
		`input.resource == {"group": "rbac.authorization.k8s.io", "version": "v1", "resource": "clusterrolebindings", "kind": "ClusterRoleBinding", "key": "clusterrolebindings.rbac.authorization.k8s.io", "namespaced": false}`,
		"not input.namespace") {
		t.Error("the input of a cluster-scoped object is not what the contract says")
	}
}

func TestRulesNeverSeeTheDataOfSecretsAndConfigMaps(t *testing.T) {
	const canary = "canary-7f3a"
	raw := func(kind string) string {
		return strings.ReplaceAll(`{"apiVersion":"v1","kind":"`+kind+`","immutable":true,"type":"Opaque","spec":"CANARY",
			"metadata":{"name":"s","managedFields":[{"manager":"CANARY"}],
				"annotations":{"a":"b","kubectl.kubernetes.io/last-applied-configuration":"CANARY"}},
			"data":{"z":"CANARY","a":"CANARY"},"binaryData":{"m":"CANARY"},"stringData":{"a":"CANARY","b":"CANARY"}}`,
			"CANARY", canary)
	}
	shown := []string{
		`not contains(json.marshal(input), "canary")`,
		`input.object == {"immutable": true, "type": "Opaque", "dataKeys": ["a", "b", "m", "z"], "metadata": {"name": "s", "annotations": {"a": "b"}}}`,
	}
	for name, o := range map[string]engine.Object{
		"a Secret":                         object(secrets, raw("Secret")),
		"a ConfigMap":                      object(configMaps, raw("ConfigMap")),
		"a Secret whose JSON lacks a kind": object(secrets, strings.Replace(raw("Secret"), `"kind":"Secret",`, "", 1)),
		"a Secret under a foreign type":    object(deployments, raw("Secret")),
	} {
		t.Run(name, func(t *testing.T) {
			if !fires(t, o, shop, shown...) {
				t.Error("the input is not what the contract says")
			}
			// Also when the rules name the fields, and not the object as a whole.
			if fires(t, o, shop, "input.object.data") || !fires(t, o, shop, `"z" in input.object.dataKeys`, "not input.object.stringData") {
				t.Error("named fields are not what the contract says")
			}
		})
	}
}

func TestDecideUnitesAllRules(t *testing.T) {
	cluster := mustCompile(t, Set{
		Modules: []Source{{Rule: "a", Rego: excludes("both", "true") + "\nexclude contains \"cluster\"\n"}},
		Library: []LibraryUse{{Name: "select/opt-out-label"}},
	}, ClusterRules)
	own := mustCompile(t, Set{Modules: []Source{
		{Rule: "a", Rego: excludes("both", "true")},
		{Rule: "b", Rego: "package ark.select\n\ninclude contains \"web\" if input.namespace.labels.team == \"web\"\n"},
	}}, OptIn)
	s := mustSelector(t, cluster, own)
	got, err := s.Decide(t.Context(), object(deployments, `{"metadata":{"labels":{"ark.gopherwood.dev/exclude":"true"}}}`), shop)
	if err != nil {
		t.Fatal(err)
	}
	want := collect.Ruling{Include: []string{"web"}, Exclude: []string{"both", "cluster", "opted-out"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Decide() (-want +got):\n%s", diff)
	}
}

func TestPoliciesDoNotSeeEachOther(t *testing.T) {
	helper := func(value string) string {
		return "package ark.select\n\nlimit := " + value + "\n\nexclude contains \"limit-" + value + "\" if data.ark.select.limit == " + value + "\n"
	}
	s := mustSelector(t,
		mustCompile(t, inline(helper("1")), ClusterRules),
		mustCompile(t, inline(helper("2")), OptOut),
	)
	got, err := s.Decide(t.Context(), object(deployments, "{}"), shop)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(collect.Ruling{Exclude: []string{"limit-1", "limit-2"}}, got); diff != "" {
		t.Errorf("Decide() (-want +got):\n%s", diff)
	}
	lonely := inline("package ark.select\n\nexclude contains \"x\" if data.ark.select.limit == 1\n")
	if _, err := Compile(t.Context(), lonely, Options{Mode: OptOut}); err != nil {
		t.Fatal(err)
	}
	if fires(t, object(deployments, "{}"), shop, "data.ark.select.limit") {
		t.Error("a policy sees a helper of another")
	}
}

func TestNamespacesAreReadAgainWhenTheyAreOthers(t *testing.T) {
	s := mustSelector(t, mustCompile(t, inline(excludes("web", `input.namespace.labels.team == "web"`)), OptOut))
	for i, tc := range []struct {
		ns   *collect.Namespace
		want int
	}{{shop, 1}, {shop, 1}, {&collect.Namespace{Name: "shop"}, 0}, {&collect.Namespace{Name: "bank"}, 0}, {shop, 1}} {
		got, err := s.Decide(t.Context(), object(deployments, "{}"), tc.ns)
		if err != nil || len(got.Exclude) != tc.want {
			t.Errorf("Decide() %d = %v, %v, want %d codes", i, got, err, tc.want)
		}
	}
}

func TestWithoutSelectRulesNothingIsDecoded(t *testing.T) {
	gate := mustCompile(t, Set{Library: []LibraryUse{{Name: "restore/protected-namespaces"}}}, OptOut)
	got, err := mustSelector(t, gate).Decide(t.Context(), object(deployments, "no JSON"), shop)
	if err != nil || len(got.Exclude)+len(got.Include) > 0 {
		t.Errorf("Decide() = %v, %v", got, err)
	}
	s := mustSelector(t, mustCompile(t, inline(excludes("x", `input.resource.kind == "Deployment"`)), OptOut))
	if got, err = s.Decide(t.Context(), object(deployments, "no JSON"), shop); err != nil || len(got.Exclude) != 1 {
		t.Errorf("Decide() of rules that do not look at the object = %v, %v", got, err)
	}
}

func TestOneObjectsErrorIsItsOwn(t *testing.T) {
	s := mustSelector(t, mustCompile(t, inline(excludes("x", "to_number(input.object.spec.size) > 3")), OptOut))
	tests := map[string]struct{ raw, want string }{
		"no JSON":                       {"{", "decode object: unexpected end of JSON input"},
		"a number that is out of range": {`{"spec":1e99999999}`, "decode input.object: "},
		"a built-in that refuses":       {`{"spec":{"size":"big"}}`, "evaluate rules: r.rego:6: eval_builtin_error: to_number: "},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := s.Decide(t.Context(), object(deployments, tc.raw), shop)
			if !strings.HasPrefix(errorText(err), tc.want) {
				t.Errorf("Decide() error = %v, want %s", err, tc.want)
			}
		})
	}
	if got, err := s.Decide(t.Context(), object(deployments, `{"spec":{"size":"4"}}`), shop); err != nil || len(got.Exclude) != 1 {
		t.Errorf("Decide() of the next object = %v, %v", got, err)
	}
	for _, raw := range []string{`{"metadata":{},"data":[]}`, `{"metadata":7,"stringData":""}`} {
		seesKeys := mustSelector(t, mustCompile(t, inline(excludes("x", "input.object.dataKeys")), OptOut))
		if _, err := seesKeys.Decide(t.Context(), object(secrets, raw), shop); !strings.HasPrefix(errorText(err), "decode keys of ") {
			t.Errorf("Decide() of %s: %v", raw, err)
		}
	}
}

// endless is a rule that would run for ages when the object's name is "slow".
const endless = `package ark.select

exclude contains "x" if {
	input.object.metadata.name == "slow"
	n := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
	count([1 | n[_]; n[_]; n[_]; n[_]; n[_]; n[_]; n[_]; n[_]; n[_]; n[_]; n[_]; 1 == 2]) > 0
}

exclude contains "quick" if input.object.metadata.name == "quick"
`

func TestEndlessRulesAreStopped(t *testing.T) {
	s := mustSelector(t, mustCompile(t, inline(endless), OptOut))
	s.patience.first, s.patience.alone = 5*time.Millisecond, 20*time.Millisecond
	slow, quick := object(deployments, `{"metadata":{"name":"slow"}}`), object(deployments, `{"metadata":{"name":"quick"}}`)
	for i := range hopelessAfter + 2 {
		_, err := s.Decide(t.Context(), slow, shop)
		want := "evaluate rules: the rules took too long: more than 20ms"
		if i >= hopelessAfter {
			want = "evaluate rules: the rules took too long: more than 5ms" // nobody is given a second try any more
		}
		if errorText(err) != want || !overBudget(err) {
			t.Fatalf("Decide() %d error = %v, want %s", i, err, want)
		}
	}
	s.patience.first = time.Minute
	if got, err := s.Decide(t.Context(), quick, shop); err != nil || len(got.Exclude) != 1 {
		t.Errorf("Decide() of a quick object = %v, %v", got, err)
	}
}

func TestADecisionEndsWithItsContext(t *testing.T) {
	s := mustSelector(t, mustCompile(t, inline(endless), OptOut))
	s.patience.first = time.Hour // nothing but the context ends it
	slow := object(deployments, `{"metadata":{"name":"slow"}}`)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	for range 2 { // while it runs, and before it begins
		if _, err := s.Decide(ctx, slow, shop); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Decide() error = %v, want the context's", err)
		}
	}
}

func TestASecondTryRunsAlone(t *testing.T) {
	p := mustCompile(t, inline(endless), OptOut)
	s := mustSelector(t, p)
	s.patience.first, s.patience.alone = time.Nanosecond, time.Minute
	quick := object(deployments, `{"metadata":{"name":"quick"}}`)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				if got, err := s.Decide(t.Context(), quick, shop); err != nil || len(got.Exclude) != 1 {
					t.Errorf("Decide() = %v, %v", got, err)
				}
			}
		})
	}
	all.Wait()
}

func TestDecideIsSafeForConcurrentUse(t *testing.T) {
	s := mustSelector(t, mustCompile(t, Set{
		Modules: []Source{{Rule: "r", Rego: excludes("both", "some k, v in input.namespace.labels", "k == \"team\"", "v == \"web\"", "input.backup.cluster.name == \"prod\"")}},
		Library: []LibraryUse{{Name: "select/opt-out-label"}},
	}, OptOut))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			raw := fmt.Sprintf(`{"metadata":{"labels":{"ark.gopherwood.dev/exclude":"%t"}}}`, i%2 == 0)
			for range 50 {
				got, err := s.Decide(t.Context(), object(deployments, raw), shop)
				if err != nil || len(got.Exclude) != 1+(i+1)%2 {
					t.Errorf("Decide() = %v, %v", got, err)
				}
			}
		})
	}
	all.Wait()
}

func TestMissingPoliciesAreNotNoPolicy(t *testing.T) {
	if _, err := NewSelector(someFacts, nil); !errors.Is(err, errNoPolicy) {
		t.Errorf("NewSelector() error = %v, want %v", err, errNoPolicy)
	}
}

func BenchmarkDecide(b *testing.B) {
	raw, err := json.Marshal(deploymentOf(4 << 10))
	if err != nil {
		b.Fatal(err)
	}
	for name, set := range map[string]Set{
		"type and namespace": inline(excludes("x", `input.resource.kind == "Pod"`, `input.namespace.labels.team == "web"`)),
		"labels":             {Library: []LibraryUse{{Name: "select/opt-out-label"}}},
		"spec":               inline(excludes("x", "some c in input.object.spec.template.spec.containers", `endswith(c.image, ":latest")`)),
		"whole object":       inline(excludes("x", "count(input.object) > 30")),
	} {
		b.Run(name, func(b *testing.B) {
			s := mustSelector(b, mustCompile(b, set, OptOut))
			o := object(deployments, string(raw))
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Decide(b.Context(), o, shop); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// deploymentOf is a deployment of about size bytes, most of them in its spec.
func deploymentOf(size int) map[string]any {
	var env []any
	for i := range size / 64 {
		env = append(env, map[string]any{"name": fmt.Sprintf("SETTING_%03d", i), "value": strings.Repeat("v", 24)})
	}
	container := map[string]any{"name": "web", "image": "registry.example.org/web:1.2.3", "env": env}
	return map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment",
		"metadata": map[string]any{"name": "web", "namespace": "shop", "labels": map[string]any{"app": "web"}},
		"spec":     map[string]any{"replicas": 3, "template": map[string]any{"spec": map[string]any{"containers": []any{container}}}},
		"status":   map[string]any{"readyReplicas": 3},
	}
}
