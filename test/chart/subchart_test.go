// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// config is a Config that nothing has to be there for.
const config = `apiVersion: ark.gopherwood.dev/v1alpha1
kind: Config
metadata: {name: default}
spec: {storage: [{name: main, url: "mem://main"}]}
`

// TestAChartThatDependsOnArks does what the docs say about subcharts and about kinds that a
// release left, and what they say does not work.
func TestAChartThatDependsOnArks(t *testing.T) {
	cluster := empty(t, lab.Options{})
	c := labtest.Client(t, cluster)
	run := func(args ...string) (string, error) {
		t.Helper()
		return helm(t, "", append(args, "--namespace", labtest.Namespace, "--kubeconfig", cluster.Kubeconfig)...)
	}
	act := func(args ...string) {
		t.Helper()
		if out, err := run(args...); err != nil {
			t.Fatalf("helm %s:\n%s", strings.Join(args, " "), out)
		}
	}
	refused := func(want string, args ...string) {
		t.Helper()
		out, err := run(args...)
		if err == nil {
			t.Fatalf("helm %s is taken:\n%s", strings.Join(args, " "), out)
		}
		if !strings.Contains(out, want) {
			t.Errorf("helm %s: %s, want one about %q", strings.Join(args, " "), out, want)
		}
	}

	both, platform, backups := parent(t, "both", true, config), parent(t, "platform", true, ""), parent(t, "backups", false, config)
	refused(`no matches for kind "Config"`, "install", "both", both, "--create-namespace", "--set", "ark.image.repository=ark")

	// The way that the docs show: Ark with the platform, and what it is told in a release behind it.
	act("install", "platform", platform, "--create-namespace", "--set", "ark.image.repository=ark")
	served(t, c)
	act("install", "backups", backups)
	var cfg v1alpha1.Config
	if err := c.Get(t.Context(), client.ObjectKey{Name: v1alpha1.ConfigName}, &cfg); err != nil {
		t.Error(err)
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: "ark"}}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(account), account); err != nil {
		t.Errorf("the subchart was not installed: %v", err)
	}

	// Its condition takes Ark out, and what is kept stays.
	act("upgrade", "platform", platform, "--set", "ark.enabled=false")
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(account), account); !apierrors.IsNotFound(err) {
		t.Errorf("ark.enabled=false left the ServiceAccount: %v", err)
	}
	served(t, c)

	// Under another name.
	install := []string{"install", "ark", chart, "--set", "image.repository=ark"}
	refused(`must equal "ark"`, install...)
	act(append(install, "--take-ownership")...)
	if err := c.Get(t.Context(), client.ObjectKey{Name: v1alpha1.ConfigName}, &cfg); err != nil {
		t.Errorf("the Config is gone: %v", err)
	}
}

// parent writes a chart that has a template, and Ark's as a subchart when it is asked for.
func parent(t *testing.T, name string, ark bool, template string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	metadata := "apiVersion: v2\nname: " + name + "\nversion: 1.0.0\n"
	if ark {
		metadata += "dependencies:\n  - {name: ark, version: '*', condition: ark.enabled}\n"
		if err := os.CopyFS(filepath.Join(dir, "charts", "ark"), os.DirFS(chart)); err != nil {
			t.Fatal(err)
		}
	}
	files := map[string]string{"Chart.yaml": metadata, "templates/NOTES.txt": "Installed.\n"}
	if template != "" {
		files["templates/template.yaml"] = template
	}
	for file, content := range files {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
