// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package own_test

import (
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/own"
)

// key reads <resource>[.<group>]/[<namespace>/]<name>.
func key(s string) engine.Key {
	parts := strings.Split(s, "/")
	resource, group, _ := strings.Cut(parts[0], ".")
	k := engine.Key{GroupResource: schema.GroupResource{Group: group, Resource: resource}, Name: parts[len(parts)-1]}
	if len(parts) == 3 {
		k.Namespace = parts[1]
	}
	return k
}

func keys(names ...string) map[engine.Key]bool {
	set := map[engine.Key]bool{}
	for _, name := range names {
		set[key(name)] = true
	}
	return set
}

const (
	roles     = "clusterroles.rbac.authorization.k8s.io/"
	bindings  = "clusterrolebindings.rbac.authorization.k8s.io/"
	validate  = "validatingwebhookconfigurations.admissionregistration.k8s.io/"
	mutate    = "mutatingwebhookconfigurations.admissionregistration.k8s.io/"
	policies  = "validatingadmissionpolicies.admissionregistration.k8s.io/"
	inForce   = "validatingadmissionpolicybindings.admissionregistration.k8s.io/"
	mutations = "mutatingadmissionpolicies.admissionregistration.k8s.io/"
	mutating  = "mutatingadmissionpolicybindings.admissionregistration.k8s.io/"
	schemas   = "flowschemas.flowcontrol.apiserver.k8s.io/"
)

func facts() own.Facts {
	return own.Facts{
		Namespace: "ark-system", User: "system:serviceaccount:ark-system:server",
		Bindings:   keys(bindings+"some", "rolebindings.rbac.authorization.k8s.io/shop/some"),
		Roles:      keys(roles+"missing", "roles.rbac.authorization.k8s.io/shop/some"),
		Aggregated: []labels.Selector{labels.SelectorFromSet(labels.Set{"to": "ark"})},
		Policies:   keys(policies+"guard", mutations+"guard"),
	}
}

