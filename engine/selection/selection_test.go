// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package selection_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/selection"
)

// served are the types of the cluster in these tests.
var served = []engine.Resource{
	{Version: "v1", Name: "configmaps", Kind: "ConfigMap", Singular: "configmap", ShortNames: []string{"cm"}, Namespaced: true},
	{Version: "v1", Name: "namespaces", Kind: "Namespace", Singular: "namespace", ShortNames: []string{"ns"}},
	{Version: "v1", Name: "pods", Kind: "Pod", Singular: "pod", ShortNames: []string{"po"}, Namespaced: true},
	{Version: "v1", Name: "services", Kind: "Service", Singular: "service", ShortNames: []string{"svc"}, Namespaced: true},
	{Group: "apps", Version: "v1", Name: "deployments", Kind: "Deployment", Singular: "deployment", ShortNames: []string{"deploy"}, Namespaced: true},
	{Group: "apps", Version: "v1", Name: "replicasets", Kind: "ReplicaSet", Singular: "replicaset", ShortNames: []string{"rs"}, Namespaced: true},
	{Group: "rbac.authorization.k8s.io", Version: "v1", Name: "clusterroles", Kind: "ClusterRole", Singular: "clusterrole"},
	{Group: "serving.example.org", Version: "v1", Name: "services", Kind: "Service", Singular: "service", ShortNames: []string{"pods"}, Namespaced: true},
}

func covered(s *selection.Selection) []string {
	var names []string
	for _, r := range served {
		if s.CoversResource(r) {
			names = append(names, r.GroupResource().String())
		}
	}
	return names
}

