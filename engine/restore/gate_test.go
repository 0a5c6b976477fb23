// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore"
)

// lineLog keeps the lines of results.
type lineLog struct{ lines []string }

func (l *lineLog) Write(p []byte) (int, error) {
	l.lines = append(l.lines, string(p))
	return len(p), nil
}

func (l *lineLog) all(t *testing.T) []restore.Line {
	t.Helper()
	lines := make([]restore.Line, len(l.lines))
	for i, line := range l.lines {
		must(t, json.Unmarshal([]byte(line), &lines[i]))
	}
	return lines
}

// gate is a Gate whose answers a test gives.
type gate struct {
	request    func(restore.Summary) (restore.Verdict, error)
	object     func(restore.Candidate) (restore.Ruling, error)
	perRequest bool
	// noRules says that there is nobody to ask.
	noRules bool

	mu        sync.Mutex
	asked     []string
	requested bool
}

func (g *gate) Request(_ context.Context, s restore.Summary) (restore.Verdict, error) {
	g.requested = true
	if g.request == nil {
		return restore.Verdict{}, nil
	}
	return g.request(s)
}

func (g *gate) ReadsPlan([]restore.TargetNamespace) bool { return !g.noRules }

// PerObject is not known before the request is.
func (g *gate) PerObject() bool { return g.requested && !g.perRequest && !g.noRules }

func (g *gate) Object(_ context.Context, c restore.Candidate) (restore.Ruling, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.requested {
		return restore.Ruling{}, errors.New("asked about an object before the request")
	}
	g.asked = append(g.asked, string(c.Action)+" "+c.Object.Key().String())
	if g.object == nil {
		return restore.Ruling{}, nil
	}
	return g.object(c)
}

func denySecrets(c restore.Candidate) (restore.Ruling, error) {
	if c.Source.Resource == "secrets" {
		return restore.Ruling{Deny: []restore.Reason{{Code: "no-secrets", Policy: "p"}}}, nil
	}
	return restore.Ruling{}, nil
}

func TestADenialHappensBeforeTheFirstWrite(t *testing.T) {
	tests := map[string]struct {
		gate *gate
		want []restore.Reason
	}{
		"of the request": {
			&gate{perRequest: true, request: func(restore.Summary) (restore.Verdict, error) {
				return restore.Verdict{Deny: []restore.Reason{{Code: "freeze", Message: "not today"}}}, nil
			}},
			[]restore.Reason{{Code: "freeze", Message: "not today"}},
		},
		"because the request cannot be ruled on": {
			&gate{request: func(restore.Summary) (restore.Verdict, error) { return restore.Verdict{}, errors.New("timeout") }},
			[]restore.Reason{{Code: "policy-error", Message: "timeout"}},
		},
		"of one object, named": {
			&gate{object: denySecrets},
			[]restore.Reason{{Code: "no-secrets", Policy: "p", Object: "secrets/shop/web-key"}},
		},
		"because one object cannot be ruled on": {
			&gate{object: func(c restore.Candidate) (restore.Ruling, error) {
				if c.Source.Resource == "secrets" {
					return restore.Ruling{}, errors.New("timeout")
				}
				return restore.Ruling{}, nil
			}},
			[]restore.Reason{{Code: "policy-error", Message: "timeout", Object: "secrets/shop/web-key"}},
		},
		"with all reasons": {
			&gate{object: denySecrets, request: func(restore.Summary) (restore.Verdict, error) {
				return restore.Verdict{Deny: []restore.Reason{{Code: "freeze"}}}, nil
			}},
			[]restore.Reason{{Code: "freeze"}, {Code: "no-secrets", Policy: "p", Object: "secrets/shop/web-key"}},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			target := newFakeCluster(t)
			report := mustRun(t, target, request(), backup(t, shop(t)), restore.Options{Gate: tc.gate})
			if diff := cmp.Diff(tc.want, report.Denials); diff != "" || !report.Denied {
				t.Errorf("Denied = %v, denials (-want +got):\n%s", report.Denied, diff)
			}
			if w := target.writes(); len(w) > 0 {
				t.Errorf("wrote %v", w)
			}
		})
	}
}

