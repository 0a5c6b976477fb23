// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// planned returns what a dry run says that would be created, in the order of the
// plan, and what is skipped, by code.
func planned(t *testing.T, c *fakeCluster, req restore.Request, src restore.Source) (created []string, skipped map[string][]string, report *restore.Report) {
	t.Helper()
	req.DryRun = true
	lines := &lineLog{}
	report = mustRun(t, c, req, src, restore.Options{Results: lines})
	if w := c.writes(); len(w) > 0 {
		t.Errorf("a dry run wrote: %v", w)
	}
	skipped = map[string][]string{}
	for _, l := range lines.all(t) {
		if l.Action == restore.ActionSkip {
			skipped[l.Code] = append(skipped[l.Code], l.Object)
		} else {
			created = append(created, max(l.Target, l.Object))
		}
	}
	return created, skipped, report
}

func TestTheOrderOfAPlan(t *testing.T) {
	source := shop(t)
	source.add(`{"apiVersion":"storage.k8s.io/v1","kind":"StorageClass","metadata":{"name":"fast"}}`)
	source.add(`{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{"name":"hook"}}`)
	created, skipped, _ := planned(t, newFakeCluster(t), request(), backup(t, source))
	want := []string{
		"customresourcedefinitions.apiextensions.k8s.io/carts.shop.example",
		"namespaces/shop",
		"storageclasses.storage.k8s.io/fast",
		"persistentvolumes/disk",
		"persistentvolumeclaims/shop/data",
		"serviceaccounts/shop/default",
		"serviceaccounts/shop/web",
		"secrets/shop/web-key",
		"configmaps/shop/a-cart-config",
		"clusterroles.rbac.authorization.k8s.io/unrelated",
		"clusterroles.rbac.authorization.k8s.io/web-reader",
		"clusterrolebindings.rbac.authorization.k8s.io/web-reads",
		"services/shop/web",
		"carts.shop.example/shop/main",
		"deployments.apps/shop/web",
		"validatingwebhookconfigurations.admissionregistration.k8s.io/hook",
	}
	if diff := cmp.Diff(want, created); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
	wantSkipped := map[string][]string{
		restore.CodeNeverRestored: {"events/shop/e", "nodes/n1"},
		restore.CodeRemade:        {"configmaps/shop/kube-root-ca.crt", "pods/shop/web-1-x", "replicasets.apps/shop/web-1"},
	}
	if diff := cmp.Diff(wantSkipped, skipped); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
}

