// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"strings"

	"github.com/gopherwood/ark/engine"
)

// builtInTypes are those that a fake cluster serves, of snapshots among them.
func builtInTypes() []engine.Resource {
	var types []engine.Resource
	add := func(group, version, name, kind string, namespaced, status bool) {
		r := engine.Resource{
			Group: group, Name: name, Kind: kind, Singular: strings.ToLower(kind), Namespaced: namespaced, Versions: []string{version},
		}
		if status {
			r.StatusVersions = r.Versions
		}
		types = append(types, r.In(version))
	}
	add("", "v1", "namespaces", "Namespace", false, true)
	add("", "v1", "nodes", "Node", false, true)
	add("", "v1", "configmaps", "ConfigMap", true, false)
	add("", "v1", "secrets", "Secret", true, false)
	add("", "v1", "serviceaccounts", "ServiceAccount", true, false)
	add("", "v1", "services", "Service", true, true)
	add("", "v1", "endpoints", "Endpoints", true, false)
	add("", "v1", "events", "Event", true, false)
	add("", "v1", "pods", "Pod", true, true)
	add("", "v1", "persistentvolumes", "PersistentVolume", false, true)
	add("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true, true)
	add("apps", "v1", "deployments", "Deployment", true, true)
	add("apps", "v1", "replicasets", "ReplicaSet", true, true)
	add("apps", "v1", "statefulsets", "StatefulSet", true, true)
	add("certificates.k8s.io", "v1", "certificatesigningrequests", "CertificateSigningRequest", false, true)
	add("resource.k8s.io", "v1", "resourceclaims", "ResourceClaim", true, true)
	add("batch", "v1", "jobs", "Job", true, true)
	add("batch", "v1", "cronjobs", "CronJob", true, true)
	add("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", false, false)
	add("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", false, false)
	add("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", true, false)
	add("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true, false)
	add("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", true, false)
	add("coordination.k8s.io", "v1", "leases", "Lease", true, false)
	add("storage.k8s.io", "v1", "storageclasses", "StorageClass", false, false)
	add("storage.k8s.io", "v1", "csidrivers", "CSIDriver", false, false)
	add("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", false, false)
	add("snapshot.storage.k8s.io", "v1", "volumesnapshotclasses", "VolumeSnapshotClass", false, false)
	add("snapshot.storage.k8s.io", "v1", "volumesnapshots", "VolumeSnapshot", true, true)
	add("snapshot.storage.k8s.io", "v1", "volumesnapshotcontents", "VolumeSnapshotContent", false, true)
	add("groupsnapshot.storage.k8s.io", "v1", "volumegroupsnapshots", "VolumeGroupSnapshot", true, true)
	add("groupsnapshot.storage.k8s.io", "v1", "volumegroupsnapshotcontents", "VolumeGroupSnapshotContent", false, true)
	add("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", false, false)
	add("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", false, true)
	add("ark.gopherwood.dev", "v1alpha1", "backups", "Backup", false, true)
	add("ark.gopherwood.dev", "v1alpha1", "configs", "Config", false, true)
	return types
}
