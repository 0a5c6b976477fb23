// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package ownership_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/ownership"
)

func TestOurs(t *testing.T) {
	bySync := map[string]string{v1alpha1.CreatedByLabel: v1alpha1.CreatedBySync}
	entry := func(operation metav1.ManagedFieldsOperationType, subresource string) []metav1.ManagedFieldsEntry {
		return []metav1.ManagedFieldsEntry{{Manager: "some", Operation: operation, Subresource: subresource}}
	}
	tests := map[string]struct {
		meta metav1.ObjectMeta
		want bool
	}{
		"an object without our label":        {metav1.ObjectMeta{}, false},
		"one that we made":                   {metav1.ObjectMeta{Labels: bySync, ManagedFields: entry(metav1.ManagedFieldsOperationUpdate, "")}, true},
		"one of ours that somebody edited":   {metav1.ObjectMeta{Labels: bySync, ManagedFields: entry(metav1.ManagedFieldsOperationUpdate, "")}, true},
		"one that was applied on the server": {metav1.ObjectMeta{Labels: bySync, ManagedFields: entry(metav1.ManagedFieldsOperationApply, "")}, false},
		"one whose status was applied":       {metav1.ObjectMeta{Labels: bySync, ManagedFields: entry(metav1.ManagedFieldsOperationApply, "status")}, true},
		"one that kubectl or Argo CD applied": {metav1.ObjectMeta{
			Labels: bySync, Annotations: map[string]string{"kubectl.kubernetes.io/last-applied-configuration": "{}"},
		}, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := ownership.Ours(&v1alpha1.Backup{ObjectMeta: tc.meta}); got != tc.want {
				t.Errorf("Ours() = %v, want %v", got, tc.want)
			}
		})
	}
}
