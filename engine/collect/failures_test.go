// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/selection"
)

func TestCollectNamesWhatFails(t *testing.T) {
	errReset := errors.New("connection reset")
	fail := func(name string, after int, err error) func(*cluster, *sink) {
		return func(c *cluster, _ *sink) { c.fail[name] = failure{after, err} }
	}
	two := []string{"shop", "mail"}
	tests := map[string]struct {
		sabotage func(*cluster, *sink)
		template selection.Template
		rules    collect.Decider
		missing  []string
		errors   []archive.Message
		warnings []archive.Message
	}{
		"a forbidden type": {
			sabotage: fail("secrets", 0, engine.ErrForbidden), missing: []string{"secrets/shop/token"},
			errors: []archive.Message{{Object: "secrets", Code: "list-failed", Message: "list secrets: forbidden"}},
		},
		"a type that vanished is told once, however many namespaces": {
			sabotage: fail("widgets.example.org", 0, engine.ErrNotFound), template: selection.Template{IncludedNamespaces: two},
			missing: []string{"customresourcedefinitions.apiextensions.k8s.io/widgets.example.org", "widgets.example.org/shop/w"},
			errors:  []archive.Message{{Object: "widgets.example.org", Code: "list-failed", Message: "list widgets.example.org: not found"}},
		},
		"a list that breaks off keeps what came before": {
			sabotage: fail("configmaps", 1, errReset), missing: []string{"configmaps/shop/settings"},
			errors: []archive.Message{{Object: "configmaps", Code: "list-failed", Message: "list configmaps: connection reset"}},
		},
		"an object that cannot be archived": {
			sabotage: func(_ *cluster, s *sink) { s.refuse["secrets/shop/token"] = true },
			missing:  []string{"secrets/shop/token"},
			errors:   []archive.Message{{Object: "secrets/shop/token", Code: "not-archivable", Message: "add secrets/shop/token: cannot be archived"}},
		},
		"references that cannot be archived lose the references, not the object": {
			sabotage: func(_ *cluster, s *sink) { s.refuse["persistentvolumes/pv-shop with needs"] = true },
		},
		"a broken group is a warning": {
			sabotage: func(c *cluster, _ *sink) {
				c.broken = []engine.BrokenGroup{{GroupVersion: "metrics.k8s.io/v1beta1", Err: errReset}}
			},
			warnings: []archive.Message{{Code: "group-broken",
				Message: "metrics.k8s.io/v1beta1 does not answer, and nothing of it is in the backup: connection reset"}},
		},
		"a type that does not exist is a warning": {
			template: selection.Template{ExcludedResources: []string{"secret.aps"}},
			warnings: []archive.Message{{Code: "no-effect",
				Message: `excludedResources: no type is called "secret.aps": did you mean "secrets"?`}},
		},
		"a namespace that does not exist is a warning": {
			template: selection.Template{IncludedNamespaces: []string{"shop", "shoppe"}, IncludedResources: []string{"secrets"}},
			warnings: []archive.Message{{Code: "namespace-missing", Message: `includedNamespaces: there is no namespace "shoppe"`}},
		},
		"namespaces that cannot be listed do not keep objects out": {
			sabotage: fail("namespaces", 0, engine.ErrForbidden), missing: []string{"namespaces/shop", "namespaces/mail", "namespaces/empty"},
			errors: []archive.Message{
				{Object: "namespaces", Code: "list-failed", Message: "list namespaces before everything else: forbidden"},
				{Object: "namespaces", Code: "list-failed", Message: "list namespaces: forbidden"},
			},
		},
		"rules are not asked about objects of unknown namespaces, which are taken": {
			sabotage: fail("namespaces", 0, engine.ErrForbidden), template: selection.Template{IncludedResources: []string{"secrets"}},
			rules: rules(func(engine.Object, *collect.Namespace) (collect.Ruling, error) {
				return collect.Ruling{Exclude: []string{"unwanted"}}, nil
			}),
			errors: []archive.Message{
				{Object: "namespaces", Code: "list-failed", Message: "list namespaces before everything else: forbidden"},
				{Object: "namespaces", Code: "list-failed", Message: "list namespaces: forbidden"},
				{Object: "secrets/shop/token", Code: "rule-error", Message: "namespace shop is not known: forbidden"},
			},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c, s := town(t), newSink()
			whole := newSink()
			run(t, c, nil, whole, collect.Options{Template: tc.template})
			if tc.sabotage != nil {
				tc.sabotage(c, s)
			}
			report := run(t, c, tc.rules, s, collect.Options{Template: tc.template})
			if diff := cmp.Diff(tc.errors, report.Results.Errors); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.warnings, report.Results.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if report.Complete() != (len(tc.errors) == 0) {
				t.Errorf("Complete() = %v", report.Complete())
			}
			if tc.rules == nil {
				want := slices.DeleteFunc(whole.archived(), func(s string) bool { return slices.Contains(tc.missing, s) })
				if diff := cmp.Diff(want, s.archived()); diff != "" {
					t.Errorf("archived (-want +got):\n%s", diff)
				}
			} else if diff := cmp.Diff([]string{"secrets/shop/token"}, s.archived()); diff != "" {
				t.Errorf("archived (-want +got):\n%s", diff)
			}
		})
	}
}

