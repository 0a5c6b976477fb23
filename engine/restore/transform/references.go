// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
)

const (
	rbacGroup      = "rbac.authorization.k8s.io"
	admissionGroup = "admissionregistration.k8s.io"
)

// Names of users and groups that stand for service accounts: see
// "Authenticating", service account tokens, in Kubernetes' documentation.
const (
	accountUserPrefix  = "system:serviceaccount:"
	accountGroupPrefix = "system:serviceaccounts:"
)

// subjects lets the subjects of a binding follow the mapping.
func (t *Transformer) subjects(s *Subject, r *Result) {
	for _, subject := range objects(s.Manifest, "subjects") {
		name, _ := subject["name"].(string)
		switch subject["kind"] {
		case "ServiceAccount":
			t.mapNamespace(r, subject)
		case "User", "Group":
			if name != "" {
				subject["name"] = t.followAccount(r, name)
			}
		}
	}
}

// namespaceRights lets rights over namespaces by name follow: what a rule on nothing else
// names are namespaces.
func (t *Transformer) namespaceRights(s *Subject, r *Result) {
	for _, rule := range objects(s.Manifest, "rules") {
		resources, _ := rule["resources"].([]any)
		names, _ := rule["resourceNames"].([]any)
		others := slices.ContainsFunc(resources, func(v any) bool {
			resource, _ := v.(string)
			resource, _, _ = strings.Cut(resource, "/")
			return resource != "namespaces"
		})
		if len(names) > 0 && !others && EqualValues(rule["apiGroups"], []any{""}) {
			rule["resourceNames"] = t.followList(r, names, false)
		}
	}
}

// mapNamespace lets a reference with a namespace follow the mapping.
func (t *Transformer) mapNamespace(r *Result, reference Manifest) {
	if namespace, ok := reference["namespace"].(string); ok {
		reference["namespace"] = t.follow(r, namespace)
	}
}

// follow returns the namespace that one which the object refers to is mapped into.
func (t *Transformer) follow(r *Result, namespace string) string {
	to := t.mapped(namespace)
	r.moved = r.moved || to != namespace
	return to
}

// ServesOriginal reports whether a live object refers to a namespace that is mapped
// from: the webhook, API, conversion, volume, rights, or peer of the original, which
// the copy's must not take away.
func (t *Transformer) ServesOriginal(gr schema.GroupResource, live Manifest) bool {
	if len(t.Namespaces) == 0 {
		return false
	}
	s, r := Subject{Resource: engine.Resource{Group: gr.Group, Name: gr.Resource}, Manifest: Clone(live)}, Result{}
	for _, apply := range steps[gr] {
		apply(t, &s, &r)
	}
	t.namespaces(&s, &r)
	return r.moved
}
