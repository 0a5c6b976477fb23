// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gopherwood/ark/engine/selection"
	"github.com/gopherwood/ark/test/lab/labtest"
)

const selected = `
{apiVersion: v1, kind: Namespace, metadata: {name: select-a, labels: {team: one}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: select-b}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {namespace: select-a, name: web, labels: {tier: gold}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {namespace: select-a, name: gold, labels: {tier: gold}}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {namespace: select-b, name: tin, labels: {tier: tin}}}
---
{apiVersion: v1, kind: Secret, metadata: {namespace: select-b, name: plain}}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: select-needed}, rules: []}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: select-needed},
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: select-needed}, subjects: [{kind: ServiceAccount, namespace: select-a, name: web}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: select-unrelated, labels: {tier: gold}}, rules: []}
`

// archived lists what a backup holds of the objects above.
func (f *taken) archived(t *testing.T) []string {
	t.Helper()
	index, err := f.catalog.Index(t.Context(), f.snapshot)
	must(t, err)
	var keys []string
	for e, err := range index.Lines(t.Context(), nil) {
		must(t, err)
		if key := e.Key().String(); !e.Excluded && strings.Contains(key, "select-") && e.Name != "kube-root-ca.crt" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

const (
	roleNeeded, bindingNeeded = "clusterroles.rbac.authorization.k8s.io/select-needed", "clusterrolebindings.rbac.authorization.k8s.io/select-needed"
	roleUnrelated             = "clusterroles.rbac.authorization.k8s.io/select-unrelated"
	namespaceA, namespaceB    = "namespaces/select-a", "namespaces/select-b"
	account, gold             = "serviceaccounts/select-a/web", "configmaps/select-a/gold"
	tin, plain                = "configmaps/select-b/tin", "secrets/select-b/plain"
)

// Every field of a template selects the same objects when a backup is taken and
// when one that holds everything is restored.
func TestEveryFieldOfATemplate(t *testing.T) {
	s := newStage(t, labtest.Shared(t))
	objects := parse(t, selected)
	s.create(t, objects...)
	whole := s.take(t, selection.Template{})
	yes, no := true, false
	only := func(text string) labels.Selector {
		parsed, err := labels.Parse(text)
		must(t, err)
		return parsed
	}
	both := []string{"select-?"}
	for name, tc := range map[string]struct {
		template selection.Template
		want     []string
	}{
		"nothing: everything": {selection.Template{}, []string{roleNeeded, bindingNeeded, roleUnrelated, namespaceA, namespaceB, account, gold, tin, plain}},
		"includedNamespaces, and what they need": {
			selection.Template{IncludedNamespaces: []string{"select-a"}}, []string{roleNeeded, bindingNeeded, namespaceA, account, gold},
		},
		"includedNamespaces, a glob":         {selection.Template{IncludedNamespaces: []string{"*-b"}}, []string{namespaceB, tin, plain}},
		"excludedNamespaces, a glob":         {selection.Template{IncludedNamespaces: both, ExcludedNamespaces: []string{"*-a"}}, []string{namespaceB, tin, plain}},
		"includeClusterResources, true":      {selection.Template{IncludedNamespaces: []string{"select-b"}, ClusterResources: &yes}, []string{roleNeeded, bindingNeeded, roleUnrelated, namespaceB, tin, plain}},
		"includeClusterResources, false":     {selection.Template{IncludedNamespaces: []string{"select-a"}, ClusterResources: &no}, []string{namespaceA, account, gold}},
		"includeClusterResources of all: no": {selection.Template{ClusterResources: &no}, []string{namespaceA, namespaceB, account, gold, tin, plain}},
		"includedResources":                  {selection.Template{IncludedNamespaces: both, IncludedResources: []string{"cm", "Secret"}}, []string{namespaceA, namespaceB, gold, tin, plain}},
		"excludedResources":                  {selection.Template{IncludedNamespaces: both, ExcludedResources: []string{"sa", "*.rbac.authorization.k8s.io", "secrets"}}, []string{namespaceA, namespaceB, gold, tin}},
		"labelSelector": {
			selection.Template{IncludedNamespaces: both, Selectors: []labels.Selector{only("tier=gold")}},
			[]string{roleNeeded, bindingNeeded, namespaceA, account, gold},
		},
		"orLabelSelectors": {
			selection.Template{IncludedNamespaces: both, Selectors: []labels.Selector{only("tier=tin"), only("tier=gold,!team")}, ExcludedResources: []string{"serviceaccounts"}},
			[]string{namespaceA, namespaceB, gold, tin},
		},
		"labelSelector, of everything": {
			selection.Template{Selectors: []labels.Selector{only("tier=gold")}}, []string{roleNeeded, bindingNeeded, roleUnrelated, namespaceA, account, gold},
		},
	} {
		t.Run(name, func(t *testing.T) {
			slices.Sort(tc.want)
			if diff := cmp.Diff(tc.want, s.take(t, tc.template).archived(t)); diff != "" {
				t.Errorf("archived (-want +got):\n%s", diff)
			}
			req := within("")
			req.Selection, req.DryRun = tc.template, true
			var planned []string
			for key, line := range s.restore(t, whole, req).lines {
				if strings.Contains(key, "select-") && !strings.HasSuffix(key, "/kube-root-ca.crt") {
					if line.Outcome != "" {
						t.Errorf("%s: %s", key, fmt.Sprint(line.Outcome, line.Messages))
					}
					planned = append(planned, key)
				}
			}
			slices.Sort(planned)
			if diff := cmp.Diff(tc.want, planned); diff != "" {
				t.Errorf("planned to be restored (-want +got):\n%s", diff)
			}
		})
	}
	s.remove(t, objects[2:]...) // without a controller, a namespace never ends
}
