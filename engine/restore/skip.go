// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// Codes of objects that a plan leaves out. Those that depend on an object's
// content are in package transform.
const (
	// CodeNeverRestored: the type describes the old cluster, such as its nodes.
	CodeNeverRestored = "never-restored"
	// CodeOwnRecord: Backups and Restores come back from storage, not from a backup; and
	// of a restore that another cluster ran, or this one long ago, nobody may be told
	// that it is done.
	CodeOwnRecord = "own-record"
	// CodeRemade: a controller makes the object from another one of the backup.
	CodeRemade = "remade-by-controller"
	// CodeOwnSettings: Ark's authority or its gates rest on the object, see package own.
	// It exists and differs, and no restore writes over it; or it is missing, and the
	// backup is not proven to be this cluster's own.
	CodeOwnSettings = "own-settings"
	// CodeNotInBackup: the object was left out of the backup.
	CodeNotInBackup = "not-in-backup"
)

// ownGroup is the API group of Ark's own kinds.
const ownGroup = transform.OwnGroup

// ownRecords are never restored, asked for or not: a Restore that comes back
// would run, and a Backup is made from its marker.
var ownRecords = []string{"backups", "restores"}

// neverRestored are the types of which nothing comes back unless they are asked
// for by name.
var neverRestored = map[schema.GroupResource]bool{
	{Resource: "nodes"}:                                               true,
	{Resource: "events"}:                                              true,
	{Group: "events.k8s.io", Resource: "events"}:                      true,
	{Group: "storage.k8s.io", Resource: "csinodes"}:                   true,
	{Group: "storage.k8s.io", Resource: "csistoragecapacities"}:       true,
	{Group: "storage.k8s.io", Resource: "volumeattachments"}:          true,
	{Group: "resource.k8s.io", Resource: "resourceslices"}:            true,
	{Group: "internal.apiserver.k8s.io", Resource: "storageversions"}: true,
	{Group: "networking.k8s.io", Resource: "ipaddresses"}:             true,
	{Group: "coordination.k8s.io", Resource: "leasecandidates"}:       true,
	// They name who asked, which would be Ark.
	{Group: "certificates.k8s.io", Resource: "certificatesigningrequests"}: true,
	{Group: "certificates.k8s.io", Resource: "podcertificaterequests"}:     true,
	// A migration that comes back runs again.
	{Group: "storagemigration.k8s.io", Resource: "storageversionmigrations"}: true,
	{Group: ownGroup, Resource: "configs"}:                                   true,
	{Group: ownGroup, Resource: "backuppolicies"}:                            true,
	{Group: ownGroup, Resource: "schedules"}:                                 true,
}

// leftOutCode returns why an object is not restored as a matter of principle,
// or nothing. named says that the request asks for its type by name.
func leftOutCode(e *archive.Entry, named bool) string {
	gr := groupResource(e)
	switch {
	case e.Group == ownGroup && slices.Contains(ownRecords, e.Resource), isOwnRecord(e):
		return CodeOwnRecord
	case isServerMade(e):
		return CodeRemade
	case named:
		return ""
	case neverRestored[gr]:
		return CodeNeverRestored
	case gr == leaseType && isClusterLease(e):
		return CodeNeverRestored
	}
	return ""
}

// RecordLabel and RecordValue mark the ConfigMaps that Ark records restores in where
// the location is never written.
const (
	RecordLabel = ownGroup + "/created-by"
	RecordValue = "restore"
)

// isOwnRecord reports whether a ConfigMap is the record of a restore.
func isOwnRecord(e *archive.Entry) bool {
	return groupResource(e) == configMapType && e.Labels[RecordLabel] == RecordValue
}

// isClusterLease reports whether a Lease is the heartbeat of a node or of an API
// server.
func isClusterLease(e *archive.Entry) bool {
	_, server := e.Labels["apiserver.kubernetes.io/identity"]
	return server || e.Namespace == "kube-node-lease"
}

// serverConfigs are the ConfigMaps that an API server keeps in kube-system: whom its
// extensions have to trust, and since when it watches the use of old tokens. Those
// of another cluster would break it.
var serverConfigs = []string{"extension-apiserver-authentication", "kube-apiserver-legacy-service-account-token-tracking"}

// isServerMade reports whether the API server or a controller makes the object in
// every cluster or namespace, without an owner reference to tell.
func isServerMade(e *archive.Entry) bool {
	switch groupResource(e) {
	case schema.GroupResource{Resource: "configmaps"}:
		return e.Name == "kube-root-ca.crt" || (e.Namespace == "kube-system" && slices.Contains(serverConfigs, e.Name))
	case schema.GroupResource{Resource: "services"}, schema.GroupResource{Resource: "endpoints"},
		schema.GroupResource{Group: "discovery.k8s.io", Resource: "endpointslices"}:
		if e.Namespace == "default" && e.Name == "kubernetes" {
			return true
		}
		_, triggered := e.Annotations["endpoints.kubernetes.io/last-change-trigger-time"]
		return e.Resource == "endpoints" &&
			(triggered || e.Labels["endpoints.kubernetes.io/managed-by"] == "endpoint-controller")
	case schema.GroupResource{Group: "apiregistration.k8s.io", Resource: "apiservices"}:
		_, local := e.Labels["kube-aggregator.kubernetes.io/automanaged"]
		return local
	}
	return false
}

// podKind is what has volumes and devices of its own made for it.
var podKind = schema.GroupKind{Kind: "Pod"}

