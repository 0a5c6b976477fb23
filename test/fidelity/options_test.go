// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
	"github.com/gopherwood/ark/engine/selection"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// within returns a request for one namespace.
func within(namespace string) restore.Request {
	req := restore.Request{Label: "options"}
	req.Selection.IncludedNamespaces = []string{namespace}
	return req
}

// option is a setting of a request: what is archived, and what a restore makes
// of it.
type option struct {
	// row is its row of the document, and so what comes of it.
	row, so string
	// setUp is YAML; NS stands for the namespace of the test.
	setUp string
	// keep leaves the objects in place; change is what is done to them then.
	keep   bool
	change func(t *testing.T, s *stage, namespace string)
	set    func(req *restore.Request)
	// check looks at what came of it.
	check func(t *testing.T, s *stage, namespace string, r *restored)
}

const configs = `
{apiVersion: v1, kind: ConfigMap, metadata: {namespace: NS, name: one, labels: {tier: gold}}, data: {k: v}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {namespace: NS, name: two, labels: {tier: tin}}, data: {k: v}}
---
{apiVersion: v1, kind: Secret, metadata: {namespace: NS, name: one, labels: {tier: gold}}, data: {k: dg==}}
`

const ports = `
{apiVersion: v1, kind: Service, metadata: {namespace: NS, name: balanced},
  spec: {type: LoadBalancer, loadBalancerClass: example.com/none, externalTrafficPolicy: Local, ports: [{port: 80}]}}
`

const running = `
{apiVersion: apps/v1, kind: Deployment, metadata: {namespace: NS, name: web},
  spec: {replicas: 3, selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {namespace: NS, name: db},
  spec: {serviceName: db, selector: {matchLabels: {a: c}}, template: {metadata: {labels: {a: c}}, spec: {containers: [{name: a, image: a}]}}}}
---
{apiVersion: batch/v1, kind: CronJob, metadata: {namespace: NS, name: nightly},
  spec: {schedule: "0 3 * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}}}
---
{apiVersion: batch/v1, kind: Job, metadata: {namespace: NS, name: once},
  spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}
`

const settingsPreamble = `
## Settings of a restore

Each of these is a test on a real API server.

| setting | what comes of it |
|---|---|
`

func TestEverySettingOfARestore(t *testing.T) {
	s := newStage(t, labtest.Shared(t))
	all := settings()
	passed := t.Run("settings", func(t *testing.T) {
		for name, o := range all {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				o.run(t, s, name)
			})
		}
	})
	if !passed {
		return
	}
	content := settingsPreamble
	for _, name := range slices.Sorted(maps.Keys(all)) {
		content += "| " + all[name].row + " | " + all[name].so + " |\n"
	}
	document(t, settingsSection, content)
}

func (o option) run(t *testing.T, s *stage, name string) {
	t.Helper()
	namespace := "option-" + strings.NewReplacer(" ", "-", ",", "", ":", "").Replace(strings.ToLower(name))
	namespace = strings.Trim(namespace[:min(len(namespace), 60)], "-")
	objects := parse(t, strings.ReplaceAll(o.setUp, "NS", namespace))
	s.create(t, append([]*object{newObject("v1", "Namespace", "", namespace)}, objects...)...)
	backup := s.take(t, selection.Template{IncludedNamespaces: []string{namespace, namespace + "-*"}})
	if !o.keep {
		s.remove(t, objects...)
	}
	if o.change != nil {
		o.change(t, s, namespace)
	}
	req := within(namespace)
	o.set(&req)
	o.check(t, s, namespace, s.restore(t, backup, req))
}

// field checks one field of an object.
func (s *stage) field(t *testing.T, o *object, want any, path ...string) {
	t.Helper()
	got, _, err := unstructured.NestedFieldNoCopy(s.get(t, o).Object, path...)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s (-want +got):\n%s", name(o), strings.Join(path, "."), diff)
	}
}

