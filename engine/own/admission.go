// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package own

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
)

const (
	validatingPolicies = "validatingadmissionpolicies"
	mutatingPolicies   = "mutatingadmissionpolicies"

	// hasSay is why an admission webhook or policy is Ark's.
	hasSay = "it has a say in changes of Ark's own kinds"
)

// webhooks are those that are asked about Ark's kinds. Selectors of namespaces do not
// hold for them, which have none; those of objects are for whoever writes an object to
// choose, and conditions may hold.
func (f *Facts) webhooks(_ engine.Key, m manifest) string {
	for _, hook := range objects(m, "webhooks") {
		if asks(objects(hook, "rules"), nil) {
			return hasSay
		}
	}
	return ""
}

// policy is an admission policy that is asked about Ark's kinds.
func (f *Facts) policy(k engine.Key, m manifest) string {
	constraints := child(m, "spec", "matchConstraints")
	asked := asks(objects(constraints, "resourceRules"), objects(constraints, "excludeResourceRules"))
	return when(f.Policies[k] || asked, hasSay)
}

// policyBinding puts such a policy in force. One without rules of its own is for all
// that the policy matches.
func (f *Facts) policyBinding(_ engine.Key, m manifest) string {
	policy := engine.Key{Name: text(m, "spec", "policyName")}
	found := false
	for _, resource := range []string{validatingPolicies, mutatingPolicies} {
		policy.GroupResource = schema.GroupResource{Group: admissionGroup, Resource: resource}
		found = found || f.Policies[policy]
	}
	if !found {
		return ""
	}
	matches := child(m, "spec", "matchResources")
	rules := objects(matches, "resourceRules")
	return when(len(rules) == 0 || asks(rules, objects(matches, "excludeResourceRules")), hasSay)
}

// asks reports whether rules match any of Ark's kinds, or its status, and no other
// rules leave that out.
func asks(rules, but []manifest) bool {
	for _, kind := range kinds {
		for _, resource := range []string{kind, kind + "/status"} {
			covers := func(rule manifest) bool { return covers(rule, resource) }
			leavesOut := func(rule manifest) bool {
				_, named := rule["resourceNames"]
				return !named && slices.Contains(texts(rule, "operations"), "*") && covers(rule)
			}
			if slices.ContainsFunc(rules, covers) && !slices.ContainsFunc(but, leavesOut) {
				return true
			}
		}
	}
	return false
}

// covers reports whether a rule of a webhook or policy matches a resource of Ark's, in
// whatever version and under whatever name.
func covers(rule manifest, resource string) bool {
	if text(rule, "scope") == "Namespaced" {
		return false
	}
	groups := texts(rule, "apiGroups")
	if !slices.Contains(groups, "*") && !slices.Contains(groups, Group) {
		return false
	}
	name, sub, _ := strings.Cut(resource, "/")
	return slices.ContainsFunc(texts(rule, "resources"), func(pattern string) bool {
		ofName, ofSub, divided := strings.Cut(pattern, "/")
		if !divided {
			return sub == "" && (ofName == "*" || ofName == name)
		}
		return (ofName == "*" || ofName == name) && (ofSub == "*" || ofSub == sub)
	})
}

func texts(m manifest, field string) []string {
	list, _ := m[field].([]any)
	found := make([]string, 0, len(list))
	for _, v := range list {
		if s, ok := v.(string); ok {
			found = append(found, s)
		}
	}
	return found
}