func TestAllDenialsAreCountedAndTheFirstAreKept(t *testing.T) {
	source := newFakeCluster(t)
	source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
	for n := range 100 {
		source.add(`{"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"a","name":"s` + strings.Repeat("x", n) + `"}}`)
	}
	report := mustRun(t, newFakeCluster(t), request(), backup(t, source), restore.Options{Gate: &gate{object: denySecrets}})
	if report.DenialCount != 100 || len(report.Denials) != 64 {
		t.Errorf("%d denials, %d kept; want 100 and 64", report.DenialCount, len(report.Denials))
	}
}

func TestARuleCanLeaveObjectsOut(t *testing.T) {
	g := &gate{object: func(c restore.Candidate) (restore.Ruling, error) {
		if c.Source.Resource == "secrets" {
			return restore.Ruling{Skip: []restore.Reason{{Code: "not-this", Message: "because"}}}, nil
		}
		return restore.Ruling{}, nil
	}}
	target := newFakeCluster(t)
	report := mustRun(t, target, request(), backup(t, shop(t)), restore.Options{Gate: g})
	if report.Denied || report.SkippedBy["not-this"] != 1 || target.object("secrets/shop/web-key") != nil {
		t.Errorf("report: %+v", report)
	}
	if target.object("configmaps/shop/a-cart-config") == nil {
		t.Error("the rest did not come back")
	}
}

