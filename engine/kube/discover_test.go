// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
)

const (
	allVerbs = `"verbs":["create","delete","get","list","watch"]`
	coreList = `{"kind":"APIVersions","versions":["v1"]}`
)

// byPath answers by path, for clients that ask in any order.
func byPath(answers map[string]http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a, ok := answers[strings.TrimPrefix(r.URL.Path, "/prefix")]
		if !ok {
			a = status(404, "NotFound", "")
		}
		a(w, r)
	}
}

// many repeats a step of a script.
func many(step http.HandlerFunc) []http.HandlerFunc {
	steps := make([]http.HandlerFunc, 100)
	for i := range steps {
		steps[i] = step
	}
	return steps
}

// aggregated answers with aggregated discovery.
func aggregated(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
		answerBody(w, body)
	}
}

func answerBody(w http.ResponseWriter, body string) { _, _ = w.Write([]byte(body)) }

func TestDiscoverAggregated(t *testing.T) {
	resource := func(name, kind, scope, verbs, more string) string {
		return `{"resource":"` + name + `","responseKind":{"kind":"` + kind + `"},"scope":"` + scope + `","singularResource":"` +
			strings.ToLower(kind) + `","shortNames":["x"],` + verbs + more + `}`
	}
	status := `,"subresources":[{"subresource":"status","responseKind":{"kind":"X"},"verbs":["get"]}]`
	core := `{"items":[{"metadata":{"name":""},"versions":[{"version":"v1","resources":[` +
		resource("pods", "Pod", "Namespaced", allVerbs, status) + `,` +
		resource("bindings", "Binding", "Namespaced", `"verbs":["create"]`, "") + `,` +
		resource("namespaces", "Namespace", "Cluster", allVerbs, "") + `]}]}]}`
	groups := `{"items":[
		{"metadata":{"name":"zoo.example.org"},"versions":[
			{"version":"v2","resources":[` + resource("apes", "Ape", "Cluster", allVerbs, status) + `,` + resource("old", "Old", "Cluster", `"verbs":["get"]`, "") + `]},
			{"version":"v1","resources":[` + resource("apes", "Ape", "Cluster", allVerbs, "") + `,` + resource("old", "Old", "Cluster", allVerbs, "") + `]}]},
		{"metadata":{"name":"apps"},"versions":[{"version":"v1","resources":[` + resource("pods", "AppPod", "Namespaced", allVerbs, "") + `]}]},
		{"metadata":{"name":"broken.example.org"},"versions":[{"version":"v1","freshness":"Stale"}]},
		{"metadata":{"name":"half.example.org"},"versions":[
			{"version":"v2","freshness":"Stale"},
			{"version":"v1","resources":[` + resource("halves", "Half", "Cluster", allVerbs, "") + `]}]}]}`
	s := serve(t, many(byPath(map[string]http.HandlerFunc{"/api": aggregated(core), "/apis": aggregated(groups)}))...)
	got, err := s.Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	short := []string{"x"}
	want := []engine.Resource{
		{Version: "v1", Name: "namespaces", Kind: "Namespace", Singular: "namespace", ShortNames: short, Versions: []string{"v1"}},
		{Version: "v1", Name: "pods", Kind: "Pod", Singular: "pod", ShortNames: short, Namespaced: true, Versions: []string{"v1"}, StatusSubresource: true, StatusVersions: []string{"v1"}},
		{Group: "apps", Version: "v1", Name: "pods", Kind: "AppPod", Singular: "apppod", ShortNames: short, Namespaced: true, Versions: []string{"v1"}},
		{Group: "half.example.org", Version: "v1", Name: "halves", Kind: "Half", Singular: "half", ShortNames: short, Versions: []string{"v1"}},
		{Group: "zoo.example.org", Version: "v2", Name: "apes", Kind: "Ape", Singular: "ape", ShortNames: short, Versions: []string{"v2", "v1"}, StatusSubresource: true, StatusVersions: []string{"v2"}},
		{Group: "zoo.example.org", Version: "v1", Name: "old", Kind: "Old", Singular: "old", ShortNames: short, Versions: []string{"v1", "v2"}},
	}
	if diff := cmp.Diff(want, got.Resources); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var broken []string
	for _, b := range got.Broken {
		broken = append(broken, b.GroupVersion+": "+b.Err.Error())
	}
	if diff := cmp.Diff([]string{
		"broken.example.org/v1: stale GroupVersion discovery: broken.example.org/v1",
		"half.example.org/v2: stale GroupVersion discovery: half.example.org/v2",
	}, broken); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDiscoverGroupByGroup(t *testing.T) {
	version := func(v string) string { return `{"groupVersion":"zoo/` + v + `","version":"` + v + `"}` }
	s := serve(t, many(byPath(map[string]http.HandlerFunc{
		"/api":    answer(`%s`, coreList),
		"/api/v1": answer(`{"groupVersion":"v1","resources":[{"name":"pods","kind":"Pod","namespaced":true,%s},{"name":"pods/status","kind":"Pod"}]}`, allVerbs),
		"/apis": answer(`{"kind":"APIGroupList","groups":[{"name":"zoo","versions":[%s,%s,%s],"preferredVersion":%s}]}`,
			version("v3"), version("v2"), version("v1"), version("v2")),
		"/apis/zoo/v3": answer(`{"groupVersion":"zoo/v3","resources":[{"name":"apes","kind":"Ape",%s}]}`, allVerbs),
		"/apis/zoo/v2": answer(`{"groupVersion":"zoo/v2","resources":[{"name":"apes","kind":"Ape",%s}]}`, allVerbs),
		"/apis/zoo/v1": status(503, "ServiceUnavailable", ""),
	}))...)
	got, err := s.Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []engine.Resource{
		{Version: "v1", Name: "pods", Kind: "Pod", Namespaced: true, Versions: []string{"v1"}, StatusSubresource: true, StatusVersions: []string{"v1"}},
		{Group: "zoo", Version: "v2", Name: "apes", Kind: "Ape", Versions: []string{"v2", "v3"}},
	}
	if diff := cmp.Diff(want, got.Resources); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(got.Broken) != 1 || got.Broken[0].GroupVersion != "zoo/v1" || got.Broken[0].Err == nil {
		t.Errorf("broken: %v", got.Broken)
	}
}

func TestDiscoverFails(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		kind   error
		retry  bool
	}{
		"without permission":   {status(403, "Forbidden", ""), engine.ErrForbidden, false},
		"on a failing server":  {status(500, "InternalError", ""), nil, true},
		"without a connection": {breakOff(""), nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := serve(t, many(c.answer)...).Discover(t.Context())
			var again *engine.RetryableError
			if err == nil || c.kind != nil && !errors.Is(err, c.kind) || errors.As(err, &again) != c.retry {
				t.Errorf("error %v, want %v, retryable %v", err, c.kind, c.retry)
			}
		})
	}
}
