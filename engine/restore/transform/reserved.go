// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import "k8s.io/apimachinery/pkg/runtime/schema"

// reserved are, by type, where an object names the one that it is reserved for, and
// that it is bound to once there is a UID.
var reserved = map[schema.GroupResource][]string{
	{Resource: "persistentvolumes"}:                                      {"spec", "claimRef"},
	{Group: snapshotGroup, Resource: "volumesnapshotcontents"}:           {"spec", "volumeSnapshotRef"},
	{Group: groupSnapshotGroup, Resource: "volumegroupsnapshotcontents"}: {"spec", "volumeGroupSnapshotRef"},
}

// BoundElsewhere returns, as namespace/name, what a live volume or content of a
// snapshot is bound to, when want is reserved for something else; otherwise nothing.
// Written over, it would be Released, and its reclaim policy would delete the data.
func BoundElsewhere(gr schema.GroupResource, want, live Manifest) string {
	path := reserved[gr]
	if path == nil {
		return ""
	}
	ref := child(live, path...)
	if Text(ref, "uid") == "" || sameReference(child(want, path...), ref) {
		return ""
	}
	return Text(ref, "namespace") + "/" + Text(ref, "name")
}

// sameReference reports whether want names the object that a live reference names. It
// need not know its UID.
func sameReference(want, live Manifest) bool {
	uid := Text(want, "uid")
	return Text(want, "namespace") == Text(live, "namespace") && Text(want, "name") == Text(live, "name") &&
		(uid == "" || uid == Text(live, "uid"))
}
