// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/selection"
)

// Types of classes, and of what names them, as these tests write them.
const (
	storageClass   = "storageclasses.storage.k8s.io/"
	attributes     = "volumeattributesclasses.storage.k8s.io/"
	snapshotClass  = "volumesnapshotclasses.snapshot.storage.k8s.io/"
	groupClass     = "volumegroupsnapshotclasses.groupsnapshot.storage.k8s.io/"
	priorityClass  = "priorityclasses.scheduling.k8s.io/"
	runtimeClass   = "runtimeclasses.node.k8s.io/"
	ingressClass   = "ingressclasses.networking.k8s.io/"
	deviceClass    = "deviceclasses.resource.k8s.io/"
	gatewayClass   = "gatewayclasses.gateway.networking.k8s.io/"
	podWithClasses = `{"priorityClassName":"yes","runtimeClassName":"yes","volumes":[{"ephemeral":{"volumeClaimTemplate":{"spec":{"storageClassName":"yes","volumeAttributesClassName":"yes"}}}}]}`
)

// withClasses is a cluster with a namespace a, two classes of every type, yes and no,
// and the objects.
func withClasses(t *testing.T, objects map[string]string) *cluster {
	t.Helper()
	c := newCluster(t, map[string]string{"namespaces/a": ""})
	for _, prefix := range []string{storageClass, attributes, snapshotClass, groupClass, priorityClass, runtimeClass, ingressClass, deviceClass, gatewayClass} {
		c.resources = append(c.resources, resource(strings.TrimSuffix(prefix, "/"), false))
		c.add(t, prefix+"yes", "")
		c.add(t, prefix+"no", "")
	}
	for path, fields := range objects {
		gr, rest, _ := strings.Cut(path, "/")
		if !slices.ContainsFunc(c.resources, func(r resourceType) bool { return r.GroupResource().String() == gr }) {
			c.resources = append(c.resources, resource(gr, strings.Contains(rest, "/")))
		}
		c.add(t, path, fields)
	}
	return c
}

func TestClassesThatObjectsNameComeAlong(t *testing.T) {
	ofPods := []string{attributes + "yes", priorityClass + "yes", runtimeClass + "yes", storageClass + "yes"}
	template := `{"spec":{"template":{"spec":` + podWithClasses + `}}}`
	tests := map[string]struct {
		path, fields string
		want         []string
	}{
		"of a pod":                   {"pods/a/x", `{"spec":` + podWithClasses + `}`, ofPods},
		"of a Deployment":            {"deployments.apps/a/x", template, ofPods},
		"of a DaemonSet":             {"daemonsets.apps/a/x", template, ofPods},
		"of a Job":                   {"jobs.batch/a/x", template, ofPods},
		"of a ReplicationController": {"replicationcontrollers/a/x", template, ofPods},
		"of a PodTemplate":           {"podtemplates/a/x", `{"template":{"spec":` + podWithClasses + `}}`, ofPods},
		"of a CronJob":               {"cronjobs.batch/a/x", `{"spec":{"jobTemplate":` + template + `}}`, ofPods},
		"of the claims of a StatefulSet": {
			"statefulsets.apps/a/x", `{"spec":{"template":{"spec":{"priorityClassName":"yes"}},"volumeClaimTemplates":[{"spec":{"storageClassName":"yes"}}]}}`,
			[]string{priorityClass + "yes", storageClass + "yes"},
		},
		"of a claim":                        {"persistentvolumeclaims/a/x", `{"spec":{"storageClassName":"yes","volumeAttributesClassName":"yes"}}`, []string{attributes + "yes", storageClass + "yes"}},
		"of a claim, in its old place":      {"persistentvolumeclaims/a/x", `{"metadata":{"annotations":{"volume.beta.kubernetes.io/storage-class":"yes"}}}`, []string{storageClass + "yes"}},
		"of an Ingress":                     {"ingresses.networking.k8s.io/a/x", `{"spec":{"ingressClassName":"yes"}}`, []string{ingressClass + "yes"}},
		"of an Ingress, in its old place":   {"ingresses.networking.k8s.io/a/x", `{"metadata":{"annotations":{"kubernetes.io/ingress.class":"yes"}}}`, []string{ingressClass + "yes"}},
		"of a VolumeSnapshot":               {"volumesnapshots.snapshot.storage.k8s.io/a/x", `{"spec":{"volumeSnapshotClassName":"yes"}}`, []string{snapshotClass + "yes"}},
		"of a VolumeGroupSnapshot":          {"volumegroupsnapshots.groupsnapshot.storage.k8s.io/a/x", `{"spec":{"volumeGroupSnapshotClassName":"yes"}}`, []string{groupClass + "yes"}},
		"of a Gateway":                      {"gateways.gateway.networking.k8s.io/a/x", `{"spec":{"gatewayClassName":"yes"}}`, []string{gatewayClass + "yes"}},
		"of a ResourceClaim":                {"resourceclaims.resource.k8s.io/a/x", `{"spec":{"devices":{"requests":[{"exactly":{"deviceClassName":"yes"}}]}}}`, []string{deviceClass + "yes"}},
		"of a ResourceClaimTemplate":        {"resourceclaimtemplates.resource.k8s.io/a/x", `{"spec":{"spec":{"devices":{"requests":[{"firstAvailable":[{"deviceClassName":"yes"}]}]}}}}`, []string{deviceClass + "yes"}},
		"of a ResourceClaim, in v1beta1":    {"resourceclaims.resource.k8s.io/a/x", `{"spec":{"devices":{"requests":[{"deviceClassName":"yes"}]}}}`, []string{deviceClass + "yes"}},
		"none of what cannot be read":       {"pods/a/x", `{"spec":{"priorityClassName":7,"volumes":{"storageClassName":"yes"}}}`, nil},
		"none of a class that is not there": {"pods/a/x", `{"spec":{"priorityClassName":"gone"}}`, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSink()
			run(t, withClasses(t, map[string]string{tc.path: tc.fields}), nil, s, collect.Options{Template: selection.Template{IncludedNamespaces: []string{"a"}}})
			want := append([]string{"namespaces/a", tc.path}, tc.want...)
			slices.Sort(want)
			if diff := cmp.Diff(want, s.archived()); diff != "" {
				t.Errorf("archived (-want +got):\n%s", diff)
			}
			for _, class := range tc.want {
				if codes := s.entries[class].Codes; !slices.Equal(codes, []string{"needed"}) {
					t.Errorf("codes of %s = %v, want that it is only needed", class, codes)
				}
			}
		})
	}
}

