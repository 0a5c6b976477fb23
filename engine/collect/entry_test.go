// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/selection"
)

type resourceType = engine.Resource

var ignoreUnexported = cmpopts.IgnoreUnexported(collect.Report{})

// excludesOut excludes what is called "out".
var excludesOut = rules(func(o engine.Object, _ *collect.Namespace) (collect.Ruling, error) {
	if o.Meta.Name == "out" {
		return collect.Ruling{Exclude: []string{"unwanted"}}, nil
	}
	return collect.Ruling{}, nil
})

// withAdded is the cluster's objects with one more, in a map of its own.
func withAdded(t *testing.T, c *cluster, path string) map[engine.Key]engine.Object {
	t.Helper()
	other := &cluster{resources: c.resources, objects: maps.Clone(c.objects)}
	other.add(t, path, "")
	return other.objects
}

func TestIndexEntries(t *testing.T) {
	long := strings.Repeat("x", 256)
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprintf(`"note-%02d":"%s"`, i, strings.Repeat("x", 143)))
	}
	ref := func(group, resource, namespace, name string) archive.Ref {
		return archive.Ref{Group: group, Resource: resource, Namespace: namespace, Name: name}
	}
	const rbacGroup = "rbac.authorization.k8s.io"
	tests := map[string]struct {
		path, fields string
		want         archive.Entry
	}{
		"type, names, labels, annotations and owners are repeated": {
			"widgets.example.org/a/w",
			`{"metadata":{"uid":"u1","labels":{"l":"1"},"annotations":{"n":"2"},
			  "ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"o","uid":"u0","controller":true}]}}`,
			archive.Entry{
				Group: "example.org", Version: "v1", Resource: "widgets", Kind: "Widget", Namespaced: true, Namespace: "a", Name: "w",
				UID: "u1", Labels: map[string]string{"l": "1"}, Annotations: map[string]string{"n": "2"},
				Owners: []engine.Owner{{APIVersion: "v1", Kind: "ConfigMap", Name: "o", UID: "u0", Controller: new(true)}},
			},
		},
		"long annotations and copies of the object are left out": {
			"configmaps/a/c",
			`{"metadata":{"annotations":{"long":"` + long + `","short":"s","kubectl.kubernetes.io/last-applied-configuration":"{}"}}}`,
			archive.Entry{
				Version: "v1", Resource: "configmaps", Kind: "Configmap", Namespaced: true, Namespace: "a", Name: "c",
				Annotations: map[string]string{"short": "s"},
			},
		},
		"nothing but long annotations leaves none": {
			"configmaps/a/c", `{"metadata":{"annotations":{"long":"` + long + `"}}}`,
			archive.Entry{Version: "v1", Resource: "configmaps", Kind: "Configmap", Namespaced: true, Namespace: "a", Name: "c"},
		},
		"many annotations are cut in the order of their keys": {
			"configmaps/a/c", `{"metadata":{"annotations":{` + strings.Join(many, ",") + `}}}`,
			archive.Entry{
				Version: "v1", Resource: "configmaps", Kind: "Configmap", Namespaced: true, Namespace: "a", Name: "c",
				// 150 bytes each, and 27 fit 4 KiB.
				Annotations: annotations(27, strings.Repeat("x", 143)),
			},
		},
		"a claim needs its volume": {
			"persistentvolumeclaims/a/c", `{"spec":{"volumeName":"pv"}}`,
			archive.Entry{
				Version: "v1", Resource: "persistentvolumeclaims", Kind: "Persistentvolumeclaim", Namespaced: true, Namespace: "a", Name: "c",
				Needs: []archive.Ref{ref("", "persistentvolumes", "", "pv")},
			},
		},
		"a claim that is not bound needs nothing": {
			"persistentvolumeclaims/a/c", `{"spec":{}}`,
			archive.Entry{Version: "v1", Resource: "persistentvolumeclaims", Kind: "Persistentvolumeclaim", Namespaced: true, Namespace: "a", Name: "c"},
		},
		"a volume needs its claim": {
			"persistentvolumes/pv", `{"spec":{"claimRef":{"namespace":"a","name":"c"}}}`,
			archive.Entry{
				Version: "v1", Resource: "persistentvolumes", Kind: "Persistentvolume", Name: "pv",
				Needs: []archive.Ref{ref("", "persistentvolumeclaims", "a", "c")},
			},
		},
		"a binding needs its accounts and its role": {
			"rolebindings" + rbac + "/a/b",
			`{"roleRef":{"kind":"Role","name":"r"},"subjects":[{"kind":"User","name":"u"},{"kind":"ServiceAccount","namespace":"b","name":"s"},{"kind":"ServiceAccount","name":"no-namespace"}]}`,
			archive.Entry{
				Group: rbacGroup, Version: "v1", Resource: "rolebindings", Kind: "Rolebinding", Namespaced: true, Namespace: "a", Name: "b",
				Needs: []archive.Ref{ref("", "serviceaccounts", "b", "s"), ref(rbacGroup, "roles", "a", "r")},
			},
		},
		"a cluster role binding needs its cluster role": {
			"clusterrolebindings" + rbac + "/b", `{"roleRef":{"kind":"ClusterRole","name":"r"}}`,
			archive.Entry{
				Group: rbacGroup, Version: "v1", Resource: "clusterrolebindings", Kind: "Clusterrolebinding", Name: "b",
				Needs: []archive.Ref{ref(rbacGroup, "clusterroles", "", "r")},
			},
		},
		"a binding to no role that there is needs none": {
			"clusterrolebindings" + rbac + "/b", `{"roleRef":{"kind":"Throne","name":"r"}}`,
			archive.Entry{Group: rbacGroup, Version: "v1", Resource: "clusterrolebindings", Kind: "Clusterrolebinding", Name: "b"},
		},
		"what cannot be read needs nothing": {
			"clusterrolebindings" + rbac + "/b", `{"roleRef":7}`,
			archive.Entry{Group: rbacGroup, Version: "v1", Resource: "clusterrolebindings", Kind: "Clusterrolebinding", Name: "b"},
		},
		"an object that is being deleted is archived": {
			"configmaps/a/c", `{"metadata":{"deletionTimestamp":"2026-11-23T00:00:00Z"}}`,
			archive.Entry{Version: "v1", Resource: "configmaps", Kind: "Configmap", Namespaced: true, Namespace: "a", Name: "c"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c, s := newCluster(t, map[string]string{"namespaces/a": "", tc.path: tc.fields}), newSink()
			run(t, c, nil, s, collect.Options{})
			if diff := cmp.Diff(tc.want, s.entries[tc.path]); diff != "" {
				t.Errorf("index entry (-want +got):\n%s", diff)
			}
		})
	}
}

