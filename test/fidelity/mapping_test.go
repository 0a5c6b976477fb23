// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/selection"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// mappedRequest restores three namespaces, two of them beside the originals.
func mappedRequest(label string) restore.Request {
	req := restore.Request{Label: label, NamespaceMapping: map[string]string{"map-a": "map-a-copy", "map-b": "map-b-copy"}}
	req.Selection.IncludedNamespaces = []string{"map-a", "map-b", "map-c"}
	return req
}

func TestReferencesFollowSeveralMappedNamespaces(t *testing.T) {
	s := newStage(t, labtest.Shared(t))
	s.create(t, read(t, "mapping.yaml")...)
	all := true
	backup := s.take(t, selection.Template{IncludedNamespaces: []string{"map-a", "map-b", "map-c"}, ClusterResources: &all})
	original := s.get(t, newObject("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", "map:all"))

	r := s.restore(t, backup, mappedRequest("mapped"))
	for _, failure := range r.failures() {
		t.Error("failed:", failure)
	}
	for what, test := range map[string]struct {
		o    *object
		path []string
		want any
	}{
		"the original ClusterRoleBinding stays as it is": {
			newObject("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", "map:all"), []string{"subjects"}, original.Object["subjects"],
		},
		"the copy's ClusterRoleBinding has a name of its own": {
			newObject("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "", "map:all-map-a-copy-map-b-copy"), []string{"subjects"}, []any{
				subject("ServiceAccount", "web", "map-a-copy"), subject("ServiceAccount", "web", "map-b-copy"),
				subject("ServiceAccount", "web", "map-c"),
				subject("User", "system:serviceaccount:map-a-copy:web", ""), subject("Group", "system:serviceaccounts:map-b-copy", ""),
				subject("User", "jane", ""),
			},
		},
		"a RoleBinding across namespaces": {
			newObject("rbac.authorization.k8s.io/v1", "RoleBinding", "map-a-copy", "across"), []string{"subjects"},
			[]any{subject("ServiceAccount", "web", "map-b-copy")},
		},
		"a RoleBinding of a namespace that is not mapped": {
			newObject("rbac.authorization.k8s.io/v1", "RoleBinding", "map-c", "across"), []string{"subjects"},
			[]any{subject("ServiceAccount", "web", "map-a")},
		},
		"labels of trackers are dropped, others kept": {
			newObject("v1", "ConfigMap", "map-a-copy", "tracked"), []string{"metadata", "labels"},
			map[string]any{"ark-restore": "mapped", "app": "web"},
		},
		"annotations of trackers are dropped, others kept": {
			newObject("v1", "ConfigMap", "map-a-copy", "tracked"), []string{"metadata", "annotations"}, map[string]any{"note": "kept"},
		},
	} {
		got, _, err := unstructured.NestedFieldNoCopy(s.get(t, test.o).Object, test.path...)
		must(t, err)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	again := s.restore(t, backup, mappedRequest("mapped-again"))
	if n := again.Results; n.Created+n.Updated+n.Failed > 0 {
		t.Errorf("restored again: %+v", n)
	}
}

func TestFieldsThatNameNamespacesFollowAMapping(t *testing.T) {
	s := newStage(t, labtest.Shared(t))
	objects := read(t, "mapped-selectors.yaml")
	s.create(t, objects...)
	all := true
	backup := s.take(t, selection.Template{IncludedNamespaces: []string{"near"}, ClusterResources: &all})
	s.remove(t, objects[1:]...)
	req := restore.Request{Label: "near", NamespaceMapping: map[string]string{"near": "near-copy"}}
	req.Selection.IncludedNamespaces, req.Selection.ClusterResources = []string{"near"}, &all
	req.Names = []string{"near", "only-near", "web"}
	r := s.restore(t, backup, req)
	for _, failure := range r.failures() {
		t.Error("failed:", failure)
	}
	expression := func(operator string, values ...any) map[string]any {
		return map[string]any{"key": "kubernetes.io/metadata.name", "operator": operator, "values": values}
	}
	for _, test := range []struct {
		o    *object
		path []string
		want any
	}{
		{newObject("networking.k8s.io/v1", "NetworkPolicy", "near-copy", "only-near"), []string{"spec", "ingress"}, []any{
			map[string]any{"from": []any{map[string]any{"namespaceSelector": map[string]any{"matchLabels": map[string]any{"kubernetes.io/metadata.name": "near-copy"}}}}},
			map[string]any{"from": []any{map[string]any{"namespaceSelector": map[string]any{"matchExpressions": []any{expression("NotIn", "near", "near-copy")}}}}},
		}},
		{
			newObject("apps/v1", "Deployment", "near-copy", "web"),
			[]string{"spec", "template", "spec", "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"},
			[]any{map[string]any{
				"topologyKey": "kubernetes.io/hostname", "namespaces": []any{"near-copy"},
				"labelSelector": map[string]any{"matchLabels": map[string]any{"app": "web"}},
			}},
		},
		{newObject("flowcontrol.apiserver.k8s.io/v1", "FlowSchema", "", "near"), []string{"spec", "rules"}, []any{map[string]any{
			"subjects":      []any{map[string]any{"kind": "ServiceAccount", "serviceAccount": map[string]any{"name": "web", "namespace": "near-copy"}}},
			"resourceRules": []any{map[string]any{"apiGroups": []any{""}, "resources": []any{"pods"}, "verbs": []any{"list"}, "namespaces": []any{"near-copy"}}},
		}}},
		{newObject("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", "", "near"), []string{"spec", "paramRef", "namespace"}, "near-copy"},
		{
			newObject("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding", "", "near"),
			[]string{"spec", "matchResources", "namespaceSelector"}, map[string]any{"matchExpressions": []any{expression("In", "near", "near-copy")}},
		},
	} {
		got, _, err := unstructured.NestedFieldNoCopy(s.get(t, test.o).Object, test.path...)
		must(t, err)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s of %s (-want +got):\n%s", strings.Join(test.path, "."), name(test.o), diff)
		}
	}
	if want := []string{"deployments.apps/near-copy/web: still names namespace near (restored as near-copy) in " +
		"spec.template.spec.containers[0].env[0].value: change that with a modifier where the copy is meant"}; !cmp.Equal(want, r.Warnings) {
		t.Errorf("warnings (-want +got):\n%s", cmp.Diff(want, r.Warnings))
	}
	s.remove(t, objects[3:]...)
}

