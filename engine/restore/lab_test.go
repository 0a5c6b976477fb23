// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/kube"
	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
	"github.com/gopherwood/ark/engine/selection"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	labtest.Main(m)
}

// site is a real cluster with the application in it.
type site struct {
	t      *testing.T
	client client.Client
	// reader and writer have the rights of the chart's service account, the former
	// without restores.
	reader, writer *kube.Cluster
	objects        []*unstructured.Unstructured
}

// newSite starts a cluster whose controllers run, and applies the application.
func newSite(t *testing.T) *site {
	t.Helper()
	started := labtest.Start(t, lab.Options{ControllerManager: true})
	reader, err := kube.New(labtest.ServiceAccount(t, started, labtest.WithoutRestores), kube.Options{})
	must(t, err)
	writer, err := kube.New(labtest.ServiceAccount(t, started, labtest.WithRestores), kube.Options{})
	must(t, err)
	s := &site{t: t, client: labtest.Client(t, started), reader: reader, writer: writer}
	raw, err := os.ReadFile("testdata/application.yaml")
	must(t, err)
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096)
	for {
		o := &unstructured.Unstructured{}
		if err := decoder.Decode(o); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if o.Object == nil {
			continue
		}
		s.create(o)
		s.objects = append(s.objects, o)
	}
	s.addOwned()
	s.addApplied()
	return s
}

// create creates an object, as soon as its type is served.
func (s *site) create(o *unstructured.Unstructured) {
	s.t.Helper()
	s.eventually("create "+o.GetKind()+" "+o.GetName(), func(ctx context.Context) error {
		err := s.client.Create(ctx, o.DeepCopy())
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
}

// addOwned adds a chain of owners: Cart, ConfigMap, Secret.
func (s *site) addOwned() {
	cart := s.get("shop.example/v1", "Cart", "shop", "main")
	must(s.t, unstructured.SetNestedField(cart.Object, int64(3), "status", "open"))
	must(s.t, s.client.Status().Update(s.t.Context(), cart))
	config := s.owned("ConfigMap", "a-config", cart)
	s.owned("Secret", "a-secret", config)
}

func (s *site) owned(kind, name string, owner *unstructured.Unstructured) *unstructured.Unstructured {
	s.t.Helper()
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": kind}}
	o.SetNamespace("shop")
	o.SetName(name)
	controller := true
	o.SetOwnerReferences([]metav1.OwnerReference{{
		APIVersion: owner.GetAPIVersion(), Kind: owner.GetKind(), Name: owner.GetName(), UID: owner.GetUID(), Controller: &controller,
	}})
	s.create(o)
	s.objects = append(s.objects, o)
	return s.get("v1", kind, "shop", name)
}

// addApplied adds an object of a server-side apply.
func (s *site) addApplied() {
	s.t.Helper()
	must(s.t, s.apply("shop"))
	o := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}}
	o.SetNamespace("shop")
	o.SetName("applied")
	s.objects = append(s.objects, o)
}

// apply applies the ConfigMap as its manager does, without force.
func (s *site) apply(namespace string) error {
	o := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"namespace": namespace, "name": "applied"}, "data": map[string]any{"k": "v"},
	}}
	return s.client.Apply(s.t.Context(), client.ApplyConfigurationFromUnstructured(o), client.FieldOwner("gitops"))
}

func (s *site) get(apiVersion, kind, namespace, name string) *unstructured.Unstructured {
	s.t.Helper()
	o := &unstructured.Unstructured{}
	o.SetAPIVersion(apiVersion)
	o.SetKind(kind)
	must(s.t, s.client.Get(s.t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, o))
	return o
}

func (s *site) eventually(what string, try func(context.Context) error) {
	s.t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(s.t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		last = try(ctx)
		return last == nil, nil
	})
	if err != nil {
		s.t.Fatalf("%s: %v", what, last)
	}
}

// bound reports whether the claim has its volume.
func (s *site) bound(ctx context.Context) error {
	claim := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "PersistentVolumeClaim"}}
	if err := s.client.Get(ctx, client.ObjectKey{Namespace: "shop", Name: "data"}, claim); err != nil {
		return err
	}
	if phase, _, _ := unstructured.NestedString(claim.Object, "status", "phase"); phase != "Bound" {
		return fmt.Errorf("the claim is %s", phase)
	}
	return nil
}

