// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// defaultMarks are the annotations that make a class the default of the cluster, by type.
var defaultMarks = map[schema.GroupResource][]string{
	{Group: "storage.k8s.io", Resource: "storageclasses"}: {
		"storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class",
	},
	{Group: "networking.k8s.io", Resource: "ingressclasses"}:            {"ingressclass.kubernetes.io/is-default-class"},
	{Group: snapshotGroup, Resource: "volumesnapshotclasses"}:           {"snapshot.storage.kubernetes.io/is-default-class"},
	{Group: groupSnapshotGroup, Resource: "volumegroupsnapshotclasses"}: {"groupsnapshot.storage.kubernetes.io/is-default-class"},
}

// priorityClasses have a field in place of an annotation.
var priorityClasses = schema.GroupResource{Group: "scheduling.k8s.io", Resource: "priorityclasses"}

// IsDefault reports whether an object is the default class of its type.
func IsDefault(gr schema.GroupResource, m Manifest) bool {
	if gr == priorityClasses {
		return m["globalDefault"] == true
	}
	for _, mark := range defaultMarks[gr] {
		if child(m, annotationsPath...)[mark] == "true" {
			return true
		}
	}
	return false
}

// WithoutDefault returns a class without the mark that makes it the default: a copy, or
// m itself where it has none.
func WithoutDefault(gr schema.GroupResource, m Manifest) Manifest {
	if !IsDefault(gr, m) {
		return m
	}
	m = Clone(m)
	if gr == priorityClasses {
		delete(m, "globalDefault")
	}
	removeFrom(m, annotationsPath, defaultMarks[gr]...)
	return m
}

// DriverOf returns the driver whose volumes or snapshots a class is for, or nothing.
func DriverOf(gr schema.GroupResource, m Manifest) string {
	switch gr {
	case schema.GroupResource{Group: "storage.k8s.io", Resource: "storageclasses"}:
		return Text(m, "provisioner")
	case schema.GroupResource{Group: "storage.k8s.io", Resource: "volumeattributesclasses"}:
		return Text(m, "driverName")
	case schema.GroupResource{Group: snapshotGroup, Resource: "volumesnapshotclasses"},
		schema.GroupResource{Group: groupSnapshotGroup, Resource: "volumegroupsnapshotclasses"}:
		return Text(m, "driver")
	}
	return ""
}

// SameDefaults reports whether two default classes of one type stand in each other's
// place: those of snapshots are the default of their driver only.
func SameDefaults(gr schema.GroupResource, a, b Manifest) bool {
	return gr.Resource == "storageclasses" || DriverOf(gr, a) == DriverOf(gr, b)
}
