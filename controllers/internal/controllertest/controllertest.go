// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package controllertest holds what the tests of every controller need: a clock
// to set, a record of the events, and the rules of kstatus to hold statuses to.
package controllertest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine"
)

// Clock is a clock that stands until it is set.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

var _ engine.Clock = (*Clock)(nil)

// NewClock returns a clock that shows now.
func NewClock(now time.Time) *Clock { return &Clock{now: now} }

// Now is the time that was set.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Set puts the clock to t, forward or back.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

// Advance puts the clock forward.
func (c *Clock) Advance(d time.Duration) { c.Set(c.Now().Add(d)) }

// Events records what is announced, as "<type> <reason>: <note>".
type Events struct {
	mu   sync.Mutex
	told []string
}

var _ events.EventRecorder = (*Events)(nil)

// Eventf implements events.EventRecorder. It panics where the API server would
// refuse the event, which would otherwise only be logged.
func (e *Events) Eventf(regarding, _ runtime.Object, kind, reason, action, note string, args ...any) {
	text := fmt.Sprintf(note, args...)
	if regarding == nil || reason == "" || action == "" || len(text) > 1024 || len(reason) > 128 || len(action) > 128 {
		panic(fmt.Sprintf("the API server refuses event %s %s %s of %d bytes", kind, reason, action, len(text)))
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told = append(e.told, kind+" "+reason+": "+text)
}

// Take returns what was told since the last call.
func (e *Events) Take() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	told := e.told
	e.told = nil
	return told
}

// Ready is the condition Ready of an object in three words, after its conditions
// were held to the rules of kstatus, and the object to the verdict of its library:
// "<status> <reason>: <message>".
func Ready(t testing.TB, object metav1.Object, observed int64, conditions []metav1.Condition) string {
	t.Helper()
	for _, problem := range broken(object.GetGeneration(), observed, conditions) {
		t.Errorf("%s: %s", object.GetName(), problem)
	}
	ready := meta.FindStatusCondition(conditions, v1alpha1.ReadyCondition)
	if ready == nil {
		return ""
	}
	checkVerdict(t, object, ready.Status)
	return fmt.Sprintf("%s %s: %s", ready.Status, ready.Reason, ready.Message)
}

// broken returns the rules of kstatus that the conditions break.
func broken(generation, observed int64, conditions []metav1.Condition) []string {
	var problems []string
	ready := meta.FindStatusCondition(conditions, v1alpha1.ReadyCondition)
	if ready == nil {
		return []string{"has no condition Ready"}
	}
	if observed != generation {
		problems = append(problems, fmt.Sprintf("observedGeneration is %d, generation %d", observed, generation))
	}
	abnormal := slices.DeleteFunc(slices.Clone(conditions), func(c metav1.Condition) bool {
		return c.Type != v1alpha1.ReconcilingCondition && c.Type != v1alpha1.StalledCondition
	})
	for _, c := range abnormal {
		if c.Status != metav1.ConditionTrue {
			problems = append(problems, fmt.Sprintf("%s is %s: it is to be absent unless true", c.Type, c.Status))
		}
		if c.Reason != ready.Reason || c.Message != ready.Message {
			problems = append(problems, c.Type+" and Ready say different things")
		}
	}
	want := map[metav1.ConditionStatus]string{
		metav1.ConditionTrue: "", metav1.ConditionFalse: v1alpha1.StalledCondition, metav1.ConditionUnknown: v1alpha1.ReconcilingCondition,
	}[ready.Status]
	if got := kinds(abnormal); got != want {
		problems = append(problems, fmt.Sprintf("Ready is %s and beside it there is %q, want %q", ready.Status, got, want))
	}
	for _, c := range conditions {
		if c.ObservedGeneration != generation {
			problems = append(problems, fmt.Sprintf("%s speaks of generation %d, want %d", c.Type, c.ObservedGeneration, generation))
		}
	}
	return problems
}

func kinds(conditions []metav1.Condition) string {
	var names []string
	for _, c := range conditions {
		names = append(names, c.Type)
	}
	return strings.Join(names, " and ")
}