func TestRestoreOrderOvertakesAllButDefinitionsAndNamespaces(t *testing.T) {
	req := request()
	req.RestoreOrder = []string{"deployments.apps", "carts"}
	created, _, _ := planned(t, newFakeCluster(t), req, backup(t, shop(t)))
	want := []string{
		"customresourcedefinitions.apiextensions.k8s.io/carts.shop.example", "namespaces/shop",
		"deployments.apps/shop/web", "carts.shop.example/shop/main", "persistentvolumes/disk",
	}
	if diff := cmp.Diff(want, created[:len(want)]); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

func TestWhatARequestSelects(t *testing.T) {
	yes, no := true, false
	tests := map[string]struct {
		change func(*restore.Request)
		want   []string
	}{
		"one namespace brings the cluster-scoped objects that it needs": {
			func(r *restore.Request) { r.Selection.IncludedNamespaces = []string{"shop"} },
			[]string{
				"carts.shop.example/shop/main", "clusterrolebindings.rbac.authorization.k8s.io/web-reads",
				"clusterroles.rbac.authorization.k8s.io/web-reader", "configmaps/shop/a-cart-config",
				"customresourcedefinitions.apiextensions.k8s.io/carts.shop.example", "deployments.apps/shop/web",
				"namespaces/shop", "persistentvolumeclaims/shop/data", "persistentvolumes/disk", "secrets/shop/web-key",
				"serviceaccounts/shop/default", "serviceaccounts/shop/web", "services/shop/web",
			},
		},
		"no cluster-scoped objects, but the namespace that is missing": {
			func(r *restore.Request) {
				r.Selection.ClusterResources = &no
				r.Selection.IncludedResources = []string{"persistentvolumeclaims", "deployments"}
			},
			[]string{"deployments.apps/shop/web", "namespaces/shop", "persistentvolumeclaims/shop/data"},
		},
		"all cluster-scoped objects beside one namespace": {
			func(r *restore.Request) {
				r.Selection.IncludedNamespaces = []string{"shop"}
				r.Selection.ClusterResources = &yes
				r.Selection.IncludedResources = []string{"secrets", "clusterroles"}
			},
			[]string{
				"clusterroles.rbac.authorization.k8s.io/unrelated", "clusterroles.rbac.authorization.k8s.io/web-reader",
				"namespaces/shop", "secrets/shop/web-key",
			},
		},
		"a type brings what its objects need": {
			func(r *restore.Request) {
				r.Selection.IncludedResources = []string{"carts", "pvc", "persistentvolumeclaims"}
			},
			[]string{
				"carts.shop.example/shop/main", "customresourcedefinitions.apiextensions.k8s.io/carts.shop.example",
				"namespaces/shop", "persistentvolumeclaims/shop/data", "persistentvolumes/disk",
			},
		},
		"an excluded type is not brought by anything": {
			func(r *restore.Request) {
				r.Selection.IncludedResources = []string{"persistentvolumeclaims"}
				r.Selection.ExcludedResources = []string{"persistentvolumes", "namespaces"}
			},
			[]string{"persistentvolumeclaims/shop/data"},
		},
		"names and globs": {
			func(r *restore.Request) { r.Names = []string{"web-*", "main"} },
			[]string{
				"carts.shop.example/shop/main", "clusterrolebindings.rbac.authorization.k8s.io/web-reads",
				"clusterroles.rbac.authorization.k8s.io/web-reader",
				"customresourcedefinitions.apiextensions.k8s.io/carts.shop.example",
				"namespaces/shop", "secrets/shop/web-key",
			},
		},
		"what is named comes back although a controller would remake it": {
			func(r *restore.Request) { r.Selection.IncludedResources = []string{"pods", "events", "nodes"} },
			[]string{"events/shop/e", "namespaces/shop", "nodes/n1", "pods/shop/web-1-x"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			req := request()
			tc.change(&req)
			created, _, _ := planned(t, newFakeCluster(t), req, backup(t, shop(t)))
			slices.Sort(created)
			if diff := cmp.Diff(tc.want, created); diff != "" {
				t.Errorf("selected (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsNotRestored(t *testing.T) {
	tests := map[string]struct {
		objects []string
		named   []string
		edit    func(*archive.Entry)
		object  string
		code    string // empty: it is restored
	}{
		"a ReplicaSet of a Deployment that was left out of the backup is restored": {
			objects: []string{
				`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"namespace":"a","name":"d","uid":"D"}}`,
				`{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"namespace":"a","name":"r","ownerReferences":[
					{"apiVersion":"apps/v1","kind":"Deployment","name":"d","uid":"D","controller":true}]}}`,
			},
			edit:   func(e *archive.Entry) { e.Excluded = e.Kind == "Deployment" },
			object: "replicasets.apps/a/r",
		},
		"a Pod of a ReplicaSet that was left out, but is remade itself": {
			objects: []string{
				`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"namespace":"a","name":"d","uid":"D"}}`,
				`{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"namespace":"a","name":"r","uid":"R","ownerReferences":[
					{"apiVersion":"apps/v1","kind":"Deployment","name":"d","uid":"D","controller":true}]}}`,
				`{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"a","name":"p","ownerReferences":[
					{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"r","uid":"R","controller":true}]}}`,
			},
			edit:   func(e *archive.Entry) { e.Excluded = e.Kind == "ReplicaSet" },
			object: "pods/a/p", code: restore.CodeRemade,
		},
		"a Job of a CronJob": {
			objects: []string{
				`{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"namespace":"a","name":"c","uid":"C"}}`,
				`{"apiVersion":"batch/v1","kind":"Job","metadata":{"namespace":"a","name":"j","ownerReferences":[
					{"apiVersion":"batch/v1","kind":"CronJob","name":"c","uid":"C","controller":true}]}}`,
			},
			object: "jobs.batch/a/j", code: restore.CodeRemade,
		},
		"a Job that somebody else controls is restored": {
			objects: []string{`{"apiVersion":"batch/v1","kind":"Job","metadata":{"namespace":"a","name":"j","ownerReferences":[
				{"apiVersion":"example/v1","kind":"Workflow","name":"c","uid":"W","controller":true}]}}`},
			object: "jobs.batch/a/j",
		},
		"an EndpointSlice of a Service": {
			objects: []string{
				`{"apiVersion":"v1","kind":"Service","metadata":{"namespace":"a","name":"s","uid":"S"},"spec":{}}`,
				`{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"namespace":"a","name":"e",
					"labels":{"endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io"},"ownerReferences":[{"apiVersion":"v1","kind":"Service","name":"s","uid":"S","controller":true}]}}`,
			},
			object: "endpointslices.discovery.k8s.io/a/e", code: restore.CodeRemade,
		},
		"an EndpointSlice that somebody else gave to a Service is restored": {
			objects: []string{
				`{"apiVersion":"v1","kind":"Service","metadata":{"namespace":"a","name":"s","uid":"S"},"spec":{}}`,
				`{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"namespace":"a","name":"e",
					"labels":{"endpointslice.kubernetes.io/managed-by":"operator.example"},
					"ownerReferences":[{"apiVersion":"v1","kind":"Service","name":"s","uid":"S","controller":true}]}}`,
			},
			object: "endpointslices.discovery.k8s.io/a/e",
		},
		"the volume of a pod that is remade": {
			objects: append(podOf("StatefulSet"), podsOwn("v1", "PersistentVolumeClaim", "c")),
			object:  "persistentvolumeclaims/a/c", code: restore.CodeRemade,
		},
		"the volume of a pod of nobody is restored": {
			objects: append(podOf(""), podsOwn("v1", "PersistentVolumeClaim", "c")), object: "persistentvolumeclaims/a/c",
		},
		"the volume of a StatefulSet is restored": {
			objects: append(podOf("StatefulSet"), `{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"namespace":"a","name":"c",
				"ownerReferences":[{"apiVersion":"apps/v1","kind":"StatefulSet","name":"o","uid":"O","controller":true}]}}`),
			object: "persistentvolumeclaims/a/c",
		},
		"the device of a pod": {
			objects: append(podOf(""), podsOwn("resource.k8s.io/v1", "ResourceClaim", "c")),
			object:  "resourceclaims.resource.k8s.io/a/c", code: restore.CodeRemade,
		},
		"a Job that a pod controls is restored": {
			objects: append(podOf(""), podsOwn("batch/v1", "Job", "j")), object: "jobs.batch/a/j",
		},
		"a request for a certificate, which names who asked": {
			objects: []string{`{"apiVersion":"certificates.k8s.io/v1","kind":"CertificateSigningRequest","metadata":{"name":"r"}}`},
			object:  "certificatesigningrequests.certificates.k8s.io/r", code: restore.CodeNeverRestored,
		},
		"whom the extensions of the API server trust": {
			objects: []string{
				`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"kube-system"}}`,
				`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"kube-system","name":"extension-apiserver-authentication"}}`,
			},
			object: "configmaps/kube-system/extension-apiserver-authentication", code: restore.CodeRemade,
		},
		"a hand-made EndpointSlice is restored": {
			objects: []string{`{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"namespace":"a","name":"e"}}`},
			object:  "endpointslices.discovery.k8s.io/a/e",
		},
		"Endpoints of a Service for which there are made EndpointSlices": {
			objects: []string{
				`{"apiVersion":"v1","kind":"Endpoints","metadata":{"namespace":"a","name":"s"}}`,
				`{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","metadata":{"namespace":"a","name":"e","labels":{
					"kubernetes.io/service-name":"s","endpointslice.kubernetes.io/managed-by":"endpointslice-controller.k8s.io"}}}`,
			},
			object: "endpoints/a/s", code: restore.CodeRemade,
		},
		"hand-made Endpoints are restored": {
			objects: []string{`{"apiVersion":"v1","kind":"Endpoints","metadata":{"namespace":"a","name":"s"}}`},
			object:  "endpoints/a/s",
		},
		"the Lease of a node": {
			objects: []string{
				`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"kube-node-lease"}}`,
				`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"namespace":"kube-node-lease","name":"n"}}`,
			},
			object: "leases.coordination.k8s.io/kube-node-lease/n", code: restore.CodeNeverRestored,
		},
		"any other Lease is restored": {
			objects: []string{`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"namespace":"a","name":"n"}}`},
			object:  "leases.coordination.k8s.io/a/n",
		},
		"a Backup, although it is asked for": {
			objects: []string{`{"apiVersion":"ark.gopherwood.dev/v1alpha1","kind":"Backup","metadata":{"name":"b"}}`},
			named:   []string{"backups"},
			object:  "backups.ark.gopherwood.dev/b", code: restore.CodeOwnRecord,
		},
		"a Config of ours": {
			objects: []string{`{"apiVersion":"ark.gopherwood.dev/v1alpha1","kind":"Config","metadata":{"name":"default"}}`},
			object:  "configs.ark.gopherwood.dev/default", code: restore.CodeNeverRestored,
		},
		"a Config of ours that is asked for is restored": {
			objects: []string{`{"apiVersion":"ark.gopherwood.dev/v1alpha1","kind":"Config","metadata":{"name":"default"}}`},
			named:   []string{"configs.ark.gopherwood.dev"},
			object:  "configs.ark.gopherwood.dev/default",
		},
		"what was left out of the backup": {
			objects: []string{configMap("v", "")},
			edit:    func(e *archive.Entry) { e.Excluded = e.Name == "c" },
			object:  "configmaps/a/c", code: restore.CodeNotInBackup,
		},
		"a mirror pod": {
			objects: []string{`{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"a","name":"p","annotations":{"kubernetes.io/config.mirror":"x"}}}`},
			named:   []string{"pods"},
			object:  "pods/a/p", code: transform.CodeMirrorPod,
		},
		"a completed pod": {
			objects: []string{`{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"a","name":"p"},"status":{"phase":"Succeeded"}}`},
			object:  "pods/a/p", code: transform.CodeCompleted,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			source := newFakeCluster(t)
			source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
			for _, o := range tc.objects {
				if strings.Contains(o, `"ownerReferences"`) && strings.Contains(o, `"Workflow"`) {
					source.types = append(source.types, engine.Resource{Group: "example", Version: "v1", Name: "workflows", Kind: "Workflow", Namespaced: true, Versions: []string{"v1"}})
					source.add(`{"apiVersion":"example/v1","kind":"Workflow","metadata":{"namespace":"a","name":"c","uid":"W"}}`)
				}
				source.add(o)
			}
			req := request()
			req.Selection.IncludedResources = tc.named
			var edits []func(*archive.Entry)
			if tc.edit != nil {
				edits = append(edits, tc.edit)
			}
			created, skipped, _ := planned(t, newFakeCluster(t), req, backup(t, source, edits...))
			if restored := slices.Contains(created, tc.object); restored != (tc.code == "") {
				t.Errorf("%s is restored: %v; skipped: %v", tc.object, restored, skipped)
			}
			if tc.code != "" && !slices.Contains(skipped[tc.code], tc.object) {
				t.Errorf("skipped = %v, want %s under %s", skipped, tc.object, tc.code)
			}
		})
	}
}

// podOf is a Pod, and what controls it.
func podOf(kind string) []string {
	if kind == "" {
		return []string{`{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"a","name":"p","uid":"P"}}`}
	}
	return []string{
		`{"apiVersion":"apps/v1","kind":"` + kind + `","metadata":{"namespace":"a","name":"o","uid":"O"}}`,
		`{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"a","name":"p","uid":"P","ownerReferences":[
			{"apiVersion":"apps/v1","kind":"` + kind + `","name":"o","uid":"O","controller":true}]}}`,
	}
}

// podsOwn is an object that the Pod controls.
func podsOwn(apiVersion, kind, name string) string {
	return `{"apiVersion":"` + apiVersion + `","kind":"` + kind + `","metadata":{"namespace":"a","name":"` + name + `","ownerReferences":[
		{"apiVersion":"v1","kind":"Pod","name":"p","uid":"P","controller":true}]}}`
}

func TestAnIndexThatListsAnObjectTwiceIsCorrupt(t *testing.T) {
	source := newFakeCluster(t)
	source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
	source.add(configMap("v", ""))
	src := backup(t, source)
	src.Index = restore.WholeIndex(twice(src.Index.Lines(t.Context(), nil)))
	_, err := run(t, newFakeCluster(t), request(), src, restore.Options{})
	if !errors.Is(err, engine.ErrCorrupt) {
		t.Errorf("Run() error = %v, want ErrCorrupt", err)
	}
}

// twice yields every element twice.
func twice(seq iter.Seq2[archive.Entry, error]) iter.Seq2[archive.Entry, error] {
	return func(yield func(archive.Entry, error) bool) {
		for e, err := range seq {
			for range 2 {
				if !yield(e, err) {
					return
				}
			}
		}
	}
}
