// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// TestAnUpgradeUpdatesTheKindsAndAnUninstallKeepsThem installs an older chart,
// whose Config has a field less, upgrades it, uninstalls it and installs it again.
func TestAnUpgradeUpdatesTheKindsAndAnUninstallKeepsThem(t *testing.T) {
	cluster := empty(t, lab.Options{})
	c := labtest.Client(t, cluster)
	act := func(args ...string) string {
		t.Helper()
		out, err := helm(t, "", append(args, "--namespace", labtest.Namespace, "--kubeconfig", cluster.Kubeconfig)...)
		if err != nil {
			t.Fatal(out)
		}
		return out
	}
	hasMode := func() bool {
		t.Helper()
		var crd apiextensionsv1.CustomResourceDefinition
		if err := c.Get(t.Context(), client.ObjectKey{Name: "configs.ark.gopherwood.dev"}, &crd); err != nil {
			t.Fatal(err)
		}
		_, ok := crd.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"].Properties["mode"]
		return ok
	}

	notes := act("install", "ark", older(t), "--create-namespace", "--set", "image.repository=ark")
	if !strings.Contains(notes, "kubectl get arkcfg,arkp,arks,arkb") {
		t.Errorf("the notes do not say what comes next:\n%s", notes)
	}
	if hasMode() {
		t.Fatal("the older chart has the field: the test tests nothing")
	}
	cfg := &v1alpha1.Config{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.ConfigName}}
	served(t, c)
	if err := c.Create(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	uid := cfg.UID

	notes = act("upgrade", "ark", chart, "--set", "image.repository=ark,restore.enabled=false")
	if !hasMode() {
		t.Error("the upgrade left the kinds as they were")
	}
	if !strings.Contains(notes, "Restores are switched off") {
		t.Errorf("the notes do not say that restores are off:\n%s", notes)
	}

	act("uninstall", "ark")
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(cfg), cfg); err != nil || cfg.UID != uid {
		t.Errorf("the Config did not outlive the release: %v", err)
	}
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: "ark"}}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(sa), sa); !apierrors.IsNotFound(err) {
		t.Errorf("the ServiceAccount outlived the release: %v", err)
	}
	act("install", "ark", chart, "--set", "image.repository=ark")

	out, err := helm(t, "", "install", "second", chart, "--namespace", "default", "--kubeconfig", cluster.Kubeconfig, "--set", "image.repository=ark")
	if err == nil || !strings.Contains(out, "exists and cannot be imported") {
		t.Errorf("a second release in the cluster is taken: %s", out)
	}
}

// served waits until a Config can be created: Helm ends a moment before.
func served(t *testing.T, c client.Client) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		err := c.List(ctx, &v1alpha1.ConfigList{})
		return err == nil, client.IgnoreNotFound(ignoreNoMatch(err))
	})
	if err != nil {
		t.Fatal(err)
	}
}

func ignoreNoMatch(err error) error {
	if meta.IsNoMatchError(err) {
		return nil
	}
	return err
}

// older copies the chart and takes a field out of a kind.
func older(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ark")
	if err := os.CopyFS(dir, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "files", "crds", "ark.gopherwood.dev_configs.yaml")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(content), "\n              mode:\n", "\n              manner:\n", 1)
	if changed == string(content) {
		t.Fatal("the Config has no field mode")
	}
	if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