// TestATypeThatAppearsWhileTheBackupBeginsIsMissed defines a type after discovery and
// before the moment.
func TestATypeThatAppearsWhileTheBackupBeginsIsMissed(t *testing.T) {
	const defined = `{"spec":{"group":"example.org","scope":"Namespaced","names":{"plural":"gizmos","kind":"Gizmo"},"versions":[{"name":"v1","served":true}]},` +
		`"status":{"conditions":[{"type":"Established","status":"True"}]}}`
	missed := []archive.Message{{Object: "gizmos.example.org", Code: "list-failed",
		Message: "the type was defined while the backup began, after types were discovered: nothing of it is in the backup"}}
	for name, tc := range map[string]struct {
		definition string
		discovered bool // when it is looked for again
		opts       collect.Options
		errors     []archive.Message
	}{
		"a type that is served":            {definition: defined, discovered: true, errors: missed},
		"a type that another server hides": {definition: defined},
		"one that is not served yet": {
			definition: strings.ReplaceAll(defined, `"True"`, `"False"`), discovered: true,
		},
		"one without a version": {
			definition: strings.ReplaceAll(defined, "true", "false"), discovered: true,
		},
		"one that goes already": {
			definition: `{"metadata":{"deletionTimestamp":"2026-11-23T00:00:00Z"},` + defined[1:], discovered: true,
		},
		"one that the template leaves out": {
			definition: defined, discovered: true, opts: collect.Options{Template: selection.Template{IncludedResources: []string{"configmaps"}}},
		},
		"where no moment is wanted": {definition: defined, discovered: true, opts: collect.Options{AnyMoment: true}},
	} {
		t.Run(name, func(t *testing.T) {
			c, s := town(t), newSink()
			known := c.resources
			gizmos := resource("gizmos.example.org", true)
			c.asked = func(name string) error {
				if name != "namespaces" || len(c.resources) > len(known) {
					return nil
				}
				c.add(t, definitions+"/gizmos.example.org", tc.definition)
				c.resources = append(slices.Clone(known), gizmos)
				c.add(t, "gizmos.example.org/shop/g", "")
				if !tc.discovered {
					c.resources = append(slices.Clone(known), resource("others.example.org", true))
				}
				return nil
			}
			if tc.opts.AnyMoment {
				c.add(t, definitions+"/gizmos.example.org", tc.definition)
			}
			report := run(t, c, nil, s, tc.opts)
			if diff := cmp.Diff(tc.errors, report.Results.Errors); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if s.raw[definitions+"/gizmos.example.org"] == nil && tc.opts.Template.IncludedResources == nil && !tc.opts.AnyMoment {
				t.Error("the definition was not there")
			}
		})
	}
}

