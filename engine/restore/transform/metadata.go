// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"k8s.io/apimachinery/pkg/labels"
)

// RestoreLabel is put on every restored object; its value names the restore.
const RestoreLabel = "ark-restore"

// serverSet are the fields of metadata that only the API server sets.
var serverSet = []string{
	"uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
	"deletionGracePeriodSeconds", "selfLink", "managedFields",
}

// What GitOps tools mark the objects with that they manage. On a copy in another
// namespace it makes them prune the copy, which is in no repository.
var (
	// Sources: "Resource Tracking" in Argo CD's documentation; the labels package of
	// Flux's kustomize-controller and helm-controller. Argo CD's older default,
	// app.kubernetes.io/instance, stays: charts and selectors use it too.
	trackingLabels = []string{
		"argocd.argoproj.io/instance",
		"kustomize.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/namespace",
		"helm.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/namespace",
	}
	trackingAnnotations = []string{
		"argocd.argoproj.io/tracking-id", "argocd.argoproj.io/installation-id",
		"kustomize.toolkit.fluxcd.io/checksum",
	}
)

// metadata drops what the server sets, keeps aside what needs new UIDs, and
// marks the object.
func (t *Transformer) metadata(s *Subject, r *Result) {
	meta := ensure(s.Manifest, "metadata")
	if _, deleted := meta["deletionTimestamp"]; deleted {
		r.Notes = append(r.Notes, "was being deleted when it was archived")
	}
	r.Owners = objects(s.Manifest, "metadata", "ownerReferences")
	r.fieldManagers = objects(s.Manifest, "metadata", "managedFields")
	r.ManagedFields, r.sole = managers(r.fieldManagers, s.Resource.StatusSubresource)
	r.Generation, _ = meta["generation"].(int64)
	for _, field := range serverSet {
		delete(meta, field)
	}
	delete(meta, "ownerReferences")
	if t.moved(s.Source) {
		removeFrom(s.Manifest, labelsPath, trackingLabels...)
		removeFrom(s.Manifest, annotationsPath, trackingAnnotations...)
		t.helmRelease(s)
	}
	namespace, name := t.TargetOf(s.Source)
	meta["name"] = name
	if namespace != "" {
		meta["namespace"] = namespace
	}
	ensure(meta, "labels")[RestoreLabel] = t.Label
}

// helmRelease lets the namespace of a Helm release follow: Helm takes no object for
// its own that names another one.
func (t *Transformer) helmRelease(s *Subject) {
	annotations := child(s.Manifest, annotationsPath...)
	if namespace, ok := annotations["meta.helm.sh/release-namespace"].(string); ok {
		annotations["meta.helm.sh/release-namespace"] = t.mapped(namespace)
	}
}

// status keeps status where it is data, and takes it out where the API server
// would ignore it.
func (t *Transformer) status(s *Subject, r *Result) {
	if s.Resource.StatusSubresource {
		r.Status = s.Manifest["status"]
		delete(s.Manifest, "status")
	}
}

// namespace drops the label that the API server sets to the namespace's name.
func (t *Transformer) namespace(s *Subject, _ *Result) {
	if t.moved(s.Source) {
		removeFrom(s.Manifest, labelsPath, "kubernetes.io/metadata.name")
	}
}

func labelsOf(m Manifest) labels.Set {
	set := labels.Set{}
	for k, v := range child(m, labelsPath...) {
		if s, ok := v.(string); ok {
			set[k] = s
		}
	}
	return set
}
