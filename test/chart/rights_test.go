// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"context"
	"slices"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/test/lab/labtest"
)

type attributes = authorizationv1.ResourceAttributes

// What the two splits may is used by the end-to-end test; this is what they may
// not.
func TestWhatTheServiceAccountMayNot(t *testing.T) {
	cluster := labtest.Shared(t)
	may := func(t *testing.T, split labtest.Split, a attributes) bool {
		t.Helper()
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &a}}
		if err := labtest.ServiceAccountClient(t, cluster, split).Create(t.Context(), review); err != nil {
			t.Fatal(err)
		}
		return review.Status.Allowed
	}
	const no, yes = false, true
	tests := map[string]struct {
		of            attributes
		without, with bool
	}{
		"list everything":                       {attributes{Verb: "list", Group: "*", Resource: "*"}, yes, yes},
		"read a Secret by name elsewhere":       {attributes{Verb: "get", Resource: "secrets", Namespace: "shop"}, no, yes},
		"get into a node's kubelet":             {attributes{Verb: "get", Resource: "nodes", Subresource: "proxy"}, no, yes},
		"get into a container":                  {attributes{Verb: "get", Resource: "pods", Subresource: "exec", Namespace: "shop"}, no, yes},
		"watch everything":                      {attributes{Verb: "watch", Group: "*", Resource: "*"}, no, no},
		"create a ConfigMap elsewhere":          {attributes{Verb: "create", Resource: "configmaps", Namespace: "shop"}, no, yes},
		"create an object of a custom type":     {attributes{Verb: "create", Group: "shop.example.org", Resource: "promotions"}, no, yes},
		"change a Config's spec":                {attributes{Verb: "update", Group: v1alpha1.GroupVersion.Group, Resource: "configs"}, no, yes},
		"delete a BackupPolicy":                 {attributes{Verb: "delete", Group: v1alpha1.GroupVersion.Group, Resource: "backuppolicies"}, no, yes},
		"delete a Secret of its own namespace":  {attributes{Verb: "delete", Resource: "secrets", Namespace: labtest.Namespace}, no, yes},
		"change a Secret of its own namespace":  {attributes{Verb: "patch", Resource: "secrets", Namespace: labtest.Namespace}, no, yes},
		"delete many objects at once":           {attributes{Verb: "deletecollection", Resource: "secrets", Namespace: "shop"}, no, no},
		"grant what it has not":                 {attributes{Verb: "escalate", Group: rbacv1.GroupName, Resource: "clusterroles"}, no, yes},
		"act as somebody else":                  {attributes{Verb: "impersonate", Resource: "users"}, no, no},
		"act as another service account":        {attributes{Verb: "impersonate", Resource: "serviceaccounts", Namespace: "kube-system"}, no, no},
		"approve certificates of any signer":    {attributes{Verb: "approve", Group: "certificates.k8s.io", Resource: "signers"}, no, no},
		"everything":                            {attributes{Verb: "*", Group: "*", Resource: "*"}, no, no},
		"write an event of the controllers":     {attributes{Verb: "create", Group: "events.k8s.io", Resource: "events", Namespace: "default"}, yes, yes},
		"write an event about somebody's pod":   {attributes{Verb: "create", Group: "events.k8s.io", Resource: "events", Namespace: "shop"}, no, yes},
		"take another's lease":                  {attributes{Verb: "update", Group: "coordination.k8s.io", Resource: "leases", Namespace: "kube-system"}, no, yes},
		"take the lease of its own controllers": {attributes{Verb: "update", Group: "coordination.k8s.io", Resource: "leases", Namespace: labtest.Namespace, Name: "ark-leader"}, yes, yes},
		"take another's lease in its namespace": {attributes{Verb: "update", Group: "coordination.k8s.io", Resource: "leases", Namespace: labtest.Namespace, Name: "other"}, no, yes},
		"read another's lease in its namespace": {attributes{Verb: "get", Group: "coordination.k8s.io", Resource: "leases", Namespace: labtest.Namespace, Name: "other"}, no, yes},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := may(t, labtest.WithoutRestores, tc.of); got != tc.without {
				t.Errorf("without restores: %t, want %t", got, tc.without)
			}
			if got := may(t, labtest.WithRestores, tc.of); got != tc.with {
				t.Errorf("with restores: %t, want %t", got, tc.with)
			}
		})
	}
}

