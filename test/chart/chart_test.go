// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package chart_test holds the Helm chart to what it promises, with the real Helm
// and a real API server.
package chart_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"

	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
	"github.com/gopherwood/ark/test/manifests"
)

const chart = "../../charts/ark"

func TestMain(m *testing.M) { labtest.Main(m) }

// required is what a user has to say.
const required = "image: {repository: example.org/ark}\n"

// sets are values that users may have.
var sets = map[string]string{
	"only what is required": required,
	"without restores":      required + "restore: {enabled: false}\n",
	"on a platform that chooses ids and without metrics": required + `
metrics: {enabled: false}
podSecurityContext: {runAsUser: null, runAsGroup: null, fsGroup: null}
flowControl: {enabled: false}
`,
	"everything": `
image: {repository: example.org/ark, tag: v1.2.3, pullPolicy: Always, digest: "sha256:` + strings.Repeat("0", 64) + `"}
imagePullSecrets: [{name: registry}]
replicas: 2
log: {level: debug, format: text}
shutdownSeconds: 120
metrics: {annotations: {prometheus.io/scrape: "true"}}
fileStore: {existingClaim: backups, path: /srv/backups}
serviceAccount: {annotations: {example.org/role: "arn:1"}}
podLabels: {azure.workload.identity/use: "true"}
podAnnotations: {example.org/note: "yes"}
podSecurityContext: {runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000}
resources: {requests: {cpu: 1, memory: 1Gi}, limits: {memory: 2Gi}}
extraEnv: [{name: HTTPS_PROXY, value: "http://proxy.example.org:3128"}]
extraVolumes: [{name: identity, emptyDir: {}}]
extraVolumeMounts: [{name: identity, mountPath: /identity}]
priorityClassName: system-cluster-critical
nodeSelector: {kubernetes.io/os: linux}
tolerations: [{key: control, operator: Exists}]
affinity: {nodeAffinity: {}}
`,
}

// empty starts a cluster without Ark's kinds.
func empty(t *testing.T, opts lab.Options) *lab.Cluster {
	t.Helper()
	opts.Log = t.Output()
	cluster, err := lab.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	return cluster
}

// helm runs Helm with values and without anything of the user's.
func helm(t *testing.T, values string, args ...string) (string, error) {
	t.Helper()
	path, err := lab.Helm(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	if values != "" {
		file := filepath.Join(home, "values.yaml")
		if err := os.WriteFile(file, []byte(values), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--values", file)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), "HOME="+home, "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	if err != nil {
		return errs.String() + out.String(), err
	}
	return out.String(), nil
}

// render renders the chart and decodes every object strictly.
func render(t *testing.T, values string) []client.Object {
	t.Helper()
	out, err := helm(t, values, "template", "ark", chart, "--namespace", labtest.Namespace)
	if err != nil {
		t.Fatal(out)
	}
	objects, err := manifests.Decode([]byte(out))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// one returns the only object of a type.
func one[T client.Object](t *testing.T, objects []client.Object) T {
	t.Helper()
	var found []T
	for _, o := range objects {
		if typed, ok := o.(T); ok {
			found = append(found, typed)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d objects of type %T", len(found), *new(T))
	}
	return found[0]
}

func TestTheChartPassesHelmsOwnLinter(t *testing.T) {
	for name, values := range sets {
		t.Run(name, func(t *testing.T) {
			if out, err := helm(t, values, "lint", chart, "--strict"); err != nil {
				t.Error(out)
			}
		})
	}
}

func TestTheAPIServerTakesEveryObjectOfTheChart(t *testing.T) {
	c := labtest.Client(t, labtest.Shared(t))
	for name, values := range sets {
		t.Run(name, func(t *testing.T) {
			objects := render(t, values)
			if len(objects) < 10 {
				t.Errorf("%d objects", len(objects))
			}
			for _, o := range objects {
				if err := dryRun(t.Context(), c, o); err != nil {
					t.Errorf("%T %s: %v", o, o.GetName(), err)
				}
			}
		})
	}
}

// dryRun applies an object on the server without keeping it.
func dryRun(ctx context.Context, c client.Client, o client.Object) error {
	gvk, err := apiutil.GVKForObject(o, c.Scheme())
	if err != nil {
		return err
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return err
	}
	u := &unstructured.Unstructured{Object: content}
	u.SetGroupVersionKind(gvk)
	unstructured.RemoveNestedField(u.Object, "status")
	unstructured.RemoveNestedField(u.Object, "metadata", "creationTimestamp")
	return c.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), client.DryRunAll, client.ForceOwnership, client.FieldOwner("helm"))
}

// Pod Security is admission: a pod is created, and not kept.
func TestPodSecurityRestrictedTakesThePods(t *testing.T) {
	c := labtest.Client(t, labtest.Shared(t))
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: "restricted", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}
	sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: ns.Name, Name: "ark"}}
	for _, o := range []client.Object{ns, sa} {
		if err := c.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	pod := func(spec corev1.PodSpec) error {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: ns.Name, Name: "ark"}, Spec: *spec.DeepCopy()}
		return c.Create(t.Context(), p, client.DryRunAll)
	}
	for name, values := range sets {
		t.Run(name, func(t *testing.T) {
			spec := one[*appsv1.Deployment](t, render(t, values)).Spec.Template.Spec
			if err := pod(spec); err != nil {
				t.Error(err)
			}
			if root := spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem; root == nil || !*root {
				t.Error("the root file system can be written")
			}
			spec.SecurityContext.RunAsNonRoot = nil
			if err := pod(spec); !apierrors.IsForbidden(err) {
				t.Errorf("a pod that may run as root is let in: %v", err)
			}
		})
	}
}

