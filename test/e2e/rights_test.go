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
					if !slices.Contains(unasked, verb) && !slices.ContainsFunc(requests, one.covers) {
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

// ofEngine reports whether a backup or a restore made the request. What tells the
// cluster's identity is asked for by the same code, for the controllers.
func ofEngine(q lab.Request) bool {
	identity := q.Verb == "get" && q.Resource == "namespaces" && q.Name == "kube-system"
	return q.UserAgent == engineAgent && !identity
}

// forEngine reports whether the right is there for backups and restores.
func (r right) forEngine() bool { return !strings.HasPrefix(r.role, "ark-controllers") }

// covers reports whether the right is what the request lives on: it allows it, and
// it is there for whoever made it. Otherwise the rights of restores, to everything,
// would seem to be used by whatever the controllers do.
func (r right) covers(q lab.Request) bool { return r.forEngine() == ofEngine(q) && r.allows(q) }

// misplaced returns the requests that are allowed by the rights of another part
// only: controllers must not live on what restores are allowed, or they would
// fail where restores are switched off, and backups and restores not on what
// controllers are.
func misplaced(rights []right, requests []lab.Request) []string {
	var lines []string
	for _, q := range requests {
		if q.Resource != "" && !slices.ContainsFunc(rights, func(r right) bool { return r.covers(q) }) {
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
		i.t.Errorf("its own role does not allow %s", line)
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
		{"ark-controllers", "", rule("list", "", "nodes")},
	}
	requests := []lab.Request{
		{UserAgent: "ark", Verb: "list", Group: "apps", Resource: "deployments", Namespace: "shop"},
		{UserAgent: "ark/v1", Verb: "get", Resource: "secrets", Namespace: "ark-system"},
		{UserAgent: "ark/v1", Verb: "watch", Resource: "secrets", Namespace: "shop"},
		{UserAgent: "ark/v1", Verb: "patch", Group: "ark.gopherwood.dev", Resource: "backups/status"},
		{UserAgent: "ark/v1", Verb: "create", Resource: "configmaps", Namespace: "ark-system"},
		{UserAgent: "ark", Verb: "list", Resource: "nodes"},
		{UserAgent: "ark", Verb: "get", Resource: "namespaces", Name: "kube-system"},
		{UserAgent: "ark/v1", Verb: "get", Path: "/api"},
		{UserAgent: "ark", Verb: "get", Resource: "namespaces", Name: "default"},
		{UserAgent: "ark", Verb: "watch", Resource: "secrets", Namespace: "ark-system"},
	}
	wantUnused := []string{
		"ark-restore: create *.*", "ark-restore: update *.*", "ark-controllers: watch secrets.",
		"ark-controllers: patch backups.ark.gopherwood.dev", "ark-controllers: list nodes.",
	}
	if diff := cmp.Diff(wantUnused, unused(rights, requests)); diff != "" {
		t.Errorf("unused (-want +got):\n%s", diff)
	}
	wantMisplaced := []string{
		`create configmaps. in "ark-system"`, `get namespaces. in ""`, `watch secrets. in "ark-system"`, `watch secrets. in "shop"`,
	}
	if diff := cmp.Diff(wantMisplaced, misplaced(rights, requests)); diff != "" {
		t.Errorf("misplaced (-want +got):\n%s", diff)
	}
}
