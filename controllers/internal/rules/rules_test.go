// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package rules_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/internal/rules"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/policies"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

// excluding is a module that leaves out objects of a kind.
func excluding(kind string) string {
	return fmt.Sprintf("package ark.select\n\n# METADATA\n# title: No %[1]s\n# description: Left out.\nexclude contains \"no-%[2]s\" if input.resource.kind == \"%[1]s\"\n",
		kind, strings.ToLower(kind))
}

const broken = "package ark.select\n\nexclude contains \"x\" if {\n\tinput.resource.kind = \n}\n"

func inline(name, rego string) v1alpha1.Rule { return v1alpha1.Rule{Name: name, Rego: rego} }

func policy(list ...v1alpha1.Rule) *v1alpha1.BackupPolicy {
	return &v1alpha1.BackupPolicy{ObjectMeta: metav1.ObjectMeta{Name: "shop"}, Spec: v1alpha1.BackupPolicySpec{Rules: list}}
}

// configMap creates a ConfigMap in the controllers' namespace, and removes the
// kept revisions too when the test ends.
func configMap(t *testing.T, c client.Client, name string, data map[string]string) *corev1.ConfigMap {
	t.Helper()
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: name}, Data: data}
	if err := c.Create(t.Context(), cm); err != nil {
		t.Fatal(err)
	}
	return cm
}

func loader(t *testing.T) (*rules.Loader, client.Client) {
	t.Helper()
	c := controllertest.Cluster(t)
	t.Cleanup(func() {
		if err := c.DeleteAllOf(context.WithoutCancel(t.Context()), &corev1.ConfigMap{}, client.InNamespace(labtest.Namespace)); err != nil {
			t.Error(err)
		}
	})
	as := controllertest.ServiceAccount(t)
	return &rules.Loader{Client: as.Direct, Writer: as.Cached, Namespace: labtest.Namespace, Compilations: rules.AtOnce()}, c
}

