// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package selection

import "k8s.io/apimachinery/pkg/labels"

// Template is what a backup or restore asks for, as users write it.
type Template struct {
	// IncludedNamespaces and ExcludedNamespaces are names or globs; no included
	// ones means all.
	IncludedNamespaces []string
	ExcludedNamespaces []string
	// IncludedResources and ExcludedResources are written "deployments",
	// "deployments.apps", a kind, singular or short name, "*.apps" or "*"; no
	// included ones means all.
	IncludedResources []string
	ExcludedResources []string
	// Selectors: an object matches when one of them does; none matches all.
	Selectors []labels.Selector
	// ClusterResources: nil asks for all cluster-scoped objects when all namespaces
	// are covered, and otherwise for those that the selected objects need.
	ClusterResources *bool
}
