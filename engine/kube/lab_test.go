// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/kube"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

var (
	configMaps = engine.Resource{Version: "v1", Name: "configmaps", Kind: "ConfigMap", Namespaced: true}
	namespaces = engine.Resource{Version: "v1", Name: "namespaces", Kind: "Namespace"}
	pods       = engine.Resource{Version: "v1", Name: "pods", Kind: "Pod", Namespaced: true}
)

// connect returns access to the shared cluster, with small pages and the rights of
// the chart's service account.
func connect(t *testing.T) (*kube.Cluster, client.Client) {
	t.Helper()
	shared := labtest.Shared(t)
	c, err := kube.New(labtest.ServiceAccount(t, shared, labtest.WithRestores), kube.Options{PageSize: 100})
	if err != nil {
		t.Fatal(err)
	}
	return c, labtest.Client(t, shared)
}

// must fails the test unless everything went well.
func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// create makes a namespace of the test's own and returns its name.
func namespace(t *testing.T, c *kube.Cluster, name string) string {
	t.Helper()
	_, err := c.Create(t.Context(), namespaces, "", "", fmt.Appendf(nil, `{"metadata":{"name":%q}}`, name))
	must(t, err)
	return name
}

// fill creates n objects in parallel.
func fill(t *testing.T, c *kube.Cluster, r engine.Resource, ns string, n int, body string) {
	t.Helper()
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(8)
	for i := range n {
		g.Go(func() error {
			_, err := c.Create(ctx, r, ns, "", fmt.Appendf(nil, `{"apiVersion":%q,"kind":%q,"metadata":{"name":"o-%04d","labels":{"odd":"%d"}}%s}`,
				r.GroupVersion(), r.Kind, i, i%2, body))
			return err
		})
	}
	must(t, g.Wait())
}

// defineTypes installs the type widgets in two groups, the first with two
// versions, a status subresource and any fields, and returns when they are served.
func defineTypes(t *testing.T, c *kube.Cluster, cl client.Client, groups ...string) map[string]engine.Resource {
	t.Helper()
	preserve := true
	schema := &apiextensionsv1.CustomResourceValidation{
		OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &preserve},
	}
	for i, group := range groups {
		crd := &apiextensionsv1.CustomResourceDefinition{
			ObjectMeta: metav1.ObjectMeta{Name: "widgets." + group},
			Spec: apiextensionsv1.CustomResourceDefinitionSpec{
				Group: group, Scope: apiextensionsv1.NamespaceScoped,
				Names:    apiextensionsv1.CustomResourceDefinitionNames{Plural: "widgets", Singular: "widget", Kind: "Widget", ListKind: "WidgetList"},
				Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: "v1", Served: true, Storage: true, Schema: schema}},
			},
		}
		if i == 0 {
			crd.Spec.Names.ShortNames = []string{"wd"}
			crd.Spec.Versions[0].Subresources = &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}}
			crd.Spec.Versions = append(crd.Spec.Versions, apiextensionsv1.CustomResourceDefinitionVersion{Name: "v1beta1", Served: true, Schema: schema})
		}
		must(t, cl.Create(t.Context(), crd))
	}
	found := map[string]engine.Resource{}
	must(t, wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		d, err := c.Discover(ctx)
		for _, r := range d.Resources {
			if r.Name == "widgets" && slices.Contains(groups, r.Group) {
				found[r.Group] = r
			}
		}
		return len(found) == len(groups), err
	}))
	return found
}

func TestLabDiscover(t *testing.T) {
	c, cl := connect(t)
	found := defineTypes(t, c, cl, "a.discover.org", "b.discover.org")
	want := map[string]engine.Resource{
		"a.discover.org": {
			Group: "a.discover.org", Version: "v1", Name: "widgets", Kind: "Widget", Singular: "widget", ShortNames: []string{"wd"},
			Namespaced: true, Versions: []string{"v1", "v1beta1"}, StatusSubresource: true, StatusVersions: []string{"v1"},
		},
		"b.discover.org": {
			Group: "b.discover.org", Version: "v1", Name: "widgets", Kind: "Widget", Singular: "widget",
			Namespaced: true, Versions: []string{"v1"},
		},
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	d, err := c.Discover(t.Context())
	must(t, err)
	if !slices.IsSortedFunc(d.Resources, func(a, b engine.Resource) int {
		return slices.Compare([]string{a.Group, a.Name}, []string{b.Group, b.Name})
	}) {
		t.Error("the types are not ordered")
	}
	for name, listed := range map[string]bool{
		"configmaps": true, "deployments.apps": true, "events": true, "events.events.k8s.io": true,
		"componentstatuses": false, "bindings": false, "pods/status": false, "tokenreviews.authentication.k8s.io": false,
	} {
		if got := slices.ContainsFunc(d.Resources, func(r engine.Resource) bool { return r.GroupResource().String() == name }); got != listed {
			t.Errorf("%s is discovered: %v", name, got)
		}
	}
}

func TestLabABrokenAPIIsNamed(t *testing.T) {
	c, cl := connect(t)
	service := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": map[string]any{"name": "v1.broken.org"},
		"spec": map[string]any{
			"group": "broken.org", "version": "v1", "groupPriorityMinimum": int64(100), "versionPriority": int64(10),
			"insecureSkipTLSVerify": true, "service": map[string]any{"namespace": "default", "name": "none"},
		},
	}}
	must(t, cl.Create(t.Context(), service))
	must(t, wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		d, err := c.Discover(ctx)
		return slices.ContainsFunc(d.Broken, func(b engine.BrokenGroup) bool { return b.GroupVersion == "broken.org/v1" }), err
	}))
	must(t, cl.Delete(t.Context(), service))
}