func mustLoad(t *testing.T, l *rules.Loader, p *v1alpha1.BackupPolicy) rules.Revision {
	t.Helper()
	revision, err := l.Policy(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

// wantStall fails the test unless err is a stall for PolicyInvalid with all parts
// in it.
func wantStall(t *testing.T, err error, parts ...string) {
	t.Helper()
	var known *step.Error
	if !errors.As(err, &known) || known.Reason != v1alpha1.PolicyInvalidReason || known.After != 0 {
		t.Fatalf("error = %v, want a stall for PolicyInvalid", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error = %s\n want %s in it", err, part)
		}
	}
}

func TestRulesComeFromEverywhere(t *testing.T) {
	l, c := loader(t)
	configMap(t, c, "team", map[string]string{
		"a.rego": excluding("Event"), "a_test.rego": broken, "README": "not Rego",
	})
	revision := mustLoad(t, l, policy(
		inline("own", excluding("Pod")),
		v1alpha1.Rule{Name: "team", ConfigMap: &v1alpha1.ConfigMapRules{Name: "team"}},
		v1alpha1.Rule{
			Name: "label", Library: "select/opt-out-label",
			Parameters: &runtime.RawExtension{Raw: []byte(`{"key":"example.org/skip"}`)},
		},
	))
	if diff := cmp.Diff([]string{"namespace-opted-out", "no-event", "no-pod", "opted-out"}, revision.Policy.Codes()); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	want := &v1alpha1.PolicyRevision{Digest: revision.Policy.Digest(), Rules: 3}
	if diff := cmp.Diff(want, revision.Status()); diff != "" || revision.Stale != nil || revision.Mode != policies.OptOut {
		t.Errorf("revision = %v, stale %v, mode %s (-want +got):\n%s", revision.Status(), revision.Stale, revision.Mode, diff)
	}
}

func TestNoRulesDecideNothing(t *testing.T) {
	l, _ := loader(t)
	revision := mustLoad(t, l, policy())
	if revision.Policy == nil || revision.Policy.HasSelect() || revision.Status() != nil {
		t.Errorf("revision = %+v, want one without rules", revision)
	}
	if err := l.Keep(t.Context(), revision); err != nil {
		t.Errorf("Keep() of nothing: %v", err)
	}
}

func TestWhoseRulesTheyAreMatters(t *testing.T) {
	l, _ := loader(t)
	including := "package ark.select\n\n# METADATA\n# title: T\n# description: D\ninclude contains \"all\" if input.resource.kind\n"
	optIn := policy(inline("own", including))
	optIn.Spec.Selection = v1alpha1.SelectionOptIn
	if got := mustLoad(t, l, optIn); got.Mode != policies.OptIn {
		t.Errorf("mode = %s", got.Mode)
	}
	_, err := l.Policy(t.Context(), policy(inline("own", including)))
	wantStall(t, err, "own.rego:6")
	_, err = l.Cluster(t.Context(), &v1alpha1.Config{Spec: v1alpha1.ConfigSpec{Rules: []v1alpha1.Rule{inline("own", including)}}})
	wantStall(t, err, "own.rego:6")
}

func TestRulesThatCannotBeUsedAreNamed(t *testing.T) {
	l, c := loader(t)
	team := configMap(t, c, "team", map[string]string{"a.rego": excluding("Event")})
	configMap(t, c, "empty", map[string]string{"a_test.rego": excluding("Event")})
	configMap(t, c, "bad", map[string]string{"a.rego": broken})
	sum := sha256.Sum256([]byte("a.rego\x00" + team.Data["a.rego"] + "\x00"))
	pin := hex.EncodeToString(sum[:])

	from := func(name, pin string) v1alpha1.Rule {
		return v1alpha1.Rule{Name: "r", ConfigMap: &v1alpha1.ConfigMapRules{Name: name, SHA256: pin}}
	}
	tests := map[string]struct {
		rule v1alpha1.Rule
		want []string
	}{
		"Rego that does not compile, with file and line":                {inline("own", broken), []string{"own.rego:5: "}},
		"Rego that does not compile in a ConfigMap, with file and line": {from("bad", ""), []string{"r/a.rego:5: "}},
		"a ConfigMap that does not exist": {
			from("nowhere", ""), []string{`rule "r": ConfigMap ark-system/nowhere does not exist: create it, or change configMap.name`},
		},
		"a ConfigMap without modules": {from("empty", ""), []string{"ConfigMap ark-system/empty: rule r: no key ends in"}},
		"a ConfigMap of other content than was pinned": {
			from("team", strings.Repeat("0", 64)), []string{"holds modules of SHA-256 " + pin + ", not those that configMap.sha256 pins"},
		},
		"a library rule that does not exist": {v1alpha1.Rule{Name: "r", Library: "select/nothing"}, []string{"select/nothing"}},
		"parameters that are no object": {
			v1alpha1.Rule{Name: "r", Library: "select/opt-out-label", Parameters: &runtime.RawExtension{Raw: []byte(`[]`)}},
			[]string{`rule "r": parameters: `},
		},
		"parameters without end": {
			v1alpha1.Rule{Name: "r", Library: "select/opt-out-label", Parameters: &runtime.RawExtension{Raw: make([]byte, 1<<20)}},
			[]string{`rule "r": parameters of 1048576 bytes are more than 8192`},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := l.Policy(t.Context(), policy(tc.rule))
			wantStall(t, err, tc.want...)
		})
	}
	if _, err := l.Policy(t.Context(), policy(from("team", pin))); err != nil {
		t.Errorf("with the right pin: %v", err)
	}
}

func TestTheLastGoodRevisionStaysInForce(t *testing.T) {
	l, c := loader(t)
	p := policy(inline("own", excluding("Pod")), v1alpha1.Rule{
		Name: "label", Library: "select/opt-out-label",
		Parameters: &runtime.RawExtension{Raw: []byte(`{"key":"example.org/skip"}`)},
	})
	good := mustLoad(t, l, p)
	for range 2 { // the second finds it
		if err := l.Keep(t.Context(), good); err != nil {
			t.Fatal(err)
		}
	}
	p.Status.Policy = good.Status()
	p.Spec.Rules = []v1alpha1.Rule{inline("own", broken)}
	p.Spec.Selection = v1alpha1.SelectionOptIn

	restarted := &rules.Loader{Client: c, Writer: c, Namespace: labtest.Namespace, Compilations: rules.AtOnce()}
	stale := mustLoad(t, restarted, p)
	wantStall(t, stale.Stale, "own.rego:5: ", "revision "+good.Policy.Digest()+" stays in force")
	if stale.Policy.Digest() != good.Policy.Digest() || stale.Mode != policies.OptOut {
		t.Errorf("revision %s of mode %s, want %s as it was", stale.Policy.Digest(), stale.Mode, good.Policy.Digest())
	}
	if diff := cmp.Diff(good.Policy.Codes(), stale.Policy.Codes()); diff != "" {
		t.Errorf("codes (-good +stale):\n%s", diff)
	}
}

func TestAKeptRevisionIsBelievedOnlyWhenItIsTheOne(t *testing.T) {
	tests := map[string]struct {
		tamper func(*corev1.ConfigMap)
		want   string
	}{
		"when it is gone":           {nil, "which kept it, is gone"},
		"when a module was changed": {func(cm *corev1.ConfigMap) { cm.Data["module-000.rego"] = excluding("Secret") }, "was changed, or another version of Ark wrote it"},
		"when a module is missing":  {func(cm *corev1.ConfigMap) { delete(cm.Data, "module-000.rego") }, "there is no key module-000.rego"},
		"when it is no JSON":        {func(cm *corev1.ConfigMap) { cm.Data["set.json"] = "{" }, "read set.json: "},
		"when it is of another kind": {func(cm *corev1.ConfigMap) {
			cm.Data["set.json"] = `{"mode":"Cluster","modules":[{"rule":"own","key":"module-000.rego"}]}`
		}, "was changed, or another version of Ark wrote it"},
		"when its mode is unknown": {func(cm *corev1.ConfigMap) { cm.Data["set.json"] = `{"mode":"No"}` }, `mode "No"`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			l, c := loader(t)
			p := policy(inline("own", excluding("Pod")))
			good := mustLoad(t, l, p)
			if err := l.Keep(t.Context(), good); err != nil {
				t.Fatal(err)
			}
			var list corev1.ConfigMapList
			if err := c.List(t.Context(), &list, client.MatchingLabels{v1alpha1.CreatedByLabel: v1alpha1.CreatedByPolicy}); err != nil || len(list.Items) != 1 {
				t.Fatalf("kept %d revisions, %v", len(list.Items), err)
			}
			cm := &list.Items[0]
			if !*cm.Immutable || cm.Name != "ark-policy-"+good.Policy.Digest()[len("sha256:"):][:16] {
				t.Errorf("ConfigMap %s, immutable %t", cm.Name, *cm.Immutable)
			}
			if err := c.Delete(t.Context(), cm); err != nil {
				t.Fatal(err)
			}
			if tc.tamper != nil {
				tc.tamper(cm)
				configMap(t, c, cm.Name, cm.Data)
				if err := l.Keep(t.Context(), good); err == nil || !strings.Contains(err.Error(), "holds something else: delete it") {
					t.Errorf("Keep() beside something else = %v", err)
				}
			}
			p.Status.Policy, p.Spec.Rules = good.Status(), []v1alpha1.Rule{inline("own", broken)}
			_, err := l.Policy(t.Context(), p)
			wantStall(t, err, "own.rego:5: ", "the last good revision is of no use: ", tc.want)
		})
	}
}

