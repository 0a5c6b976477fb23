// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// coverage tells in a line what the first template that is there covers.
func coverage(templates ...*v1alpha1.BackupTemplate) string {
	for _, t := range templates {
		if t != nil {
			return strings.Join([]string{
				among("namespaces", t.IncludedNamespaces, t.ExcludedNamespaces),
				among("types", t.IncludedResources, t.ExcludedResources) + labelled(t.LabelSelector, t.OrLabelSelectors),
				clusterScoped(t.IncludeClusterResources),
			}, "; ")
		}
	}
	return ""
}

// among tells what of a kind is covered.
func among(what string, included, excluded []string) string {
	text := "all " + what
	if len(included) > 0 {
		text = what + " " + strings.Join(included, ", ")
	}
	if len(excluded) > 0 {
		text += " except " + strings.Join(excluded, ", ")
	}
	return text
}

func labelled(one *metav1.LabelSelector, or []metav1.LabelSelector) string {
	var selectors []string
	if one != nil {
		selectors = append(selectors, metav1.FormatLabelSelector(one))
	}
	for i := range or {
		selectors = append(selectors, metav1.FormatLabelSelector(&or[i]))
	}
	if len(selectors) == 0 {
		return ""
	}
	return " with labels " + strings.Join(selectors, " or ")
}

func clusterScoped(include *bool) string {
	switch {
	case include == nil:
		return "cluster-scoped objects as needed"
	case *include:
		return "with cluster-scoped objects"
	default:
		return "without cluster-scoped objects"
	}
}
