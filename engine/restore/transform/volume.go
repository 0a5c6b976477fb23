// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
)

const (
	boundByController = "pv.kubernetes.io/bound-by-controller"
	bindCompleted     = "pv.kubernetes.io/bind-completed"
)

// volume keeps for whom a PersistentVolume is reserved, by name: without a UID
// the volume is pre-bound, with a stale one it would count as released.
func (t *Transformer) volume(s *Subject, _ *Result) {
	removeFrom(s.Manifest, annotationsPath, boundByController)
	claim := child(s.Manifest, "spec", "claimRef")
	if claim == nil {
		return
	}
	delete(claim, "uid")
	delete(claim, "resourceVersion")
	t.mapNamespace(claim)
}

// claim keeps a claim's volume when that is restored too, and otherwise asks
// for a new one. The mark that binding is complete goes in both cases: with it,
// a claim whose UID the volume does not know is Lost for good.
func (t *Transformer) claim(s *Subject, r *Result) {
	removeFrom(s.Manifest, annotationsPath, bindCompleted, boundByController)
	volume := Text(s.Manifest, "spec", "volumeName")
	if volume == "" || t.Restores(engine.Key{
		GroupResource: schema.GroupResource{Resource: "persistentvolumes"}, Name: volume,
	}) {
		return
	}
	delete(child(s.Manifest, "spec"), "volumeName")
	removeFrom(s.Manifest, annotationsPath,
		"volume.kubernetes.io/selected-node", "volume.kubernetes.io/storage-provisioner",
		"volume.beta.kubernetes.io/storage-provisioner")
	r.Notes = append(r.Notes, "asks for a new volume: "+volume+" is not restored")
}
