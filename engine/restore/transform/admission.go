// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

// What the API server's admission plugins write into an object from other objects of
// its cluster, and what becomes of that in a restore. The list is that of
// AllOrderedPlugins in Kubernetes 1.36 (pkg/kubeapiserver/options); plugins that only
// refuse are left out. "Nobody's" is what no field manager and no annotation of
// kubectl accounts for; an archived object that tells of no manager keeps it all.
//
//	plugin                        writes                                     in a restore
//	Priority                      priority, preemptionPolicy of a Pod        always goes: no other than the class's is admitted
//	                              priorityClassName of a Pod, PodGroup       goes when nobody's: the target has its own default
//	                              priority of a PodGroup                     always goes
//	RuntimeClass                  overhead of a Pod                          always goes: no other than the class's is admitted
//	                              nodeSelector, tolerations of a Pod         go as far as they are nobody's
//	PodNodeSelector               nodeSelector of a Pod                      goes as far as it is nobody's
//	DefaultTolerationSeconds,
//	PodTolerationRestriction,
//	ExtendedResourceToleration    tolerations of a Pod                       go as far as they are nobody's
//	PodTopologyLabels             labels of a Pod, from its node             go when nobody's: the Pod is scheduled anew
//	ServiceAccount                imagePullSecrets of a Pod                  go when nobody's: the account has the target's
//	                              serviceAccountName of a Pod                stays: every namespace has the account "default"
//	                              a projected volume with a token            stays: it names nothing of the old cluster
//	                              a volume of a token's Secret (before 1.21) stays, and that Secret comes back, empty
//	LimitRanger                   requests and limits of a Pod               stay: LimitRanges come after Pods
//	DefaultStorageClass           storageClassName of a claim                goes when nobody's and the claim asks for a new volume
//	DefaultIngressClass           ingressClassName of an Ingress             goes when nobody's
//	StorageObjectInUseProtection,
//	PodGroupProtection            finalizers                                 stay: the target's plugin adds the same
//	NodeRestriction,
//	TaintNodesByCondition         labels and taints of a Node                nodes are not restored
//	CertificateSubjectRestriction,
//	CertificateApproval           requests for certificates                  are not restored
//	AlwaysPullImages              imagePullPolicy                            stays: the target's plugin sets the same
//
// Storage and strategies do the same for Services (addresses, their families, ports: see
// service), for Jobs (a selector and labels of the UID: see job), and for a Pod that
// runs (its node: see pod).

// podTopology are the labels that a Pod gets of its node when it is bound to it: see
// plugin/pkg/admission/podtopologylabels in Kubernetes.
var podTopology = []string{"topology.kubernetes.io/zone", "topology.kubernetes.io/region"}

// podAdmission drops what admission computed for a Pod.
func podAdmission(s *Subject, wrote authors) {
	spec := child(s.Manifest, "spec")
	for _, field := range []string{"priority", "preemptionPolicy", "overhead"} {
		delete(spec, field)
	}
	wrote.dropFilledIn(s.Manifest, "spec", "priorityClassName")
	wrote.dropFilledIn(s.Manifest, "spec", "imagePullSecrets")
	for _, label := range podTopology {
		wrote.dropFilledIn(s.Manifest, "metadata", "labels", label)
	}
	wrote.reduceSelector(spec)
	wrote.reduceTolerations(spec)
}

// reduceSelector drops what was merged into the node selector of a Pod. Field managers
// know it as a whole; only kubectl's annotation tells of its keys.
func (a authors) reduceSelector(spec Manifest) {
	if a.nobodyWrote("spec", "nodeSelector") {
		delete(spec, "nodeSelector")
		return
	}
	selector, applied := child(spec, "nodeSelector"), child(a.applied, "spec", "nodeSelector")
	if applied == nil {
		return
	}
	for key := range selector {
		if _, chosen := applied[key]; !chosen {
			delete(selector, key)
		}
	}
}

// reduceTolerations drops those that were merged into the tolerations of a Pod, as far
// as that is known.
func (a authors) reduceTolerations(spec Manifest) {
	if a.nobodyWrote("spec", "tolerations") {
		delete(spec, "tolerations")
		return
	}
	list, _ := spec["tolerations"].([]any)
	applied, _ := child(a.applied, "spec")["tolerations"].([]any)
	if applied == nil {
		return
	}
	kept := make([]any, 0, len(list))
	for _, toleration := range list {
		if containsValue(applied, toleration) {
			kept = append(kept, toleration)
		}
	}
	spec["tolerations"] = kept
}

func containsValue(list []any, v any) bool {
	for _, other := range list {
		if EqualValues(other, v) {
			return true
		}
	}
	return false
}

// podGroup drops what the Priority plugin computed for a PodGroup.
func (t *Transformer) podGroup(s *Subject, r *Result) {
	wrote := readAuthors(s.Manifest, r.fieldManagers, r)
	delete(child(s.Manifest, "spec"), "priority")
	wrote.dropFilledIn(s.Manifest, "spec", "priorityClassName")
}

// ingress drops the class that was the default where nobody named one.
func (t *Transformer) ingress(s *Subject, r *Result) {
	class := Text(s.Manifest, "spec", "ingressClassName")
	if readAuthors(s.Manifest, r.fieldManagers, r).dropFilledIn(s.Manifest, "spec", "ingressClassName") {
		r.Notes = append(r.Notes, "asks for the default ingress class: nobody chose "+class+", which was the default where it was archived")
	}
}

// storageClass drops the class of a claim that asks for a new volume, where that was
// the default and nobody named one.
func (t *Transformer) storageClass(s *Subject, r *Result) {
	class := Text(s.Manifest, "spec", "storageClassName")
	wrote := readAuthors(s.Manifest, withoutDefaulting(r.fieldManagers), r)
	if wrote.dropFilledIn(s.Manifest, "spec", "storageClassName") {
		r.Notes = append(r.Notes, "asks for the default storage class: nobody chose "+class+", which was the default where it was archived")
	}
}

// withoutDefaulting returns the entries of a claim's managers without that of the volume
// controller, which gives a claim that is older than the default class that one. It also
// makes the claims of StatefulSets, and writes their access modes then.
func withoutDefaulting(entries []Manifest) []Manifest {
	kept := make([]Manifest, 0, len(entries))
	for _, e := range entries {
		if e["manager"] != "kube-controller-manager" || writtenBy(e, []string{"spec", "accessModes"}) {
			kept = append(kept, e)
		}
	}
	return kept
}
