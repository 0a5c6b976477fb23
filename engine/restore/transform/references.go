// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
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
		case "User":
			if rest, ok := strings.CutPrefix(name, accountUserPrefix); ok {
				namespace, account, _ := strings.Cut(rest, ":")
				subject["name"] = accountUserPrefix + t.follow(r, namespace) + ":" + account
			}
		case "Group":
			if namespace, ok := strings.CutPrefix(name, accountGroupPrefix); ok {
				subject["name"] = accountGroupPrefix + t.follow(r, namespace)
			}
		}
	}
}

// webhooks lets the services that answer admission webhooks follow the mapping.
func (t *Transformer) webhooks(s *Subject, r *Result) {
	for _, hook := range objects(s.Manifest, "webhooks") {
		t.mapNamespace(r, child(hook, "clientConfig", "service"))
	}
}

// apiService lets the service of an aggregated API follow the mapping.
func (t *Transformer) apiService(s *Subject, r *Result) {
	t.mapNamespace(r, child(s.Manifest, "spec", "service"))
}

// conversion lets the service of a conversion webhook follow the mapping.
func (t *Transformer) conversion(s *Subject, r *Result) {
	t.mapNamespace(r, child(s.Manifest, "spec", "conversion", "webhook", "clientConfig", "service"))
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
// from: the webhook, API, conversion, volume or rights of the original, which the
// copy's must not take away.
func (t *Transformer) ServesOriginal(gr schema.GroupResource, live Manifest) bool {
	if len(t.Namespaces) == 0 {
		return false
	}
	s, r := Subject{Resource: engine.Resource{Group: gr.Group, Name: gr.Resource}, Manifest: Clone(live)}, Result{}
	for _, apply := range steps[gr] {
		apply(t, &s, &r)
	}
	return r.moved
}
