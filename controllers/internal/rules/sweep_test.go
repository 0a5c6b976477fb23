// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package rules_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestRulesThatNobodyUsesAreSwept(t *testing.T) {
	l, c := loader(t)
	keep := func(kind string) *v1alpha1.PolicyRevision {
		t.Helper()
		revision := mustLoad(t, l, policy(inline("own", excluding(kind))))
		if err := l.Keep(t.Context(), revision); err != nil {
			t.Fatal(err)
		}
		return revision.Status()
	}
	used, clusterWide := policy(), &v1alpha1.Config{}
	clusterWide.Name = "default"
	used.Status.Policy, clusterWide.Status.Policy = keep("Pod"), keep("Event")
	controllertest.Create(t, c, used, clusterWide)
	keep("Secret")
	configMap(t, c, "ark-policy-of-somebody-else", nil)

	names := func() []string {
		t.Helper()
		var list corev1.ConfigMapList
		if err := c.List(t.Context(), &list, client.InNamespace(labtest.Namespace)); err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, cm := range list.Items {
			all = append(all, cm.Name)
		}
		return all
	}
	before := names()
	if err := l.Sweep(t.Context(), time.Now().Add(59*time.Minute)); err != nil { //nolint:forbidigo // compared with the API server's clock
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, names()); diff != "" {
		t.Errorf("what was just kept is gone (-before +after):\n%s", diff)
	}
	if err := l.Sweep(t.Context(), time.Now().Add(61*time.Minute)); err != nil { //nolint:forbidigo // compared with the API server's clock
		t.Fatal(err)
	}
	after := names()
	if len(after) != len(before)-1 {
		t.Errorf("left %v of %v, want one less", after, before)
	}
	for _, digest := range []string{used.Status.Policy.Digest, clusterWide.Status.Policy.Digest} {
		cm := &corev1.ConfigMap{}
		if err := c.Get(t.Context(), client.ObjectKey{Namespace: labtest.Namespace, Name: "ark-policy-" + digest[len("sha256:"):][:16]}, cm); err != nil {
			t.Error(err)
		}
	}
}
