// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/selection"
)

func TestCollectLists(t *testing.T) {
	many := make([]string, 9)
	for i := range many {
		many[i] = fmt.Sprintf("ns-%d", i)
	}
	tests := map[string]struct {
		opts collect.Options
		want []string
	}{
		"a small type is listed once however many namespaces are named": {
			collect.Options{Template: selection.Template{IncludedNamespaces: []string{"shop", "mail"}, IncludedResources: []string{"configmaps", "secrets"}}},
			[]string{"configmaps", "customresourcedefinitions.apiextensions.k8s.io", "namespaces", "namespaces", "secrets in mail", "secrets in shop"},
		},
		"but one of one namespace there": {
			collect.Options{Template: selection.Template{IncludedNamespaces: []string{"shop"}, IncludedResources: []string{"configmaps"}}},
			[]string{"configmaps in shop", "customresourcedefinitions.apiextensions.k8s.io", "namespaces", "namespaces"},
		},
		"each type once, and namespaces before too": {
			collect.Options{Template: selection.Template{IncludedResources: []string{"secrets", "configmaps"}}},
			[]string{"configmaps", "customresourcedefinitions.apiextensions.k8s.io", "namespaces", "namespaces", "secrets"},
		},
		"few named namespaces one by one": {
			collect.Options{Template: selection.Template{IncludedNamespaces: []string{"shop", "mail"}, IncludedResources: []string{"secrets"}}},
			[]string{"customresourcedefinitions.apiextensions.k8s.io", "namespaces", "namespaces", "secrets in mail", "secrets in shop"},
		},
		"no namespace that does not exist": {
			collect.Options{Template: selection.Template{IncludedNamespaces: []string{"gone", "shop"}, IncludedResources: []string{"secrets"}}},
			[]string{"customresourcedefinitions.apiextensions.k8s.io", "namespaces", "namespaces", "secrets in shop"},
		},
		"many named namespaces in one list": {
			collect.Options{Template: selection.Template{IncludedNamespaces: many, IncludedResources: []string{"configmaps"}}},
			[]string{"configmaps", "customresourcedefinitions.apiextensions.k8s.io", "namespaces", "namespaces"},
		},
		"a glob in one list": {
			collect.Options{Template: selection.Template{IncludedNamespaces: []string{"shop", "m*"}, IncludedResources: []string{"secrets"}}},
			[]string{"customresourcedefinitions.apiextensions.k8s.io", "namespaces", "namespaces", "secrets"},
		},
		"labels at the API server, but not of what may be needed": {
			collect.Options{Template: selection.Template{Selectors: selector(t, "app=shop"), IncludedResources: []string{"configmaps"}}},
			[]string{"configmaps where app=shop", "customresourcedefinitions.apiextensions.k8s.io", "namespaces", "namespaces"},
		},
		"each type as it is, where no moment is wanted": {
			collect.Options{AnyMoment: true, Template: selection.Template{IncludedResources: []string{"secrets"}}},
			[]string{"customresourcedefinitions.apiextensions.k8s.io at ", "namespaces at ", "namespaces at ", "secrets at "},
		},
		"the other of two types that serve the same objects, where it alone is asked for": {
			collect.Options{Template: selection.Template{IncludedResources: []string{"events.events.k8s.io"}}},
			[]string{"events.events.k8s.io", "namespaces"},
		},
		"neither of them where none is asked for": {
			collect.Options{Template: selection.Template{IncludedResources: []string{"deployments"}}},
			[]string{"deployments.apps", "namespaces"},
		},
		"only one of two types that serve the same objects": {
			collect.Options{Template: selection.Template{IncludedResources: []string{"events"}}},
			[]string{"events", "namespaces"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c := town(t)
			c.counts = map[string]int64{"secrets": 101}
			for _, name := range many {
				c.add(t, "namespaces/"+name, "")
				c.add(t, "configmaps/"+name+"/x", "")
			}
			run(t, c, nil, newSink(), tc.opts)
			slices.Sort(c.lists)
			if diff := cmp.Diff(tc.want, c.lists); diff != "" {
				t.Errorf("lists (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCollectListsTheTypesWithTheMostObjectsFirst(t *testing.T) {
	errDown := errors.New("conversion webhook is down")
	c := town(t)
	c.counts = map[string]int64{
		"secrets": 5, "configmaps": 5, "deployments.apps": 7, "serviceaccounts": 100_000, "roles" + rbac: -1, widgets: 9,
		"nodes": 3, "persistentvolumes": 4, "namespaces": 2, "clusterroles" + rbac: 80,
	}
	c.asked = func(name string) error {
		if name == widgets {
			return errDown
		}
		return nil
	}
	run(t, c, nil, newSink(), collect.Options{Lists: 1, Template: selection.Template{IncludedResources: []string{
		"secrets", "configmaps", "deployments", "serviceaccounts", "roles", "widgets", "nodes", "persistentvolumes", "clusterroles", "namespaces",
	}}})
	want := []string{
		"namespaces",
		"roles" + rbac, "serviceaccounts", "deployments.apps", "configmaps", "secrets", widgets + " at ",
		"persistentvolumes", "nodes",
		"clusterroles" + rbac, "namespaces",
	}
	lists := slices.DeleteFunc(c.lists, func(name string) bool {
		return name == definitions || name == "clusterrolebindings"+rbac
	})
	if diff := cmp.Diff(want, lists); diff != "" {
		t.Errorf("lists (-want +got):\n%s", diff)
	}
}

// TestATypeThatCannotBeListedHoldsNobodyUp has a type whose every list fails when all
// retries are used up.
func TestATypeThatCannotBeListedHoldsNobodyUp(t *testing.T) {
	errDown := &engine.RetryableError{Err: errors.New("conversion webhook is down")}
	c := town(t)
	var named []string
	for i := range 8 {
		named = append(named, fmt.Sprintf("ns-%d", i))
		c.add(t, "namespaces/"+named[i], "")
		c.add(t, "deployments.apps/"+named[i]+"/x", "")
	}
	c.fail["deployments.apps"] = failure{0, errDown}
	c.asked = func(name string) error {
		if name == "deployments.apps" {
			return errDown
		}
		return nil
	}
	report := run(t, c, nil, newSink(), collect.Options{Lists: 1, Template: selection.Template{
		IncludedNamespaces: named, IncludedResources: []string{"deployments", "configmaps", "secrets", "widgets"}, ClusterResources: new(false),
	}})
	want := []string{"namespaces", "configmaps", widgets, "secrets", "deployments.apps in ns-0 at "}
	slices.Sort(want[1:4])
	slices.Sort(c.lists[1:min(4, len(c.lists))])
	if diff := cmp.Diff(want, c.lists); diff != "" {
		t.Errorf("lists (-want +got):\n%s", diff)
	}
	if report.Complete() {
		t.Error("the backup is complete without a type")
	}
}

func TestATypeThatMayBeListedInNamespacesOnlyIsListedThere(t *testing.T) {
	c := town(t)
	c.asked = func(name string) error {
		if name == "configmaps" {
			return engine.ErrForbidden
		}
		return nil
	}
	run(t, c, nil, newSink(), collect.Options{Template: selection.Template{
		IncludedNamespaces: []string{"shop", "mail"}, IncludedResources: []string{"configmaps"}, ClusterResources: new(false),
	}})
	slices.Sort(c.lists)
	if diff := cmp.Diff([]string{"configmaps in mail at ", "configmaps in shop at ", "namespaces", "namespaces"}, c.lists); diff != "" {
		t.Errorf("lists (-want +got):\n%s", diff)
	}
}

func TestEventsOfTheOtherGroupAreTakenWhereTheyAreServedAlone(t *testing.T) {
	c := town(t)
	c.add(t, "events.events.k8s.io/shop/e", "")
	c.resources = slices.DeleteFunc(c.resources, func(r resourceType) bool { return r.Name == "events" && r.Group == "" })
	s := newSink()
	run(t, c, nil, s, collect.Options{Template: selection.Template{IncludedResources: []string{"events"}}})
	if diff := cmp.Diff([]string{"events.events.k8s.io/shop/e", "namespaces/shop"}, s.archived()); diff != "" {
		t.Errorf("archived (-want +got):\n%s", diff)
	}
}

// TestCollectListsSeveralTypesAtATime needs no clock: the first lists wait for
// each other, and would wait for ever if there were too few.
func TestCollectListsSeveralTypesAtATime(t *testing.T) {
	for lists, want := range map[int]int{0: 4, 1: 1, 3: 3} {
		t.Run(fmt.Sprintf("%d lists", lists), func(t *testing.T) {
			c := town(t)
			var together sync.WaitGroup
			together.Add(want)
			var mu sync.Mutex
			waited := 0
			c.onList = func(name string) {
				if strings.HasPrefix(name, "namespaces") {
					return
				}
				mu.Lock()
				waited++
				wait := waited <= want
				mu.Unlock()
				if wait {
					together.Done()
					together.Wait()
				}
			}
			run(t, c, nil, newSink(), collect.Options{Lists: lists})
			if c.together != want {
				t.Errorf("%d lists at a time, want %d", c.together, want)
			}
		})
	}
}

func TestCollectReportsProgress(t *testing.T) {
	c := newCluster(t, map[string]string{"namespaces/a": ""})
	for i := range 600 {
		c.add(t, fmt.Sprintf("configmaps/a/%03d", i), "")
	}
	var seen []collect.Progress
	run(t, c, nil, newSink(), collect.Options{
		Lists: 1, Progress: func(p collect.Progress) { seen = append(seen, p) },
		Template: selection.Template{IncludedResources: []string{"configmaps", "secrets"}},
	})
	first := []collect.Progress{{Resources: 7, Objects: 256}, {Resources: 7, Objects: 512}, {Resources: 7, ResourcesDone: 1, Objects: 600}}
	if diff := cmp.Diff(first, seen[:3]); diff != "" {
		t.Errorf("first progress (-want +got):\n%s", diff)
	}
	last := collect.Progress{Resources: 7, ResourcesDone: 7, Objects: 601}
	if diff := cmp.Diff(last, seen[len(seen)-1]); diff != "" {
		t.Errorf("last progress (-want +got):\n%s", diff)
	}
	for i := 1; i < len(seen); i++ {
		if seen[i].Objects < seen[i-1].Objects {
			t.Errorf("progress goes back: %v", seen)
		}
	}
}

func TestCollectSkipsNamespacesThatAreYounger(t *testing.T) {
	c, s := town(t), newSink()
	c.onList = func(name string) {
		if name == "secrets" {
			c.objects = withAdded(t, c, "secrets/young/x")
		}
	}
	run(t, c, nil, s, collect.Options{Lists: 1, Template: selection.Template{IncludedResources: []string{"secrets"}}})
	if diff := cmp.Diff([]string{"namespaces/shop", "secrets/shop/token"}, s.archived()); diff != "" {
		t.Errorf("archived (-want +got):\n%s", diff)
	}
}

func TestObjectsOfNoNamespaceAreTold(t *testing.T) {
	c, s := town(t), newSink()
	c.add(t, "configmaps/gone/x", "")
	c.add(t, "configmaps/gone/y", "")
	c.add(t, "configmaps/away/x", "")
	c.add(t, "secrets/gone/x", "")
	c.add(t, "secrets//x", "")
	c.history = map[string]string{"secrets": "100"} // it is not known whether the namespace is younger
	c.pages = map[string][]string{"secrets": {"100"}}
	report := run(t, c, nil, s, collect.Options{Template: selection.Template{
		IncludedResources: []string{"configmaps", "secrets"}, ExcludedNamespaces: []string{"away"}, ClusterResources: new(false),
	}})
	want := archive.Results{
		Warnings: []archive.Message{{Object: "configmaps", Code: "namespace-gone", Message: `objects in namespace "gone" are not in the backup: ` +
			"the namespace does not exist, although they do; make it again, or delete them"}},
		Errors: []archive.Message{{Object: "secrets/x", Code: "not-archivable", Message: "its type is namespaced, and it lies in no namespace"}},
	}
	report.Results.Resources = nil
	if diff := cmp.Diff(want, report.Results); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestReportTellsOfEachType(t *testing.T) {
	c := newCluster(t, map[string]string{
		"namespaces/a": "", "configmaps/a/in": "", "configmaps/a/out": "", "secrets/a/lost": "",
	})
	var results []*collect.Report
	for range 5 {
		s := newSink()
		s.refuse["secrets/a/lost"] = true
		results = append(results, run(t, c, excludesOut, s, collect.Options{
			Template: selection.Template{IncludedResources: []string{"configmaps", "secrets", "widgets"}},
		}))
	}
	want := &collect.Report{
		Revision: usual,
		Objects:  archive.Counts{Included: 2, Excluded: 1, Failed: 1},
		Resources: map[string]archive.ResourceSummary{
			"configmaps": {Counts: archive.Counts{Included: 1, Excluded: 1}, Version: "v1", Kind: "Configmap", Namespaced: true, Revision: "7"},
			"customresourcedefinitions.apiextensions.k8s.io": {Version: "v1", Kind: "Customresourcedefinition", Revision: "7"},
			"namespaces":          {Counts: archive.Counts{Included: 1}, Version: "v1", Kind: "Namespace", Revision: "7"},
			"secrets":             {Counts: archive.Counts{Failed: 1}, Version: "v1", Kind: "Secret", Namespaced: true, Revision: "7"},
			"widgets.example.org": {Version: "v1", Kind: "Widget", Namespaced: true, Revision: "7"},
		},
		ExcludedBy: map[string]int64{"unwanted": 1},
		Results: archive.Results{
			Errors: []archive.Message{{Object: "secrets/a/lost", Code: "not-archivable", Message: "add secrets/a/lost: cannot be archived"}},
			Resources: map[string]map[string]int64{
				"configmaps": {"included": 1, "excluded": 1, "failed": 0},
				"customresourcedefinitions.apiextensions.k8s.io": {"included": 0, "excluded": 0, "failed": 0},
				"namespaces":          {"included": 1, "excluded": 0, "failed": 0},
				"secrets":             {"included": 0, "excluded": 0, "failed": 1},
				"widgets.example.org": {"included": 0, "excluded": 0, "failed": 0},
			},
		},
	}
	for _, got := range results {
		if diff := cmp.Diff(want, got, ignoreUnexported); diff != "" {
			t.Fatalf("report (-want +got):\n%s", diff)
		}
	}
}
