// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

//go:build real

package fidelity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/selection"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// projects are the pinned modules. Where a module has no samples, or none for a version
// of a type, objects are generated from the schemas.
var projects = []project{
	{module: "sigs.k8s.io/gateway-api", objects: 275, refused: 2, generated: 4, definitions: []string{"config/crd/experimental"}, samples: []string{"examples", "conformance/base", "conformance/tests"}},
	{module: "github.com/cert-manager/cert-manager", objects: 3, refused: 0, generated: 4, definitions: []string{"deploy/crds"}, samples: []string{"test/fixtures"}},
	{
		module: "github.com/prometheus-operator/prometheus-operator", objects: 26, refused: 3, generated: 1, definitions: []string{"example/prometheus-operator-crd"}, samples: []string{"example"},
	},
	{
		module: "github.com/argoproj/argo-cd/v3", objects: 3, refused: 0, generated: 1, definitions: []string{"manifests/crds"},
		samples: []string{"resource_customizations/argoproj.io", "docs/operator-manual", "test/e2e/testdata"},
	},
	{module: "github.com/kedacore/keda/v2", objects: 5, refused: 1, generated: 1, definitions: []string{"config/crd/bases"}, samples: []string{"config/samples"}},
	{module: "github.com/external-secrets/external-secrets", objects: 142, refused: 27, generated: 8, definitions: []string{"deploy/crds"}, samples: []string{"docs/snippets"}},
	{
		module: "github.com/kyverno/kyverno", objects: 197, refused: 4, generated: 29, definitions: []string{"config/crds"},
		samples: []string{"test/best_practices", "test/more", "test/policy", "test/cli", "docs"},
	},
	{module: "istio.io/api", objects: 0, refused: 0, generated: 33, definitions: []string{"kubernetes/customresourcedefinitions.gen.yaml"}},
	{module: "knative.dev/serving", objects: 30, refused: 0, generated: 4, definitions: []string{"config/core/300-resources"}, samples: []string{"test/test_images", "test/performance"}},
	{module: "github.com/cloudnative-pg/cloudnative-pg", objects: 136, refused: 2, generated: 1, definitions: []string{"config/crd/bases"}, samples: []string{"docs/src/samples", "config/olm-samples", "tests/e2e/fixtures"}},
	{module: "github.com/crossplane/crossplane/v2", objects: 162, refused: 29, generated: 5, definitions: []string{"cluster/crds"}, samples: []string{"cluster", "test/e2e/manifests", "design"}},
}

// realObject is an object of a project, in the cluster.
type realObject struct {
	namespace, name string
	of              definition
}

// realWorld is a cluster with the projects' definitions and samples.
type realWorld struct {
	*stage

	definitions []*object
	objects     []realObject
	namespaces  map[string]bool
}

// How many definitions the projects bring, and objects when each counts once for every
// version that it is served in.
const wantDefinitions, wantVersions = 135, 1738

// TestRealProjectsComeBack backs up the definitions and samples of real projects, and
// restores them into the same cluster and into another one. Objects are compared in
// every version that their type is served in, with who applied their fields.
func TestRealProjectsComeBack(t *testing.T) {
	dirs := folders(t)
	w := &realWorld{stage: newStage(t, labtest.Start(t, lab.Options{ControllerManager: true})), namespaces: map[string]bool{}}
	for i := range projects {
		p := &projects[i]
		dir, ok := dirs[p.module]
		if !ok {
			t.Fatalf("test/real/go.mod does not pin %s", p.module)
		}
		t.Run(p.module, func(t *testing.T) { w.install(t, p, dir) })
	}
	if t.Failed() {
		return
	}
	backup := w.take(t, selection.Template{})
	for _, text := range slices.Concat(backup.snapshot.Marker.Errors, backup.snapshot.Marker.Warnings) {
		t.Error("the backup says:", text)
	}
	before := w.everyVersion(t)
	t.Logf("%d definitions, %d objects, %d in all versions", len(w.definitions), len(w.objects), len(before))
	if len(w.definitions) != wantDefinitions || len(before) != wantVersions {
		t.Errorf("want %d definitions, and %d in all versions", wantDefinitions, wantVersions)
	}

	w.clear(t)
	t.Run("into the same cluster", func(t *testing.T) { w.comesBack(t, backup, before) })
	other := *w
	other.stage = newStage(t, labtest.Start(t, lab.Options{ControllerManager: true}))
	t.Run("into another cluster", func(t *testing.T) { other.comesBack(t, backup, before) })
}

