// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/own"
	"github.com/gopherwood/ark/engine/selection"
	"github.com/gopherwood/ark/test/lab/labtest"
)

const (
	anyDefinition = "customresourcedefinitions.apiextensions.k8s.io"
	rulesField    = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/rules"
	anyRules      = "clusterroles.rbac.authorization.k8s.io"
)

// definition reads a definition of Ark's kinds.
func (f *fixture) definition(name string) *unstructured.Unstructured {
	f.t.Helper()
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"})
	if err := f.client.Get(f.t.Context(), client.ObjectKey{Name: name}, o); err != nil {
		f.t.Fatal(err)
	}
	return o
}

// One restore must not take away the gates of the next.
func TestARestoreDoesNotTakeTheGatesAway(t *testing.T) {
	f := setUp(t)
	f.policy("p", f.into, denyAll)
	f.restore("before")
	hasPrefix(t, "Ready", f.settle("before"), "False Denied: ")
	yes := true
	f.backupOf(selection.Template{IncludedResources: []string{anyDefinition}, ClusterResources: &yes}, "definitions", f.uid)
	was := f.definition("configs.ark.gopherwood.dev").Object["spec"]

	f.restore("disarm", func(s *v1alpha1.RestoreSpec) {
		s.BackupName, s.NamespaceMapping, s.IncludedNamespaces = "definitions", nil, nil
		s.IncludedResources, s.Names = []string{anyDefinition}, []string{"configs.ark.gopherwood.dev"}
		s.ExistingResourcePolicy = "Update"
		s.Modifiers = []v1alpha1.Modifier{{Name: "disarm", Patch: `[{"op":"remove","path":"` + rulesField + `"}]`}}
	})
	hasPrefix(t, "Ready", f.settle("disarm"), "True Succeeded: ")
	if diff := cmp.Diff(was, f.definition("configs.ark.gopherwood.dev").Object["spec"]); diff != "" {
		t.Errorf("the definition changed (-was +is):\n%s", diff)
	}
	told := strings.Join(f.get("disarm").Status.Warnings, "\n")
	if want := `modifier "disarm" is not applied: Ark's own objects come back as archived`; !strings.Contains(told, want) {
		t.Errorf("warnings %s, want %s", told, want)
	}
	f.restore("after")
	hasPrefix(t, "Ready", f.settle("after"), "False Denied: BackupPolicy p denied the restore, and nothing was written: not today (no)")
}

func TestNobodyElsesBackupMakesWhatArkMayDo(t *testing.T) {
	tests := map[string]struct{ foreign, trusting bool }{
		"another cluster's":                                    {foreign: true},
		"its own, and nothing signs":                           {},
		"its own, which is not signed although keys are known": {trusting: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			role := &rbacv1.ClusterRole{
				ObjectMeta: metav1.ObjectMeta{Name: "ark-controllers"},
				Rules:      []rbacv1.PolicyRule{{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}},
			}
			f.create(role)
			cluster, yes := f.uid, true
			if tc.foreign {
				cluster = otherCluster
			}
			if tc.trusting {
				f.config(func(s *v1alpha1.ConfigSpec) {
					s.TrustedKeys = []v1alpha1.TrustedKey{{Name: "k", PublicKey: newKey(t)}}
				})
			}
			f.backupOf(selection.Template{IncludedResources: []string{anyRules}, ClusterResources: &yes}, "roles", cluster)
			if err := f.client.Delete(t.Context(), role); err != nil {
				t.Fatal(err)
			}
			f.restore("roles", func(s *v1alpha1.RestoreSpec) {
				s.BackupName, s.NamespaceMapping, s.IncludedNamespaces = "roles", nil, nil
				if tc.foreign {
					s.BackupName = "roles-" + otherCluster[:8]
				}
				s.IncludedResources, s.Names = []string{anyRules}, []string{"ark-controllers"}
			})
			hasPrefix(t, "Ready", f.settle("roles"), "True Succeeded: ")
			if err := f.client.Get(t.Context(), client.ObjectKey{Name: role.Name}, &rbacv1.ClusterRole{}); !apierrors.IsNotFound(err) {
				t.Errorf("the role is there: %v", err)
			}
			if diff := cmp.Diff([]v1alpha1.CodeCount{{Code: "own-settings", Count: 1}}, f.get("roles").Status.SkippedBy); diff != "" {
				t.Errorf("skippedBy (-want +got):\n%s", diff)
			}
		})
	}
}

func newKey(t *testing.T) string {
	t.Helper()
	key, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(key)
}

