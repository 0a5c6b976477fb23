// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package follow

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

// Verdict is how a run stands.
type Verdict struct {
	// Ended says that nothing more will happen.
	Ended bool
	// Code is what a command that waited for it exits with, once it ended.
	Code exit.Code
	// Reason and Message are those of Ready; empty before a controller saw the object.
	Reason  string
	Message string
}

// Judge reads how a Backup or Restore stands from its conditions, as kstatus
// does: Ready is success, Stalled is the end without it, and everything else is
// under way. What conditions say of an older generation does not count.
func Judge(generation, observed int64, conditions []metav1.Condition) Verdict {
	ready := meta.FindStatusCondition(conditions, v1alpha1.ReadyCondition)
	if ready == nil || observed < generation {
		return Verdict{}
	}
	v := Verdict{Reason: ready.Reason, Message: ready.Message}
	switch {
	case ready.Status == metav1.ConditionTrue:
		v.Ended = true
	case meta.IsStatusConditionTrue(conditions, v1alpha1.StalledCondition):
		v.Ended, v.Code = true, codeFor(ready.Reason)
	}
	return v
}

// codeFor returns the exit code of a run that ended without full success.
func codeFor(reason string) exit.Code {
	switch reason {
	case v1alpha1.PartiallyFailedReason:
		return exit.Partial
	case v1alpha1.DeniedReason:
		return exit.Denied
	default:
		return exit.Failed
	}
}
