// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// each stands, in a path, for every element of a list.
const each = "*"

// assigned are, by type, the fields that a cluster fills in when they are left
// out, and that this package leaves out for that reason.
var assigned = map[schema.GroupResource][][]string{
	{Resource: "services"}: {
		{"spec", "clusterIP"}, {"spec", "clusterIPs"}, {"spec", "healthCheckNodePort"},
		{"spec", "ports", each, "nodePort"},
	},
	{Resource: "pods"}: {{"spec", "nodeName"}, {"spec", "priority"}, {"spec", "ephemeralContainers"}},
	{Resource: "persistentvolumes"}: {
		{"spec", "claimRef", "uid"}, {"spec", "claimRef", "resourceVersion"},
		{"metadata", "annotations", boundByController},
	},
	{Resource: "persistentvolumeclaims"}: {
		{"spec", "volumeName"}, {"metadata", "annotations", bindCompleted},
		{"metadata", "annotations", boundByController},
		{"metadata", "annotations", "volume.kubernetes.io/selected-node"},
		{"metadata", "annotations", "volume.kubernetes.io/storage-provisioner"},
		{"metadata", "annotations", "volume.beta.kubernetes.io/storage-provisioner"},
	},
	{Group: snapshotGroup, Resource: "volumesnapshotcontents"}: {
		{"spec", "volumeSnapshotRef", "uid"}, {"spec", "volumeSnapshotRef", "resourceVersion"},
	},
	{Group: groupSnapshotGroup, Resource: "volumegroupsnapshotcontents"}: {{"spec", "volumeGroupSnapshotRef", "uid"}},
	{Group: "batch", Resource: "jobs"}: {
		{"spec", "selector"},
		{"metadata", "labels", controllerUID[0]}, {"metadata", "labels", controllerUID[1]},
		{"spec", "template", "metadata", "labels", controllerUID[0]},
		{"spec", "template", "metadata", "labels", controllerUID[1]},
	},
	{Resource: "namespaces"}:      {{"metadata", "labels", "kubernetes.io/metadata.name"}},
	{Resource: "serviceaccounts"}: {{"secrets"}},
}

// assignedToken are those of a Secret that a token is minted into.
var assignedToken = [][]string{{"data"}, {"metadata", "annotations", tokenAccountUID}}

// Adopt copies from the live object what the cluster filled in there and want
// leaves out, so that want can be compared with it and written over it.
func Adopt(gr schema.GroupResource, want, live Manifest) {
	adoptFinalizers(want, live)
	paths := assigned[gr]
	if gr == (schema.GroupResource{Resource: "secrets"}) && Text(want, "type") == tokenType && sameAccount(want, live) {
		paths = assignedToken
	}
	if gr == (schema.GroupResource{Resource: "services"}) && !sameService(want, live) {
		return
	}
	if ref := reserved[gr]; ref != nil && !sameReference(child(want, ref...), child(live, ref...)) {
		return // with another's UID it would be lost to both
	}
	for _, path := range paths {
		adopt(want, live, path)
	}
}

// sameAccount reports whether two tokens are of accounts of one name: with the UID of
// another account, the token controller would delete the Secret.
func sameAccount(want, live Manifest) bool {
	return Text(want, "metadata", "annotations", tokenAccount) == Text(live, "metadata", "annotations", tokenAccount)
}

// sameService reports whether two Services are of one type: ports and addresses
// of another type would be refused.
func sameService(want, live Manifest) bool {
	headless := func(m Manifest) bool { return Text(m, "spec", "clusterIP") == "None" }
	return Text(want, "spec", "type") == Text(live, "spec", "type") && headless(want) == headless(live)
}

func adopt(want, live Manifest, path []string) {
	if i := slices.Index(path, each); i >= 0 {
		wants, lives := objects(want, path[:i]...), objects(live, path[:i]...)
		for j := range min(len(wants), len(lives)) {
			adopt(wants[j], lives[j], path[i+1:])
		}
		return
	}
	last := len(path) - 1
	value, ok := child(live, path[:last]...)[path[last]]
	if !ok {
		return
	}
	if _, has := child(want, path[:last]...)[path[last]]; has {
		return
	}
	ensure(want, path[:last]...)[path[last]] = cloneValue(value)
}
