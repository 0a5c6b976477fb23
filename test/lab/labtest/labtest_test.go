// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package labtest_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"context"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestTheSharedClusterServesArksKinds(t *testing.T) {
	c := labtest.Client(t, labtest.Shared(t))
	for name, list := range map[string]client.ObjectList{
		"Config":       &v1alpha1.ConfigList{},
		"BackupPolicy": &v1alpha1.BackupPolicyList{},
		"Schedule":     &v1alpha1.ScheduleList{},
		"Backup":       &v1alpha1.BackupList{},
		"Restore":      &v1alpha1.RestoreList{},
	} {
		if err := c.List(t.Context(), list); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASecondRequestForTheSharedClusterStartsNoOther(t *testing.T) {
	if first, second := labtest.Shared(t), labtest.Shared(t); first != second {
		t.Errorf("got two clusters, in %s and %s", first.Dir, second.Dir)
	}
}

func TestWithTheControllerManagerNamespacesGoAway(t *testing.T) {
	c := labtest.Client(t, labtest.Start(t, lab.Options{ControllerManager: true}))
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "prices"}}
	for _, obj := range []client.Object{ns, cm} {
		if err := c.Create(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Delete(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true,
		func(ctx context.Context) (bool, error) {
			err := c.Get(ctx, client.ObjectKeyFromObject(ns), ns)
			return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
		})
	if err != nil {
		t.Errorf("the namespace is still there: %v, %+v", err, ns.Status)
	}
}
