// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore/transform"
)

func TestTheNamesAreThoseOfTheAPI(t *testing.T) {
	if transform.RestoreLabel != v1alpha1.RestoreLabel || transform.PausedAnnotation != v1alpha1.ReplicasAnnotation {
		t.Errorf("got %q and %q, want %q and %q", transform.RestoreLabel, transform.PausedAnnotation,
			v1alpha1.RestoreLabel, v1alpha1.ReplicasAnnotation)
	}
}

// resource finds a type by its name, as far as these tests need it.
func resource(name string) engine.Resource {
	group := map[string]string{
		"deployments": "apps", "statefulsets": "apps", "jobs": "batch", "cronjobs": "batch",
		"rolebindings": "rbac.authorization.k8s.io", "clusterrolebindings": "rbac.authorization.k8s.io",
		"validatingwebhookconfigurations": "admissionregistration.k8s.io",
		"mutatingwebhookconfigurations":   "admissionregistration.k8s.io",
		"apiservices":                     "apiregistration.k8s.io",
		"ingresses":                       "networking.k8s.io",
		"customresourcedefinitions":       "apiextensions.k8s.io",
		"volumesnapshots":                 "snapshot.storage.k8s.io",
		"volumesnapshotcontents":          "snapshot.storage.k8s.io",
		"volumegroupsnapshotcontents":     "groupsnapshot.storage.k8s.io",
	}[name]
	status := map[string]bool{"pods": true, "deployments": true, "jobs": true, "services": true, "namespaces": true}
	return engine.Resource{Group: group, Version: "v1", Name: name, Versions: []string{"v1"}, StatusSubresource: status[name]}
}

func decode(tb testing.TB, doc string) transform.Manifest {
	tb.Helper()
	m, err := transform.Decode([]byte(doc))
	if err != nil {
		tb.Fatalf("%v in %s", err, doc)
	}
	return m
}

