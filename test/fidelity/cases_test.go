// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"slices"

	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// allCases are the rows of docs/fidelity.md, in its order.
func allCases() []fidelityCase {
	return slices.Concat(customCases(), ownerCases(), obstacleCases(), networkCases(), storageCases(), workloadCases(),
		contentCases(), policyCases())
}

// customCases are about custom resources.
func customCases() []fidelityCase {
	return []fidelityCase{
		{name: "Custom resources and their definitions in one go", file: "definitions.yaml"},
		{
			name: "A type of which several versions are served, objects written in each", file: "versions.yaml",
			compared: "each read in the version that it was written in",
		},
		{
			name: "A type that is stored in a version with more fields than the preferred one, and a type that the preferred version does not have", file: "stored-version.yaml",
			compared: "each read in the version that it was written in",
		},
		{name: "The same plural in two API groups", file: "same-plural.yaml"},
		{name: "Cluster-scoped custom resources", file: "cluster-scoped.yaml"},
		{name: "A status that is data: no status subresource", file: "status-data.yaml", compared: "status included"},
		{name: "A status with its subresource, asked for in `restoreStatus`", file: "status-asked.yaml", compared: "status included"},
		{
			name: "A status with its subresource, not asked for", file: "status-unasked.yaml",
			except: []exception{{"Claim one", []string{"/status"}, "its controller writes it"}},
		},
		{name: "Integers of 64 bits, fractions, nulls, unknown fields, defaults", file: "numbers.yaml"},
		{name: "Finalizers", file: "finalizers.yaml"},
	}
}

// ownerCases are about who owns whom, and which fields.
func ownerCases() []fidelityCase {
	return []fidelityCase{
		{
			name: "Owner chains", file: "owners.yaml",
			compared: "a cluster-scoped owner, its custom resource, that one's ConfigMap, that one's Secret, an object of two owners: each reference has its owner's new UID",
		},
		{
			name: "Fields that server-side applies own", prepare: serverSideApplied, check: appliesWithoutConflict,
			compared: "the managers and fields of the applies; each manager's next apply, without force, has no conflict",
		},
		{
			name: "Fields that an apply in another version owns than the object is stored in", prepare: appliedInAnotherVersion, check: appliesInItsVersionAgain,
			compared: "a next apply of another value in that version, without force, has no conflict",
		},
		{
			name: "Fields that clients own which do not apply on the server", prepare: clientSideApplied, check: upgradesWithoutConflict,
			compared: "the managers of all; a first server-side apply of other values by whom they were, without force, has no conflict",
		},
		{
			name: "A namespace that is terminating", prepare: terminatingNamespace, last: true,
			except: []exception{{"*", []string{"/metadata/deletionTimestamp", "/metadata/deletionGracePeriodSeconds"}, "it comes back alive, and a warning says so"}},
			check:  isAlive,
		},
	}
}

// obstacleCases stand in the way of others.
func obstacleCases() []fidelityCase {
	return []fidelityCase{
		{
			name: "Webhooks that fail closed, their pods gone", file: "webhooks.yaml", last: true,
			compared: "they come after everything that they would refuse, owner references included",
		},
		{
			name: "An APIService whose API does not answer", file: "broken-api.yaml", last: true,
			named:  []string{"broken.example/v1 does not answer, and nothing of it is in the backup"},
			except: []exception{{"APIService v1.broken.example", []string{"/status"}, "the API server writes it"}},
		},
		{
			name: "Admission policies that refuse what is in the backup", file: "admission-policies.yaml", last: true, settled: refusesConfigMaps,
		},
	}
}

// networkCases are about Services and their endpoints.
func networkCases() []fidelityCase {
	const address = "the cluster assigns one of its own range"
	const port = "the API server chose it; with `preserveNodePorts` it stays"
	addresses := []string{"/spec/clusterIP", "/spec/clusterIPs"}
	return []fidelityCase{
		{
			name: "Services of every type", file: "services.yaml", compared: "addresses, node ports and health check ports that a user chose",

			except: []exception{
				{"Service plain", addresses, address},
				{"Service node-port", addresses, address},
				{"Service node-port", []string{"/spec/ports/1/nodePort"}, port},
				{"Service balanced", addresses, address},
				{"Service balanced", []string{"/spec/ports/0/nodePort", "/spec/healthCheckNodePort"}, port},
				{"Service balanced-chosen", addresses, address},
				{"Service balanced-portless", addresses, address},
				{"Service external-ips", addresses, address},
			},
			leftOut: []leftOut{{"endpointslices.discovery.k8s.io/services/*", restore.CodeRemade}},
		},
		{
			name: "Services without a selector, with hand-made EndpointSlices or Endpoints", file: "hand-made-endpoints.yaml",
			settled: mirrored,
			except: []exception{
				{"Service by-hand", addresses, address},
				{"Service old-way", addresses, address},
			},
			leftOut: []leftOut{{"endpointslices.discovery.k8s.io/hand-made/old-way-*", restore.CodeRemade}},
		},
	}
}

