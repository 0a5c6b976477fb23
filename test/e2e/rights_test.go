// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// right is a rule of a role that is bound to the service account.
type right struct {
	role string
	// namespace is that of the role; empty for a ClusterRole.
	namespace string
	rbacv1.PolicyRule
}

// rights are all rules that the service account has in the cluster, through
// whatever role.
func (i *installation) rights() []right {
	i.t.Helper()
	var clusterBindings rbacv1.ClusterRoleBindingList
	var bindings rbacv1.RoleBindingList
	for _, list := range []client.ObjectList{&clusterBindings, &bindings} {
		if err := i.admin.List(i.t.Context(), list); err != nil {
			i.t.Fatal(err)
		}
	}
	var rights []right
	for _, b := range clusterBindings.Items {
		if slices.ContainsFunc(b.Subjects, isAccount) {
			var role rbacv1.ClusterRole
			i.get(&role, "", b.RoleRef.Name)
			for _, rule := range role.Rules {
				rights = append(rights, right{role.Name, "", rule})
			}
		}
	}
	for _, b := range bindings.Items {
		if slices.ContainsFunc(b.Subjects, isAccount) {
			var role rbacv1.Role
			i.get(&role, b.Namespace, b.RoleRef.Name)
			for _, rule := range role.Rules {
				rights = append(rights, right{role.Name, b.Namespace, rule})
			}
		}
	}
	if len(rights) == 0 {
		i.t.Fatalf("%s has no rights", account)
	}
	return rights
}

func isAccount(s rbacv1.Subject) bool {
	return s.Kind == rbacv1.ServiceAccountKind && s.Namespace == labtest.Namespace && s.Name == "ark"
}

// allows reports whether the right covers a request.
func (r right) allows(q lab.Request) bool {
	return (r.namespace == "" || r.namespace == q.Namespace) &&
		has(r.Verbs, q.Verb) && has(r.APIGroups, q.Group) && has(r.Resources, q.Resource) &&
		(len(r.ResourceNames) == 0 || slices.Contains(r.ResourceNames, q.Name))
}

func has(list []string, value string) bool {
	return slices.Contains(list, "*") || slices.Contains(list, value)
}

// unasked are verbs that the API server checks within another request, which is
// all that it records: test/chart shows what they are for.
var unasked = []string{"escalate", "bind"}

// slow are the rights whose use this test cannot wait for, each with the package
// whose tests show it.
var slow = map[string]string{
	"ark-controllers: delete configmaps.": "controllers/internal/rules: kept rules are swept after an hour",
}

// unused returns what nobody asked for: a line for each verb, group and resource
// of a rule. A wildcard counts as one resource.
func unused(rights []right, requests []lab.Request) []string {
	var lines []string
	for _, r := range rights {
		for _, verb := range r.Verbs {
			for _, group := range r.APIGroups {
				for _, resource := range r.Resources {
					one := r
					one.PolicyRule = rbacv1.PolicyRule{
						Verbs: []string{verb}, APIGroups: []string{group}, Resources: []string{resource}, ResourceNames: r.ResourceNames,
					}
					if !slices.Contains(unasked, verb) && !slices.ContainsFunc(requests, one.allows) {
						lines = append(lines, fmt.Sprintf("%s: %s %s.%s", r.role, verb, resource, group))
					}
				}
			}
		}
	}
	return lines
}

// engineAgent is the user agent of what backups read and restores write; the
// controllers have another.
const engineAgent = "ark"

// misplaced returns the requests that are allowed by the rights of another part
// only: controllers must not live on what restores are allowed, or they would
// fail where restores are switched off.
func misplaced(rights []right, requests []lab.Request) []string {
	var lines []string
	for _, q := range requests {
		if q.Resource == "" || q.UserAgent == engineAgent {
			continue
		}
		own := slices.ContainsFunc(rights, func(r right) bool {
			return strings.HasPrefix(r.role, "ark-controllers") && r.allows(q)
		})
		if !own {
			lines = append(lines, fmt.Sprintf("%s %s.%s in %q", q.Verb, q.Resource, q.Group, q.Namespace))
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

// checkRights holds what the server asked for against what it may.
func (i *installation) checkRights() []lab.Request {
	i.t.Helper()
	requests, err := i.cluster.Audited()
	if err != nil {
		i.t.Fatal(err)
	}
	if len(requests) < 50 {
		i.t.Fatalf("the audit log has %d requests", len(requests))
	}
	for _, q := range requests {
		if q.Code == 401 || q.Code == 403 {
			i.t.Errorf("refused: %s %s: %s", q.Verb, q.Path, q.Message)
		}
	}
	for _, line := range misplaced(i.rights(), requests) {
		i.t.Errorf("no role of the controllers allows %s", line)
	}
	return requests
}

func TestUnusedAndMisplacedRightsAreFound(t *testing.T) {
	rule := func(verbs, groups, resources string, names ...string) rbacv1.PolicyRule {
		return rbacv1.PolicyRule{
			Verbs: strings.Fields(verbs), APIGroups: strings.Split(groups, " "), Resources: strings.Fields(resources), ResourceNames: names,
		}
	}
	rights := []right{
		{"ark-backup", "", rule("list", "*", "*")},
		{"ark-restore", "", rule("create update", "*", "*")},
		{"ark-restore", "", rule("bind", "rbac.authorization.k8s.io", "roles")},
		{"ark-controllers", "ark-system", rule("get watch", "", "secrets")},
		{"ark-controllers", "", rule("patch", "ark.gopherwood.dev", "backups backups/status")},
		{"ark-controllers", "", rule("get", "", "namespaces", "kube-system")},
	}
	requests := []lab.Request{
		{UserAgent: "ark", Verb: "list", Group: "apps", Resource: "deployments", Namespace: "shop"},
		{UserAgent: "ark/v1", Verb: "get", Resource: "secrets", Namespace: "ark-system"},
		{UserAgent: "ark/v1", Verb: "watch", Resource: "secrets", Namespace: "shop"},
		{UserAgent: "ark/v1", Verb: "patch", Group: "ark.gopherwood.dev", Resource: "backups/status"},
		{UserAgent: "ark/v1", Verb: "create", Resource: "configmaps", Namespace: "ark-system"},
		{UserAgent: "ark/v1", Verb: "get", Path: "/api"},
		{UserAgent: "ark", Verb: "get", Resource: "namespaces", Name: "default"},
	}
	wantUnused := []string{
		"ark-restore: update *.*", "ark-controllers: watch secrets.", "ark-controllers: patch backups.ark.gopherwood.dev",
		"ark-controllers: get namespaces.",
	}
	if diff := cmp.Diff(wantUnused, unused(rights, requests)); diff != "" {
		t.Errorf("unused (-want +got):\n%s", diff)
	}
	wantMisplaced := []string{`create configmaps. in "ark-system"`, `watch secrets. in "shop"`}
	if diff := cmp.Diff(wantMisplaced, misplaced(rights, requests)); diff != "" {
		t.Errorf("misplaced (-want +got):\n%s", diff)
	}
}