// remakers are the built-in kinds whose controllers make objects that they own.
var remakers = []schema.GroupKind{
	{Group: "apps", Kind: "Deployment"}, {Group: "apps", Kind: "ReplicaSet"},
	{Group: "apps", Kind: "StatefulSet"}, {Group: "apps", Kind: "DaemonSet"},
	{Group: "batch", Kind: "Job"}, {Group: "batch", Kind: "CronJob"},
	{Kind: "ReplicationController"}, {Kind: "Service"}, {Kind: "Endpoints"}, podKind,
}

// lineage remembers which archived objects are remakers and who controls them,
// and of whom others are dependents.
type lineage struct {
	remakers map[types.UID]remaker
	owners   map[types.UID]bool
	// selecting are the Services, by namespace/name, for which a controller made
	// EndpointSlices: it makes their Endpoints too.
	selecting map[string]bool
}

// remaker is an archived object of a kind whose controller makes others.
type remaker struct {
	kind     schema.GroupKind
	included bool
	// controller is the UID of what controls it, of that kind; empty for none.
	controller     types.UID
	controllerKind schema.GroupKind
}

func newLineage() *lineage {
	return &lineage{remakers: map[types.UID]remaker{}, owners: map[types.UID]bool{}, selecting: map[string]bool{}}
}

// add learns from an entry, included or not.
func (l *lineage) add(e *archive.Entry) {
	kind := schema.GroupKind{Group: e.Group, Kind: e.Kind}
	controller, controllerKind := controllerOf(e)
	if e.UID != "" && slices.Contains(remakers, kind) {
		l.remakers[e.UID] = remaker{
			kind: kind, included: !e.Excluded, controller: controller, controllerKind: controllerKind,
		}
	}
	if e.Resource == "endpointslices" && e.Labels[sliceManager] == sliceController {
		l.selecting[e.Namespace+"/"+e.Labels["kubernetes.io/service-name"]] = true
	}
	for i := range e.Owners {
		// What a controller makes anew does not make its owner worth protecting.
		if e.Owners[i].UID != controller || !isMade(e, controllerKind) {
			l.owners[e.Owners[i].UID] = true
		}
	}
}

// remade are the types that built-in controllers make objects of. An object of
// another type that names one of their kinds as its controller was made by
// somebody else, and nobody makes it again.
var remade = map[schema.GroupResource]bool{
	{Resource: "pods"}:                                      true,
	{Resource: "endpoints"}:                                 true,
	{Group: "apps", Resource: "replicasets"}:                true,
	{Group: "apps", Resource: "controllerrevisions"}:        true,
	{Group: "batch", Resource: "jobs"}:                      true,
	{Group: "discovery.k8s.io", Resource: "endpointslices"}: true,
}

// Who looks after an EndpointSlice, and who of them is a built-in controller.
const (
	sliceManager    = "endpointslice.kubernetes.io/managed-by"
	sliceController = "endpointslice-controller.k8s.io"
	sliceMirroring  = "endpointslicemirroring-controller.k8s.io"
)

// isMade reports whether it is a built-in controller that makes such objects for
// their owner of that kind, its controller.
func isMade(e *archive.Entry, owner schema.GroupKind) bool {
	switch gr := groupResource(e); {
	case !slices.Contains(remakers, owner):
		return false
	case gr == claimType, gr == (schema.GroupResource{Group: "resource.k8s.io", Resource: "resourceclaims"}):
		return owner == podKind
	case gr.Resource == "endpointslices":
		manager := e.Labels[sliceManager]
		return manager == sliceController || manager == sliceMirroring
	default:
		return remade[gr] && owner != podKind
	}
}

// maker returns the controller that would have to make an object anew. The volume
// of a pod is made with the pod, whose maker it has: where the pod itself comes
// back, so does its volume.
func (l *lineage) maker(e *archive.Entry) (uid types.UID, kind schema.GroupKind) {
	uid, kind = controllerOf(e)
	if pod, ok := l.remakers[uid]; ok && groupResource(e) == claimType {
		return pod.controller, pod.controllerKind
	}
	return uid, kind
}

// isRemade reports whether a controller makes the object from another archived
// one. An owner that was left out counts when it is remade itself.
func (l *lineage) isRemade(e *archive.Entry) bool {
	if groupResource(e) == (schema.GroupResource{Resource: "endpoints"}) && l.selecting[e.Namespace+"/"+e.Name] {
		return true
	}
	if _, owner := controllerOf(e); !isMade(e, owner) {
		return false
	}
	uid, kind := l.maker(e)
	for range len(remakers) { // no chain is longer, unless it is a circle
		r, ok := l.remakers[uid]
		if !ok || r.kind != kind {
			return false
		}
		if r.included {
			return true
		}
		if uid = r.controller; uid == "" {
			return false
		}
		kind = l.remakers[uid].kind
	}
	return false
}

// controllerOf returns the controlling owner of an entry. EndpointSlices that
// mirror hand-made Endpoints have one too.
func controllerOf(e *archive.Entry) (types.UID, schema.GroupKind) {
	for i := range e.Owners {
		o := &e.Owners[i]
		if o.Controller != nil && *o.Controller {
			group, _, versioned := strings.Cut(o.APIVersion, "/")
			if !versioned {
				group = ""
			}
			return o.UID, schema.GroupKind{Group: group, Kind: o.Kind}
		}
	}
	return "", schema.GroupKind{}
}