// storageCases are about volumes.
func storageCases() []fidelityCase {
	const binding = "the new claim's, written when both are bound again"
	return []fidelityCase{{
		name: "Bound pairs of PersistentVolume and PersistentVolumeClaim, free volumes, pending claims", file: "volumes.yaml",
		compared: "both pairs are bound again, to each other", settled: bound,
		except: []exception{
			{"PersistentVolume volumes-disk", []string{"/spec/claimRef/uid", "/spec/claimRef/resourceVersion"}, binding},
			{"PersistentVolume volumes-reserved", []string{"/spec/claimRef/uid", "/spec/claimRef/resourceVersion"}, binding},
			{
				"PersistentVolume volumes-disk", []string{"/metadata/annotations/pv.kubernetes.io~1bound-by-controller"},
				"the volume is reserved by name now, no longer by choice of a controller",
			},
			{
				"PersistentVolumeClaim data", []string{"/metadata/annotations/pv.kubernetes.io~1bound-by-controller"},
				"the claim names its volume now, no longer by choice of a controller",
			},
		},
	}, {
		name: "Imported VolumeSnapshots and their contents", file: "snapshots.yaml",
		compared: "their definitions stand in for those of the snapshot controller",
		except: []exception{{
			"VolumeSnapshotContent snapshots-imported", []string{"/spec/volumeSnapshotRef/uid", "/spec/volumeSnapshotRef/resourceVersion"},
			"the new snapshot's, written when both are bound again",
		}},
	}}
}

// workloadCases are about what runs.
func workloadCases() []fidelityCase {
	jobLabels := []string{
		"/spec/selector/matchLabels/batch.kubernetes.io~1controller-uid",
		"/spec/template/metadata/labels/batch.kubernetes.io~1controller-uid", "/spec/template/metadata/labels/controller-uid",
		"/metadata/labels/batch.kubernetes.io~1controller-uid", "/metadata/labels/controller-uid",
	}
	return []fidelityCase{
		{
			name: "Deployments, StatefulSets, DaemonSets, ReplicationControllers, CronJobs", file: "workloads.yaml",
			compared: "as many ReplicaSets and Pods as before, none of them a restored one", settled: workloadsRun, check: noneTwice,
			except: []exception{{
				"Deployment web", []string{"/metadata/annotations/deployment.kubernetes.io~1revision"}, "its controller counts anew",
			}},
			leftOut: []leftOut{
				{"replicasets.apps/workloads/*", restore.CodeRemade}, {"pods/workloads/*", restore.CodeRemade},
				{"controllerrevisions.apps/workloads/*", restore.CodeRemade},
			},
		},
		{
			name: "Jobs whose selector is made from their UID, by hand, suspended", file: "jobs.yaml", settled: jobsRun,
			except: []exception{
				{"Job generated-selector", jobLabels, "the API server makes it from the new UID"},
				{"Job suspended", jobLabels, "the API server makes it from the new UID"},
			},
			leftOut: []leftOut{{"pods/jobs/*", restore.CodeRemade}},
		},
		{
			name: "Pods of nobody, scheduled, completed, mirrored; nodes; Jobs that are done", file: "pods.yaml", prepare: finishJob,
			except: []exception{{"Pod scheduled", []string{"/spec/nodeName"}, "it is scheduled anew"}},
			leftOut: []leftOut{
				{"nodes/pods-node", restore.CodeNeverRestored},
				{"pods/pods/succeeded", transform.CodeCompleted}, {"pods/pods/failed", transform.CodeCompleted},
				{"pods/pods/mirror", transform.CodeMirrorPod}, {"jobs.batch/pods/done", transform.CodeCompleted},
			},
		},
		{
			name: "ServiceAccounts with tokens and pull secrets, a Pod that mounts a token, tokens of joining nodes", file: "accounts.yaml", prepare: defaultAccount, settled: tokensMinted,
			except: []exception{
				{"Secret web-token", []string{"/data", "/metadata/annotations/kubernetes.io~1service-account.uid"}, "the cluster mints a new token into it"},
				{"Secret web-token-abcde", []string{"/data", "/metadata/annotations/kubernetes.io~1service-account.uid"}, "so it does into one that is called like those of a controller"},
			},
		},
	}
}

// contentCases are about what an object can hold.
func contentCases() []fidelityCase {
	return []fidelityCase{
		{name: "Immutable ConfigMaps and Secrets", file: "immutable.yaml"},
		{name: "Objects of 1 MiB, text and binary", generate: largeObjects, prepare: markup},
		{name: "Names of 253 characters, with colons and dots, that differ in case only", file: "rights.yaml", generate: longNames, settled: aggregated,
			prepare: controlCharacters, named: []string{"tab\\tnew\\nline"},
			compared: "ClusterRoles that are aggregated, bindings to users, groups and accounts"},
		{name: "Every code point of Unicode, every byte in `binaryData`", generate: everyText},
		{
			name: "Requests for certificates, events", generate: requests,
			leftOut: []leftOut{
				{"certificatesigningrequests.certificates.k8s.io/fidelity", restore.CodeNeverRestored},
				{"events/events/happened", restore.CodeNeverRestored},
			},
		},
		{name: "Leases, names that were generated, ControllerRevisions, PodTemplates, orphaned ReplicaSets, ResourceClaimTemplates, ServiceCIDRs", file: "others.yaml"},
	}
}

// policyCases are about what limits and orders others.
func policyCases() []fidelityCase {
	return []fidelityCase{
		{
			name: "A quota of less than there is, and limits, both younger than a pod", file: "limits.yaml", settled: quotaCounted,
			compared: "the pod gets no limits that it did not have",
		},
		{name: "NetworkPolicies, PodDisruptionBudgets, HorizontalPodAutoscalers, Ingresses", file: "policies.yaml"},
		{
			name: "Priority, runtime, storage, device classes, CSI drivers, and a pod of such classes", file: "classes.yaml",
		},
		{name: "FlowSchemas and priority levels", file: "flow-schemas.yaml"},
	}
}