func TestWhoseBackupItIs(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key := base64.StdEncoding.EncodeToString(public)
	const here, there = "here", "there"
	trusting := v1alpha1.Config{Spec: v1alpha1.ConfigSpec{TrustedKeys: []v1alpha1.TrustedKey{{Name: "k", PublicKey: key}}}}
	signing := v1alpha1.Config{
		Spec:   v1alpha1.ConfigSpec{Storage: []v1alpha1.StorageLocation{{Name: "main", Signing: &v1alpha1.Signing{SecretName: "s"}}}},
		Status: v1alpha1.ConfigStatus{Storage: []v1alpha1.StorageLocationStatus{{Name: "main", PublicKey: key}}},
	}
	unkeyed := v1alpha1.Config{Spec: signing.Spec}
	tests := map[string]struct {
		cfg     v1alpha1.Config
		cluster string
		signed  bool
		want    own.Proof
	}{
		"nothing signs":                                {v1alpha1.Config{}, here, false, own.NothingSigns},
		"nothing signs here, and it is signed":         {v1alpha1.Config{}, here, true, own.NothingSigns},
		"it should be signed, and the key is missing":  {unkeyed, here, false, own.Unproven},
		"not signed, and a key is known":               {signing, here, false, own.Unproven},
		"signed by this cluster":                       {signing, here, true, own.Proven},
		"signed by the key that this cluster had once": {trusting, here, true, own.Proven},
		"signed by another cluster that is trusted":    {trusting, there, true, own.Unproven},
		"signed with its key before it was built anew": {signing, there, true, own.Proven},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			env := &archive.Envelope{Marker: []byte("{}")}
			if tc.signed {
				archive.Sign(env, private)
			}
			s := &scope{cfg: &tc.cfg, snapshot: &catalog.Snapshot{Envelope: env, Marker: &archive.Marker{Cluster: archive.Cluster{UID: tc.cluster}}}}
			if got := (&Reconciler{ClusterUID: here}).proof(s); got != tc.want {
				t.Errorf("proof = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestWhatIsLearnedOfArk(t *testing.T) {
	f := setUp(t)
	f.policy("p", f.into, denyAll)
	account := rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: labtest.Namespace, Name: "ark-" + string(labtest.WithRestores)}
	ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "learned"}
	f.create(&rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: "learned"},
		AggregationRule: &rbacv1.AggregationRule{ClusterRoleSelectors: []metav1.LabelSelector{{
			MatchLabels:      map[string]string{"to": "ark"},
			MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "but", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"x", "y"}}},
		}}},
	})
	f.create(&rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "learned"}, RoleRef: ref, Subjects: []rbacv1.Subject{account}})
	f.create(&rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "learned"}, Subjects: []rbacv1.Subject{account},
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "missing"},
	})
	f.create(admissionPolicy())
	cfg := &v1alpha1.Config{Spec: v1alpha1.ConfigSpec{
		Rules:   []v1alpha1.Rule{{Name: "r", ConfigMap: &v1alpha1.ConfigMapRules{Name: "rules"}}},
		Storage: []v1alpha1.StorageLocation{{Name: "main", CredentialsSecretName: "credentials", CASecretName: "ca", Signing: &v1alpha1.Signing{SecretName: "signing"}}},
	}}
	facts, err := f.r.learnOwn(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if want := "system:serviceaccount:ark-system:ark-with-restores"; facts.User != want {
		t.Errorf("user %q, want %q", facts.User, want)
	}
	rbac := func(resource, namespace, name string) engine.Key {
		return engine.Key{GroupResource: schema.GroupResource{Group: rbacv1.GroupName, Resource: resource}, Namespace: namespace, Name: name}
	}
	core := func(resource, name string) engine.Key {
		return engine.Key{GroupResource: schema.GroupResource{Resource: resource}, Namespace: labtest.Namespace, Name: name}
	}
	for what, is := range map[string]bool{
		"the chart's role":         facts.Roles[rbac("clusterroles", "", "ark-restore-with-restores")],
		"the chart's binding":      facts.Bindings[rbac("clusterrolebindings", "", "ark-restore-with-restores")],
		"the chart's own role":     facts.Roles[rbac("roles", labtest.Namespace, "ark-controllers-with-restores")],
		"another role":             facts.Roles[rbac("clusterroles", "", "learned")],
		"a role that is not there": facts.Roles[rbac("roles", "default", "missing")],
		"no role of others":        !facts.Roles[rbac("clusterroles", "", "cluster-admin")],
		"a policy":                 facts.Policies[engine.Key{GroupResource: schema.GroupResource{Group: "admissionregistration.k8s.io", Resource: "validatingadmissionpolicies"}, Name: "learned"}],
		"rules":                    facts.Named[core("configmaps", "rules")],
		"credentials":              facts.Named[core("secrets", "credentials")],
		"a certificate":            facts.Named[core("secrets", "ca")],
		"a key":                    facts.Named[core("secrets", "signing")],
	} {
		if !is {
			t.Errorf("%s was not learned: %+v", what, facts)
		}
	}
	if len(facts.Aggregated) != 1 || facts.Aggregated[0].String() != "but notin (x,y),to=ark" {
		t.Errorf("aggregated = %v", facts.Aggregated)
	}
}

// admissionPolicy is an admission policy that matches Ark's kinds.
func admissionPolicy() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": map[string]any{"name": "learned"},
		"spec": map[string]any{
			"matchConstraints": map[string]any{"resourceRules": []any{map[string]any{
				"apiGroups": []any{v1alpha1.GroupVersion.Group}, "apiVersions": []any{"*"}, "operations": []any{"*"}, "resources": []any{"configs"},
			}}},
			"validations": []any{map[string]any{"expression": "true"}},
		},
	}}
}
