// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the kinds of the API group ark.gopherwood.dev: Config,
// BackupPolicy, Schedule, Backup and Restore.
//
// All kinds are cluster-scoped: an object in the wrong namespace would be
// ignored in silence. No field has a default in the schema, because under
// GitOps a defaulted field is drift: what was resolved is shown in status.
//
// +kubebuilder:object:generate=true
// +groupName=ark.gopherwood.dev
package v1alpha1