func TestCoversResource(t *testing.T) {
	var all []string
	for _, r := range served {
		all = append(all, r.GroupResource().String())
	}
	without := func(names ...string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(n string) bool { return slices.Contains(names, n) })
	}
	tests := map[string]struct {
		included, excluded []string
		want               []string
		unmatched          []string
	}{
		"nothing named means all":           {want: all},
		"a star means all":                  {included: []string{"*"}, want: all},
		"a plural":                          {included: []string{"deployments"}, want: []string{"deployments.apps"}},
		"a plural with its group":           {included: []string{"deployments.apps"}, want: []string{"deployments.apps"}},
		"a kind":                            {included: []string{"ConfigMap"}, want: []string{"configmaps"}},
		"a kind in any case with its group": {included: []string{"DEPLOYMENT.apps"}, want: []string{"deployments.apps"}},
		"a singular":                        {included: []string{"replicaset"}, want: []string{"replicasets.apps"}},
		"a short name":                      {included: []string{"deploy"}, want: []string{"deployments.apps"}},
		"a whole group":                     {included: []string{"*.apps"}, want: []string{"deployments.apps", "replicasets.apps"}},
		"the core group":                    {included: []string{"*.core"}, want: []string{"configmaps", "namespaces", "pods", "services"}},
		"a type of the core group":          {included: []string{"services.core"}, want: []string{"services"}},
		"a plural of two groups means both": {included: []string{"services"}, want: []string{"services", "services.serving.example.org"}},
		"a plural of two groups with a group means one":    {included: []string{"services.serving.example.org"}, want: []string{"services.serving.example.org"}},
		"another type's short name does not shadow a type": {included: []string{"pods"}, want: []string{"pods"}},
		"exclusion wins over inclusion": {
			included: []string{"*.apps"}, excluded: []string{"rs"}, want: []string{"deployments.apps"},
		},
		"exclusion alone leaves the rest": {excluded: []string{"services", "cm"}, want: without("services", "services.serving.example.org", "configmaps")},
		"excluding all leaves nothing":    {excluded: []string{"*"}},
		"a wrong letter is named with what is near": {
			included: []string{"deploymnets", "pods"}, want: []string{"pods"},
			unmatched: []string{`includedResources: no type is called "deploymnets": did you mean "deployments.apps"?`},
		},
		"a wrong group is named with the right one": {
			included: []string{"configmaps", "deployments.extensions"}, want: []string{"configmaps"},
			unmatched: []string{`includedResources: no type is called "deployments.extensions": did you mean "deployments.apps"?`},
		},
		"a misspelt exclusion is named too, and all that are near": {
			excluded: []string{"servces"}, want: all,
			unmatched: []string{`excludedResources: no type is called "servces": did you mean "services" or "services.serving.example.org"?`},
		},
		"what is like nothing is named alone": {
			included: []string{"widgets.example.org"}, unmatched: []string{`includedResources: no type is called "widgets.example.org"`},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := selection.New(selection.Template{IncludedResources: tc.included, ExcludedResources: tc.excluded}, served)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, covered(s)); diff != "" {
				t.Errorf("covered types (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.unmatched, s.Unmatched()); diff != "" {
				t.Errorf("Unmatched() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCoversTypesThatWereNotKnownBefore(t *testing.T) {
	s, err := selection.New(selection.Template{IncludedResources: []string{"widget.example.org", "*.apps"}, ExcludedResources: []string{"daemonsets"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		of   engine.Resource
		want bool
	}{
		"by kind":            {engine.Resource{Group: "example.org", Name: "widgets", Kind: "Widget"}, true},
		"by group":           {engine.Resource{Group: "apps", Name: "deployments", Kind: "Deployment"}, true},
		"not when excluded":  {engine.Resource{Group: "apps", Name: "daemonsets", Kind: "DaemonSet"}, false},
		"not in other group": {engine.Resource{Group: "example.com", Name: "widgets", Kind: "Widget"}, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := s.CoversResource(tc.of); got != tc.want {
				t.Errorf("CoversResource(%v) = %v, want %v", tc.of.GroupResource(), got, tc.want)
			}
		})
	}
}

func TestNamesResource(t *testing.T) {
	s, err := selection.New(selection.Template{IncludedResources: []string{"*", "pods", "*.apps", "cm"}, ExcludedResources: []string{"cm"}}, served)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range served {
		if s.NamesResource(r) {
			got = append(got, r.GroupResource().String())
		}
	}
	if diff := cmp.Diff([]string{"pods"}, got); diff != "" {
		t.Errorf("NamesResource() holds for (-want +got):\n%s", diff)
	}
	unknown := engine.Resource{Group: "apps", Name: "daemonsets", Kind: "DaemonSet"}
	if s.NamesResource(unknown) || !s.CoversResource(unknown) {
		t.Error("a type that only a wildcard covers counts as named, or not as covered")
	}
}

func TestCoversNamespace(t *testing.T) {
	names := []string{"default", "kube-system", "team-a", "team-b", "team-b-dev"}
	tests := map[string]struct {
		included, excluded []string
		want               []string
		all                bool
		named              []string
		only               bool
		scope              selection.ClusterScope
	}{
		"nothing named means all": {want: names, all: true, scope: selection.ClusterScopeAll},
		"a star means all":        {included: []string{"*"}, want: names, all: true, scope: selection.ClusterScopeAll},
		"a name":                  {included: []string{"team-a"}, want: []string{"team-a"}, named: []string{"team-a"}, only: true},
		"a name twice and one that does not exist": {
			included: []string{"team-b", "gone", "team-b"}, want: []string{"team-b"}, named: []string{"gone", "team-b"}, only: true,
		},
		"a glob":                                       {included: []string{"team-?"}, want: []string{"team-a", "team-b"}},
		"a name and a glob":                            {included: []string{"default", "team-b*"}, want: []string{"default", "team-b", "team-b-dev"}, named: []string{"default"}},
		"exclusion wins over a name":                   {included: []string{"team-a", "team-b"}, excluded: []string{"*-a"}, want: []string{"team-b"}, named: []string{"team-b"}, only: true},
		"exclusion alone is not all":                   {excluded: []string{"kube-*"}, want: []string{"default", "team-a", "team-b", "team-b-dev"}},
		"what excludes nothing there is still not all": {excluded: []string{"gone"}, want: names},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := selection.New(selection.Template{IncludedNamespaces: tc.included, ExcludedNamespaces: tc.excluded}, served)
			if err != nil {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !s.CoversNamespace(n) })
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("covered namespaces (-want +got):\n%s", diff)
			}
			if s.AllNamespaces() != tc.all || s.ClusterScope() != tc.scope {
				t.Errorf("AllNamespaces() = %v, ClusterScope() = %v, want %v, %v", s.AllNamespaces(), s.ClusterScope(), tc.all, tc.scope)
			}
			if named, ok := s.NamedNamespaces(); ok != tc.only || !slices.Equal(named, tc.named) {
				t.Errorf("NamedNamespaces() = %v, %v, want %v, %v", named, ok, tc.named, tc.only)
			}
		})
	}
}