func TestTheChartRendersTheGeneratedRolesAndNoOthers(t *testing.T) {
	tests := map[string]struct {
		values string
		files  []string
	}{
		"with restores":    {required, []string{"backup.yaml", "controllers.yaml", "restore.yaml"}},
		"without restores": {sets["without restores"], []string{"backup.yaml", "controllers.yaml"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			want := map[string][]rbacv1.PolicyRule{}
			for _, file := range tc.files {
				for _, r := range generated(t, file) {
					want[r.Kind+" "+r.Namespace] = append(want[r.Kind+" "+r.Namespace], r.Rules...)
				}
			}
			got, bound := map[string][]rbacv1.PolicyRule{}, map[string]bool{}
			for _, o := range render(t, tc.values) {
				switch r := o.(type) {
				case *rbacv1.ClusterRole:
					got["ClusterRole "] = append(got["ClusterRole "], r.Rules...)
				case *rbacv1.Role:
					got["Role "+r.Namespace] = append(got["Role "+r.Namespace], r.Rules...)
				case *rbacv1.ClusterRoleBinding:
					bound[r.RoleRef.Kind+" "+r.RoleRef.Name] = onlyArk(r.Subjects)
				case *rbacv1.RoleBinding:
					bound[r.RoleRef.Kind+" "+r.RoleRef.Name] = onlyArk(r.Subjects)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rules (-generated +rendered):\n%s", diff)
			}
			for role, ok := range bound {
				if !ok {
					t.Errorf("%s is bound to somebody else", role)
				}
			}
			if roles := len(tc.files) + 2; len(bound) != roles {
				t.Errorf("%d roles are bound, want %d", len(bound), roles)
			}
		})
	}
}

// What Ark may write where restores are off is what values.yaml and docs/install.md
// say that it may.
func TestWithoutRestoresArkWritesOnlyWhatIsItsOwn(t *testing.T) {
	want := []string{
		"*: create,delete,patch backups.ark.gopherwood.dev",
		"*: create,delete,patch schedules.ark.gopherwood.dev",
		"*: delete,patch restores.ark.gopherwood.dev",
		"*: patch backuppolicies/status.ark.gopherwood.dev",
		"*: patch backups/status.ark.gopherwood.dev",
		"*: patch configs/status.ark.gopherwood.dev",
		"*: patch restores/status.ark.gopherwood.dev",
		"*: patch schedules/status.ark.gopherwood.dev",
		"ark-system: create events.",
		"ark-system: create leases.coordination.k8s.io",
		"ark-system: create secrets.",
		"ark-system: create,delete configmaps.",
		"ark-system: update leases.coordination.k8s.io ark-leader",
		"default: create,patch events.events.k8s.io",
	}
	var got []string
	for _, o := range render(t, sets["without restores"]) {
		switch r := o.(type) {
		case *rbacv1.ClusterRole:
			got = append(got, writes("*", r.Rules)...)
		case *rbacv1.Role:
			got = append(got, writes(r.Namespace, r.Rules)...)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what it may write (-want +got): say so in values.yaml and docs/install.md:\n%s", diff)
	}
}

// writes lists what rules allow beyond reading.
func writes(namespace string, rules []rbacv1.PolicyRule) []string {
	var all []string
	for _, rule := range rules {
		var verbs []string
		for _, verb := range rule.Verbs {
			if verb != "get" && verb != "list" && verb != "watch" {
				verbs = append(verbs, verb)
			}
		}
		if len(verbs) == 0 {
			continue
		}
		slices.Sort(verbs)
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				line := namespace + ": " + strings.Join(verbs, ",") + " " + resource + "." + group
				all = append(all, strings.TrimSpace(line+" "+strings.Join(rule.ResourceNames, ",")))
			}
		}
	}
	return all
}

func onlyArk(subjects []rbacv1.Subject) bool {
	return len(subjects) == 1 && subjects[0] == rbacv1.Subject{Kind: "ServiceAccount", Namespace: labtest.Namespace, Name: "ark"}
}

// generated reads the roles of a file.
func generated(t *testing.T, file string) []rbacv1.ClusterRole {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(chart, "files", "rbac", file))
	if err != nil {
		t.Fatal(err)
	}
	var roles []rbacv1.ClusterRole
	for document := range strings.SplitSeq(string(content), "---\n") {
		if document == "" {
			continue
		}
		var r rbacv1.ClusterRole // a Role has no field that this one lacks
		if err := yaml.UnmarshalStrict([]byte(document), &r); err != nil {
			t.Fatal(err)
		}
		roles = append(roles, r)
	}
	return roles
}
