// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore"
)

var (
	someRestore = RestoreFacts{
		Name: "shop-20261123120000",
		Backup: RestoredBackup{
			Name: "shop.daily-20261123030000", Cluster: Cluster{UID: "0b1f", Name: "prod"},
			Age: 9*time.Hour + time.Millisecond, Completeness: "Partial", Policy: "shop",
			Verification: "Unsigned", Claimed: map[string]any{"tool": "ark v1"},
		},
		Target: Cluster{UID: "77aa", Name: "stage"},
		Time:   time.Date(2026, 11, 23, 13, 0, 0, 0, time.FixedZone("CET", 3600)),
	}
	somePlan = restore.Summary{
		Actions: map[string]map[restore.Action]int64{"deployments.apps": {restore.ActionCreate: 3, restore.ActionKeep: 1}},
		Namespaces: []restore.TargetNamespace{
			{Name: "shop-copy", Source: "shop"},
			{Name: "bank", Source: "bank", Exists: true, Labels: map[string]string{"team": "money"}, Annotations: map[string]string{"tier": "1"}},
		},
	}
	clusterRoles = engine.Resource{Group: "rbac.authorization.k8s.io", Version: "v1", Name: "clusterroles", Kind: "ClusterRole"}
)

func mustGates(t *testing.T, facts RestoreFacts, require bool, rules ...GateRules) *Gates {
	t.Helper()
	g, err := NewGates(facts, rules, require)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGatesSeeTheRequest(t *testing.T) {
	const want = `{
		"contract": "v1",
		"restore": {"name": "shop-20261123120000"},
		"backup": {"name": "shop.daily-20261123030000", "cluster": {"uid": "0b1f", "name": "prod"}, "age": 32400,
			"completeness": "Partial", "policy": "shop", "verification": "Unsigned", "claimed": {"tool": "ark v1"}},
		"target": {"cluster": {"uid": "77aa", "name": "stage"}, "time": "2026-11-23T12:00:00Z"},
		"plan": {
			"actions": {"deployments.apps": {"create": 3, "keep": 1}},
			"namespaces": [
				{"name": "shop-copy", "source": "shop", "exists": false, "labels": {}, "annotations": {}},
				{"name": "bank", "source": "bank", "exists": true, "labels": {"team": "money"}, "annotations": {"tier": "1"}}
			]
		}
	}`
	rules := mustCompile(t, inline("package ark.restore\n\nwarn contains {\"code\": \"same\", \"msg\": \"\"} if input == "+want+"\n"), OptOut)
	got, err := mustGates(t, someRestore, false, GateRules{Rules: rules}).Request(t.Context(), somePlan)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(restore.Verdict{Warn: []restore.Reason{{Code: "same"}}}, got); diff != "" {
		t.Errorf("Request() (-want +got):\n%s", diff)
	}
	absent := mustCompile(t, inline("package ark.restore\n\nwarn contains {\"code\": \"absent\", \"msg\": \"\"} if {\n\tnot input.backup.policy\n\tnot input.backup.claimed\n\tnot input.backup.cluster.uid\n}\n"), OptOut)
	got, err = mustGates(t, RestoreFacts{}, false, GateRules{Rules: absent}).Request(t.Context(), restore.Summary{})
	if err != nil || len(got.Warn) != 1 {
		t.Errorf("Request() about an unproven restore = %v, %v", got, err)
	}
}

func TestGatesSeeEachObject(t *testing.T) {
	const namespaced = `{
		"contract": "v1",
		"restore": {"name": "shop-20261123120000"},
		"backup": {"name": "shop.daily-20261123030000", "cluster": {"uid": "0b1f", "name": "prod"}, "age": 32400,
			"completeness": "Partial", "policy": "shop", "verification": "Unsigned", "claimed": {"tool": "ark v1"}},
		"resource": {"group": "", "version": "v1", "resource": "secrets", "kind": "Secret", "key": "secrets", "namespaced": true},
		"source": {"namespace": "bank", "name": "key"},
		"target": {"cluster": {"uid": "77aa", "name": "stage"}, "time": "2026-11-23T12:00:00Z", "name": "web",
			"namespace": {"name": "bank", "source": "bank", "exists": true, "labels": {"team": "money"}, "annotations": {"tier": "1"}}},
		"change": "update",
		"object": {"metadata": {"name": "web"}, "dataKeys": ["pin"]}
	}`
	rules := mustCompile(t, inline("package ark.restore_select\n\nskip contains \"same\" if input == "+namespaced+
		"\n\nskip contains \"cluster-scoped\" if {\n\tnot input.target.namespace\n\tnot input.source.namespace\n\tinput.source.name == \"admin\"\n}\n"), OptOut)
	g := mustGates(t, someRestore, false, GateRules{Policy: "shop", Rules: rules})
	secret := restore.Candidate{
		Object: object(secrets, `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"web"},"data":{"pin":"MTIzNA=="}}`),
		Source: engine.Key{GroupResource: secrets.GroupResource(), Namespace: "bank", Name: "key"},
		Action: restore.ActionUpdate, Target: &somePlan.Namespaces[1],
	}
	role := restore.Candidate{
		Object: object(clusterRoles, `{"metadata":{"name":"web"}}`),
		Source: engine.Key{GroupResource: clusterRoles.GroupResource(), Name: "admin"},
		Action: restore.ActionCreate,
	}
	for _, tc := range []struct {
		candidate restore.Candidate
		want      restore.Reason
	}{
		{secret, restore.Reason{Code: "same", Policy: "shop", Object: "secrets/web"}},
		{role, restore.Reason{Code: "cluster-scoped", Policy: "shop", Object: "clusterroles.rbac.authorization.k8s.io/web"}},
	} {
		got, err := g.Object(t.Context(), tc.candidate)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(restore.Ruling{Skip: []restore.Reason{tc.want}}, got); diff != "" {
			t.Errorf("Object() (-want +got):\n%s", diff)
		}
	}
}

func TestRequestGathersEveryReason(t *testing.T) {
	gate := func(body string) *Policy { return mustCompile(t, inline("package ark.restore\n\n"+body), OptOut) }
	protect := mustCompile(t, Set{Library: []LibraryUse{{Name: "restore/protected-namespaces", Parameters: map[string]any{"namespaces": []any{"bank"}}}}}, ClusterRules)
	selects := mustCompile(t, inline(someRules), OptOut)
	objects := mustCompile(t, Set{Library: []LibraryUse{{Name: "restore/foreign-cluster-rbac"}}}, ClusterRules)
	noGate := "no restore rule covers this restore: it is allowed as it is"
	tests := map[string]struct {
		rules   []GateRules
		require bool
		want    restore.Verdict
	}{
		"no policies at all": {
			want: restore.Verdict{Warn: []restore.Reason{{Code: "no-gate", Message: noGate}}},
		},
		"policies without restore rules": {
			rules: []GateRules{{Rules: mustCompile(t, Set{}, ClusterRules)}, {Policy: "shop", Rules: selects}},
			want:  restore.Verdict{Warn: []restore.Reason{{Code: "no-gate", Message: noGate}}},
		},
		"no restore rules where one is required": {
			rules: []GateRules{{Policy: "shop", Rules: selects}}, require: true,
			want: restore.Verdict{Deny: []restore.Reason{{Code: "no-gate", Message: "no restore rule covers this restore, and the Config requires one: add a rule to the Config or to a BackupPolicy that covers the target namespaces"}}},
		},
		"rules on objects are gates too": {
			rules: []GateRules{{Rules: objects}}, require: true,
		},
		"denials and warnings of several policies": {
			rules: []GateRules{
				{Rules: protect},
				{Policy: "a", Rules: gate("deny contains {\"code\": \"z\", \"msg\": \"last\"}\n\ndeny contains {\"code\": \"b\", \"msg\": msg} if {\n\tsome ns in input.plan.namespaces\n\tmsg := ns.name\n}\n")},
				{Policy: "b", Rules: gate("warn contains {\"code\": \"w\", \"msg\": 7}\n")},
			},
			want: restore.Verdict{
				Deny: []restore.Reason{
					{Code: "protected-namespace", Message: "namespace bank is protected: exclude it, or map it to another"},
					{Code: "b", Message: "bank", Policy: "a"}, {Code: "b", Message: "shop-copy", Policy: "a"},
					{Code: "z", Message: "last", Policy: "a"},
				},
				Warn: []restore.Reason{{Code: "w", Message: "7", Policy: "b"}},
			},
		},
		"a policy that does not compile denies, and the others are asked": {
			rules: []GateRules{{Policy: "a", Broken: errors.New("r.rego:1: no")}, {Policy: "b", Rules: gate("warn contains {\"code\": \"w\", \"msg\": \"m\"}\n")}},
			want: restore.Verdict{
				Deny: []restore.Reason{{Code: "policy-error", Message: "r.rego:1: no", Policy: "a"}},
				Warn: []restore.Reason{{Code: "w", Message: "m", Policy: "b"}},
			},
		},
		"a policy that is broken is a gate": {
			rules: []GateRules{{Policy: "a", Broken: errors.New("gone")}}, require: true,
			want: restore.Verdict{Deny: []restore.Reason{{Code: "policy-error", Message: "gone", Policy: "a"}}},
		},
		"a rule that fails denies": {
			rules: []GateRules{{Policy: "a", Rules: gate("warn contains {\"code\": \"w\", \"msg\": \"m\"} if to_number(input.restore.name) > 1\n")}},
			want: restore.Verdict{Deny: []restore.Reason{{
				Code: "policy-error", Policy: "a",
				Message: `evaluate rules: r.rego:3: eval_builtin_error: to_number: strconv.ParseFloat: parsing "shop-20261123120000": invalid syntax`,
			}}},
		},
		"messages are cut": {
			rules: []GateRules{{Rules: gate("warn contains {\"code\": \"w\", \"msg\": msg} if msg := sprintf(\"%2000d\", [1])\n")}},
			want:  restore.Verdict{Warn: []restore.Reason{{Code: "w", Message: strings.Repeat(" ", 1021) + "…"}}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := mustGates(t, someRestore, tc.require, tc.rules...).Request(t.Context(), somePlan)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("Request() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestObjectsAreSkippedAndDeniedWithTheTextOfTheRule(t *testing.T) {
	foreign := mustCompile(t, Set{Library: []LibraryUse{{Name: "restore/foreign-cluster-rbac"}}}, ClusterRules)
	own := mustCompile(t, inline("package ark.restore_select\n\n# METADATA\n# title: Roles\nskip contains \"roles\" if input.resource.kind == \"ClusterRole\"\n\ndeny contains \"plain\" if input.resource.kind == \"ClusterRole\"\n"), OptOut)
	g := mustGates(t, someRestore, false,
		GateRules{Rules: foreign}, GateRules{Policy: "shop", Rules: own}, GateRules{Policy: "gone", Broken: errors.New("gone")})
	if !g.PerObject() {
		t.Fatal("PerObject() = false")
	}
	about := "clusterroles.rbac.authorization.k8s.io/web"
	got, err := g.Object(t.Context(), restore.Candidate{Object: object(clusterRoles, "{}"), Action: restore.ActionCreate})
	if err != nil {
		t.Fatal(err)
	}
	want := restore.Ruling{
		Skip: []restore.Reason{{Code: "roles", Message: "Roles", Policy: "shop", Object: about}},
		Deny: []restore.Reason{
			{Code: "foreign-cluster-rbac", Message: foreign.Describe("foreign-cluster-rbac"), Object: about},
			{Code: "plain", Policy: "shop", Object: about},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Object() (-want +got):\n%s", diff)
	}
	if got, err = g.Object(t.Context(), restore.Candidate{Object: object(deployments, "{}"), Action: restore.ActionCreate}); err != nil || len(got.Deny)+len(got.Skip) > 0 {
		t.Errorf("Object() of a deployment = %v, %v", got, err)
	}
}

func TestGatesAreSafeForConcurrentUse(t *testing.T) {
	rules := mustCompile(t, inline("package ark.restore_select\n\nskip contains \"money\" if input.target.namespace.labels.team == \"money\"\n"), OptOut)
	g := mustGates(t, someRestore, false, GateRules{Rules: rules})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			c := restore.Candidate{Object: object(deployments, "{}"), Target: &somePlan.Namespaces[i%2]}
			for range 50 {
				got, err := g.Object(t.Context(), c)
				if err != nil || len(got.Skip) != i%2 {
					t.Errorf("Object() = %v, %v", got, err)
				}
			}
		})
	}
	all.Wait()
}

func TestWithoutObjectRulesNoObjectIsRead(t *testing.T) {
	protect := mustCompile(t, Set{Library: []LibraryUse{{Name: "restore/protected-namespaces"}}}, ClusterRules)
	g := mustGates(t, someRestore, false, GateRules{Rules: protect}, GateRules{Broken: errors.New("gone")})
	got, err := g.Object(t.Context(), restore.Candidate{Object: object(deployments, "no JSON")})
	if g.PerObject() || err != nil || len(got.Deny)+len(got.Skip) > 0 {
		t.Errorf("PerObject() = %t, Object() = %v, %v", g.PerObject(), got, err)
	}
}

func TestObjectsThatGatesCannotReadAreDenied(t *testing.T) {
	rules := mustCompile(t, inline("package ark.restore_select\n\nskip contains \"x\" if input.object.spec.size > 3\n"), OptOut)
	g := mustGates(t, someRestore, false, GateRules{Policy: "shop", Rules: rules})
	got, err := g.Object(t.Context(), restore.Candidate{Object: object(deployments, "{")})
	if err != nil {
		t.Fatal(err)
	}
	want := restore.Ruling{Deny: []restore.Reason{{
		Code: CodePolicyError, Message: "decode object: unexpected end of JSON input", Policy: "shop", Object: "deployments.apps/web",
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Object() (-want +got):\n%s", diff)
	}
}

const (
	endlessRequest = "package ark.restore\n\ndeny contains {\"code\": \"x\", \"msg\": \"y\"} if {\n" + endlessBody + "}\n"
	endlessObject  = "package ark.restore_select\n\ndeny contains \"x\" if {\n" + endlessBody + "}\n"
	endlessBody    = "\tn := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n\tcount([1 | n[_]; n[_]; n[_]; n[_]; n[_]; n[_]; n[_]; n[_]; n[_]; n[_]; n[_]; 1 == 2]) > 0\n"
)

func TestEndlessGatesDeny(t *testing.T) {
	rules := mustCompile(t, Set{Modules: []Source{{Rule: "a", Rego: endlessRequest}, {Rule: "b", Rego: endlessObject}}}, OptOut)
	g := mustGates(t, someRestore, false, GateRules{Policy: "shop", Rules: rules})
	g.requestTime, g.patience.first, g.patience.alone = 10*time.Millisecond, 5*time.Millisecond, 10*time.Millisecond
	denied := restore.Reason{Code: CodePolicyError, Message: "evaluate rules: the rules took too long: more than 10ms", Policy: "shop"}

	verdict, err := g.Request(t.Context(), somePlan)
	if diff := cmp.Diff(restore.Verdict{Deny: []restore.Reason{denied}}, verdict); diff != "" || err != nil {
		t.Errorf("Request() error %v (-want +got):\n%s", err, diff)
	}
	ruling, err := g.Object(t.Context(), restore.Candidate{Object: object(deployments, "{}")})
	denied.Object = "deployments.apps/web"
	if diff := cmp.Diff(restore.Ruling{Deny: []restore.Reason{denied}}, ruling); diff != "" || err != nil {
		t.Errorf("Object() error %v (-want +got):\n%s", err, diff)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Request(ctx, somePlan); !errors.Is(err, context.Canceled) {
		t.Errorf("Request() error = %v, want the context's", err)
	}
	if _, err := g.Object(ctx, restore.Candidate{Object: object(deployments, "{}")}); !errors.Is(err, context.Canceled) {
		t.Errorf("Object() error = %v, want the context's", err)
	}
}

func TestGatesRefuseWhatIsNoGate(t *testing.T) {
	rules := mustCompile(t, Set{}, OptOut)
	for name, r := range map[string]GateRules{
		"neither rules nor a reason": {Policy: "a"},
		"rules and a reason":         {Policy: "a", Rules: rules, Broken: errors.New("gone")},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewGates(someRestore, []GateRules{r}, false); !errors.Is(err, errGateRules) {
				t.Errorf("NewGates() error = %v, want %v", err, errGateRules)
			}
		})
	}
	odd := someRestore
	odd.Backup.Claimed = map[string]any{"f": func() {}}
	if _, err := NewGates(odd, nil, false); !strings.HasPrefix(errorText(err), "read what backup shop.daily-20261123030000 claims: ") {
		t.Errorf("NewGates() error = %v", err)
	}
}