func TestCollectEndsWhenItMust(t *testing.T) {
	tests := map[string]struct {
		change func(*cluster, *sink, *collect.Options)
		rules  collect.Decider
		want   string
		is     error
		object string // of a RuleError
	}{
		"when the cluster does not answer": {
			change: func(c *cluster, _ *sink, _ *collect.Options) { c.discovery = errSink },
			want:   "discover types: bucket is full", is: errSink,
		},
		"when the template is wrong": {
			change: func(_ *cluster, _ *sink, o *collect.Options) { o.Template.IncludedResources = []string{"pods/log"} },
			want:   `read template: includedResources[0]: "pods/log" names a subresource, which is part of its object: write "pods"`,
		},
		"when an object cannot be written": {
			change: func(_ *cluster, s *sink, _ *collect.Options) { s.fail = "secrets/shop/token" },
			want:   "write archive: bucket is full", is: errSink,
		},
		"when an excluded object cannot be noted": {
			change: func(_ *cluster, s *sink, _ *collect.Options) { s.fail = "secrets/shop/token" },
			rules: rules(func(engine.Object, *collect.Namespace) (collect.Ruling, error) {
				return collect.Ruling{Exclude: []string{"unwanted"}}, nil
			}),
			want: "write archive: bucket is full", is: errSink,
		},
		"when rules fail and must not": {
			change: func(_ *cluster, _ *sink, o *collect.Options) {
				o.OnRuleError, o.Lists, o.Template.IncludedResources = collect.FailOnRuleError, 1, []string{"secrets"}
			},
			rules: rules(func(engine.Object, *collect.Namespace) (collect.Ruling, error) { return collect.Ruling{}, errSink }),
			want:  "apply rules to secrets/shop/token: bucket is full", is: errSink, object: "secrets/shop/token",
		},
		"when a decision cannot be written": {
			change: func(_ *cluster, _ *sink, o *collect.Options) {
				w := &brokenWriter{lines: 1}
				o.Decisions, _ = collect.NewDecisionLog(w, collect.DecisionHeader{})
			},
			want: "write decision: bucket is full", is: errSink,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c, s, opts := town(t), newSink(), collect.Options{}
			tc.change(c, s, &opts)
			report, err := collect.Collect(t.Context(), collect.Source{Discoverer: c, Lister: c, Historian: c}, tc.rules, s, opts)
			if err == nil || err.Error() != tc.want || (tc.is != nil && !errors.Is(err, tc.is)) {
				t.Errorf("Collect() = %v, %v, want error %q", report, err, tc.want)
			}
			if rule, ok := errors.AsType[*collect.RuleError](err); ok != (tc.object != "") || ok && rule.Object.String() != tc.object {
				t.Errorf("Collect() error = %#v, want a RuleError about %q", err, tc.object)
			}
		})
	}
}

func TestCollectEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	errShutdown := errors.New("shutting down")
	c, s := town(t), newSink()
	c.onList = func(name string) {
		if name == "secrets" {
			cancel(errShutdown)
		}
	}
	_, err := collect.Collect(ctx, collect.Source{Discoverer: c, Lister: c, Historian: c}, nil, s, collect.Options{})
	if !errors.Is(err, errShutdown) {
		t.Errorf("Collect() error = %v, want %v", err, errShutdown)
	}
}

func TestCollectNeedsItsPorts(t *testing.T) {
	if _, err := collect.Collect(t.Context(), collect.Source{}, nil, nil, collect.Options{}); err == nil {
		t.Error("Collect() without ports succeeds")
	}
}

// brokenWriter takes so many writes.
type brokenWriter struct{ lines int }

func (w *brokenWriter) Write(b []byte) (int, error) {
	if w.lines--; w.lines < 0 {
		return 0, errSink
	}
	return len(b), nil
}