// The API server checks escalate and bind within other requests: without them, a
// role or binding of more rights than its writer has is refused.
func TestEscalateAndBindAreWhatRolesNeed(t *testing.T) {
	cluster := labtest.Shared(t)
	admin := labtest.Client(t, cluster)
	restores := labtest.ServiceAccountClient(t, cluster, labtest.WithRestores)
	all := []rbacv1.PolicyRule{{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}}
	some := metav1.ObjectMeta{Name: "more-than-its-writer-has"}
	there := metav1.ObjectMeta{Name: "there-before", Namespace: "default"}
	if err := admin.Create(t.Context(), &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: there.Name}, Rules: all}); err != nil {
		t.Fatal(err)
	}
	if err := admin.Create(t.Context(), &rbacv1.Role{ObjectMeta: there, Rules: all}); err != nil {
		t.Fatal(err)
	}
	robot := []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "default", Name: "robot"}}
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: there.Name}
	namespaced := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: there.Name}
	tests := map[string]struct {
		verb, on string
		object   client.Object
	}{
		"a ClusterRole":        {"escalate", "clusterroles", &rbacv1.ClusterRole{ObjectMeta: some, Rules: all}},
		"a Role":               {"escalate", "roles", &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: some.Name}, Rules: all}},
		"a ClusterRoleBinding": {"bind", "clusterroles", &rbacv1.ClusterRoleBinding{ObjectMeta: some, RoleRef: ref, Subjects: robot}},
		"a RoleBinding":        {"bind", "clusterroles", &rbacv1.RoleBinding{ObjectMeta: there, RoleRef: ref, Subjects: robot}},
		"a binding of a Role":  {"bind", "roles", &rbacv1.RoleBinding{ObjectMeta: there, RoleRef: namespaced, Subjects: robot}},
	}
	// refused waits until the API server's authorization, which hears of changes a
	// moment later, refuses to create the object, or takes it.
	refused := func(t *testing.T, o client.Object, want bool) {
		t.Helper()
		err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 10*time.Second, true, func(ctx context.Context) (bool, error) {
			err := restores.Create(ctx, o, client.DryRunAll)
			if apierrors.IsForbidden(err) {
				return want, nil
			}
			return !want, err
		})
		if err != nil {
			t.Errorf("refused is not %t: %v", want, err)
		}
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			refused(t, tc.object, false)
			putBack := takeVerb(t, admin, tc.verb, tc.on)
			refused(t, tc.object, true)
			putBack()
			refused(t, tc.object, false)
		})
	}
}

// takeVerb takes a verb on a resource from the role of restores, and returns what
// puts it back.
func takeVerb(t *testing.T, admin client.Client, verb, resource string) func() {
	t.Helper()
	write := func(edit func(*rbacv1.ClusterRole)) {
		t.Helper()
		var role rbacv1.ClusterRole
		if err := admin.Get(t.Context(), client.ObjectKey{Name: "ark-restore-" + string(labtest.WithRestores)}, &role); err != nil {
			t.Fatal(err)
		}
		edit(&role)
		if err := admin.Update(t.Context(), &role); err != nil {
			t.Fatal(err)
		}
	}
	var before []rbacv1.PolicyRule
	write(func(role *rbacv1.ClusterRole) {
		before = role.DeepCopy().Rules
		for i, rule := range role.Rules {
			if slices.Contains(rule.Verbs, verb) && slices.Contains(rule.Resources, resource) {
				others := *rule.DeepCopy() // the rule goes on without the resource, and of the resource without the verb
				role.Rules[i].Resources = slices.DeleteFunc(role.Rules[i].Resources, func(r string) bool { return r == resource })
				others.Resources = []string{resource}
				others.Verbs = slices.DeleteFunc(others.Verbs, func(v string) bool { return v == verb })
				role.Rules = append(role.Rules, others)
			}
		}
	})
	return func() { write(func(role *rbacv1.ClusterRole) { role.Rules = before }) }
}

func TestTheServiceAccountReadsItsOwnSecrets(t *testing.T) {
	cluster := labtest.Shared(t)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: "storage"}}
	if err := labtest.Client(t, cluster).Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	c := labtest.ServiceAccountClient(t, cluster, labtest.WithoutRestores)
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(secret), secret); err != nil {
		t.Error(err)
	}
	secret.Labels = map[string]string{"a": "b"}
	if err := c.Update(t.Context(), secret); !apierrors.IsForbidden(err) {
		t.Errorf("it changes one: %v", err)
	}
}