func TestWhatAGateIsTold(t *testing.T) {
	source, target := newFakeCluster(t), newFakeCluster(t)
	for c, value := range map[*fakeCluster]string{source: "was", target: "is"} {
		c.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a","labels":{"env":"prod"}}}`)
		c.add(configMap(value, ""))
	}
	source.add(`{"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"a","name":"s"}}`)
	var got restore.Summary
	g := &gate{request: func(s restore.Summary) (restore.Verdict, error) {
		got = s
		return restore.Verdict{Warn: []restore.Reason{{Code: "careful", Message: "prod"}}}, nil
	}}
	req := request()
	req.Existing = restore.ExistingUpdate
	report := mustRun(t, target, req, backup(t, source), restore.Options{Gate: g})
	want := restore.Summary{
		Actions: map[string]map[restore.Action]int64{
			"configmaps":      {restore.ActionUpdate: 1, restore.ActionSkip: 1},
			"namespaces":      {restore.ActionKeep: 1},
			"secrets":         {restore.ActionCreate: 1},
			"serviceaccounts": {restore.ActionKeep: 1},
		},
		Namespaces: []restore.TargetNamespace{{
			Name: "a", Source: "a", Exists: true, Labels: map[string]string{"env": "prod", "kubernetes.io/metadata.name": "a"},
		}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	slices.Sort(g.asked)
	if diff := cmp.Diff([]string{"create secrets/a/s", "update configmaps/a/c"}, g.asked); diff != "" {
		t.Errorf("objects asked about (-want +got):\n%s", diff)
	}
	if !slices.Contains(report.Warnings, "careful: prod") {
		t.Errorf("Warnings = %v", report.Warnings)
	}
}

func TestAnObjectThatAppearsMeanwhileIsAskedAboutAgain(t *testing.T) {
	tests := map[string]struct {
		object func(restore.Candidate) (restore.Ruling, error)
		value  string
		want   restore.Counts
	}{
		"and overwritten when the gate allows that too": {nil, "was", restore.Counts{Created: 1, Updated: 1, Unchanged: 1, Skipped: 1}},
		"and left when it does not": {
			func(c restore.Candidate) (restore.Ruling, error) {
				if c.Action == restore.ActionUpdate {
					return restore.Ruling{Deny: []restore.Reason{{Code: "no-updates"}}}, nil
				}
				return restore.Ruling{}, nil
			}, "is", restore.Counts{Created: 1, Failed: 1, Unchanged: 1, Skipped: 1},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			source, target := newFakeCluster(t), newFakeCluster(t)
			source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
			source.add(configMap("was", ""))
			g := &gate{object: tc.object, request: func(restore.Summary) (restore.Verdict, error) { return restore.Verdict{}, nil }}
			appeared := false
			target.fault = func(verb string, key engine.Key) (error, error) {
				if verb == "POST" && key.Name == "c" && !appeared {
					appeared = true
					target.add(configMap("is", ""))
				}
				return nil, nil
			}
			req := request()
			req.Existing = restore.ExistingUpdate
			report := mustRun(t, target, req, backup(t, source), restore.Options{Gate: g})
			if report.Results != tc.want {
				t.Errorf("Results = %+v, want %+v: %v", report.Results, tc.want, report.Errors)
			}
			if got := target.object("configmaps/a/c")["data"].(map[string]any)["k"]; got != tc.value {
				t.Errorf("data.k = %v, want %q", got, tc.value)
			}
			if !slices.Contains(g.asked, "update configmaps/a/c") {
				t.Errorf("asked: %v", g.asked)
			}
		})
	}
}

func TestIntoANewNamespaceAGateCostsNoLookups(t *testing.T) {
	source, target := newFakeCluster(t), newFakeCluster(t)
	source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
	source.add(configMap("was", ""))
	req := request()
	req.DryRun = true
	mustRun(t, target, req, backup(t, source), restore.Options{Gate: &gate{}})
	want := []string{"GET namespaces/a", "GET namespaces/a"} // the namespace as a place, and as an object
	if diff := cmp.Diff(want, target.requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// A look-up fails for a few seconds while etcd looks for a leader. Nothing is to be
// lost of that, and no gate to be passed by.
func TestALookUpThatFailsForAWhileIsRepeated(t *testing.T) {
	passing := &engine.RetryableError{Err: errors.New("etcdserver: leader changed")}
	for name, tc := range map[string]struct {
		failures int
		want     restore.Counts
		asked    []string
	}{
		"for as long as one request is repeated, and longer": {
			6, restore.Counts{Created: 1, Unchanged: 2}, []string{"create configmaps/a/c"},
		},
		"for good": {1 << 20, restore.Counts{Failed: 1, Unchanged: 2}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			source, target := newFakeCluster(t), newFakeCluster(t)
			for _, c := range []*fakeCluster{source, target} {
				c.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
			}
			source.add(configMap("v", ""))
			failed := 0
			target.fault = func(verb string, key engine.Key) (error, error) {
				if verb != "GET" || key.Name != "c" || failed >= tc.failures {
					return nil, nil
				}
				failed++
				return passing, nil
			}
			g := &gate{}
			report := mustRun(t, target, request(), backup(t, source), restore.Options{Gate: g})
			report.Results.Skipped = 0
			if report.Results != tc.want || report.Denied {
				t.Errorf("Results = %+v, want %+v: %v", report.Results, tc.want, report.Errors)
			}
			if diff := cmp.Diff(tc.asked, g.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAGateWithoutRulesCostsNothing(t *testing.T) {
	source, target := newFakeCluster(t), newFakeCluster(t)
	for _, c := range []*fakeCluster{source, target} {
		c.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
	}
	for n := range 10 {
		source.add(fmt.Sprintf(`{"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"a","name":"s%d"}}`, n))
	}
	req := request()
	req.Selection.IncludedResources = []string{"secrets"}
	g := &gate{noRules: true, request: func(restore.Summary) (restore.Verdict, error) {
		return restore.Verdict{Warn: []restore.Reason{{Code: "no-gate", Message: "nobody was asked"}}}, nil
	}}
	report := mustRun(t, target, req, backup(t, source), restore.Options{Gate: g})
	if report.Results.Created != 10 || !slices.Contains(report.Warnings, "no-gate: nobody was asked") {
		t.Errorf("report: %+v", report)
	}
	var lookUps []string
	for _, request := range target.requests {
		if strings.HasPrefix(request, "GET secrets") {
			lookUps = append(lookUps, request)
		}
	}
	if len(lookUps) > 0 {
		t.Errorf("looked up %v", lookUps)
	}
}