// install creates a project's definitions and samples, and counts.
func (w *realWorld) install(t *testing.T, p *project, dir string) {
	left, webhooks := unread{}, []string{}
	kinds := map[schema.GroupKind]definition{}
	var own []definition
	for _, o := range objectsIn(t, dir, p.definitions, left) {
		if o.GetKind() != "CustomResourceDefinition" {
			left["no definitions in the folders of these"]++
			continue
		}
		if withoutWebhook(o) {
			webhooks = append(webhooks, o.GetName())
		}
		w.create(t, o)
		w.definitions = append(w.definitions, o)
		d := readDefinition(t, o)
		own = append(own, d)
		kinds[schema.GroupKind{Group: d.group, Kind: d.kind}] = d
	}
	for _, d := range own {
		w.isServed(t, d)
	}
	made, refused := 0, []string{}
	covered := map[schema.GroupVersionKind]bool{}
	for i, o := range objectsIn(t, dir, p.samples, left) {
		d, ok := kinds[o.GroupVersionKind().GroupKind()]
		if !ok {
			left["of types of others"]++
			continue
		}
		if err := w.add(t, d, o, i%2 == 0); err != nil {
			refused = append(refused, fmt.Sprintf("%s: %v", name(o), err))
			continue
		}
		made++
		covered[o.GroupVersionKind()] = true
	}
	t.Logf("%d definitions, %d samples made, %d refused; not used: %s", len(own), made, len(refused), left)
	for _, text := range refused {
		t.Logf("refused: %.300s", text)
	}
	if len(webhooks) > 0 {
		t.Logf("without the webhook that converts them: %s", strings.Join(webhooks, ", "))
	}
	if made != p.objects || len(refused) != p.refused {
		t.Errorf("made %d samples, and %d were refused: want %d and %d", made, len(refused), p.objects, p.refused)
	}
	if n := w.generate(t, own, covered); n != p.generated {
		t.Errorf("generated %d objects, want %d", n, p.generated)
	}
}

// isServed waits until a type is served in all its versions.
func (w *realWorld) isServed(t *testing.T, d definition) {
	t.Helper()
	for _, gvk := range d.versions() {
		eventually(t, "serve "+gvk.String(), func(ctx context.Context) error {
			all := &unstructured.UnstructuredList{}
			all.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
			return w.client.List(ctx, all, client.Limit(1))
		})
	}
}

// add makes one sample, as kubectl create or as a server-side apply does.
func (w *realWorld) add(t *testing.T, d definition, o *object, apply bool) error {
	t.Helper()
	o.SetName(cmp.Or(o.GetName(), strings.TrimSuffix(o.GetGenerateName(), "-")))
	o.SetGenerateName("")
	o.SetNamespace(w.place(t, d, o))
	at := realObject{namespace: o.GetNamespace(), name: o.GetName(), of: d}
	for n := 2; slices.ContainsFunc(w.objects, at.is); n++ {
		at.name = fmt.Sprintf("%s-%d", o.GetName(), n) // samples of one name in several files
	}
	o.SetName(at.name)
	unstructured.RemoveNestedField(o.Object, "status")
	for _, field := range []string{"uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "ownerReferences", "selfLink", "deletionTimestamp"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	var err error
	if apply {
		err = w.client.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(o), client.FieldOwner("gitops"))
	} else {
		err = w.client.Create(t.Context(), o.DeepCopy(), client.FieldOwner("kubectl-create"), client.FieldValidation("Strict"))
	}
	if err == nil {
		w.objects = append(w.objects, at)
	}
	return err
}

func (r realObject) is(other realObject) bool {
	return r.namespace == other.namespace && r.name == other.name && r.of.name == other.of.name
}

// place returns the namespace of a sample, which it makes.
func (w *realWorld) place(t *testing.T, d definition, o *object) string {
	t.Helper()
	if !d.namespaced {
		return ""
	}
	namespace := cmp.Or(o.GetNamespace(), "samples")
	if !w.namespaces[namespace] {
		w.namespaces[namespace] = true
		w.create(t, newObject("v1", "Namespace", "", namespace))
	}
	return namespace
}

// maxTries is how many objects are generated for a version until one is taken.
const maxTries = 40