// apply transforms a document whose namespace a is mapped to b where asked for.
func apply(t *testing.T, tr transform.Transformer, name, doc string, named bool) transform.Result {
	t.Helper()
	m := decode(t, doc)
	tr.Label = "r"
	if tr.Restores == nil {
		tr.Restores = func(engine.Key) bool { return false }
	}
	r := resource(name)
	result, err := tr.Apply(transform.Subject{
		Resource: r, Manifest: m, Named: named,
		Source: engine.Key{
			GroupResource: r.GroupResource(),
			Namespace:     transform.Text(m, "metadata", "namespace"), Name: transform.Text(m, "metadata", "name"),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

var toB = map[string]string{"a": "b"}

func TestTransformations(t *testing.T) {
	tests := map[string]struct {
		with      transform.Transformer
		name      string
		in, want  string
		wantNotes []string
		// wantDoubts are notes of an object that does not exist.
		wantDoubts []string
	}{
		"what only the server sets is dropped; the rest stays, nulls and big numbers too": {
			name: "configmaps",
			in: `{"metadata":{"namespace":"a","name":"x","uid":"u","resourceVersion":"1","generation":3,"creationTimestamp":"t",
				"selfLink":"s","managedFields":[],"ownerReferences":[{"uid":"o"}],"finalizers":["f"],"labels":{"l":"1"},
				"annotations":{"an":"1"},"unknown":1},"data":{"n":null,"max":9223372036854775807,"f":0.25},"status":{"kept":true}}`,
			want: `{"metadata":{"namespace":"a","name":"x","finalizers":["f"],"labels":{"l":"1","ark-restore":"r"},
				"annotations":{"an":"1"},"unknown":1},"data":{"n":null,"max":9223372036854775807,"f":0.25},"status":{"kept":true}}`,
		},
		"what was being deleted comes back whole, with a note": {
			name: "configmaps",
			in:   `{"metadata":{"namespace":"a","name":"x","deletionTimestamp":"t","deletionGracePeriodSeconds":0}}`,
			want: `{"metadata":{"namespace":"a","name":"x","labels":{"ark-restore":"r"}}}`,

			wantNotes: []string{"was being deleted when it was archived"},
		},
		"status that has a path of its own is dropped": {
			name: "deployments",
			in:   `{"metadata":{"namespace":"a","name":"x"},"status":{"replicas":1}}`,
			want: `{"metadata":{"namespace":"a","name":"x","labels":{"ark-restore":"r"}}}`,
		},
		"tracking marks of Git tools stay in place": {
			name: "configmaps",
			in:   `{"metadata":{"namespace":"a","name":"x","annotations":{"argocd.argoproj.io/tracking-id":"i"}}}`,
			want: `{"metadata":{"namespace":"a","name":"x","annotations":{"argocd.argoproj.io/tracking-id":"i"},"labels":{"ark-restore":"r"}}}`,
		},
		"tracking marks of Git tools go when the object moves": {
			with: transform.Transformer{Namespaces: toB}, name: "configmaps",
			in: `{"metadata":{"namespace":"a","name":"x","annotations":{"argocd.argoproj.io/tracking-id":"i"},
				"labels":{"kustomize.toolkit.fluxcd.io/name":"n","helm.toolkit.fluxcd.io/namespace":"n","argocd.argoproj.io/instance":"i","app.kubernetes.io/instance":"stays"}}}`,
			want: `{"metadata":{"namespace":"b","name":"x","labels":{"app.kubernetes.io/instance":"stays","ark-restore":"r"}}}`,
		},
		"a namespace that moves loses the label with its old name": {
			with: transform.Transformer{Namespaces: toB}, name: "namespaces",
			in:   `{"metadata":{"name":"a","labels":{"kubernetes.io/metadata.name":"a","t":"1"}},"spec":{"finalizers":["kubernetes"]}}`,
			want: `{"metadata":{"name":"b","labels":{"t":"1","ark-restore":"r"}},"spec":{"finalizers":["kubernetes"]}}`,
		},
		"a Service gets a new address, and new node ports": {
			name: "services",
			in: `{"metadata":{"namespace":"a","name":"x"},"spec":{"type":"LoadBalancer","clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],
				"healthCheckNodePort":30001,"ports":[{"port":80,"nodePort":30000}]}}`,
			want: `{"metadata":{"namespace":"a","name":"x","labels":{"ark-restore":"r"}},"spec":{"type":"LoadBalancer","ports":[{"port":80}]}}`,
		},
		"an address that a field manager set is kept": {
			name: "services",
			in: `{"metadata":{"namespace":"a","name":"x","managedFields":[{"manager":"kubeadm","operation":"Update","fieldsV1":{"f:spec":{"f:clusterIP":{}}}}]},
				"spec":{"clusterIP":"10.0.0.10","clusterIPs":["10.0.0.10"]}}`,
			want: `{"metadata":{"namespace":"a","name":"x","labels":{"ark-restore":"r"}},"spec":{"clusterIP":"10.0.0.10","clusterIPs":["10.0.0.10"]}}`,
		},
		"an address that was applied by kubectl is kept": {
			name: "services",
			in: `{"metadata":{"namespace":"a","name":"x","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"spec\":{\"clusterIP\":\"10.0.0.10\"}}"}},
				"spec":{"clusterIP":"10.0.0.10","clusterIPs":["10.0.0.10"]}}`,
			want: `{"metadata":{"namespace":"a","name":"x","labels":{"ark-restore":"r"},
				"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"spec\":{\"clusterIP\":\"10.0.0.10\"}}"}},
				"spec":{"clusterIP":"10.0.0.10","clusterIPs":["10.0.0.10"]}}`,
		},
		"the namespace of a Helm release follows its objects": {
			with: transform.Transformer{Namespaces: toB}, name: "configmaps",
			in:   `{"metadata":{"namespace":"a","name":"x","annotations":{"meta.helm.sh/release-name":"n","meta.helm.sh/release-namespace":"a"}}}`,
			want: `{"metadata":{"namespace":"b","name":"x","annotations":{"meta.helm.sh/release-name":"n","meta.helm.sh/release-namespace":"b"},"labels":{"ark-restore":"r"}}}`,
		},
		"a Job that had come half way says that it starts anew": {
			name:       "jobs",
			in:         `{"metadata":{"namespace":"a","name":"j"},"spec":{"completions":3},"status":{"succeeded":2}}`,
			want:       `{"metadata":{"namespace":"a","name":"j","labels":{"ark-restore":"r"}},"spec":{"completions":3}}`,
			wantDoubts: []string{"starts from its beginning: what its pods had done is not known any more"},
		},
		"a headless Service stays headless": {
			name: "services",
			in:   `{"metadata":{"namespace":"a","name":"x"},"spec":{"clusterIP":"None","clusterIPs":["None"]}}`,
			want: `{"metadata":{"namespace":"a","name":"x","labels":{"ark-restore":"r"}},"spec":{"clusterIP":"None","clusterIPs":["None"]}}`,
		},
		"an ExternalName Service keeps its name": {
			name: "services",
			in:   `{"metadata":{"namespace":"a","name":"x"},"spec":{"type":"ExternalName","externalName":"e.example"}}`,
			want: `{"metadata":{"namespace":"a","name":"x","labels":{"ark-restore":"r"}},"spec":{"type":"ExternalName","externalName":"e.example"}}`,
		},
		"node ports are kept where asked": {
			with: transform.Transformer{PreserveNodePorts: true}, name: "services",
			in:   `{"metadata":{"namespace":"a","name":"x"},"spec":{"healthCheckNodePort":30001,"ports":[{"port":80,"nodePort":30000}]}}`,
			want: `{"metadata":{"namespace":"a","name":"x","labels":{"ark-restore":"r"}},"spec":{"healthCheckNodePort":30001,"ports":[{"port":80,"nodePort":30000}]}}`,
		},
		"node ports that a field manager set are kept, those of other ports are not": {
			name: "services",
			in: `{"metadata":{"namespace":"a","name":"x","managedFields":[{"manager":"kubectl","operation":"Update","fieldsV1":
				{"f:spec":{"f:healthCheckNodePort":{},"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:nodePort":{}},"k:{\"port\":80,\"protocol\":\"UDP\"}":{".":{}}}}}}]},
				"spec":{"healthCheckNodePort":30009,"ports":[{"port":80,"protocol":"TCP","nodePort":30000},{"port":80,"protocol":"UDP","nodePort":30001}]}}`,
			want: `{"metadata":{"namespace":"a","name":"x","labels":{"ark-restore":"r"}},
				"spec":{"healthCheckNodePort":30009,"ports":[{"port":80,"protocol":"TCP","nodePort":30000},{"port":80,"protocol":"UDP"}]}}`,
		},
		"node ports that were applied by kubectl are kept": {
			name: "services",
			in: `{"metadata":{"namespace":"a","name":"x","annotations":{"kubectl.kubernetes.io/last-applied-configuration":
				"{\"spec\":{\"healthCheckNodePort\":30002,\"ports\":[{\"port\":80,\"nodePort\":30000}]}}"}},
				"spec":{"healthCheckNodePort":30002,"ports":[{"port":80,"protocol":"TCP","nodePort":30000},{"port":81,"protocol":"TCP","nodePort":30001}]}}`,
			want: `{"metadata":{"namespace":"a","name":"x","labels":{"ark-restore":"r"},"annotations":{"kubectl.kubernetes.io/last-applied-configuration":
				"{\"spec\":{\"healthCheckNodePort\":30002,\"ports\":[{\"port\":80,\"nodePort\":30000}]}}"}},
				"spec":{"healthCheckNodePort":30002,"ports":[{"port":80,"protocol":"TCP","nodePort":30000},{"port":81,"protocol":"TCP"}]}}`,
		},
		"a volume is reserved for its claim by name, where the claim goes": {
			with: transform.Transformer{Namespaces: toB}, name: "persistentvolumes",
			in: `{"metadata":{"name":"v","annotations":{"pv.kubernetes.io/bound-by-controller":"yes"}},
				"spec":{"claimRef":{"kind":"PersistentVolumeClaim","namespace":"a","name":"c","uid":"u","resourceVersion":"1"}}}`,
			want: `{"metadata":{"name":"v","labels":{"ark-restore":"r"}},"spec":{"claimRef":{"kind":"PersistentVolumeClaim","namespace":"b","name":"c"}}}`,
		},
		"a snapshot of a claim says that it is cut anew": {
			name:       "volumesnapshots",
			in:         `{"metadata":{"namespace":"a","name":"s"},"spec":{"source":{"persistentVolumeClaimName":"c"}}}`,
			want:       `{"metadata":{"namespace":"a","name":"s","labels":{"ark-restore":"r"}},"spec":{"source":{"persistentVolumeClaimName":"c"}}}`,
			wantDoubts: []string{"is cut anew, from what claim c holds by then, and not what it was"},
		},
		"the content of a snapshot is reserved for it by name, where it goes": {
			with: transform.Transformer{Namespaces: toB}, name: "volumesnapshotcontents",
			in:   `{"metadata":{"name":"v"},"spec":{"source":{"snapshotHandle":"h"},"volumeSnapshotRef":{"namespace":"a","name":"s","uid":"u","resourceVersion":"1"}}}`,
			want: `{"metadata":{"name":"v","labels":{"ark-restore":"r"}},"spec":{"source":{"snapshotHandle":"h"},"volumeSnapshotRef":{"namespace":"b","name":"s"}}}`,
		},
		"so is the content of a group of snapshots": {
			with: transform.Transformer{Namespaces: toB}, name: "volumegroupsnapshotcontents",
			in:   `{"metadata":{"name":"v"},"spec":{"volumeGroupSnapshotRef":{"namespace":"a","name":"s","uid":"u"}}}`,
			want: `{"metadata":{"name":"v","labels":{"ark-restore":"r"}},"spec":{"volumeGroupSnapshotRef":{"namespace":"b","name":"s"}}}`,
		},
		"the content of a volume says that it is cut anew": {
			name:       "volumesnapshotcontents",
			in:         `{"metadata":{"name":"v"},"spec":{"source":{"volumeHandle":"h"}}}`,
			want:       `{"metadata":{"name":"v","labels":{"ark-restore":"r"}},"spec":{"source":{"volumeHandle":"h"}}}`,
			wantDoubts: []string{"is cut anew, from what its volume holds by then, and not what it was"},
		},
		"a volume that went with its claim says so": {
			name: "persistentvolumes",
			in:   `{"metadata":{"name":"v"},"spec":{"persistentVolumeReclaimPolicy":"Delete","claimRef":{"namespace":"a","name":"c","uid":"u"}}}`,
			want: `{"metadata":{"name":"v","labels":{"ark-restore":"r"}},"spec":{"persistentVolumeReclaimPolicy":"Delete","claimRef":{"namespace":"a","name":"c"}}}`,
			wantDoubts: []string{"points to what its reclaim policy Delete has deleted with the old claim, unless somebody kept it: " +
				"leave persistentvolumes out, and claims ask for new ones"},
		},
		"a claim keeps a volume that is restored, and is bound anew": {
			with: transform.Transformer{Restores: func(k engine.Key) bool { return k.String() == "persistentvolumes/v" }},
			name: "persistentvolumeclaims",
			in: `{"metadata":{"namespace":"a","name":"c","annotations":{"pv.kubernetes.io/bind-completed":"yes","pv.kubernetes.io/bound-by-controller":"yes",
				"volume.kubernetes.io/storage-provisioner":"p"}},"spec":{"volumeName":"v"}}`,
			want: `{"metadata":{"namespace":"a","name":"c","annotations":{"volume.kubernetes.io/storage-provisioner":"p"},"labels":{"ark-restore":"r"}},"spec":{"volumeName":"v"}}`,
		},
		"a claim whose volume is not restored asks for a new one": {
			name: "persistentvolumeclaims",
			in: `{"metadata":{"namespace":"a","name":"c","annotations":{"volume.kubernetes.io/selected-node":"n",
				"volume.kubernetes.io/storage-provisioner":"p"}},"spec":{"volumeName":"v","storageClassName":"s"}}`,
			want:      `{"metadata":{"namespace":"a","name":"c","labels":{"ark-restore":"r"}},"spec":{"storageClassName":"s"}}`,
			wantNotes: []string{"asks for a new volume: v is not restored"},
		},
		"a pod can be scheduled anew": {
			name:       "pods",
			in:         `{"metadata":{"namespace":"a","name":"p"},"spec":{"nodeName":"n","priority":0,"ephemeralContainers":[{}],"priorityClassName":"high"},"status":{"phase":"Running"}}`,
			want:       `{"metadata":{"namespace":"a","name":"p","labels":{"ark-restore":"r"}},"spec":{"priorityClassName":"high"}}`,
			wantDoubts: []string{"lost its ephemeral containers: they can only be added to a pod that runs"},
		},
		"what admission computed of a pod's classes is computed anew": {
			name: "pods",
			in: `{"metadata":{"namespace":"a","name":"p","labels":{"topology.kubernetes.io/zone":"z","l":"1"},"managedFields":[{"manager":"m","operation":"Update",
				"fieldsV1":{"f:metadata":{"f:labels":{"f:l":{}}},"f:spec":{"f:runtimeClassName":{}}}}]},"spec":{"runtimeClassName":"box","priority":5,
				"preemptionPolicy":"Never","overhead":{"memory":"64Mi"},"priorityClassName":"default-class","nodeSelector":{"pool":"box"},
				"tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists"}],"imagePullSecrets":[{"name":"pull"}]}}`,
			want: `{"metadata":{"namespace":"a","name":"p","labels":{"l":"1","ark-restore":"r"}},"spec":{"runtimeClassName":"box"}}`,
		},
		"what somebody wrote of the same stays": {
			name: "pods",
			in: `{"metadata":{"namespace":"a","name":"p","labels":{"topology.kubernetes.io/zone":"z"},"managedFields":[{"manager":"m","operation":"Update",
				"fieldsV1":{"f:metadata":{"f:labels":{"f:topology.kubernetes.io/zone":{}}},"f:spec":{"f:priorityClassName":{},"f:nodeSelector":{},"f:tolerations":{},
				"f:imagePullSecrets":{"k:{\"name\":\"pull\"}":{}}}}}]},"spec":{"priorityClassName":"mine","nodeSelector":{"pool":"mine"},
				"tolerations":[{"key":"mine"}],"imagePullSecrets":[{"name":"pull"}]}}`,
			want: `{"metadata":{"namespace":"a","name":"p","labels":{"topology.kubernetes.io/zone":"z","ark-restore":"r"}},"spec":{"priorityClassName":"mine",
				"nodeSelector":{"pool":"mine"},"tolerations":[{"key":"mine"}],"imagePullSecrets":[{"name":"pull"}]}}`,
		},
		"and all of it where nothing tells who wrote": {
			name: "pods",
			in: `{"metadata":{"namespace":"a","name":"p","managedFields":[{"manager":"kubelet","subresource":"status","operation":"Update","fieldsV1":{"f:status":{}}}]},
				"spec":{"priorityClassName":"c","nodeSelector":{"pool":"p"},"tolerations":[{"key":"t"}],"imagePullSecrets":[{"name":"pull"}]}}`,
			want: `{"metadata":{"namespace":"a","name":"p","labels":{"ark-restore":"r"}},"spec":{"priorityClassName":"c","nodeSelector":{"pool":"p"},
				"tolerations":[{"key":"t"}],"imagePullSecrets":[{"name":"pull"}]}}`,
		},
		"what was merged into a selector that kubectl applied goes": {
			name: "pods",
			in: `{"metadata":{"namespace":"a","name":"p","annotations":{"kubectl.kubernetes.io/last-applied-configuration":
				"{\"spec\":{\"nodeSelector\":{\"disk\":\"ssd\"},\"tolerations\":[{\"key\":\"mine\"}]}}"}},
				"spec":{"nodeSelector":{"disk":"ssd","pool":"box"},"tolerations":[{"key":"mine"},{"key":"box"}]}}`,
			want: `{"metadata":{"namespace":"a","name":"p","labels":{"ark-restore":"r"},"annotations":{"kubectl.kubernetes.io/last-applied-configuration":
				"{\"spec\":{\"nodeSelector\":{\"disk\":\"ssd\"},\"tolerations\":[{\"key\":\"mine\"}]}}"}},
				"spec":{"nodeSelector":{"disk":"ssd"},"tolerations":[{"key":"mine"}]}}`,
		},
		"families of addresses that the API server chose go": {
			name: "services",
			in: `{"metadata":{"namespace":"a","name":"x","managedFields":[{"manager":"m","operation":"Update","fieldsV1":{"f:spec":{"f:ports":{}}}}]},
				"spec":{"ipFamilies":["IPv6"],"ipFamilyPolicy":"SingleStack","clusterIP":"fd00::1","clusterIPs":["fd00::1"]}}`,
			want: `{"metadata":{"namespace":"a","name":"x","labels":{"ark-restore":"r"}},"spec":{}}`,
		},
		"those that a user chose stay": {
			name: "services",
			in: `{"metadata":{"namespace":"a","name":"x","managedFields":[{"manager":"m","operation":"Update","fieldsV1":{"f:spec":{"f:ipFamilies":{},"f:ipFamilyPolicy":{}}}}]},
				"spec":{"ipFamilies":["IPv6"],"ipFamilyPolicy":"SingleStack","clusterIP":"fd00::1","clusterIPs":["fd00::1"]}}`,
			want: `{"metadata":{"namespace":"a","name":"x","labels":{"ark-restore":"r"}},"spec":{"ipFamilies":["IPv6"],"ipFamilyPolicy":"SingleStack"}}`,
		},
		"an ingress asks for the default class where nobody named one": {
			name: "ingresses",
			in: `{"metadata":{"namespace":"a","name":"x","managedFields":[{"manager":"m","operation":"Update","fieldsV1":{"f:spec":{"f:rules":{}}}}]},
				"spec":{"ingressClassName":"old","rules":[]}}`,
			want:      `{"metadata":{"namespace":"a","name":"x","labels":{"ark-restore":"r"}},"spec":{"rules":[]}}`,
			wantNotes: []string{"asks for the default ingress class: nobody chose old, which was the default where it was archived"},
		},
		"a claim for a new volume asks for the default class where nobody named one": {
			name: "persistentvolumeclaims",
			in: `{"metadata":{"namespace":"a","name":"c","managedFields":[{"manager":"m","operation":"Update","fieldsV1":{"f:spec":{"f:accessModes":{}}}},
				{"manager":"kube-controller-manager","operation":"Update","fieldsV1":{"f:spec":{"f:storageClassName":{}}}}]},"spec":{"storageClassName":"s"}}`,
			want:      `{"metadata":{"namespace":"a","name":"c","labels":{"ark-restore":"r"}},"spec":{}}`,
			wantNotes: []string{"asks for the default storage class: nobody chose s, which was the default where it was archived"},
		},
		"a claim of a StatefulSet keeps the class that its template names": {
			name: "persistentvolumeclaims",
			in: `{"metadata":{"namespace":"a","name":"c","managedFields":[{"manager":"kube-controller-manager","operation":"Update",
				"fieldsV1":{"f:spec":{"f:accessModes":{},"f:storageClassName":{}}}}]},"spec":{"storageClassName":"s"}}`,
			want: `{"metadata":{"namespace":"a","name":"c","labels":{"ark-restore":"r"}},"spec":{"storageClassName":"s"}}`,
		},
		"a Job's selector is made anew": {
			name: "jobs",
			in: `{"metadata":{"namespace":"a","name":"j","labels":{"controller-uid":"u","l":"1"}},"spec":{"selector":{"matchLabels":{"batch.kubernetes.io/controller-uid":"u"}},
				"template":{"metadata":{"labels":{"controller-uid":"u","batch.kubernetes.io/controller-uid":"u","job-name":"j"}}}}}`,
			want: `{"metadata":{"namespace":"a","name":"j","labels":{"l":"1","ark-restore":"r"}},"spec":{"template":{"metadata":{"labels":{"job-name":"j"}}}}}`,
		},
		"a Job's manual selector is kept": {
			name: "jobs",
			in:   `{"metadata":{"namespace":"a","name":"j"},"spec":{"manualSelector":true,"selector":{"matchLabels":{"controller-uid":"u"}}}}`,
			want: `{"metadata":{"namespace":"a","name":"j","labels":{"ark-restore":"r"}},"spec":{"manualSelector":true,"selector":{"matchLabels":{"controller-uid":"u"}}}}`,
		},
		"a service account keeps its Secrets, those of tokens among them": {
			name: "serviceaccounts",
			in: `{"metadata":{"namespace":"a","name":"web"},"secrets":[{"name":"web-token-x7k2p"},{"name":"web-token-mine"},{"name":"s"}],
				"imagePullSecrets":[{"name":"pull"}]}`,
			want: `{"metadata":{"namespace":"a","name":"web","labels":{"ark-restore":"r"}},"secrets":[{"name":"web-token-x7k2p"},{"name":"web-token-mine"},{"name":"s"}],
				"imagePullSecrets":[{"name":"pull"}]}`,
		},
		"a token that a user asked for is minted anew": {
			name: "secrets",
			in: `{"metadata":{"namespace":"a","name":"ci","annotations":{"kubernetes.io/service-account.name":"web","kubernetes.io/service-account.uid":"u"}},
				"type":"kubernetes.io/service-account-token","data":{"token":"dA=="}}`,
			want: `{"metadata":{"namespace":"a","name":"ci","annotations":{"kubernetes.io/service-account.name":"web"},"labels":{"ark-restore":"r"}},
				"type":"kubernetes.io/service-account-token"}`,
			wantNotes: []string{"gets a new token: the archived one is of another account"},
		},
		"one that is called like those of a controller is minted anew, and its use is forgotten": {
			name: "secrets",
			in: `{"metadata":{"namespace":"a","name":"web-token-x7k2p","annotations":{"kubernetes.io/service-account.name":"web","kubernetes.io/service-account.uid":"u"},
				"labels":{"kubernetes.io/legacy-token-last-used":"2026-01-02","kubernetes.io/legacy-token-invalid-since":"2026-01-03","app":"web"}},
				"type":"kubernetes.io/service-account-token","data":{"token":"dA==","ca.crt":"Yw=="}}`,
			want: `{"metadata":{"namespace":"a","name":"web-token-x7k2p","annotations":{"kubernetes.io/service-account.name":"web"},"labels":{"app":"web","ark-restore":"r"}},
				"type":"kubernetes.io/service-account-token"}`,
			wantNotes: []string{"gets a new token: the archived one is of another account"},
		},
		"subjects follow the mapping": {
			with: transform.Transformer{Namespaces: toB}, name: "rolebindings",
			in: `{"metadata":{"namespace":"c","name":"x"},"subjects":[{"kind":"ServiceAccount","namespace":"a","name":"s"},
				{"kind":"ServiceAccount","namespace":"d","name":"s"},{"kind":"User","name":"system:serviceaccount:a:s"},
				{"kind":"Group","name":"system:serviceaccounts:a"},{"kind":"Group","name":"a"}]}`,
			want: `{"metadata":{"namespace":"c","name":"x","labels":{"ark-restore":"r"}},"subjects":[{"kind":"ServiceAccount","namespace":"b","name":"s"},
				{"kind":"ServiceAccount","namespace":"d","name":"s"},{"kind":"User","name":"system:serviceaccount:b:s"},
				{"kind":"Group","name":"system:serviceaccounts:b"},{"kind":"Group","name":"a"}]}`,
		},
		"webhooks follow the mapping, and keep their certificate": {
			with: transform.Transformer{Namespaces: toB}, name: "mutatingwebhookconfigurations",
			in: `{"metadata":{"name":"x"},"webhooks":[{"clientConfig":{"caBundle":"c","service":{"namespace":"a","name":"s"}}},{"clientConfig":{"url":"u"}}]}`,
			want: `{"metadata":{"name":"x","labels":{"ark-restore":"r"}},"webhooks":[{"clientConfig":{"caBundle":"c","service":{"namespace":"b","name":"s"}}},
				{"clientConfig":{"url":"u"}}]}`,
		},
		"an aggregated API follows the mapping": {
			with: transform.Transformer{Namespaces: toB}, name: "apiservices",
			in:   `{"metadata":{"name":"x"},"spec":{"service":{"namespace":"a","name":"s"}}}`,
			want: `{"metadata":{"name":"x","labels":{"ark-restore":"r"}},"spec":{"service":{"namespace":"b","name":"s"}}}`,
		},
		"a conversion webhook follows the mapping": {
			with: transform.Transformer{Namespaces: toB}, name: "customresourcedefinitions",
			in:   `{"metadata":{"name":"x"},"spec":{"conversion":{"webhook":{"clientConfig":{"service":{"namespace":"a"}}}}}}`,
			want: `{"metadata":{"name":"x","labels":{"ark-restore":"r"}},"spec":{"conversion":{"webhook":{"clientConfig":{"service":{"namespace":"b"}}}}}}`,
		},
		"a paused Deployment remembers its replicas": {
			with: transform.Transformer{Paused: true}, name: "deployments",
			in:   `{"metadata":{"namespace":"a","name":"d"},"spec":{"replicas":3}}`,
			want: `{"metadata":{"namespace":"a","name":"d","labels":{"ark-restore":"r"},"annotations":{"ark.gopherwood.dev/paused-from":"3"}},"spec":{"replicas":0}}`,
		},
		"a paused StatefulSet without a number had one replica": {
			with: transform.Transformer{Paused: true}, name: "statefulsets",
			in:   `{"metadata":{"namespace":"a","name":"d"}}`,
			want: `{"metadata":{"namespace":"a","name":"d","labels":{"ark-restore":"r"},"annotations":{"ark.gopherwood.dev/paused-from":"1"}},"spec":{"replicas":0}}`,
		},
		"a Deployment without replicas is paused already": {
			with: transform.Transformer{Paused: true}, name: "deployments",
			in:   `{"metadata":{"namespace":"a","name":"d"},"spec":{"replicas":0}}`,
			want: `{"metadata":{"namespace":"a","name":"d","labels":{"ark-restore":"r"}},"spec":{"replicas":0}}`,
		},
		"a paused CronJob is to be resumed": {
			with: transform.Transformer{Paused: true}, name: "cronjobs",
			in:   `{"metadata":{"namespace":"a","name":"d"},"spec":{"suspend":false}}`,
			want: `{"metadata":{"namespace":"a","name":"d","labels":{"ark-restore":"r"},"annotations":{"ark.gopherwood.dev/paused-from":"resume"}},"spec":{"suspend":true}}`,
		},
		"a suspended Job stays suspended": {
			with: transform.Transformer{Paused: true}, name: "jobs",
			in:   `{"metadata":{"namespace":"a","name":"d"},"spec":{"suspend":true}}`,
			want: `{"metadata":{"namespace":"a","name":"d","labels":{"ark-restore":"r"}},"spec":{"suspend":true}}`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := apply(t, tc.with, tc.name, tc.in, false)
			if diff := cmp.Diff(decode(t, tc.want), got.Manifest); diff != "" {
				t.Errorf("object (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantNotes, got.Notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantDoubts, got.Doubts); diff != "" {
				t.Errorf("doubts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsLeftOutForItsContent(t *testing.T) {
	tests := map[string]struct {
		name, in string
		named    bool
		want     string
	}{
		"a mirror pod": {"pods", `{"metadata":{"annotations":{"kubernetes.io/config.mirror":"x"}}}`, false, transform.CodeMirrorPod},
		"a mirror pod that is asked for": {
			"pods", `{"metadata":{"annotations":{"kubernetes.io/config.mirror":"x"}}}`, true, transform.CodeMirrorPod,
		},
		"a completed pod":                    {"pods", `{"status":{"phase":"Succeeded"}}`, false, transform.CodeCompleted},
		"a failed pod":                       {"pods", `{"status":{"phase":"Failed"}}`, false, transform.CodeCompleted},
		"not a completed pod that is wanted": {"pods", `{"status":{"phase":"Failed"}}`, true, ""},
		"not a running pod":                  {"pods", `{"status":{"phase":"Running"}}`, false, ""},
		"a Job that is done":                 {"jobs", `{"status":{"conditions":[{"type":"Complete","status":"True"}]}}`, false, transform.CodeCompleted},
		"not a Job that is wanted":           {"jobs", `{"status":{"conditions":[{"type":"Complete","status":"True"}]}}`, true, ""},
		"not a Job that is running":          {"jobs", `{"status":{"conditions":[{"type":"Complete","status":"False"}]}}`, false, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := apply(t, transform.Transformer{}, tc.name, tc.in, tc.named).Skip; got != tc.want {
				t.Errorf("Skip = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestWhatIsKeptAside(t *testing.T) {
	got := apply(t, transform.Transformer{}, "pods", `{"metadata":{"name":"p","namespace":"a","ownerReferences":[{"uid":"o"}],"managedFields":[
		{"manager":"argocd","operation":"Apply"},{"manager":"kubelet","operation":"Update","subresource":"status"},{"manager":"m","operation":"Update"}]},
		"status":{"phase":"Running"}}`, false)
	want := transform.Result{
		Owners: []transform.Manifest{{"uid": "o"}},
		Status: map[string]any{"phase": "Running"},
		ManagedFields: []any{
			map[string]any{"manager": "argocd", "operation": "Apply"}, map[string]any{"manager": "m", "operation": "Update"},
		},
	}
	if diff := cmp.Diff(want.Owners, got.Owners); diff != "" {
		t.Errorf("Owners (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.Status, got.Status); diff != "" {
		t.Errorf("Status (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want.ManagedFields, got.ManagedFields); diff != "" {
		t.Errorf("ManagedFields (-want +got):\n%s", diff)
	}
}
