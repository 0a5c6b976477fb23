// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package own

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
)

const (
	rbacGroup      = "rbac.authorization.k8s.io"
	admissionGroup = "admissionregistration.k8s.io"
	flowGroup      = "flowcontrol.apiserver.k8s.io"
	extensions     = "apiextensions.k8s.io"
	aggregation    = "apiregistration.k8s.io"
)

func rbac(resource string) schema.GroupResource {
	return schema.GroupResource{Group: rbacGroup, Resource: resource}
}

// manifest is an object as decoded JSON.
type manifest = map[string]any

// judge says why an object of its types is Ark's, or nothing.
type judge func(f *Facts, k engine.Key, m manifest) string

// judges are those of the types that are not Ark's by where they lie.
var judges = map[schema.GroupResource]judge{
	{Resource: "namespaces"}:                                               (*Facts).namespace,
	{Resource: "serviceaccounts"}:                                          (*Facts).serviceAccount,
	{Resource: "secrets"}:                                                  (*Facts).token,
	{Resource: "persistentvolumes"}:                                        (*Facts).volume,
	{Group: extensions, Resource: "customresourcedefinitions"}:             (*Facts).definition,
	{Group: aggregation, Resource: "apiservices"}:                          (*Facts).apiService,
	rbac("clusterroles"):                                                   (*Facts).role,
	rbac("roles"):                                                          (*Facts).role,
	rbac("clusterrolebindings"):                                            (*Facts).binding,
	rbac("rolebindings"):                                                   (*Facts).binding,
	{Group: flowGroup, Resource: "prioritylevelconfigurations"}:            (*Facts).flowControl,
	{Group: flowGroup, Resource: "flowschemas"}:                            (*Facts).flowControl,
	{Group: admissionGroup, Resource: "validatingwebhookconfigurations"}:   (*Facts).webhooks,
	{Group: admissionGroup, Resource: "mutatingwebhookconfigurations"}:     (*Facts).webhooks,
	{Group: admissionGroup, Resource: validatingPolicies}:                  (*Facts).policy,
	{Group: admissionGroup, Resource: mutatingPolicies}:                    (*Facts).policy,
	{Group: admissionGroup, Resource: "validatingadmissionpolicybindings"}: (*Facts).policyBinding,
	{Group: admissionGroup, Resource: "mutatingadmissionpolicybindings"}:   (*Facts).policyBinding,
}

// Owns says why an object of that key is one that Ark's authority or its gates rest
// on, in one of the forms given: as it would be written, as it is. It returns nothing
// when it is not. A key alone can be judged without any form.
func (f *Facts) Owns(k engine.Key, forms ...map[string]any) string {
	if k.Group == Group {
		return "it is of one of Ark's own kinds"
	}
	if f.Namespace != "" && k.Namespace == f.Namespace {
		return "it lies in the namespace that Ark runs in"
	}
	by := judges[k.GroupResource]
	if by == nil {
		return ""
	}
	if why := by(f, k, nil); why != "" {
		return why
	}
	for _, m := range forms {
		if why := by(f, k, m); why != "" {
			return why
		}
	}
	return ""
}

func (f *Facts) namespace(k engine.Key, _ manifest) string {
	return when(f.Namespace != "" && k.Name == f.Namespace, "it is the namespace that Ark runs in")
}

func (f *Facts) serviceAccount(k engine.Key, _ manifest) string {
	for _, a := range f.accounts() {
		if k.Namespace == a.namespace && k.Name == a.name {
			return "Ark runs as this account"
		}
	}
	return ""
}

// token is a Secret that a token of Ark's account is minted into.
func (f *Facts) token(k engine.Key, m manifest) string {
	for _, a := range f.accounts() {
		if k.Namespace == a.namespace && text(m, "metadata", "annotations", "kubernetes.io/service-account.name") == a.name {
			return "a token of Ark's account is minted into it"
		}
	}
	return ""
}

// volume is one that a claim in Ark's namespace has: file:// locations lie there.
func (f *Facts) volume(_ engine.Key, m manifest) string {
	claimed := f.Namespace != "" && text(m, "spec", "claimRef", "namespace") == f.Namespace
	return when(claimed, "it is for a claim in the namespace that Ark runs in")
}

func (f *Facts) definition(k engine.Key, m manifest) string {
	own := strings.HasSuffix(k.Name, "."+Group) || text(m, "spec", "group") == Group
	return when(own, "it defines one of Ark's own kinds")
}

func (f *Facts) apiService(k engine.Key, m manifest) string {
	own := strings.HasSuffix(k.Name, "."+Group) || text(m, "spec", "group") == Group
	return when(own, "it serves Ark's own kinds")
}

// role is one that is, or becomes, a part of what Ark may do.
func (f *Facts) role(k engine.Key, m manifest) string {
	if f.Roles[k] || charted(k) {
		return "it says what Ark may do"
	}
	if k.Resource != "clusterroles" || m == nil {
		return ""
	}
	set := labels.Set{}
	for name, v := range child(m, "metadata", "labels") {
		set[name], _ = v.(string)
	}
	for _, s := range f.Aggregated {
		if s.Matches(set) {
			return "its rules become part of what Ark may do"
		}
	}
	return ""
}

func (f *Facts) binding(k engine.Key, m manifest) string {
	if f.Bindings[k] || charted(k) || f.binds(m) {
		return "it says what Ark may do"
	}
	return ""
}

// binds reports whether a binding names Ark's account.
func (f *Facts) binds(m manifest) bool {
	for _, s := range objects(m, "subjects") {
		if f.names(text(s, "kind"), text(s, "namespace"), text(s, "name")) {
			return true
		}
	}
	return false
}

// names reports whether a subject is Ark's account, alone or with those beside it.
func (f *Facts) names(kind, namespace, name string) bool {
	if kind == "User" && f.User != "" && name == f.User {
		return true
	}
	return slices.ContainsFunc(f.accounts(), func(a account) bool { return a.isNamed(kind, namespace, name) })
}

func (a account) isNamed(kind, namespace, name string) bool {
	switch kind {
	case "ServiceAccount":
		return namespace == a.namespace && (name == a.name || name == "*")
	case "User":
		return name == a.user()
	case "Group":
		return name == a.group()
	}
	return false
}

// flowControl is what says how many of Ark's requests the API server takes.
func (f *Facts) flowControl(k engine.Key, m manifest) string {
	const why = "it says how many of Ark's requests the API server takes"
	if k.Name == chartFlowControl {
		return why
	}
	for _, rule := range objects(m, "spec", "rules") {
		for _, s := range objects(rule, "subjects") {
			account, user, group := child(s, "serviceAccount"), child(s, "user"), child(s, "group")
			name := text(account, "name") + text(user, "name") + text(group, "name") // one of them is there
			if f.names(text(s, "kind"), text(account, "namespace"), name) {
				return why
			}
		}
	}
	return ""
}

func when(holds bool, why string) string {
	if holds {
		return why
	}
	return ""
}

func text(m manifest, path ...string) string {
	last := len(path) - 1
	s, _ := child(m, path[:last]...)[path[last]].(string)
	return s
}

func child(m manifest, path ...string) manifest {
	for _, p := range path {
		m, _ = m[p].(manifest)
	}
	return m
}

func objects(m manifest, path ...string) []manifest {
	last := len(path) - 1
	list, _ := child(m, path[:last]...)[path[last]].([]any)
	var found []manifest
	for _, v := range list {
		if o, ok := v.(manifest); ok {
			found = append(found, o)
		}
	}
	return found
}