// backup takes a backup of the application, once it has settled.
func (s *site) backup() func() restore.Source {
	s.t.Helper()
	s.eventually("settle", func(ctx context.Context) error {
		if err := s.bound(ctx); err != nil {
			return err
		}
		pods := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": "v1", "kind": "PodList"}}
		if err := s.client.List(ctx, pods, client.InNamespace("shop")); err != nil {
			return err
		}
		if len(pods.Items) < 4 {
			return fmt.Errorf("%d pods", len(pods.Items))
		}
		return nil
	})
	var contents, index bytes.Buffer
	w := archive.NewWriter(&contents, &index, time.Unix(0, 0))
	report, err := collect.Collect(s.t.Context(), collect.Source{Discoverer: s.reader, Lister: s.reader, Historian: s.reader}, nil, collect.Archive(w),
		collect.Options{Template: selection.Template{IncludedNamespaces: []string{"shop"}, ClusterResources: new(true)}})
	must(s.t, err)
	must(s.t, w.Close())
	if report == nil {
		s.t.Fatal("no report")
	}
	discovery, err := s.writer.Discover(s.t.Context())
	must(s.t, err)
	return func() restore.Source { return sourceOf(s.t, w, &contents, &index, discovery.Resources) }
}

func (s *site) restore(req restore.Request, src restore.Source) *restore.Report {
	s.t.Helper()
	report, err := restore.Run(s.t.Context(), restore.Target{Discoverer: s.writer, Getter: s.writer, Writer: s.writer, Lister: s.writer},
		req, src, restore.Options{Sleep: restore.Sleep, Replaced: keepIn(io.Discard)})
	must(s.t, err)
	for _, text := range slices.Concat(report.Errors, report.Warnings) {
		s.t.Log(text)
	}
	return report
}

// deleteAll removes the application and waits until it is gone.
func (s *site) deleteAll() {
	s.t.Helper()
	cart := s.get("shop.example/v1", "Cart", "shop", "main")
	cart.SetFinalizers(nil)
	must(s.t, s.client.Update(s.t.Context(), cart))
	for _, o := range slices.Backward(s.objects) {
		if o.GetNamespace() == "" {
			must(s.t, client.IgnoreNotFound(s.client.Delete(s.t.Context(), o.DeepCopy())))
		}
	}
	for _, o := range s.objects {
		s.eventually("delete "+o.GetKind()+" "+o.GetName(), func(ctx context.Context) error {
			live := o.DeepCopy()
			err := s.client.Get(ctx, client.ObjectKeyFromObject(o), live)
			if apierrors.IsNotFound(err) || (err != nil && strings.Contains(err.Error(), "no matches for kind")) {
				return nil
			}
			return fmt.Errorf("is still there: %v %w", live.GetFinalizers(), err)
		})
	}
}

// snapshot reads all objects of the application, as moved into a namespace.
func (s *site) snapshot(namespace string) map[string]*unstructured.Unstructured {
	s.t.Helper()
	found := map[string]*unstructured.Unstructured{}
	for _, o := range s.objects {
		ns, name := o.GetNamespace(), o.GetName()
		if ns != "" {
			ns = namespace
		}
		if o.GetKind() == "Namespace" {
			name = namespace
		}
		found[o.GetKind()+" "+o.GetName()] = s.get(o.GetAPIVersion(), o.GetKind(), ns, name)
	}
	return found
}

// mayDiffer are the fields of objects that a cluster decides anew, and why it may.
var mayDiffer = map[string][]string{
	"Service plain":     {"spec.clusterIP", "spec.clusterIPs[0]"},
	"Service node-port": {"spec.clusterIP", "spec.clusterIPs[0]", "spec.ports[1].nodePort"},
	"Service balanced":  {"spec.clusterIP", "spec.clusterIPs[0]", "spec.ports[0].nodePort", "spec.healthCheckNodePort"},
	"Service by-hand":   {"spec.clusterIP", "spec.clusterIPs[0]"},
	"Job migrate": {
		"metadata.labels.batch.kubernetes.io/controller-uid", "metadata.labels.controller-uid",
		"spec.selector.matchLabels.batch.kubernetes.io/controller-uid",
		"spec.template.metadata.labels.batch.kubernetes.io/controller-uid", "spec.template.metadata.labels.controller-uid",
	},
	"PersistentVolume shop-disk": {"metadata.annotations", "spec.claimRef.uid", "spec.claimRef.resourceVersion"},
	// The volume is restored as the claim's own choice.
	"PersistentVolumeClaim data": {"metadata.annotations.pv.kubernetes.io/bound-by-controller"},
}

func (s *site) compare(before, after map[string]*unstructured.Unstructured) {
	s.t.Helper()
	for name, was := range before {
		is := after[name]
		without := []transform.Part{transform.OwnerReferences}
		if !strings.HasPrefix(name, "Ledger") {
			without = append(without, transform.Status)
		}
		diff := transform.Compare(was.Object, is.Object, without...)
		diff.Fields = slices.DeleteFunc(diff.Fields, func(f string) bool { return slices.Contains(mayDiffer[name], f) })
		if !diff.Equal() {
			s.t.Errorf("%s differs in %v", name, diff.Fields)
		}
		if got, want := len(is.GetOwnerReferences()), len(was.GetOwnerReferences()); got != want {
			s.t.Errorf("%s has %d owners, want %d", name, got, want)
		}
	}
}

