// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/selection"
)

func run(t *testing.T, c *cluster, d collect.Decider, s *sink, opts collect.Options) *collect.Report {
	t.Helper()
	if opts.Pause == nil {
		opts.Pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	}
	report, err := collect.Collect(t.Context(), collect.Source{Discoverer: c, Lister: c, Historian: c}, d, s, opts)
	if err != nil {
		t.Fatal(err)
	}
	checkSink(t, c, s)
	return report
}

// checkSink checks what holds of every archive: everything once, and to the byte.
func checkSink(t *testing.T, c *cluster, s *sink) {
	t.Helper()
	if len(s.twice) > 0 {
		t.Errorf("archived more than once: %v", s.twice)
	}
	if s.unflushed > 0 {
		t.Errorf("%d members were not flushed", s.unflushed)
	}
	for key, o := range c.objects {
		if raw, archived := s.raw[key.String()]; archived && !bytes.Equal(raw, o.Raw) {
			t.Errorf("%s is archived as\n%s, want\n%s", key, raw, o.Raw)
		}
	}
}

func selector(t *testing.T, text string) []labels.Selector {
	t.Helper()
	s, err := labels.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return []labels.Selector{s}
}

// town is a cluster with something of everything.
func town(t testing.TB) *cluster {
	t.Helper()
	const bound = `{"roleRef":{"kind":"ClusterRole","name":"%"},"subjects":[{"kind":"ServiceAccount","namespace":"shop","name":"runner"}]}`
	toGroup := func(group string) string {
		return `{"roleRef":{"kind":"ClusterRole","name":"reader"},"subjects":[{"kind":"Group","name":"` + group + `"}]}`
	}
	return newCluster(t, map[string]string{
		"namespaces/shop": `{"status":{"phase":"Active"}}`, "namespaces/mail": `{"metadata":{"labels":{"tier":"low"}}}`, "namespaces/empty": "",
		"configmaps/shop/settings":         `{"metadata":{"labels":{"app":"shop"}}}`,
		"configmaps/mail/settings":         "",
		"secrets/shop/token":               "",
		"serviceaccounts/shop/runner":      `{"metadata":{"labels":{"app":"shop"}}}`,
		"persistentvolumeclaims/shop/data": `{"spec":{"volumeName":"pv-shop"},"metadata":{"labels":{"app":"shop"}}}`,
		"persistentvolumeclaims/mail/data": `{"spec":{"volumeName":"pv-mail"}}`,
		"persistentvolumes/pv-shop":        `{"spec":{"claimRef":{"namespace":"shop","name":"data"}}}`,
		"persistentvolumes/pv-mail":        `{"spec":{"claimRef":{"namespace":"mail","name":"data"}}}`,
		"persistentvolumes/pv-free":        "",
		"widgets.example.org/shop/w":       `{"metadata":{"labels":{"app":"shop"}}}`,
		"gadgets.example.org/g":            "",
		"nodes/one":                        "",
		"customresourcedefinitions.apiextensions.k8s.io/widgets.example.org": "",
		"customresourcedefinitions.apiextensions.k8s.io/gadgets.example.org": "",
		"clusterrolebindings" + rbac + "/runner":                             strings.Replace(bound, "%", "operator", 1),
		"clusterrolebindings" + rbac + "/everyone":                           toGroup("system:serviceaccounts"),
		"clusterrolebindings" + rbac + "/shoppers":                           toGroup("system:serviceaccounts:shop"),
		"clusterrolebindings" + rbac + "/mailers":                            toGroup("system:serviceaccounts:mail"),
		"clusterrolebindings" + rbac + "/admins":                             toGroup("system:masters"),
		"clusterroles" + rbac + "/operator":                                  "",
		"clusterroles" + rbac + "/reader":                                    "",
		"clusterroles" + rbac + "/editor":                                    "",
		"clusterroles" + rbac + "/unused":                                    "",
		"rolebindings" + rbac + "/shop/edit":                                 `{"roleRef":{"kind":"ClusterRole","name":"editor"},"metadata":{"labels":{"app":"shop"}}}`,
		"roles" + rbac + "/mail/local":                                       "",
	})
}

