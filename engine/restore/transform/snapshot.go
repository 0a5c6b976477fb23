// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

const (
	snapshotGroup      = "snapshot.storage.k8s.io"
	groupSnapshotGroup = "groupsnapshot.storage.k8s.io"
)

// snapshot tells that a snapshot of a claim is cut anew: see "Provisioning Volume
// Snapshot" in Kubernetes' page on volume snapshots.
func (t *Transformer) snapshot(s *Subject, r *Result) {
	if claim := Text(s.Manifest, "spec", "source", "persistentVolumeClaimName"); claim != "" {
		r.Doubts = append(r.Doubts, "is cut anew, from what claim "+claim+" holds by then, and not what it was")
	}
}

// snapshotContent keeps for which VolumeSnapshot a content is reserved.
func (t *Transformer) snapshotContent(s *Subject, r *Result) {
	if Text(s.Manifest, "spec", "source", "volumeHandle") != "" {
		r.Doubts = append(r.Doubts, "is cut anew, from what its volume holds by then, and not what it was")
	}
	t.unbind(s, r)
}

// unbind keeps for what an object is reserved by name only: with a stale UID, nothing
// is ever bound to it.
func (t *Transformer) unbind(s *Subject, r *Result) {
	ref := child(s.Manifest, reserved[s.Resource.GroupResource()]...)
	delete(ref, "uid")
	delete(ref, "resourceVersion")
	t.mapNamespace(r, ref)
}