// present checks which ConfigMaps and Secrets are there.
func (s *stage) present(t *testing.T, namespace string, want ...string) {
	t.Helper()
	var got []string
	for _, kind := range []string{"ConfigMap", "Secret"} {
		all, err := s.list(t.Context(), "v1", kind, namespace)
		must(t, err)
		for _, o := range all {
			got = append(got, name(&o))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
}

// edited changes ConfigMap one and deletes nothing.
func edited(t *testing.T, s *stage, namespace string) {
	t.Helper()
	eventually(t, "edit", func(ctx context.Context) error {
		live, err := s.fetch(ctx, newObject("v1", "ConfigMap", namespace, "one"))
		if err != nil {
			return err
		}
		live.Object["data"] = map[string]any{"k": "edited", "more": "v"}
		return s.client.Update(ctx, live)
	})
}

func outcome(t *testing.T, r *restored, key string, want restore.Outcome, said string) {
	t.Helper()
	line := r.lines[key]
	if line.Outcome != want || !strings.Contains(strings.Join(line.Messages, "; "), said) {
		t.Errorf("%s: %s %q, want it %s, and %q said", key, line.Outcome, line.Messages, want, said)
	}
}

func settings() map[string]option {
	one := func(namespace string) *object { return newObject("v1", "ConfigMap", namespace, "one") }
	chosen, drawn := chosenPorts{}, chosenPorts{}
	return map[string]option{
		"existing None keeps": {
			row: "`existingResourcePolicy: None`", so: "what exists and differs stays, and the restore names the fields",
			setUp: configs, keep: true, change: edited, set: func(*restore.Request) {},
			check: func(t *testing.T, s *stage, ns string, r *restored) {
				s.field(t, one(ns), map[string]any{"k": "edited", "more": "v"}, "data")
				outcome(t, r, "configmaps/"+ns+"/one", restore.Left, "exists and differs in data.k, data.more")
				outcome(t, r, "configmaps/"+ns+"/two", restore.Unchanged, "")
			},
		},
		"existing Update writes over": {
			row: "`existingResourcePolicy: Update`", so: "the archived object is written over it",
			setUp: configs, keep: true, change: edited, set: func(r *restore.Request) { r.Existing = restore.ExistingUpdate },
			check: func(t *testing.T, s *stage, ns string, r *restored) {
				s.field(t, one(ns), map[string]any{"k": "v"}, "data")
				outcome(t, r, "configmaps/"+ns+"/one", restore.Updated, "")
			},
		},
		"existing Recreate spares owners": {
			row: "`existingResourcePolicy: Recreate` of an owner", so: "it stays, and the restore says why",
			setUp: configs + `
---
{apiVersion: v1, kind: Secret, metadata: {namespace: NS, name: owned, ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: one, uid: ""}]}}
`, keep: true, change: edited, set: func(r *restore.Request) { r.Existing = restore.ExistingRecreate },
			check: func(t *testing.T, s *stage, ns string, r *restored) {
				s.field(t, one(ns), map[string]any{"k": "edited", "more": "v"}, "data")
				outcome(t, r, "configmaps/"+ns+"/one", restore.Left, "it owns other objects")
			},
		},
		"modifiers by type, namespace, name and label": {
			row: "`modifiers` by type, namespace, name and label", so: "each changes what its target selects, in their order",
			setUp: configs,
			set: func(r *restore.Request) {
				patch := func(value string) []byte {
					return []byte(`[{"op":"add","path":"/metadata/annotations","value":{"by":"` + value + `"}}]`)
				}
				gold, _ := labels.Parse("tier=gold")
				r.Modifiers = []transform.ModifierSpec{
					{Name: "all-config-maps", Resources: []string{"configmaps"}, Namespaces: []string{"option-*"}, Patch: patch("type")},
					{Name: "named", Names: []string{"tw?"}, Patch: patch("name")},
					{Name: "labelled", Resources: []string{"secrets"}, Labels: gold, Patch: patch("label")},
					{Name: "elsewhere", Namespaces: []string{"elsewhere"}, Patch: patch("never")},
				}
			},
			check: func(t *testing.T, s *stage, ns string, _ *restored) {
				s.field(t, one(ns), map[string]any{"by": "type"}, "metadata", "annotations")
				s.field(t, newObject("v1", "ConfigMap", ns, "two"), map[string]any{"by": "name"}, "metadata", "annotations")
				s.field(t, newObject("v1", "Secret", ns, "one"), map[string]any{"by": "label"}, "metadata", "annotations")
			},
		},
		"preserveNodePorts": {
			row: "`preserveNodePorts`", so: "node ports and health check ports that the API server chose are asked for again",
			setUp: ports, keep: true, change: chosen.remember, set: func(r *restore.Request) { r.PreserveNodePorts = true },
			check: func(t *testing.T, s *stage, ns string, r *restored) {
				for _, failure := range r.failures() {
					t.Error("failed:", failure)
				}
				if diff := cmp.Diff(chosen[ns], portsOf(t, s, ns)); diff != "" {
					t.Errorf("node port and health check's (-want +got):\n%s", diff)
				}
			},
		},
		"preserveNodePorts, omitted": {
			row: "`preserveNodePorts`, omitted", so: "node ports and health check ports that the API server chose are left to it",
			setUp: ports, keep: true, change: drawn.remember, set: func(r *restore.Request) { r.PreserveNodePorts = false },
			check: func(t *testing.T, s *stage, ns string, _ *restored) {
				if got := portsOf(t, s, ns); got == drawn[ns] { // that both are drawn again is one chance in millions
					t.Errorf("node port and health check's are %v as before", got)
				}
			},
		},
		"names": {
			row: "`names`, a glob", so: "only those",
			setUp: configs, set: func(r *restore.Request) { r.Names = []string{"t*"} },
			check: func(t *testing.T, s *stage, ns string, _ *restored) { s.present(t, ns, "ConfigMap two") },
		},
		"includedResources": {
			row: "`includedResources`", so: "only those types",
			setUp: configs, set: func(r *restore.Request) { r.Selection.IncludedResources = []string{"secrets"} },
			check: func(t *testing.T, s *stage, ns string, _ *restored) { s.present(t, ns, "Secret one") },
		},
		"excludedResources": {
			row: "`excludedResources`, a short name", so: "all but those types",
			setUp: configs, set: func(r *restore.Request) { r.Selection.ExcludedResources = []string{"cm"} },
			check: func(t *testing.T, s *stage, ns string, _ *restored) { s.present(t, ns, "Secret one") },
		},
		"labelSelector": {
			row: "`labelSelector`", so: "only what matches",
			setUp: configs,
			set: func(r *restore.Request) {
				gold, _ := labels.Parse("tier=gold")
				r.Selection.Selectors = []labels.Selector{gold}
			},
			check: func(t *testing.T, s *stage, ns string, _ *restored) { s.present(t, ns, "ConfigMap one", "Secret one") },
		},
		"orLabelSelectors": {
			row: "`orLabelSelectors`", so: "what one of them matches",
			setUp: configs,
			set: func(r *restore.Request) {
				gold, _ := labels.Parse("tier in (tin)")
				other, _ := labels.Parse("none")
				r.Selection.Selectors = []labels.Selector{other, gold}
			},
			check: func(t *testing.T, s *stage, ns string, _ *restored) { s.present(t, ns, "ConfigMap two") },
		},
		"excludedNamespaces": {
			row: "`excludedNamespaces`, a glob", so: "all but those",
			setUp: configs + `
---
{apiVersion: v1, kind: Namespace, metadata: {name: NS-b}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {namespace: NS-b, name: other}}
`, keep: true, change: func(t *testing.T, s *stage, ns string) {
				s.remove(t, parse(t, strings.ReplaceAll(configs, "NS", ns))...)
				s.remove(t, newObject("v1", "ConfigMap", ns+"-b", "other"))
			},
			set: func(r *restore.Request) {
				r.Selection.IncludedNamespaces, r.Selection.ExcludedNamespaces = nil, []string{"option-*spaces"}
			},
			check: func(t *testing.T, s *stage, ns string, _ *restored) {
				s.present(t, ns)
				s.present(t, ns+"-b", "ConfigMap other")
			},
		},
		"workloads Paused": {
			row: "`workloads: Paused`", so: "Deployments and StatefulSets without replicas, CronJobs and Jobs suspended, and an annotation that tells what they had",
			setUp: running, set: func(r *restore.Request) { r.Paused = true },
			check: func(t *testing.T, s *stage, ns string, _ *restored) {
				for o, paused := range map[*object]string{
					newObject("apps/v1", "Deployment", ns, "web"): "3", newObject("apps/v1", "StatefulSet", ns, "db"): "1",
				} {
					s.field(t, o, int64(0), "spec", "replicas")
					s.field(t, o, paused, "metadata", "annotations", transform.PausedAnnotation)
				}
				for _, o := range []*object{newObject("batch/v1", "CronJob", ns, "nightly"), newObject("batch/v1", "Job", ns, "once")} {
					s.field(t, o, true, "spec", "suspend")
				}
			},
		},
		"restoreStatus of what exists": {
			row: "`restoreStatus` of what exists, with `Update`", so: "the archived status is written",
			setUp: `{apiVersion: apps/v1, kind: ReplicaSet, metadata: {namespace: NS, name: none}, spec: {replicas: 0, selector: {matchLabels: {a: b}},
				template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}, status: {replicas: 7}}`,
			keep: true,
			change: func(t *testing.T, s *stage, ns string) {
				live := s.get(t, newObject("apps/v1", "ReplicaSet", ns, "none"))
				live.Object["status"] = map[string]any{"replicas": int64(1)}
				must(t, s.client.Status().Update(t.Context(), live))
			},
			set: func(r *restore.Request) {
				r.RestoreStatus, r.Existing = []string{"replicasets"}, restore.ExistingUpdate
			},
			check: func(t *testing.T, s *stage, ns string, r *restored) {
				outcome(t, r, "replicasets.apps/"+ns+"/none", restore.Updated, "")
				s.field(t, newObject("apps/v1", "ReplicaSet", ns, "none"), int64(7), "status", "replicas")
			},
		},
	}
}

// chosenPorts are the node port and the health check's that the API server chose, by
// namespace.
type chosenPorts map[string][2]int64

// remember notes those of the Service, and removes it.
func (c chosenPorts) remember(t *testing.T, s *stage, ns string) {
	t.Helper()
	c[ns] = portsOf(t, s, ns)
	s.remove(t, parse(t, strings.ReplaceAll(ports, "NS", ns))...)
}

func portsOf(t *testing.T, s *stage, ns string) [2]int64 {
	t.Helper()
	service := s.get(t, newObject("v1", "Service", ns, "balanced")).Object
	list, _, err := unstructured.NestedSlice(service, "spec", "ports")
	must(t, err)
	port, _ := list[0].(map[string]any)["nodePort"].(int64)
	healthCheck, _, err := unstructured.NestedInt64(service, "spec", "healthCheckNodePort")
	must(t, err)
	if port == 0 || healthCheck == 0 {
		t.Fatalf("the Service has node port %d, and %d for health checks", port, healthCheck)
	}
	return [2]int64{port, healthCheck}
}