func TestCollectCovers(t *testing.T) {
	yes, no := true, false
	everything := town(t)
	var all []string
	for key := range everything.objects {
		all = append(all, key.String())
	}
	slices.Sort(all)
	ofShop := []string{
		"configmaps/shop/settings", "persistentvolumeclaims/shop/data", "rolebindings" + rbac + "/shop/edit",
		"secrets/shop/token", "serviceaccounts/shop/runner", "widgets.example.org/shop/w",
	}
	neededByShop := []string{
		"clusterrolebindings" + rbac + "/everyone", "clusterrolebindings" + rbac + "/runner", "clusterrolebindings" + rbac + "/shoppers",
		"clusterroles" + rbac + "/editor", "clusterroles" + rbac + "/operator", "clusterroles" + rbac + "/reader",
		"customresourcedefinitions.apiextensions.k8s.io/widgets.example.org", "namespaces/shop", "persistentvolumes/pv-shop",
	}
	join := func(lists ...[]string) []string {
		out := slices.Concat(lists...)
		slices.Sort(out)
		return out
	}
	without := func(list []string, gone ...string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(gone, s) })
	}
	tests := map[string]struct {
		template selection.Template
		want     []string
	}{
		"everything when nothing is said": {selection.Template{}, all},
		"of some namespaces, their objects and what they need": {
			selection.Template{IncludedNamespaces: []string{"shop"}}, join(ofShop, neededByShop),
		},
		"of a glob the same": {selection.Template{IncludedNamespaces: []string{"sh*"}}, join(ofShop, neededByShop)},
		"of namespaces by exclusion the same, and the empty one": {
			selection.Template{ExcludedNamespaces: []string{"mail"}}, join(ofShop, neededByShop, []string{"namespaces/empty"}),
		},
		"an empty namespace is itself": {selection.Template{IncludedNamespaces: []string{"empty"}}, []string{"namespaces/empty"}},
		"all cluster-scoped objects where asked for, but no other namespace": {
			selection.Template{IncludedNamespaces: []string{"shop"}, ClusterResources: &yes},
			join(ofShop, slices.DeleteFunc(slices.Clone(all), func(s string) bool {
				return strings.Count(s, "/") == 2 || s == "namespaces/mail" || s == "namespaces/empty"
			})),
		},
		"no cluster-scoped object but namespaces where ruled out": {
			selection.Template{ClusterResources: &no},
			slices.DeleteFunc(slices.Clone(all), func(s string) bool { return strings.Count(s, "/") == 1 && !strings.HasPrefix(s, "namespaces/") }),
		},
		"what is needed comes whatever types are included": {
			selection.Template{IncludedNamespaces: []string{"shop"}, IncludedResources: []string{"persistentvolumeclaims"}},
			[]string{"namespaces/shop", "persistentvolumeclaims/shop/data", "persistentvolumes/pv-shop"},
		},
		"what is needed comes whatever its labels": {
			selection.Template{Selectors: selector(t, "app=shop")},
			join(without(ofShop, "secrets/shop/token"), neededByShop),
		},
		"what is needed comes also where cluster-scoped types are covered, without their labels": {
			selection.Template{Selectors: selector(t, "app=shop"), ClusterResources: &yes, IncludedResources: []string{"widgets"}},
			[]string{"customresourcedefinitions.apiextensions.k8s.io/widgets.example.org", "namespaces/shop", "widgets.example.org/shop/w"},
		},
		"a binding of all accounts is needed only where there is an account": {
			selection.Template{Selectors: selector(t, "app=shop"), ClusterResources: &yes, IncludedResources: []string{"configmaps", "clusterrolebindings"}},
			[]string{"configmaps/shop/settings", "namespaces/shop"},
		},
		"excluded types do not come even if needed": {
			selection.Template{
				IncludedNamespaces: []string{"shop"},
				ExcludedResources:  []string{"persistentvolumes", "clusterroles", "clusterrolebindings", "customresourcedefinitions", "namespaces"},
			}, ofShop,
		},
		"a role that only an excluded binding names does not come": {
			selection.Template{IncludedNamespaces: []string{"shop"}, ExcludedResources: []string{"clusterrolebindings"}},
			join(ofShop, without(neededByShop, "clusterrolebindings"+rbac+"/everyone", "clusterrolebindings"+rbac+"/runner",
				"clusterrolebindings"+rbac+"/shoppers", "clusterroles"+rbac+"/operator", "clusterroles"+rbac+"/reader")),
		},
		"a definition comes with a cluster-scoped custom resource too": {
			selection.Template{IncludedResources: []string{"gadgets"}},
			[]string{"customresourcedefinitions.apiextensions.k8s.io/gadgets.example.org", "gadgets.example.org/g"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSink()
			report := run(t, town(t), nil, s, collect.Options{Template: tc.template})
			if diff := cmp.Diff(tc.want, s.archived()); diff != "" {
				t.Errorf("archived (-want +got):\n%s", diff)
			}
			if !report.Complete() || report.Objects != (archive.Counts{Included: int64(len(tc.want))}) {
				t.Errorf("report is %+v, complete %v", report.Objects, report.Complete())
			}
		})
	}
}

// TestTheOrderOfTypesDoesNotMatter lists one type after the other, and those
// that are needed before those that need them wherever the stages allow.
func TestTheOrderOfTypesDoesNotMatter(t *testing.T) {
	template := selection.Template{IncludedNamespaces: []string{"shop"}}
	straight, reversed := newSink(), newSink()
	run(t, town(t), nil, straight, collect.Options{Template: template, Lists: 1})
	c := town(t)
	slices.Reverse(c.resources)
	run(t, c, nil, reversed, collect.Options{Template: template, Lists: 1})
	if diff := cmp.Diff(straight.entries, reversed.entries); diff != "" {
		t.Errorf("index entries (-straight +reversed):\n%s", diff)
	}
}