// generate makes an object in each served version that no sample is in, as the schema
// has it. Rules of a schema, which no generator knows, may refuse all of them.
func (w *realWorld) generate(t *testing.T, own []definition, covered map[schema.GroupVersionKind]bool) int {
	t.Helper()
	g := &generator{schemas: fetchSchemas(t, w.config), rand: rand.New(rand.NewPCG(1, 2))}
	made, none := 0, []string{}
	for _, d := range own {
		for _, gvk := range d.versions() {
			if covered[gvk] {
				continue
			}
			var err error
			for try := range maxTries {
				o := g.kind(gvk, "samples", "generated-"+strings.ToLower(gvk.Version))
				if o == nil {
					err = errors.New("the API server publishes no schema")
					break
				}
				if err = w.add(t, d, o, try%2 == 0); err == nil {
					made++
					break
				}
			}
			if err != nil {
				none = append(none, fmt.Sprintf("%s: %.300s", gvk, err))
			}
		}
	}
	t.Logf("%d objects generated for versions without samples, none for %d", made, len(none))
	for _, text := range none {
		t.Log("none:", text)
	}
	return made
}

// versioned identifies an object as one version shows it.
type versioned struct {
	gvk             schema.GroupVersionKind
	namespace, name string
}

// everyVersion reads all objects in every version that is served.
func (w *realWorld) everyVersion(t *testing.T) map[versioned]*object {
	t.Helper()
	all := map[versioned]*object{}
	for _, r := range w.objects {
		for _, gvk := range r.of.versions() {
			o := &object{}
			o.SetGroupVersionKind(gvk)
			err := w.client.Get(t.Context(), client.ObjectKey{Namespace: r.namespace, Name: r.name}, o)
			switch {
			case apierrors.IsNotFound(err):
				t.Errorf("%s %s/%s is not there", gvk, r.namespace, r.name)
			case err != nil:
				t.Errorf("read %s %s/%s: %v", gvk, r.namespace, r.name, err)
			default:
				all[versioned{gvk, r.namespace, r.name}] = o
			}
		}
	}
	return all
}

// clear deletes all that the projects brought.
func (w *realWorld) clear(t *testing.T) {
	t.Helper()
	var all []*object
	for _, r := range w.objects {
		all = append(all, newObject(r.of.versions()[0].GroupVersion().String(), r.of.kind, r.namespace, r.name))
	}
	all = append(all, w.definitions...)
	for namespace := range w.namespaces {
		if namespace != "default" && namespace != "kube-system" {
			all = append(all, newObject("v1", "Namespace", "", namespace))
		}
	}
	w.remove(t, all...)
}

// comesBack restores everything and compares it with what it was.
func (w *realWorld) comesBack(t *testing.T, backup *taken, before map[versioned]*object) {
	r := w.restore(t, backup, restore.Request{Label: "real"})
	for _, failure := range r.failures() {
		t.Error("failed:", failure)
	}
	for key, line := range r.lines {
		if said := strings.Join(line.Messages, "; "); line.Outcome == restore.Created && said != "" {
			t.Errorf("%s: %s", key, said)
		}
	}
	looked := comparison{}
	after := w.everyVersion(t)
	for at, was := range before {
		is := after[at]
		if is == nil {
			continue // said already
		}
		if diff := looked.diff(was, is); diff != "" {
			t.Errorf("%s differs in %s (-before +after):\n%s", name(was), at.gvk.Version, diff)
		}
		if diff := gocmp.Diff(applyEntries(was), applyEntries(is)); diff != "" {
			t.Errorf("who applied %s differs in %s (-before +after):\n%s", name(was), at.gvk.Version, diff)
		}
	}
	again := w.restore(t, backup, restore.Request{Label: "again"})
	for key, line := range again.lines {
		if line.Outcome != restore.Unchanged && line.Outcome != restore.Skipped && !isBusy(key) {
			t.Errorf("restored again, %s was %s: %s", key, line.Outcome, strings.Join(line.Messages, "; "))
		}
	}
}

// applyEntries are the entries of server-side applies: manager, version and fields.
func applyEntries(o *object) []string {
	var all []string
	for _, e := range o.GetManagedFields() {
		if e.Operation == "Apply" {
			all = append(all, fmt.Sprintf("%s in %s: %s", e.Manager, e.APIVersion, e.FieldsV1))
		}
	}
	return all
}