func TestClusterScope(t *testing.T) {
	yes, no := true, false
	tests := map[string]struct {
		template selection.Template
		want     selection.ClusterScope
	}{
		"unset with all namespaces is all":             {selection.Template{}, selection.ClusterScopeAll},
		"unset with some namespaces is what they need": {selection.Template{IncludedNamespaces: []string{"a"}}, selection.ClusterScopeRelated},
		"true with some namespaces is all":             {selection.Template{IncludedNamespaces: []string{"a"}, ClusterResources: &yes}, selection.ClusterScopeAll},
		"false with all namespaces is none":            {selection.Template{ClusterResources: &no}, selection.ClusterScopeNone},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := selection.New(tc.template, served)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.ClusterScope(); got != tc.want {
				t.Errorf("ClusterScope() = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestNamingAClusterScopedTypeOutOfScopeIsTold(t *testing.T) {
	s, err := selection.New(selection.Template{
		IncludedNamespaces: []string{"a"}, IncludedResources: []string{"clusterroles", "ns", "*"},
	}, served)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{`includedResources: "clusterroles" is cluster-scoped, and such objects are covered only where selected ones need them: set includeClusterResources to true`}
	if diff := cmp.Diff(want, s.Unmatched()); diff != "" {
		t.Errorf("Unmatched() (-want +got):\n%s", diff)
	}
}

func TestMatchesLabels(t *testing.T) {
	parse := func(s string) labels.Selector {
		sel, err := labels.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return sel
	}
	tests := map[string]struct {
		selectors []labels.Selector
		labels    map[string]string
		want      bool
		forServer string
	}{
		"no selector matches all":             {want: true},
		"an empty selector matches all":       {selectors: []labels.Selector{labels.Everything()}, want: true},
		"one selector matches":                {selectors: []labels.Selector{parse("app=a")}, labels: map[string]string{"app": "a"}, want: true, forServer: "app=a"},
		"one selector does not match":         {selectors: []labels.Selector{parse("app=a")}, forServer: "app=a"},
		"the second of two selectors matches": {selectors: []labels.Selector{parse("app=a"), parse("app=b")}, labels: map[string]string{"app": "b"}, want: true},
		"none of two selectors matches":       {selectors: []labels.Selector{parse("app=a"), parse("app=b")}, labels: map[string]string{"app": "c"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := selection.New(selection.Template{Selectors: tc.selectors}, served)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.MatchesLabels(tc.labels); got != tc.want {
				t.Errorf("MatchesLabels() = %v, want %v", got, tc.want)
			}
			forServer := ""
			if sel := s.LabelSelector(); sel != nil {
				forServer = sel.String()
			}
			if forServer != tc.forServer {
				t.Errorf("LabelSelector() = %q, want %q", forServer, tc.forServer)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	tests := map[string]struct {
		template selection.Template
		want     string
	}{
		"an empty namespace": {
			selection.Template{IncludedNamespaces: []string{""}}, `includedNamespaces[0]: "" is empty: write a name, or "*" for all`,
		},
		"a namespace that cannot exist": {
			selection.Template{ExcludedNamespaces: []string{"ok", "Team_A"}},
			`excludedNamespaces[1]: "Team_A" matches no namespace: names have lower case letters, digits and "-"`,
		},
		"an empty type": {
			selection.Template{IncludedResources: []string{""}},
			`includedResources[0]: "" is empty: write a type, such as "deployments.apps", or "*" for all`,
		},
		"a subresource": {
			selection.Template{ExcludedResources: []string{"pods/status"}},
			`excludedResources[0]: "pods/status" names a subresource, which is part of its object: write "pods"`,
		},
		"a dot without a group": {
			selection.Template{IncludedResources: []string{"pods."}},
			`includedResources[0]: "pods." names no group behind the dot: write "pods.core" for the core group`,
		},
		"a group without a type": {
			selection.Template{IncludedResources: []string{".apps"}}, `includedResources[0]: ".apps" names no type: write "*.apps" for the whole group`,
		},
		"a glob for a type": {
			selection.Template{IncludedResources: []string{"deploy*"}},
			`includedResources[0]: "deploy*" has a wildcard within a name: write out each type; a "*" can only stand for all types, or all of a group as in "*.apps"`,
		},
		"a type too long": {
			selection.Template{IncludedResources: []string{strings.Repeat("a", 254)}},
			"includedResources[0]: \"" + strings.Repeat("a", 254) + "\" has 254 bytes: names of types have at most 253",
		},
		"a selector that is not there": {
			selection.Template{Selectors: []labels.Selector{nil}}, "selectors[0]: is nil: leave it out to match everything",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := selection.New(tc.template, served)
			if err == nil || err.Error() != tc.want {
				t.Errorf("New() error = %v, want %s", err, tc.want)
			}
		})
	}
}

// FuzzNew checks that no template, however odd, makes selecting panic, and that
// exclusion wins.
func FuzzNew(f *testing.F) {
	f.Add("team-*", "kube-*", "deployments.apps", "*.core")
	f.Add("*", "?", "Deploy", "svc")
	f.Fuzz(func(t *testing.T, inNamespace, outNamespace, inType, outType string) {
		s, err := selection.New(selection.Template{
			IncludedNamespaces: []string{inNamespace}, ExcludedNamespaces: []string{outNamespace},
			IncludedResources: []string{inType}, ExcludedResources: []string{outType},
		}, served)
		if err != nil {
			t.Skip()
		}
		if s.CoversNamespace(outNamespace) {
			t.Errorf("covers namespace %q, which is excluded", outNamespace)
		}
		for _, r := range served {
			if s.CoversResource(r) && s.ExcludesResource(r) {
				t.Errorf("covers %v, which is excluded", r.GroupResource())
			}
		}
	})
}

func TestParseResourcePatternNamesTheFormThatWorks(t *testing.T) {
	const (
		version  = ", for a type is read in the version that it is stored in"
		noName   = `is not the name of a type: write letters, digits and "-", and the group behind a dot, such as "deployments.apps"`
		several  = "is more than one name: write each type as an entry of its own, without spaces"
		wildcard = `has a wildcard within a name: write out each type; a "*" can only stand for all types, or all of a group as in "*.apps"`
		slash    = `has a slash: name the type alone, such as "deployments.apps"`
	)
	tests := map[string]string{
		"deployments": "", "Deployment": "", "deploy": "", "deployments.apps": "", "widgets.example.org": "", "*.apps": "", "*": "",
		"secrets.core": "", "*.example.org": "", "virtual-machines.kubevirt.io": "",

		"apps/deployments":        `has the group before the type: write "deployments.apps"`,
		"apps/v1/deployments":     `has the group before the type: write "deployments.apps"`,
		"Apps/V1/Deployment":      `has the group before the type: write "deployment.apps"`,
		"batch/*":                 `has the group before the type: write "*.batch"`,
		"example.org/widgets":     `has the group before the type: write "widgets.example.org"`,
		"deployments/apps":        `has a slash before the group: write "deployments.apps"`,
		"deployments.apps/v1":     `names a version: write "deployments.apps"` + version,
		"widgets.example.org/v1":  `names a version: write "widgets.example.org"` + version,
		"v1/pods":                 `names a version: write "pods"` + version,
		"pods/v1":                 `names a version: write "pods"` + version,
		"apps/v1":                 `is a group and a version: write "*.apps" for all its types`,
		"pods/log":                `names a subresource, which is part of its object: write "pods"`,
		"deployments.apps/status": `names a subresource, which is part of its object: write "deployments.apps"`, "a/b/c": slash, "/pods": slash, "pods/": slash, "/": slash, "v1/v2": slash, "v1": "",
		"conf*": wildcard, "*maps": wildcard, "config?aps": wildcard, "deployments.*": wildcard, "*.*": wildcard,
		"pods,services": several, " pods": several, "pods services": several, "pods, services": several,
		"pod_s": noName, "-pods": noName, "pods.-apps": noName, "pods.apps.": noName, "pods.a..b": noName, "größe": noName, "pods!": noName,
	}
	for written, want := range tests {
		t.Run(written, func(t *testing.T) {
			got := ""
			if _, err := selection.ParseResourcePattern(written); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("ParseResourcePattern(%q) error = %s, want %s", written, got, want)
			}
		})
	}
}