func TestLabListYieldsWhatGetDoes(t *testing.T) {
	c, cl := connect(t)
	widgets := defineTypes(t, c, cl, "a.list.org")["a.list.org"]
	ns := namespace(t, c, "lists")
	for name, x := range map[string]struct {
		resource engine.Resource
		body     string
	}{
		"of a built-in type":  {configMaps, `,"data":{"k":"}]\"{ü\u0001"}`},
		"of custom resources": {widgets, `,"Metadata":{"name":"x","namespace":"kube-system"},"x":{"items":[{"metadata":{}}]},"status":null,"n":9223372036854775807`},
	} {
		t.Run(name, func(t *testing.T) {
			fill(t, c, x.resource, ns, 250, x.body)
			var pages []engine.Page
			var names, revisions []string
			opts := engine.ListOptions{Namespace: ns, OnPage: func(p engine.Page) { pages = append(pages, p) }}
			for o, err := range c.List(t.Context(), x.resource, opts) {
				must(t, err)
				names = append(names, o.Meta.Name)
				if len(names)%100 == 1 {
					got, err := c.Get(t.Context(), x.resource, ns, o.Meta.Name)
					must(t, err)
					if diff := cmp.Diff(string(got.Raw), string(o.Raw)) + cmp.Diff(got.Meta, o.Meta); diff != "" {
						t.Errorf("%s differs (-get +list):\n%s", o.Key(), diff)
					}
				}
			}
			if len(names) < 250 || !slices.IsSorted(names) || len(slices.Compact(names)) != len(names) {
				t.Errorf("%d names: %v", len(names), names)
			}
			for _, p := range pages {
				revisions = append(revisions, p.Revision)
			}
			if len(pages) != 3 || len(slices.Compact(revisions)) != 1 || pages[0].Remaining < 150 || pages[2].Remaining != 0 {
				t.Errorf("pages %+v", pages)
			}
		})
	}
}

func TestLabListAtARevision(t *testing.T) {
	c, _ := connect(t)
	ns := namespace(t, c, "revisions")
	fill(t, c, configMaps, ns, 150, "")
	var revision string
	for _, err := range c.List(t.Context(), configMaps, engine.ListOptions{Namespace: ns, OnPage: func(p engine.Page) { revision = p.Revision }}) {
		must(t, err)
		break
	}
	must(t, c.Delete(t.Context(), configMaps, ns, "o-0120", engine.DeleteOptions{}))
	_, err := c.Create(t.Context(), configMaps, ns, "", []byte(`{"metadata":{"name":"late"}}`))
	must(t, err)
	count := func(opts engine.ListOptions) (n int) {
		opts.Namespace = ns
		for o, err := range c.List(t.Context(), configMaps, opts) {
			must(t, err)
			if o.Meta.Name == "late" && opts.Revision != "" {
				t.Error("the revision holds what was created later")
			}
			n++
		}
		return n
	}
	odd := labels.SelectorFromSet(labels.Set{"odd": "1"})
	if then, now, some := count(engine.ListOptions{Revision: revision}), count(engine.ListOptions{}), count(engine.ListOptions{Labels: odd}); then != 150 || now != 150 || some != 75 {
		t.Errorf("then %d, now %d, odd ones %d; want 150, 150 and 75", then, now, some)
	}
}

func TestLabAListThatIsNotServed(t *testing.T) {
	c, _ := connect(t)
	gone := engine.Resource{Group: "none.org", Version: "v1", Name: "nones", Kind: "None"}
	for _, err := range c.List(t.Context(), gone, engine.ListOptions{}) {
		if !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("error %v", err)
		}
	}
}

