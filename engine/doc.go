// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package engine is the vocabulary of the pure core: what a type and an object
// of a cluster are, and the ports through which the core reaches a cluster and
// a store.
//
// The packages below it decide; its adapters act:
//
//	selection   which namespaces, types and objects a template covers
//	collect     takes a backup: cluster to archive
//	archive     format 1: markers, index, contents, and where they lie
//	catalog     what a store holds: backups, records, restores; commit and delete
//	restore     plan, gate, transform and apply: archive to cluster
//	schedule    when a backup is due
//	retention   what is kept
//	kube        the adapter to a cluster, on client-go
//	blobstore   the adapter to object storage, on gocloud.dev/blob
//
// Apart from the adapters, the packages are pure: no client-go, no OPA, no
// cloud SDK, no clock; of Kubernetes they know labels, fields, schema and types.
package engine
