// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package ownership tells the objects that Ark made from those that a Git tool
// keeps. Ark deletes only its own: a Git tool would make the others again.
package ownership

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// Ours reports whether Ark made the object, and nobody applied it since. An object
// that was pruned, brought back from storage and then applied again bears our
// label, and is Git's all the same.
func Ours(o client.Object) bool {
	if o.GetLabels()[v1alpha1.CreatedByLabel] == "" {
		return false
	}
	if _, applied := o.GetAnnotations()["kubectl.kubernetes.io/last-applied-configuration"]; applied {
		return false
	}
	for _, entry := range o.GetManagedFields() {
		if entry.Operation == metav1.ManagedFieldsOperationApply && entry.Subresource == "" {
			return false // the controllers and the command line never apply
		}
	}
	return true
}
