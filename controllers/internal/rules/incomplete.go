// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
)

const (
	// otherHalf is how long a rule waits for its other half. A Git tool applies a
	// ConfigMap and what pins its content one after the other, in whichever order.
	otherHalf = 15 * time.Second
	// maxIncomplete bounds what is remembered of rules that wait.
	maxIncomplete = 1024
)

// owner is the object whose rules are loaded.
type owner struct {
	name string
	// judged says that its rules, as they are, were found wrong: to wait once more
	// would only hide it.
	judged bool
	// inForce is the revision that its status names.
	inForce *v1alpha1.PolicyRevision
}

func judgedAlready(conditions []metav1.Condition, generation int64) bool {
	c := meta.FindStatusCondition(conditions, v1alpha1.StalledCondition)
	return c != nil && c.Status == metav1.ConditionTrue && c.Reason == v1alpha1.PolicyInvalidReason && c.ObservedGeneration == generation
}

// waiting is since when a rule lacks the same.
type waiting struct {
	problem string
	since   time.Time
}

// incomplete is what a rule comes to whose other half is not there: a wait at
// first, and a stall when it does not come.
func (l *Loader) incomplete(o owner, rule string, stall error) error {
	if o.judged || l.Clock == nil {
		return stall
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now, at := l.Clock.Now(), o.name+"\x00"+rule
	w, known := l.halves[at]
	if !known || w.problem != stall.Error() {
		if l.halves == nil || len(l.halves) >= maxIncomplete {
			l.halves = map[string]waiting{}
		}
		w = waiting{problem: stall.Error(), since: now}
		l.halves[at] = w
	}
	// A clock that was put back must not make it wait for longer.
	if left := otherHalf - now.Sub(w.since); left > 0 && left <= otherHalf {
		return step.Wait(left, v1alpha1.ProgressingReason, "%w", stall)
	}
	return stall
}

// complete forgets that a rule waited.
func (l *Loader) complete(o owner, rule string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.halves, o.name+"\x00"+rule)
}