func TestLabWrites(t *testing.T) {
	c, cl := connect(t)
	ctx := t.Context()
	ns := namespace(t, c, "writes")
	created, err := c.Create(ctx, configMaps, ns, "", []byte(`{"metadata":{"name":"a"},"data":{"k":"v"},"unknown":{"is":"dropped"}}`))
	must(t, err)
	if created.Meta.UID == "" || created.Meta.ResourceVersion == "" || created.Key().String() != "configmaps/writes/a" {
		t.Errorf("created %+v", created.Meta)
	}
	var live corev1.ConfigMap
	must(t, cl.Get(ctx, client.ObjectKey{Namespace: ns, Name: "a"}, &live))
	if len(live.ManagedFields) != 1 || live.ManagedFields[0].Manager != "ark" {
		t.Errorf("managed by %+v", live.ManagedFields)
	}
	patched, err := c.Patch(ctx, configMaps, ns, "a", []byte(`{"data":{"k":null,"l":"w"}}`))
	must(t, err)
	var updated corev1.ConfigMap
	must(t, json.Unmarshal(patched.Raw, &updated))
	if diff := cmp.Diff(map[string]string{"l": "w"}, updated.Data); diff != "" {
		t.Error(diff)
	}

	_, exists := c.Create(ctx, configMaps, ns, "", []byte(`{"metadata":{"name":"a"}}`))
	_, stale := c.Update(ctx, configMaps, ns, "a", "", created.Raw)
	_, invalid := c.Create(ctx, configMaps, ns, "", []byte(`{"metadata":{"name":"No Name"}}`))
	_, noJSON := c.Create(ctx, configMaps, ns, "", []byte(`{`))
	_, nowhere := c.Create(ctx, configMaps, "nowhere", "", []byte(`{"metadata":{"name":"a"}}`))
	_, none := c.Get(ctx, configMaps, ns, "none")
	for name, x := range map[string]struct{ got, want error }{
		"a second create":       {exists, engine.ErrExists},
		"a stale update":        {stale, engine.ErrConflict},
		"an invalid name":       {invalid, engine.ErrInvalid},
		"what is no JSON":       {noJSON, engine.ErrInvalid},
		"a missing namespace":   {nowhere, engine.ErrNotFound},
		"a missing object":      {none, engine.ErrNotFound},
		"deleting another":      {c.Delete(ctx, configMaps, ns, "a", engine.DeleteOptions{UID: "x"}), engine.ErrConflict},
		"deleting another time": {c.Delete(ctx, configMaps, ns, "a", engine.DeleteOptions{ResourceVersion: "1"}), engine.ErrConflict},
		"deleting nothing":      {c.Delete(ctx, configMaps, ns, "none", engine.DeleteOptions{}), engine.ErrNotFound},
	} {
		if !errors.Is(x.got, x.want) {
			t.Errorf("%s: error %v, want %v", name, x.got, x.want)
		}
	}
	must(t, c.Delete(ctx, configMaps, ns, "a", engine.DeleteOptions{UID: patched.Meta.UID, ResourceVersion: patched.Meta.ResourceVersion}))
	if _, err := c.Get(ctx, configMaps, ns, "a"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("after deletion: %v", err)
	}
}

func TestLabStatusIsWrittenThroughItsOwnPath(t *testing.T) {
	c, _ := connect(t)
	ns := namespace(t, c, "statuses")
	created, err := c.Create(t.Context(), pods, ns, "", []byte(
		`{"metadata":{"name":"a"},"spec":{"automountServiceAccountToken":false,"containers":[{"name":"c","image":"i"}]},"status":{"reason":"ignored"}}`))
	if errors.Is(err, engine.ErrForbidden) { // without a controller-manager there are no service accounts
		_, err = c.Create(t.Context(), engine.Resource{Version: "v1", Name: "serviceaccounts", Kind: "ServiceAccount"}, ns, "", []byte(`{"metadata":{"name":"default"}}`))
		must(t, err)
		created, err = c.Create(t.Context(), pods, ns, "", []byte(
			`{"metadata":{"name":"a"},"spec":{"automountServiceAccountToken":false,"containers":[{"name":"c","image":"i"}]},"status":{"reason":"ignored"}}`))
	}
	must(t, err)
	var pod corev1.Pod
	must(t, json.Unmarshal(created.Raw, &pod))
	if pod.Status.Reason != "" {
		t.Errorf("a create took status: %+v", pod.Status)
	}
	pod.Status.Reason = "Restored"
	raw, err := json.Marshal(pod)
	must(t, err)
	updated, err := c.Update(t.Context(), pods, ns, "a", "status", raw)
	must(t, err, json.Unmarshal(updated.Raw, &pod))
	if pod.Status.Reason != "Restored" {
		t.Errorf("status is %+v", pod.Status)
	}
}

func TestLabATerminatingNamespaceTakesNothing(t *testing.T) {
	c, _ := connect(t)
	ns := namespace(t, c, "ending")
	must(t, c.Delete(t.Context(), namespaces, "", ns, engine.DeleteOptions{}))
	if _, err := c.Create(t.Context(), configMaps, ns, "", []byte(`{"metadata":{"name":"a"}}`)); !errors.Is(err, engine.ErrTerminating) {
		t.Errorf("error %v", err)
	}
}

func TestLabClusterUID(t *testing.T) {
	c, cl := connect(t)
	var ns corev1.Namespace
	must(t, cl.Get(t.Context(), client.ObjectKey{Name: "kube-system"}, &ns))
	if uid, err := c.ClusterUID(t.Context()); err != nil || uid != string(ns.UID) {
		t.Errorf("UID %q, %v, want %q", uid, err, ns.UID)
	}
}