func TestAnApplicationComesBackOnARealCluster(t *testing.T) {
	s := newSite(t)
	src := s.backup()
	before := s.snapshot("shop")
	s.deleteAll()

	req := restore.Request{Label: "r1", RestoreStatus: []string{"carts.shop.example"}}
	req.Selection.IncludedNamespaces = []string{"shop"}
	yes := true
	req.Selection.ClusterResources = &yes
	report := s.restore(req, src())
	if report.Results.Failed > 0 || report.Results.Existing > 0 {
		t.Errorf("Results = %+v", report.Results)
	}
	s.compare(before, s.snapshot("shop"))
	cart := s.get("shop.example/v1", "Cart", "shop", "main")
	if open, _, _ := unstructured.NestedInt64(cart.Object, "status", "open"); open != 3 {
		t.Errorf("the Cart's status = %v, want it restored", cart.Object["status"])
	}
	if err := s.apply("shop"); err != nil {
		t.Errorf("the next apply of its manager: %v", err)
	}
	s.eventually("bind the claim again", s.bound)
	for _, label := range []string{"r1", "r2"} {
		versions := s.versions()
		req.Label = label
		again := s.restore(req, src())
		if r := again.Results; r.Created+r.Updated+r.Existing+r.Failed > 0 {
			t.Errorf("run again as %s: %+v", label, r)
		}
		if diff := cmp.Diff(versions, s.versions()); diff != "" {
			t.Errorf("run again as %s, it changed (-before +after):\n%s", label, diff)
		}
	}
}

// versions are the generations of the application's objects: what controllers
// write into status and metadata meanwhile does not count.
func (s *site) versions() map[string]string {
	found := map[string]string{}
	for name, o := range s.snapshot("shop") {
		found[name] = fmt.Sprint(o.GetUID(), " ", o.GetGeneration(), " ", o.GetLabels()[transform.RestoreLabel])
	}
	return found
}

func TestACopyBesideTheOriginalOnARealCluster(t *testing.T) {
	s := newSite(t)
	src := s.backup()
	hook := s.get("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "", "shop-hook")
	must(t, s.client.Delete(t.Context(), hook)) // it would refuse the copy's Cart too
	s.objects = slices.DeleteFunc(s.objects, func(o *unstructured.Unstructured) bool { return o.GetName() == "shop-hook" })
	before := s.versions()
	req := restore.Request{Label: "copy", NamespaceMapping: map[string]string{"shop": "shop-copy"}, Paused: true}
	req.Selection.IncludedNamespaces = []string{"shop"}
	report := s.restore(req, src())
	if diff := cmp.Diff(before, s.versions()); diff != "" {
		t.Errorf("the original changed (-before +after):\n%s", diff)
	}
	if len(report.Errors) > 0 {
		t.Errorf("Errors = %v", report.Errors)
	}
	// A node port that a user chose is taken: the original has it.
	if want := "services/shop-copy/node-port: has another node port than "; !slices.ContainsFunc(report.Warnings, func(w string) bool { return strings.HasPrefix(w, want) }) {
		t.Errorf("Warnings = %v, want %s…", report.Warnings, want)
	}
	// The volume is the original's.
	claim := s.get("v1", "PersistentVolumeClaim", "shop-copy", "data")
	if volume, ok, _ := unstructured.NestedString(claim.Object, "spec", "volumeName"); ok {
		t.Errorf("the copy's claim asks for %s, the volume of the original", volume)
	}
	subject := s.get("rbac.authorization.k8s.io/v1", "RoleBinding", "shop-copy", "shop:readers").Object["subjects"].([]any)[0].(map[string]any)
	if subject["namespace"] != "shop-copy" {
		t.Errorf("subject = %v, want it in the copy", subject)
	}
	web := s.get("apps/v1", "Deployment", "shop-copy", "web")
	if n, _, _ := unstructured.NestedInt64(web.Object, "spec", "replicas"); n != 0 || web.GetAnnotations()[transform.PausedAnnotation] != "2" {
		t.Errorf("the copy has %d replicas and annotations %v, want it paused", n, web.GetAnnotations())
	}
	for _, owned := range []struct{ kind, name, owner string }{{"ConfigMap", "a-config", "main"}, {"Secret", "a-secret", "a-config"}} {
		refs := s.get("v1", owned.kind, "shop-copy", owned.name).GetOwnerReferences()
		if len(refs) != 1 || refs[0].Name != owned.owner {
			t.Errorf("owners of %s = %v", owned.name, refs)
		}
	}
}