// What an archive holds of these may take Ark's authority or its gates away.
func TestWhatArkRestsOn(t *testing.T) {
	const (
		kind, lies, namespace = "it is of one of Ark's own kinds", "it lies in the namespace that Ark runs in", "it is the namespace that Ark runs in"
		defines, serves       = "it defines one of Ark's own kinds", "it serves Ark's own kinds"
		may, part             = "it says what Ark may do", "its rules become part of what Ark may do"
		say, flow             = "it has a say in changes of Ark's own kinds", "it says how many of Ark's requests the API server takes"
	)
	hook := func(rules string) string {
		return `{"webhooks":[{"rules":[{"apiGroups":["apps"],"resources":["*"]}]},{"rules":[` + rules + `]}]}`
	}
	constraints := func(rules, but string) string {
		return `{"spec":{"matchConstraints":{"resourceRules":[` + rules + `],"excludeResourceRules":[` + but + `]}}}`
	}
	tests := map[string]struct{ key, object, want string }{
		"a Config":                          {"configs.ark.gopherwood.dev/default", "", kind},
		"a policy":                          {"backuppolicies.ark.gopherwood.dev/p", "", kind},
		"what the group may yet have":       {"gates.ark.gopherwood.dev/p", "", kind},
		"its namespace":                     {"namespaces/ark-system", "", namespace},
		"another namespace":                 {"namespaces/shop", "", ""},
		"its Deployment":                    {"deployments.apps/ark-system/ark", "", lies},
		"a pod beside it":                   {"pods/ark-system/p", "", lies},
		"a custom resource beside it":       {"externalsecrets.external-secrets.io/ark-system/storage", "", lies},
		"a Lease beside it":                 {"leases.coordination.k8s.io/ark-system/ark-leader", "", lies},
		"a pod elsewhere":                   {"pods/shop/p", "", ""},
		"a definition of it by its name":    {"customresourcedefinitions.apiextensions.k8s.io/configs.ark.gopherwood.dev", "", defines},
		"a definition of it by its group":   {"customresourcedefinitions.apiextensions.k8s.io/x", `{"spec":{"group":"ark.gopherwood.dev"}}`, defines},
		"a definition of a group like it":   {"customresourcedefinitions.apiextensions.k8s.io/configs.notark.gopherwood.dev", `{"spec":{"group":"notark.gopherwood.dev"}}`, ""},
		"an API in its place":               {"apiservices.apiregistration.k8s.io/v1alpha1.ark.gopherwood.dev", "", serves},
		"an API of its group":               {"apiservices.apiregistration.k8s.io/x", `{"spec":{"group":"ark.gopherwood.dev"}}`, serves},
		"another API":                       {"apiservices.apiregistration.k8s.io/v1.shop.example", `{"spec":{"group":"shop.example"}}`, ""},
		"a role of the chart, bound or no":  {roles + "ark-controllers", "", may},
		"a role that is bound to it":        {roles + "missing", "", may},
		"a role that is bound in one":       {"roles.rbac.authorization.k8s.io/shop/some", "", may},
		"a role of that name elsewhere":     {"roles.rbac.authorization.k8s.io/other/some", "", ""},
		"the role of the chart for events":  {"roles.rbac.authorization.k8s.io/default/ark-controllers-default", "", may},
		"a role that is aggregated":         {roles + "more", `{"metadata":{"labels":{"to":"ark"}}}`, part},
		"a role that is not":                {roles + "more", `{"metadata":{"labels":{"to":"others"}}}`, ""},
		"a binding of it":                   {bindings + "some", "", may},
		"a binding of the chart":            {bindings + "ark-restore", "", may},
		"a new binding of its account":      {bindings + "new", `{"subjects":[{"kind":"ServiceAccount","namespace":"ark-system","name":"server"}]}`, may},
		"one of the chart's account":        {bindings + "new", `{"subjects":[{"kind":"ServiceAccount","namespace":"ark-system","name":"ark"}]}`, may},
		"one of its user":                   {"rolebindings.rbac.authorization.k8s.io/shop/new", `{"subjects":[{"kind":"User","name":"system:serviceaccount:ark-system:server"}]}`, may},
		"one of its namespace's accounts":   {bindings + "new", `{"subjects":[{"kind":"Group","name":"system:serviceaccounts:ark-system"}]}`, may},
		"one of everybody":                  {bindings + "new", `{"subjects":[{"kind":"Group","name":"system:authenticated"}]}`, ""},
		"one of another account":            {bindings + "new", `{"subjects":[{"kind":"ServiceAccount","namespace":"shop","name":"server"}]}`, ""},
		"a webhook for its kinds":           {mutate + "w", hook(`{"apiGroups":["ark.gopherwood.dev"],"resources":["configs"]}`), say},
		"a webhook for everything":          {validate + "w", hook(`{"apiGroups":["*"],"resources":["*/*"],"scope":"*"}`), say},
		"a webhook for its status":          {mutate + "w", hook(`{"apiGroups":["*"],"resources":["*/status"]}`), say},
		"a webhook for what is namespaced":  {validate + "w", hook(`{"apiGroups":["*"],"resources":["*"],"scope":"Namespaced"}`), ""},
		"a webhook for others":              {validate + "w", hook(`{"apiGroups":["","apps"],"resources":["*"]}`), ""},
		"a webhook for another subresource": {validate + "w", hook(`{"apiGroups":["*"],"resources":["*/scale","pods/*"]}`), ""},
		"a policy for its kinds":            {policies + "p", constraints(`{"apiGroups":["ark.gopherwood.dev"],"resources":["*"]}`, ""), say},
		"a mutating policy for everything":  {mutations + "p", constraints(`{"apiGroups":["*"],"resources":["*"]}`, ""), say},
		"a policy that leaves them out": {
			policies + "p", constraints(`{"apiGroups":["*"],"resources":["*"]}`, `{"apiGroups":["ark.gopherwood.dev"],"operations":["*"],"resources":["*"]}`), "",
		},
		"a policy that leaves some of them out": {
			policies + "p", constraints(`{"apiGroups":["*"],"resources":["*"]}`, `{"apiGroups":["ark.gopherwood.dev"],"operations":["*"],"resources":["configs"]}`), say,
		},
		"a policy that leaves out one object": {
			policies + "p",
			constraints(`{"apiGroups":["*"],"resources":["*"]}`, `{"apiGroups":["*"],"operations":["*"],"resources":["*"],"resourceNames":["x"]}`), say,
		},
		"a policy for others that is there for them": {policies + "guard", constraints(`{"apiGroups":["apps"],"resources":["*"]}`, ""), say},
		"what puts such a policy in force":           {inForce + "b", `{"spec":{"policyName":"guard"}}`, say},
		"what puts a mutating one in force":          {mutating + "b", `{"spec":{"policyName":"guard","matchResources":{"resourceRules":[{"apiGroups":["*"],"resources":["*"]}]}}}`, say},
		"what puts it in force for others":           {inForce + "b", `{"spec":{"policyName":"guard","matchResources":{"resourceRules":[{"apiGroups":["apps"],"resources":["*"]}]}}}`, ""},
		"what puts another in force":                 {inForce + "b", `{"spec":{"policyName":"other"}}`, ""},
		"the chart's FlowSchema":                     {schemas + "ark", "", flow},
		"its priority":                               {"prioritylevelconfigurations.flowcontrol.apiserver.k8s.io/ark", "", flow},
		"a FlowSchema that takes its requests": {
			schemas + "x", `{"spec":{"rules":[{"subjects":[{"kind":"ServiceAccount","serviceAccount":{"namespace":"ark-system","name":"*"}}]}]}}`, flow,
		},
		"a FlowSchema of its user": {
			schemas + "x", `{"spec":{"rules":[{"subjects":[{"kind":"User","user":{"name":"system:serviceaccount:ark-system:server"}}]}]}}`, flow,
		},
		"a FlowSchema of others": {
			schemas + "x", `{"spec":{"rules":[{"subjects":[{"kind":"Group","group":{"name":"system:serviceaccounts"}}]}]}}`, "",
		},
		"a volume for a claim of it": {
			"persistentvolumes/v", `{"spec":{"claimRef":{"namespace":"ark-system","name":"store"}}}`, "it is for a claim in the namespace that Ark runs in",
		},
		"another volume": {"persistentvolumes/v", `{"spec":{"claimRef":{"namespace":"shop","name":"store"}}}`, ""},
		"a ConfigMap":    {"configmaps/shop/c", `{"data":{}}`, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var m map[string]any
			if tc.object != "" {
				if err := json.Unmarshal([]byte(tc.object), &m); err != nil {
					t.Fatal(err)
				}
			}
			f := facts()
			// It is enough that one of the forms is Ark's.
			if got := f.Owns(key(tc.key), map[string]any{}, m); got != tc.want {
				t.Errorf("Owns(%s) = %q, want %q", tc.key, got, tc.want)
			}
		})
	}
}

