// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/selection"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// others are defaults that a cluster has of its own.
const others = `
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: own-disks, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: kubernetes.io/no-provisioner
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: own-front, annotations: {ingressclass.kubernetes.io/is-default-class: "true"}}
spec: {controller: own.example/front}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: own-first}
value: 1
globalDefault: true
`

const noDriver = "is of driver disks.classy.example, and this cluster has no CSIDriver of that name: " +
	"where the driver does not run, install it, or what names the class waits for it"

// TestANamespaceBringsTheClassesThatItNames backs up one namespace and restores it into
// a cluster that has none of its classes, and defaults of its own.
func TestANamespaceBringsTheClassesThatItNames(t *testing.T) {
	s := newStage(t, labtest.Shared(t))
	objects, own := read(t, "needed-classes.yaml"), parse(t, others)
	s.create(t, objects...)
	backup := s.take(t, selection.Template{IncludedNamespaces: []string{"classy"}})
	yes := true
	whole := s.take(t, selection.Template{IncludedNamespaces: []string{"classy"}, ClusterResources: &yes})
	s.remove(t, objects[1:]...)
	s.create(t, own...)
	defer s.remove(t, append(own, objects[1:]...)...)

	req := restore.Request{Label: "classy"}
	req.Selection.IncludedNamespaces = []string{"classy"}
	r := s.restore(t, backup, req)
	for _, failure := range r.failures() {
		t.Error("failed:", failure)
	}
	const notDefault = "is not the default that it was: it is there for what names it, and the cluster keeps its own default"
	want := []string{
		"ingressclasses.networking.k8s.io/classy-front: " + notDefault,
		"persistentvolumeclaims/classy/data: asks for a new volume: classy-lost is not restored, and its selector goes, which no new one would have matched",
		"priorityclasses.scheduling.k8s.io/classy-first: " + notDefault,
		"storageclasses.storage.k8s.io/classy-disks: " + notDefault,
		"storageclasses.storage.k8s.io/classy-disks: " + noDriver,
	}
	slices.Sort(r.Warnings)
	if diff := cmp.Diff(want, r.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	for _, o := range objects {
		_, err := s.fetch(t.Context(), o)
		if there, wanted := err == nil, o.GetName() != "classy-unused"; there != wanted {
			t.Errorf("%s is there: %v, want %v (%v)", name(o), there, wanted, err)
		}
	}
	class := s.get(t, newObject("storage.k8s.io/v1", "StorageClass", "", "classy-disks"))
	if diff := cmp.Diff(map[string]string{"note": "kept"}, class.GetAnnotations()); diff != "" {
		t.Errorf("annotations of the class (-want +got):\n%s", diff)
	}
	for _, label := range []string{"classy", "classy-again"} {
		req.Label = label
		if again := s.restore(t, backup, req); again.Results.Created+again.Results.Updated+again.Results.Failed+again.Results.Existing > 0 {
			t.Errorf("restored again as %s: %+v, %v", label, again.Results, again.Warnings)
		}
	}

	s.remove(t, objects[1:]...)
	req = restore.Request{Label: "whole"}
	req.Selection.IncludedResources, req.Selection.ClusterResources = []string{"storageclasses", "ingressclasses", "priorityclasses"}, &yes
	req.Names = []string{"classy-*"}
	r = s.restore(t, whole, req)
	for _, failure := range r.failures() {
		t.Error("failed:", failure)
	}
	want = []string{
		"ingressclasses.networking.k8s.io/classy-front: is a second default beside own-front: leave the mark to one of them",
		"priorityclasses.scheduling.k8s.io/classy-first: is not the global default that it was: the cluster has one, and takes no second",
		"storageclasses.storage.k8s.io/classy-disks: is a second default beside own-disks: leave the mark to one of them",
		"storageclasses.storage.k8s.io/classy-disks: " + noDriver,
		"storageclasses.storage.k8s.io/classy-unused: " + noDriver,
	}
	slices.Sort(r.Warnings)
	if diff := cmp.Diff(want, r.Warnings); diff != "" {
		t.Errorf("warnings of a restore that asks for classes (-want +got):\n%s", diff)
	}
}