func annotations(n int, value string) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprintf("note-%02d", i)] = value
	}
	return m
}

func TestRulesSeeTheNamespace(t *testing.T) {
	seen := map[string]*collect.Namespace{}
	d := rules(func(o engine.Object, ns *collect.Namespace) (collect.Ruling, error) {
		if before, known := seen[o.Meta.Namespace]; known && before != ns {
			t.Errorf("namespace %s comes with two pointers", o.Meta.Namespace)
		}
		seen[o.Meta.Namespace] = ns
		return collect.Ruling{}, nil
	})
	c := newCluster(t, map[string]string{
		"namespaces/a":   `{"metadata":{"labels":{"l":"1"},"annotations":{"n":"2"}},"status":{"phase":"Terminating"}}`,
		"configmaps/a/c": "", "secrets/a/s": "", "nodes/n": "",
	})
	run(t, c, d, newSink(), collect.Options{Lists: 1})
	want := map[string]*collect.Namespace{
		"":  nil,
		"a": {Name: "a", Labels: map[string]string{"l": "1"}, Annotations: map[string]string{"n": "2"}, Phase: "Terminating"},
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("namespaces that rules see (-want +got):\n%s", diff)
	}
}

func TestDecisionLog(t *testing.T) {
	var buf bytes.Buffer
	log, err := collect.NewDecisionLog(&buf, collect.DecisionHeader{
		Cluster: "uid", Backup: "b", Attempt: "1", Started: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		Rules: &archive.Rules{Digest: "sha256:0", Count: 1}, Engine: "opa v1",
	})
	if err != nil {
		t.Fatal(err)
	}
	c := newCluster(t, map[string]string{
		"namespaces/a": "", "namespaces/b": "", "configmaps/a/out": "", "configmaps/a/in": "", "configmaps/a/odd": "", "secrets/a/big": "",
	})
	d := rules(func(o engine.Object, ns *collect.Namespace) (collect.Ruling, error) {
		if o.Meta.Name == "odd" {
			return collect.Ruling{}, errSink
		}
		return excludesOut(o, ns)
	})
	s := newSink()
	s.refuse["secrets/a/big"] = true
	run(t, c, d, s, collect.Options{
		Decisions: log,
		Template:  selection.Template{IncludedNamespaces: []string{"a"}, IncludedResources: []string{"configmaps", "secrets", "events"}, ExcludedResources: []string{"*.rbac.authorization.k8s.io", "*.apiextensions.k8s.io"}},
	})
	lines := strings.Split(strings.TrimSpace(buf.String()), "\n")
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
	slices.Sort(lines[1:])
	want := []string{
		`{"format":1,"cluster":"uid","backup":"b","attempt":"1","started":"2026-11-23T00:00:00Z","rules":{"digest":"sha256:0","count":1},"engine":"opa v1"}`,
		`{"level":"namespace","name":"b","decision":"exclude","codes":["namespace-not-covered"]}`,
		`{"level":"object","name":"configmaps/a/odd","decision":"include","error":"bucket is full"}`,
		`{"level":"object","name":"configmaps/a/out","decision":"exclude","codes":["unwanted"]}`,
		`{"level":"object","name":"secrets/a/big","decision":"exclude","codes":["not-archivable"],"error":"add secrets/a/big: cannot be archived"}`,
		`{"level":"type","name":"clusterrolebindings.rbac.authorization.k8s.io","decision":"exclude","codes":["type-excluded"]}`,
		`{"level":"type","name":"clusterroles.rbac.authorization.k8s.io","decision":"exclude","codes":["type-excluded"]}`,
		`{"level":"type","name":"configmaps","decision":"include"}`,
		`{"level":"type","name":"customresourcedefinitions.apiextensions.k8s.io","decision":"exclude","codes":["type-excluded"]}`,
		`{"level":"type","name":"deployments.apps","decision":"exclude","codes":["type-not-included"]}`,
		`{"level":"type","name":"events","decision":"include"}`,
		`{"level":"type","name":"events.events.k8s.io","decision":"exclude","codes":["served-twice"]}`,
		`{"level":"type","name":"gadgets.example.org","decision":"exclude","codes":["cluster-scoped"]}`,
		`{"level":"type","name":"namespaces","decision":"related","codes":["type-not-included"]}`,
		`{"level":"type","name":"nodes","decision":"exclude","codes":["cluster-scoped"]}`,
		`{"level":"type","name":"persistentvolumeclaims","decision":"exclude","codes":["type-not-included"]}`,
		`{"level":"type","name":"persistentvolumes","decision":"related","codes":["cluster-scoped"]}`,
		`{"level":"type","name":"rolebindings.rbac.authorization.k8s.io","decision":"exclude","codes":["type-excluded"]}`,
		`{"level":"type","name":"roles.rbac.authorization.k8s.io","decision":"exclude","codes":["type-excluded"]}`,
		`{"level":"type","name":"secrets","decision":"include"}`,
		`{"level":"type","name":"serviceaccounts","decision":"exclude","codes":["type-not-included"]}`,
		`{"level":"type","name":"widgets.example.org","decision":"exclude","codes":["type-not-included"]}`,
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("decisions (-want +got):\n%s", diff)
	}
}

func TestDecisionLogFailsAtItsHeader(t *testing.T) {
	if _, err := collect.NewDecisionLog(&brokenWriter{}, collect.DecisionHeader{}); err == nil {
		t.Error("NewDecisionLog() on a broken writer succeeds")
	}
}