// A server may run as an account that lies elsewhere.
func TestAnAccountOfAnotherNamespaceIsArksAndItsNamespaceIsNot(t *testing.T) {
	f := own.Facts{Namespace: "ark-system", User: "system:serviceaccount:tools:robot"}
	token := map[string]any{"metadata": map[string]any{"annotations": map[string]any{"kubernetes.io/service-account.name": "robot"}}}
	for name, want := range map[string]bool{
		"serviceaccounts/tools/robot": true, "serviceaccounts/tools/other": false, "serviceaccounts/ark-system/ark": true,
		"secrets/tools/token": true, "secrets/other/token": false, "pods/tools/p": false,
	} {
		if got := f.Owns(key(name), token) != ""; got != want {
			t.Errorf("Owns(%s) = %t, want %t", name, got, want)
		}
	}
}

func TestWithoutAnyFactsArksKindsAreArksAllTheSame(t *testing.T) {
	var f own.Facts
	for name, want := range map[string]bool{
		"configs.ark.gopherwood.dev/default": true, roles + "ark-restore": true, "namespaces/": false, "pods/shop/p": false, "nodes/n": false,
	} {
		if got := f.Owns(key(name), map[string]any{}) != ""; got != want {
			t.Errorf("Owns(%s) = %t, want %t", name, got, want)
		}
	}
}

func TestWhatMayBeMadeWhereItIsMissing(t *testing.T) {
	f := facts()
	f.Named = keys("configmaps/ark-system/rules", "secrets/ark-system/storage")
	opaque, token := map[string]any{"type": "Opaque"}, map[string]any{"type": "kubernetes.io/service-account-token"}
	tests := map[string]struct {
		key       string
		object    map[string]any
		unsigning bool // whether it may be where nothing signs
	}{
		"a policy":                         {"backuppolicies.ark.gopherwood.dev/p", nil, true},
		"what the group may yet have":      {"gates.ark.gopherwood.dev/p", nil, false},
		"a ConfigMap that nobody names":    {"configmaps/ark-system/more", nil, true},
		"a ConfigMap with rules in force":  {"configmaps/ark-system/rules", nil, false},
		"a ConfigMap that Ark itself made": {"configmaps/ark-system/ark-restore-x", nil, false},
		"a Secret that nobody names":       {"secrets/ark-system/more", opaque, true},
		"a Secret with credentials":        {"secrets/ark-system/storage", opaque, false},
		"a token":                          {"secrets/ark-system/token", token, false},
		"what Helm installs from":          {"secrets/ark-system/release", map[string]any{"type": "helm.sh/release.v1"}, false},
		"its namespace":                    {"namespaces/ark-system", nil, true},
		"its Deployment":                   {"deployments.apps/ark-system/ark", nil, false},
		"a definition":                     {"customresourcedefinitions.apiextensions.k8s.io/configs.ark.gopherwood.dev", nil, false},
		"a role":                           {roles + "ark-controllers", nil, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			for proof, want := range map[own.Proof]bool{own.NothingSigns: tc.unsigning, own.Unproven: false, own.Proven: true} {
				if got := proof.Allows(&f, key(tc.key), tc.object); got != want {
					t.Errorf("%q.Allows(%s) = %t, want %t", proof, tc.key, got, want)
				}
			}
		})
	}
}
