// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package conditions writes the three conditions of kstatus so that they can
// never contradict each other.
package conditions

import (
	"errors"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
)

// maxMessage is the limit that the schema of metav1.Condition sets, in characters.
const maxMessage = 32768

// Set is the conditions of one object at one generation. Its methods set Ready
// and at most one of Reconciling and Stalled.
type Set struct {
	Conditions *[]metav1.Condition
	Generation int64
	Now        time.Time
}

// Ready reports that the spec is in force, or that all of it succeeded.
func (s Set) Ready(reason, message string) {
	s.settle(metav1.ConditionTrue, "", reason, message)
}

// Stalled reports that no retry can help, or that the end is final: without
// Stalled, kstatus reads Ready=False as work under way, and whoever waits for
// the object waits until a timeout.
func (s Set) Stalled(reason, message string) {
	s.settle(metav1.ConditionFalse, v1alpha1.StalledCondition, reason, message)
}

// Reconciling reports that work is under way or will be tried again.
func (s Set) Reconciling(reason, message string) {
	s.settle(metav1.ConditionUnknown, v1alpha1.ReconcilingCondition, reason, message)
}

// Judge reports what the error of a reconciliation means: a stall, a wait, or a
// failure that is tried again. It must not be called with nil.
func (s Set) Judge(err error) {
	var known *step.Error
	switch {
	case !errors.As(err, &known):
		s.Reconciling(v1alpha1.RetryingReason, err.Error())
	case known.After > 0:
		s.Reconciling(known.Reason, err.Error())
	default:
		s.Stalled(known.Reason, err.Error())
	}
}

// Note sets a condition that is no part of kstatus, such as Healthy.
func (s Set) Note(kind string, status metav1.ConditionStatus, reason, message string) {
	meta.SetStatusCondition(s.Conditions, metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: cut(message),
		ObservedGeneration: s.Generation, LastTransitionTime: metav1.NewTime(s.Now),
	})
}

func (s Set) settle(ready metav1.ConditionStatus, abnormal, reason, message string) {
	s.Note(v1alpha1.ReadyCondition, ready, reason, message)
	for _, kind := range []string{v1alpha1.ReconcilingCondition, v1alpha1.StalledCondition} {
		if kind == abnormal {
			s.Note(kind, metav1.ConditionTrue, reason, message)
		} else {
			meta.RemoveStatusCondition(s.Conditions, kind)
		}
	}
}

// cut keeps a message within the schema, at a whole character.
func cut(message string) string {
	if utf8.RuneCountInString(message) <= maxMessage {
		return message
	}
	return string([]rune(message)[:maxMessage-1]) + "…"
}
