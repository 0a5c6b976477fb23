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
func (t *Transformer) volume(s *Subject, r *Result) {
	removeFrom(s.Manifest, annotationsPath, boundByController)
	claim := child(s.Manifest, "spec", "claimRef")
	if claim == nil {
		return
	}
	if Text(s.Manifest, "spec", "persistentVolumeReclaimPolicy") == "Delete" && Text(s.Manifest, "spec", "claimRef", "uid") != "" {
		r.Doubts = append(r.Doubts, "points to what its reclaim policy Delete has deleted with the old claim, unless somebody kept it: "+
			"leave persistentvolumes out, and claims ask for new ones")
	}
	delete(claim, "uid")
	delete(claim, "resourceVersion")
	t.mapNamespace(r, claim)
}

// Released returns a live PersistentVolume without the identity of the claim that
// it was bound to, when that claim is gone, the volume was kept for whoever comes,
// and it is the one that want is reserved for. It returns nil otherwise: with that
// identity, a claim that comes back under its name would wait for ever.
func Released(want, live Manifest) Manifest {
	if Text(live, "status", "phase") != "Released" || Text(live, "spec", "persistentVolumeReclaimPolicy") != "Retain" {
		return nil
	}
	for _, field := range []string{"namespace", "name"} {
		name := Text(want, "spec", "claimRef", field)
		if name == "" || name != Text(live, "spec", "claimRef", field) {
			return nil
		}
	}
	free := Clone(live)
	removeFrom(free, []string{"spec", "claimRef"}, "uid", "resourceVersion")
	removeFrom(free, annotationsPath, boundByController)
	return free
}

// claim keeps a claim's volume when that is restored too, and otherwise asks
// for a new one. The mark that binding is complete goes in both cases: with it,
// a claim whose UID the volume does not know is Lost for good.
func (t *Transformer) claim(s *Subject, r *Result) {
	removeFrom(s.Manifest, annotationsPath, bindCompleted, boundByController)
	volume := Text(s.Manifest, "spec", "volumeName")
	if volume != "" && t.Restores(engine.Key{
		GroupResource: schema.GroupResource{Resource: "persistentvolumes"}, Name: volume,
	}) {
		return
	}
	t.storageClass(s, r)
	if volume == "" {
		return
	}
	delete(child(s.Manifest, "spec"), "volumeName")
	removeFrom(s.Manifest, annotationsPath,
		"volume.kubernetes.io/selected-node", "volume.kubernetes.io/storage-provisioner",
		"volume.beta.kubernetes.io/storage-provisioner")
	note := "asks for a new volume: " + volume + " is not restored"
	if spec := child(s.Manifest, "spec"); spec["selector"] != nil {
		// No provisioner makes a volume for a claim that selects among those there are.
		delete(spec, "selector")
		note += ", and its selector goes, which no new one would have matched"
	}
	r.Notes = append(r.Notes, note)
}
