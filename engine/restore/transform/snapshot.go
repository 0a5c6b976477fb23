// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

const snapshotGroup = "snapshot.storage.k8s.io"

// snapshot tells that a snapshot of a claim is cut anew: see "Provisioning Volume
// Snapshot" in Kubernetes' page on volume snapshots.
func (t *Transformer) snapshot(s *Subject, r *Result) {
	if claim := Text(s.Manifest, "spec", "source", "persistentVolumeClaimName"); claim != "" {
		r.Doubts = append(r.Doubts, "is cut anew, from what claim "+claim+" holds by then, and not what it was")
	}
}

// snapshotContent keeps for which VolumeSnapshot a content is reserved, by name:
// with a stale UID, none is ever bound to it.
func (t *Transformer) snapshotContent(s *Subject, r *Result) {
	if Text(s.Manifest, "spec", "source", "volumeHandle") != "" {
		r.Doubts = append(r.Doubts, "is cut anew, from what its volume holds by then, and not what it was")
	}
	reserved := child(s.Manifest, "spec", "volumeSnapshotRef")
	delete(reserved, "uid")
	delete(reserved, "resourceVersion")
	t.mapNamespace(r, reserved)
}