func TestServicesOfWebhooksFollowAMapping(t *testing.T) {
	s := newStage(t, labtest.Shared(t))
	objects := read(t, "mapped-services.yaml")
	s.create(t, objects...)
	all := true
	backup := s.take(t, selection.Template{IncludedNamespaces: []string{"hooks"}, ClusterResources: &all})
	s.remove(t, objects[1:]...)
	req := restore.Request{Label: "hooks", NamespaceMapping: map[string]string{"hooks": "hooks-copy"}}
	req.Selection.IncludedResources = []string{"validatingwebhookconfigurations", "mutatingwebhookconfigurations", "apiservices", "customresourcedefinitions", "configmaps"}
	req.Selection.IncludedNamespaces = []string{"hooks"}
	req.Selection.ClusterResources = &all
	req.Names = []string{"hooks-*", "v1.hooks.example", "calls.hooks.example"}
	r := s.restore(t, backup, req)
	for _, failure := range r.failures() {
		t.Error("failed:", failure)
	}
	hooks := func(o *object) any {
		list, _, err := unstructured.NestedSlice(o.Object, "webhooks")
		must(t, err)
		namespace, _, err := unstructured.NestedString(list[0].(map[string]any), "clientConfig", "service", "namespace")
		must(t, err)
		return namespace
	}
	at := func(path ...string) func(o *object) any {
		return func(o *object) any {
			namespace, _, err := unstructured.NestedString(o.Object, path...)
			must(t, err)
			return namespace
		}
	}
	for _, test := range []struct {
		o    *object
		read func(*object) any
	}{
		{newObject("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "", "hooks-validating"), hooks},
		{newObject("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "", "hooks-mutating"), hooks},
		{newObject("apiregistration.k8s.io/v1", "APIService", "", "v1.hooks.example"), at("spec", "service", "namespace")},
		{
			newObject("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "calls.hooks.example"),
			at("spec", "conversion", "webhook", "clientConfig", "service", "namespace"),
		},
	} {
		if got := test.read(s.get(t, test.o)); got != "hooks-copy" {
			t.Errorf("%s calls namespace %v, want hooks-copy", name(test.o), got)
		}
	}
	s.remove(t, objects[1:]...)
}

func subject(kind, name, namespace string) map[string]any {
	m := map[string]any{"kind": kind, "name": name}
	if namespace != "" {
		m["namespace"] = namespace
	} else {
		m["apiGroup"] = "rbac.authorization.k8s.io"
	}
	return m
}