func TestCollectObeysRules(t *testing.T) {
	excludes := func(names ...string) rules {
		return func(o engine.Object, _ *collect.Namespace) (collect.Ruling, error) {
			if slices.Contains(names, o.Key().String()) {
				return collect.Ruling{Include: []string{"liked"}, Exclude: []string{"unwanted"}}, nil
			}
			return collect.Ruling{}, nil
		}
	}
	includes := func(names ...string) rules {
		return func(o engine.Object, _ *collect.Namespace) (collect.Ruling, error) {
			if slices.Contains(names, o.Key().String()) {
				return collect.Ruling{Include: []string{"liked"}}, nil
			}
			return collect.Ruling{}, nil
		}
	}
	fails := func(name string) rules {
		return func(o engine.Object, _ *collect.Namespace) (collect.Ruling, error) {
			if o.Key().String() == name {
				return collect.Ruling{}, errors.New("too deep")
			}
			return collect.Ruling{}, nil
		}
	}
	objects := map[string]string{
		"namespaces/a": "", "configmaps/a/one": "", "secrets/a/two": "", "persistentvolumeclaims/a/claim": `{"spec":{"volumeName":"pv"}}`,
		"persistentvolumes/pv": "",
	}
	token := engine.Key{GroupResource: schema.GroupResource{Resource: "secrets"}, Namespace: "a", Name: "two"}
	tests := map[string]struct {
		rules      collect.Decider
		opts       collect.Options
		archived   []string
		left       map[string]string
		excludedBy map[string]int64
		counts     archive.Counts
		errors     []archive.Message
	}{
		"what no rule excludes is taken": {
			rules:    excludes("secrets/a/two"),
			archived: []string{"configmaps/a/one", "namespaces/a", "persistentvolumeclaims/a/claim", "persistentvolumes/pv"},
			left:     map[string]string{"secrets/a/two": "unwanted"}, excludedBy: map[string]int64{"unwanted": 1},
			counts: archive.Counts{Included: 4, Excluded: 1},
		},
		"under OptIn only what a rule includes is taken, and what that needs": {
			rules: includes("persistentvolumeclaims/a/claim"), opts: collect.Options{Mode: collect.OptIn},
			archived:   []string{"namespaces/a", "persistentvolumeclaims/a/claim", "persistentvolumes/pv"},
			left:       map[string]string{"configmaps/a/one": "not-included", "secrets/a/two": "not-included"},
			excludedBy: map[string]int64{"not-included": 2}, counts: archive.Counts{Included: 3, Excluded: 2},
		},
		"a rule excludes even what is needed": {
			rules:      excludes("persistentvolumes/pv", "namespaces/a"),
			opts:       collect.Options{Template: selection.Template{IncludedNamespaces: []string{"a"}}},
			archived:   []string{"configmaps/a/one", "persistentvolumeclaims/a/claim", "secrets/a/two"},
			left:       map[string]string{"namespaces/a": "unwanted", "persistentvolumes/pv": "unwanted"},
			excludedBy: map[string]int64{"unwanted": 2}, counts: archive.Counts{Included: 3, Excluded: 2},
		},
		"what an excluded object needs is not pulled in": {
			rules:    excludes("persistentvolumeclaims/a/claim"),
			opts:     collect.Options{Template: selection.Template{IncludedNamespaces: []string{"a"}}},
			archived: []string{"configmaps/a/one", "namespaces/a", "secrets/a/two"},
			left:     map[string]string{"persistentvolumeclaims/a/claim": "unwanted"}, excludedBy: map[string]int64{"unwanted": 1},
			counts: archive.Counts{Included: 3, Excluded: 1},
		},
		"an object that the rules fail on is taken, and the backup is partial": {
			rules: fails("configmaps/a/one"), opts: collect.Options{Mode: collect.OptIn, Template: selection.Template{IncludedResources: []string{"cm", "configmaps"}}},
			archived: []string{"configmaps/a/one", "namespaces/a"}, left: map[string]string{}, excludedBy: map[string]int64{},
			counts: archive.Counts{Included: 2, Failed: 1},
			errors: []archive.Message{{Object: "configmaps/a/one", Code: "rule-error", Message: "too deep"}},
		},
		"our own secrets are never taken, whatever rules say": {
			rules:    includes("secrets/a/two"),
			opts:     collect.Options{Protected: map[engine.Key]struct{}{token: {}}, AllowEmpty: true, Template: selection.Template{IncludedResources: []string{"secrets"}}},
			archived: []string{}, left: map[string]string{"secrets/a/two": "ark-own-secret"}, excludedBy: map[string]int64{"ark-own-secret": 1},
			counts: archive.Counts{Excluded: 1},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSink()
			report := run(t, newCluster(t, objects), tc.rules, s, tc.opts)
			if diff := cmp.Diff(tc.archived, append([]string{}, s.archived()...)); diff != "" {
				t.Errorf("archived (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.left, s.left()); diff != "" {
				t.Errorf("left out (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.excludedBy, report.ExcludedBy); diff != "" {
				t.Errorf("excluded by (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.counts, report.Objects); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.errors, report.Results.Errors); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if report.Complete() != (len(tc.errors) == 0) {
				t.Errorf("Complete() = %v with errors %v", report.Complete(), tc.errors)
			}
		})
	}
}