func TestTheLargestSetFitsIntoAConfigMap(t *testing.T) {
	l, _ := loader(t)
	var list []v1alpha1.Rule
	for i := range 8 {
		// Of all characters, control characters grow most when they are escaped.
		padding := "\n#" + strings.Repeat("\t", policies.MaxModuleBytes-len(excluding("Kind00"))-2-len("\n"))
		list = append(list, inline(fmt.Sprintf("r%d", i), excluding(fmt.Sprintf("Kind%02d", i))+padding))
	}
	if err := l.Keep(t.Context(), mustLoad(t, l, policy(list...))); err != nil {
		t.Error(err)
	}
}

func TestAnAPIServerThatDoesNotAnswerIsNoFault(t *testing.T) {
	l, _ := loader(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.Policy(ctx, policy(v1alpha1.Rule{Name: "r", ConfigMap: &v1alpha1.ConfigMapRules{Name: "team"}}))
	var known *step.Error
	if err == nil || errors.As(err, &known) {
		t.Errorf("error = %v, want one that is tried again", err)
	}
}

// A Git tool applies a ConfigMap and the policy that pins its content one after the
// other: for a moment they do not fit.
func TestARuleWaitsForItsOtherHalf(t *testing.T) {
	l, c := loader(t)
	clock := controllertest.NewClock(time.Unix(1_700_000_000, 0))
	l.Clock = clock
	from := func(configMap, pin string) *v1alpha1.BackupPolicy {
		return policy(v1alpha1.Rule{Name: "r", ConfigMap: &v1alpha1.ConfigMapRules{Name: configMap, SHA256: pin}})
	}
	configMap(t, c, "empty", map[string]string{"README": "not Rego"})
	configMap(t, c, "team", map[string]string{"a.rego": excluding("Event")})
	inForce := mustLoad(t, l, policy(inline("own", excluding("Pod"))))
	if err := l.Keep(t.Context(), inForce); err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]*v1alpha1.BackupPolicy{
		"a ConfigMap": from("nowhere", ""), "its key": from("empty", ""), "the content that is pinned": from("team", strings.Repeat("0", 64)),
	} {
		t.Run(name, func(t *testing.T) {
			p.Name, p.Generation = name, 2
			_, err := l.Policy(t.Context(), p)
			if !isWait(err) {
				t.Errorf("at first: %v, want a wait", err)
			}
			clock.Advance(10 * time.Second)
			p.Status.Policy = inForce.Status()
			stale := mustLoad(t, l, p)
			if !isWait(stale.Stale) || !strings.HasSuffix(stale.Stale.Error(), "stays in force") {
				t.Errorf("with a good revision: %v, want a wait that says that it stays in force", stale.Stale)
			}
			p.Status.Policy = nil
			clock.Advance(5 * time.Second)
			_, err = l.Policy(t.Context(), p)
			wantStall(t, err)
			// Another process finds what this one said.
			p.Status.Conditions = []metav1.Condition{{
				Type: v1alpha1.StalledCondition, Status: metav1.ConditionTrue, Reason: v1alpha1.PolicyInvalidReason, ObservedGeneration: 2,
			}}
			restarted := &rules.Loader{Client: l.Client, Writer: l.Writer, Namespace: l.Namespace, Compilations: l.Compilations, Clock: clock}
			_, err = restarted.Policy(t.Context(), p)
			wantStall(t, err)
			p.Generation = 3 // which is another one
			if _, err = restarted.Policy(t.Context(), p); !isWait(err) {
				t.Errorf("of another generation: %v, want a wait", err)
			}
		})
	}
}

// The rules that were applied last may be what closes a gate: the revision before
// them does not stand in while they are compiled.
func TestNothingStandsInForRulesThatAreBeingCompiled(t *testing.T) {
	l, _ := loader(t)
	good := mustLoad(t, l, policy(inline("own", excluding("Pod"))))
	if err := l.Keep(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	l.Compilations = rules.NewCompilations(policies.Compile) // which nobody starts
	p := policy(inline("own", excluding("Event")))
	p.Status.Policy = good.Status()
	if _, err := l.Policy(t.Context(), p); !isWait(err) {
		t.Errorf("Policy() error = %v, want a wait", err)
	}
	p.Spec.Rules = []v1alpha1.Rule{{Name: "r", Library: "select/nothing-such", Parameters: &runtime.RawExtension{Raw: []byte("[]")}}}
	if _, err := l.Policy(t.Context(), p); !isWait(err) {
		t.Errorf("Policy() of a kept revision: error = %v, want a wait", err)
	}
}
