// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestValuesThatAreRefused(t *testing.T) {
	tests := map[string]struct{ values, want string }{
		"no image":              {"", "image.repository: say where this cluster finds the image"},
		"a tag in the name":     {"image: {repository: 'ark@sha256:1'}", "repository"},
		"a value that is none":  {required + "restores: {enabled: true}", "restores"},
		"one below that":        {required + "restore: {enable: true}", "enable"},
		"a level that is none":  {required + "log: {level: loud}", "level"},
		"root":                  {required + "podSecurityContext: {runAsUser: 0}", "runAsUser"},
		"a privilege":           {required + "podSecurityContext: {runAsNonRoot: false}", "runAsNonRoot"},
		"a digest cut short":    {"image: {repository: ark, digest: 'sha256:12'}", "digest"},
		"a variable of no name": {required + "extraEnv: [{value: x}]", "extraEnv"},
		"no time to end":        {required + "shutdownSeconds: 0", "shutdownSeconds"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := helm(t, tc.values, "template", "ark", chart, "--namespace", labtest.Namespace)
			if err == nil || !strings.Contains(out, tc.want) {
				t.Errorf("error %v, want one about %s:\n%s", err, tc.want, out)
			}
		})
	}
}

func TestAnOlderKubernetesIsRefused(t *testing.T) {
	for version, taken := range map[string]bool{"v1.29.9": false, "v1.30.0": true, "v1.31.4-eks-1": true, "v1.36.3": true} {
		out, err := helm(t, required, "template", "ark", chart, "--kube-version", version)
		if (err == nil) != taken {
			t.Errorf("%s: taken is %t, want %t:\n%s", version, err == nil, taken, out)
		}
	}
}

// Every value has a place in the schema, and every place a value.
func TestTheSchemaAndTheValuesAgree(t *testing.T) {
	var values map[string]any
	content, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err == nil {
		err = yaml.UnmarshalStrict(content, &values)
	}
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if content, err = os.ReadFile(filepath.Join(chart, "values.schema.json")); err == nil {
		err = json.Unmarshal(content, &schema)
	}
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	properties, _ := schema["properties"].(map[string]any)
	for name, p := range properties {
		below, _ := p.(map[string]any)["properties"].(map[string]any)
		if len(below) == 0 || name == "resources" {
			known = append(known, name)
		}
		for child := range below {
			if name != "resources" {
				known = append(known, name+"."+child)
			}
		}
	}
	known = slices.DeleteFunc(known, func(s string) bool { return strings.HasPrefix(s, "global") || s == "enabled" }) // Helm's own
	var said []string
	for name, v := range values {
		below, _ := v.(map[string]any)
		if len(below) == 0 || name == "resources" {
			said = append(said, name)
			continue
		}
		for child := range maps.Keys(below) {
			said = append(said, name+"."+child)
		}
	}
	slices.Sort(known)
	slices.Sort(said)
	if diff := cmp.Diff(known, said); diff != "" {
		t.Errorf("values (-schema +values.yaml):\n%s", diff)
	}
}

func TestWhatTheValuesDo(t *testing.T) {
	container := func(d *appsv1.Deployment) corev1.Container { return d.Spec.Template.Spec.Containers[0] }
	d := one[*appsv1.Deployment](t, render(t, sets["everything"]))
	if got, want := container(d).Image, "example.org/ark@sha256:"+strings.Repeat("0", 64); got != want {
		t.Errorf("the image is %s, want %s", got, want)
	}
	wantArgs := []string{
		"server", "--namespace=$(POD_NAMESPACE)", "--restore=true", "--log-level=debug", "--log-format=text", "--graceful-timeout=120s",
		"--health-probe-bind-address=:8081", "--metrics-bind-address=:8080", "--file-store-root=/srv/backups",
	}
	if diff := cmp.Diff(wantArgs, container(d).Args); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	if got := *d.Spec.Template.Spec.TerminationGracePeriodSeconds; got != 135 {
		t.Errorf("the pod has %d seconds to end, want 135: more than the server", got)
	}
	if d.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
		t.Error("two pods would wait for one volume")
	}
	d = one[*appsv1.Deployment](t, render(t, sets["without restores"]))
	if got := container(d); !slices.Contains(got.Args, "--restore=false") || got.Image != "example.org/ark:0.1.0" {
		t.Errorf("without restores: %v of %s", got.Args, got.Image)
	}
	d = one[*appsv1.Deployment](t, render(t, sets["on a platform that chooses ids and without metrics"]))
	if got := d.Spec.Template.Spec.SecurityContext; got.RunAsUser != nil || got.FSGroup != nil || !*got.RunAsNonRoot {
		t.Errorf("on a platform that chooses ids: %+v", got)
	}
}

// Helm hands a subchart the condition that it is enabled by, and what is global.
func TestWhatHelmHandsToASubchartIsTaken(t *testing.T) {
	deployment := one[*appsv1.Deployment](t, render(t, `
enabled: true
image: {repository: ark}
imagePullSecrets: [{name: own}]
global: {imagePullSecrets: [one, {name: two}], storageClass: fast}
`))
	want := []corev1.LocalObjectReference{{Name: "own"}, {Name: "one"}, {Name: "two"}}
	if diff := cmp.Diff(want, deployment.Spec.Template.Spec.ImagePullSecrets); diff != "" {
		t.Errorf("imagePullSecrets (-want +got):\n%s", diff)
	}
}