func TestTheClassOfAVolumeThatIsNeededComesAlong(t *testing.T) {
	s := newSink()
	run(t, withClasses(t, map[string]string{
		"persistentvolumeclaims/a/data": `{"spec":{"volumeName":"pv"}}`,
		"persistentvolumes/pv":          `{"spec":{"storageClassName":"yes"}}`,
	}), nil, s, collect.Options{Template: selection.Template{IncludedNamespaces: []string{"a"}}})
	want := []string{"namespaces/a", "persistentvolumeclaims/a/data", "persistentvolumes/pv", storageClass + "yes"}
	if diff := cmp.Diff(want, s.archived()); diff != "" {
		t.Errorf("archived (-want +got):\n%s", diff)
	}
}

func TestAnOperatorsDefinitionsComeAlongWithoutObjects(t *testing.T) {
	calls := func(namespace string) string {
		return `{"spec":{"conversion":{"strategy":"Webhook","webhook":{"clientConfig":{"service":{"namespace":"` + namespace + `","name":"s"}}}}}}`
	}
	released := func(namespace string) string {
		return `{"metadata":{"annotations":{"meta.helm.sh/release-namespace":"` + namespace + `"}}}`
	}
	const bound = `{"roleRef":{"kind":"ClusterRole","name":"operator"},"subjects":[{"kind":"ServiceAccount","namespace":"a","name":"operator"}]}`
	s := newSink()
	run(t, withClasses(t, map[string]string{
		"namespaces/b": "", "serviceaccounts/a/operator": "",
		"clusterrolebindings" + rbac + "/operator": bound,
		"clusterroles" + rbac + "/operator": `{"rules":[{"apiGroups":["one.example","two.example"],"resources":["wheels/status"]},{"apiGroups":["one.example"],"resources":["axles/finalizers","read"]},
			{"apiGroups":["*"],"resources":["all/status"]},{"apiGroups":["one.example"],"resources":["*/status"]}]}`,
		"roles" + rbac + "/a/local":         `{"rules":[{"apiGroups":["one.example"],"resources":["local/status"]}]}`,
		definitions + "/wheels.one.example": "", definitions + "/wheels.two.example": "", definitions + "/axles.one.example": "",
		definitions + "/read.one.example": "", definitions + "/all.three.example": "", definitions + "/local.one.example": "",
		definitions + "/converted.example.org": calls("a"), definitions + "/converted.elsewhere.example": calls("b"),
		definitions + "/released.example.org": released("a"), definitions + "/released.elsewhere.example": released("b"),
	}), nil, s, collect.Options{Template: selection.Template{IncludedNamespaces: []string{"a"}}})
	want := []string{
		"clusterrolebindings" + rbac + "/operator", "clusterroles" + rbac + "/operator",
		definitions + "/axles.one.example", definitions + "/converted.example.org", definitions + "/local.one.example",
		definitions + "/released.example.org", definitions + "/wheels.one.example", definitions + "/wheels.two.example",
		"namespaces/a", "roles" + rbac + "/a/local", "serviceaccounts/a/operator",
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, s.archived()); diff != "" {
		t.Errorf("archived (-want +got):\n%s", diff)
	}
}
