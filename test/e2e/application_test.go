// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"encoding/base64"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/test/lab/labtest"
)

const (
	// canary is the content of a Secret that is backed up, and keyCanary that of
	// the Secret of a storage location: neither must be seen anywhere else.
	canary    = "canary-4e1f0c7a-in-a-backup"
	keyCanary = "canary-93bd5521-in-a-location"
)

// application is what is protected: it holds rights that the service account
// itself has not, an owner that comes back after what it owns, an object of a
// server-side apply, and a Secret as kubectl apply leaves it, which repeats its
// content in an annotation.
func (i *installation) application() {
	i.t.Helper()
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: "shop", Name: name} }
	i.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}})
	card := &corev1.Secret{ObjectMeta: meta("card"), Data: map[string][]byte{"number": []byte(canary)}}
	card.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: fmt.Sprintf(
		`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"card","namespace":"shop"},"data":{"number":%q}}`,
		base64.StdEncoding.EncodeToString([]byte(canary)))}
	robot := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: "shop", Name: "robot"}
	all := []rbacv1.PolicyRule{{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}}
	web := deployment()
	i.create(card,
		&corev1.ConfigMap{ObjectMeta: meta("cache")},
		&corev1.ServiceAccount{ObjectMeta: meta("robot")},
		&rbacv1.Role{ObjectMeta: meta("robot"), Rules: all},
		&rbacv1.RoleBinding{
			ObjectMeta: meta("robot"), Subjects: []rbacv1.Subject{robot},
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "robot"},
		},
		&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "shop-operator"}, Rules: all},
		&rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "shop-operator"}, Subjects: []rbacv1.Subject{robot},
			RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "shop-operator"},
		},
		web,
	)
	state := &corev1.ConfigMap{ObjectMeta: meta("web-state"), Data: map[string]string{"cursor": "7"}}
	state.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: web.Name, UID: web.UID}}
	i.create(state)
	prices := applycorev1.ConfigMap("prices", "shop").WithData(map[string]string{"apple": "1"})
	if err := i.admin.Apply(i.t.Context(), prices, client.FieldOwner("git")); err != nil {
		i.t.Fatal(err)
	}
}

func deployment() *appsv1.Deployment {
	labels := map[string]string{"app": "web"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web"}}},
			},
		},
	}
}

// config is the Config: the bucket is a directory.
func (i *installation) config() *v1alpha1.Config {
	return &v1alpha1.Config{
		ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.ConfigName},
		Spec: v1alpha1.ConfigSpec{
			Storage: []v1alpha1.StorageLocation{{
				Name: "main", Default: true, URL: "file://" + storeRoot + "/main", Signing: &v1alpha1.Signing{SecretName: "signing"},
			}},
			SyncInterval: &metav1.Duration{Duration: time.Second}, GCInterval: &metav1.Duration{Duration: time.Second},
		},
	}
}

// policy backs the shop up and lets nobody restore over it. Its rules come inline
// and from a ConfigMap.
func policy() (*v1alpha1.BackupPolicy, *corev1.ConfigMap) {
	rules := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: "shop-rules"},
		Data: map[string]string{"caches.rego": `package ark.select

# METADATA
# title: Caches are left out
# description: A cache fills itself again.
exclude contains "cache" if input.object.metadata.name == "cache"

# METADATA
# title: Never
# description: It fails, and the error quotes what it sees, where a rule sees what kubectl apply repeats of a Secret.
exclude contains "seen" if {
	input.resource.kind == "Secret"
	to_number(input.object.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"]) > 0
}
`},
	}
	return &v1alpha1.BackupPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "shop"},
		Spec: v1alpha1.BackupPolicySpec{
			Schedules: []v1alpha1.PolicySchedule{{Name: "nightly", Cron: "@yearly"}, {Name: "weekly", Cron: "@yearly"}},
			Template:  &v1alpha1.BackupTemplate{IncludedNamespaces: []string{"shop", "shop-*"}},
			Rules: []v1alpha1.Rule{
				{Name: "caches", ConfigMap: &v1alpha1.ConfigMapRules{Name: rules.Name}},
				{Name: "beside", Rego: `package ark.restore

import rego.v2

# METADATA
# title: Beside production first
# description: Nobody restores over production without having looked at the data.
deny contains {"code": "beside-first", "msg": "map each namespace onto one that ends in -restored"} if {
	some namespace in input.plan.namespaces
	not endswith(namespace.name, "-restored")
}
`},
			},
		},
	}, rules
}
