// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package follow_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/cmd/ark/internal/follow"
)

func TestJudge(t *testing.T) {
	ready := func(status metav1.ConditionStatus, reason string) metav1.Condition {
		return metav1.Condition{Type: v1alpha1.ReadyCondition, Status: status, Reason: reason, Message: "m"}
	}
	stalled := metav1.Condition{Type: v1alpha1.StalledCondition, Status: metav1.ConditionTrue}
	tests := map[string]struct {
		observed   int64
		conditions []metav1.Condition
		want       follow.Verdict
	}{
		"no controller has seen it": {observed: -1},
		"what an older generation was told does not count": {
			observed: 1, conditions: []metav1.Condition{ready(metav1.ConditionTrue, "Succeeded")},
		},
		"success": {
			2, []metav1.Condition{ready(metav1.ConditionTrue, "Succeeded")},
			follow.Verdict{Ended: true, Code: exit.Success, Reason: "Succeeded", Message: "m"},
		},
		"under way":              {2, []metav1.Condition{ready(metav1.ConditionUnknown, "Progressing")}, follow.Verdict{Reason: "Progressing", Message: "m"}},
		"not ready, and not yet": {2, []metav1.Condition{ready(metav1.ConditionFalse, "Retrying")}, follow.Verdict{Reason: "Retrying", Message: "m"}},
		"a part of it failed": {
			2, []metav1.Condition{ready(metav1.ConditionFalse, "PartiallyFailed"), stalled},
			follow.Verdict{Ended: true, Code: exit.Partial, Reason: "PartiallyFailed", Message: "m"},
		},
		"denied": {
			2, []metav1.Condition{ready(metav1.ConditionFalse, "Denied"), stalled},
			follow.Verdict{Ended: true, Code: exit.Denied, Reason: "Denied", Message: "m"},
		},
		"failed": {
			2, []metav1.Condition{ready(metav1.ConditionFalse, "ArchiveInvalid"), stalled},
			follow.Verdict{Ended: true, Code: exit.Failed, Reason: "ArchiveInvalid", Message: "m"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, follow.Judge(2, tc.observed, tc.conditions)); diff != "" {
				t.Errorf("Judge() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}
