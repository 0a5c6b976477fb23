// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package step runs the ordered steps of one reconciliation, and is the only
// place that turns an error into a requeue.
package step

import (
	"context"
	"errors"
	"fmt"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Func is one step. It fills in the scope and never touches status.
type Func[S any] func(ctx context.Context, scope S) error

// Run calls steps in order until one fails.
func Run[S any](ctx context.Context, scope S, steps ...Func[S]) error {
	for _, s := range steps {
		if err := s(ctx, scope); err != nil {
			return err
		}
	}
	return nil
}

// Error is an error whose cure is known.
type Error struct {
	// Reason is the condition reason, in CamelCase.
	Reason string
	// After is when to look again; zero when only a change of input can help.
	After time.Duration
	// Watch is when to look whether a stall is cured whose cure nobody else tells; zero
	// where it is watched.
	Watch time.Duration

	err error
}

// Stall reports that no retry can help until the input changes. Whatever can
// cure it must be watched, because nothing else wakes a stalled object.
func Stall(reason, format string, args ...any) error {
	return &Error{Reason: reason, err: fmt.Errorf(format, args...)}
}

// StallFor is Stall where nothing tells of the cure: it is looked for after watch.
func StallFor(watch time.Duration, reason, format string, args ...any) error {
	return &Error{Reason: reason, Watch: watch, err: fmt.Errorf(format, args...)}
}

// Wait reports that something else has to happen first.
func Wait(after time.Duration, reason, format string, args ...any) error {
	return &Error{Reason: reason, After: after, err: fmt.Errorf(format, args...)}
}

func (e *Error) Error() string { return e.err.Error() }

func (e *Error) Unwrap() error { return e.err }

// outdatedAfter is when to look again at an object that a cache showed as it was
// earlier: caches are behind by milliseconds.
const outdatedAfter = 100 * time.Millisecond

// Outdated is the result of a reconciliation whose object was written since it was
// read: what it found is not reported, and it looks again.
func Outdated() (ctrl.Result, error) { return ctrl.Result{RequeueAfter: outdatedAfter}, nil }

// Result translates the outcome of Run for controller-runtime: a success looks
// again after interval (never when it is zero), a wait after its own delay, a
// stall never unless somebody has to look for its cure, and any other error backs off.
func Result(err error, interval time.Duration) (ctrl.Result, error) {
	var known *Error
	switch {
	case err == nil:
		return ctrl.Result{RequeueAfter: interval}, nil
	case !errors.As(err, &known):
		return ctrl.Result{}, err
	case known.After > 0:
		return ctrl.Result{RequeueAfter: known.After}, nil
	case known.Watch > 0:
		return ctrl.Result{RequeueAfter: known.Watch}, nil
	default:
		return ctrl.Result{}, reconcile.TerminalError(err)
	}
}
