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
		{"spec", "ipFamilies"}, {"spec", "ipFamilyPolicy"},
		{"spec", "ports", each, "nodePort"},
	},
	{Resource: "pods"}: {
		{"spec", "nodeName"}, {"spec", "ephemeralContainers"},
		{"spec", "priority"}, {"spec", "preemptionPolicy"}, {"spec", "overhead"},
		{"spec", "priorityClassName"}, {"spec", "imagePullSecrets"},
		{"metadata", "labels", podTopology[0]}, {"metadata", "labels", podTopology[1]},
	},
	{Group: "scheduling.k8s.io", Resource: "podgroups"}: {{"spec", "priority"}, {"spec", "priorityClassName"}},
	{Group: "networking.k8s.io", Resource: "ingresses"}: {{"spec", "ingressClassName"}},
	{Resource: "persistentvolumes"}: {
		{"spec", "claimRef", "uid"}, {"spec", "claimRef", "resourceVersion"},
		{"metadata", "annotations", boundByController},
	},
	{Resource: "persistentvolumeclaims"}: {
		{"spec", "volumeName"}, {"spec", "storageClassName"}, {"spec", "selector"}, {"metadata", "annotations", bindCompleted},
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
	if gr == (schema.GroupResource{Resource: "pods"}) {
		adoptMerged(want, live)
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

// adoptMerged copies what admission merged into the node selector and the tolerations of
// a live Pod, when all that is wanted is there.
func adoptMerged(want, live Manifest) {
	spec, liveSpec := child(want, "spec"), child(live, "spec")
	if spec == nil {
		return
	}
	selector, merged := child(spec, "nodeSelector"), child(liveSpec, "nodeSelector")
	all := len(merged) > 0
	for key, v := range selector {
		all = all && merged[key] == v
	}
	if all {
		spec["nodeSelector"] = Clone(merged)
	}
	tolerations, _ := spec["tolerations"].([]any)
	mergedTolerations, _ := liveSpec["tolerations"].([]any)
	all = len(mergedTolerations) > 0
	for _, v := range tolerations {
		all = all && containsValue(mergedTolerations, v)
	}
	if all {
		spec["tolerations"] = cloneValue(mergedTolerations)
	}
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
