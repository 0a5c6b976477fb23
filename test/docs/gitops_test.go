// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/test/lab/labtest"
)

// TestTheHealthChecksShownForArgoCDAreAdded runs the shown command, with the shown patch, on
// an argocd-cm that has keys of its own.
func TestTheHealthChecksShownForArgoCDAreAdded(t *testing.T) {
	const file = "argocd-cm-patch.yaml"
	var patch, command string
	for _, b := range blocksOf(t, "docs/gitops.md") {
		switch {
		case b.language == "yaml" && strings.HasPrefix(b.text, "# "+file+"\n"):
			patch = b.text
		case b.language == "sh" && strings.Contains(b.text, file):
			command = strings.TrimSpace(b.text)
		}
	}
	if patch == "" || !strings.HasPrefix(command, "kubectl ") {
		t.Fatalf("the page shows no patch and command, but %q and %q", patch, command)
	}
	cluster := labtest.Shared(t)
	c := labtest.Client(t, cluster)
	want := map[string]string{"timeout.reconciliation": "180s", "resource.exclusions": "- kinds: [Lease]\n"}
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "argocd", Name: "argocd-cm"}, Data: maps.Clone(want)}
	for _, o := range []client.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "argocd"}}, cm} {
		if err := c.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}

	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, file), []byte(patch), 0o600); err != nil {
		t.Fatal(err)
	}
	kubectl := exec.CommandContext(t.Context(), cluster.Binaries["kubectl"], strings.Fields(command)[1:]...)
	kubectl.Dir, kubectl.Env = dir, []string{"KUBECONFIG=" + cluster.Kubeconfig, "HOME=" + dir}
	if out, err := kubectl.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}

	if err := c.Get(t.Context(), client.ObjectKeyFromObject(cm), cm); err != nil {
		t.Fatal(err)
	}
	const prefix = "resource.customizations.health.ark.gopherwood.dev_"
	check := cm.Data[prefix+"Config"]
	if !strings.HasPrefix(check, "local hs = ") || !strings.HasSuffix(check, "\nreturn hs\n") {
		t.Errorf("the check of a Config is %q", check)
	}
	for _, kind := range []string{"Config", "BackupPolicy", "Schedule", "Backup", "Restore"} {
		want[prefix+kind] = check
	}
	if diff := cmp.Diff(want, cm.Data); diff != "" {
		t.Errorf("argocd-cm (-want +got):\n%s", diff)
	}
}
