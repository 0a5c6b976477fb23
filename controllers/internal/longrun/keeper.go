// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package longrun keeps work that takes longer than a reconciliation: a run is
// started once for an object, goes on while the object is reconciled, and is
// observed until it ends.
package longrun

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// errStopped is the cause of a context that Stop cancelled.
var errStopped = errors.New("stopped")

// Work is what a run does. It reports progress as often as it likes, and ends
// soon after ctx does.
type Work[P, R any] func(ctx context.Context, report func(P)) (R, error)

// State is what is known of a run.
type State[P, R any] struct {
	// Phase says where the run is.
	Phase Phase
	// Progress is the last that the work reported.
	Progress P
	// Result and Err are what the work returned, once Phase is Ended.
	Result R
	Err    error
}

// Phase is where a run is.
type Phase int

const (
	// Absent says that there is no run for the object.
	Absent Phase = iota
	// Queued runs wait for their turn.
	Queued
	// Admitted says that its turn has come, and that it waits for Begin.
	Admitted
	// Running says that the work is being done.
	Running
	// Ended says that the work returned.
	Ended
)

// Keeper starts runs, at most limit at a time, in the order they were asked for.
// Runs are keyed by the UID of their object: an object that is deleted and made
// again under its name has nothing to do with the run of the first. It must be
// added to the manager, whose context bounds every run.
type Keeper[P, R any] struct {
	mu    sync.Mutex
	limit int
	// awaits says that a run does nothing before Begin, once its turn has come.
	awaits bool
	runs   map[types.UID]*run[P, R]
	queue  []types.UID
	// wake has room for one signal: that the queue or the limit changed.
	wake chan struct{}
	// changed has the objects whose runs ended, or wait for Begin.
	changed chan client.Object
}

type run[P, R any] struct {
	object client.Object
	work   Work[P, R]
	state  State[P, R]
	cancel context.CancelCauseFunc
	// begin is closed when the work may begin.
	begin chan struct{}
	// gone is closed when the work returned, or was taken off the queue.
	gone chan struct{}
}

// New returns a keeper that runs one at a time.
func New[P, R any]() *Keeper[P, R] {
	return &Keeper[P, R]{
		limit:   1,
		runs:    map[types.UID]*run[P, R]{},
		wake:    make(chan struct{}, 1),
		changed: make(chan client.Object, 16),
	}
}

// NewAwaiting returns a keeper whose runs wait for Begin when their turn has come, so that
// it can be on record first that they began: one that kills the process is then known.
func NewAwaiting[P, R any]() *Keeper[P, R] {
	k := New[P, R]()
	k.awaits = true
	return k
}

// Begin lets an admitted run begin. The object is woken when that is called for.
func (k *Keeper[P, R]) Begin(uid types.UID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r, ok := k.runs[uid]; ok && r.state.Phase == Admitted {
		r.state.Phase = Running
		close(r.begin)
	}
}

// Interrupted reports whether the context of a run ended because the process is to stop,
// and not because Stop was called.
func Interrupted(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), errStopped)
}

// Limit bounds how many runs are active at a time. Active ones go on.
func (k *Keeper[P, R]) Limit(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.limit = max(n, 1)
	k.signal()
}

// Ensure returns the state of the object's run, after queueing work where there
// is none.
func (k *Keeper[P, R]) Ensure(object client.Object, work Work[P, R]) State[P, R] {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, ok := k.runs[object.GetUID()]
	if !ok {
		r = &run[P, R]{object: object, work: work, begin: make(chan struct{}), gone: make(chan struct{})}
		r.state.Phase = Queued
		k.runs[object.GetUID()] = r
		k.queue = append(k.queue, object.GetUID())
		k.signal()
	}
	return r.state
}

// Waits reports whether a queued run has to wait for others to end.
func (k *Keeper[P, R]) Waits(uid types.UID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Index(k.queue, uid) >= k.limit-k.active()
}

// Observe returns the state of a run.
func (k *Keeper[P, R]) Observe(uid types.UID) State[P, R] {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r, ok := k.runs[uid]; ok {
		return r.state
	}
	return State[P, R]{}
}

// Stop cancels a run, waits until its work returned, and forgets it.
func (k *Keeper[P, R]) Stop(ctx context.Context, uid types.UID) error {
	k.mu.Lock()
	r, ok := k.runs[uid]
	if !ok {
		k.mu.Unlock()
		return nil
	}
	switch r.state.Phase {
	case Queued:
		k.drop(uid)
		close(r.gone)
	case Admitted, Running:
		r.cancel(errStopped)
	case Absent, Ended:
	}
	k.mu.Unlock()

	select {
	case <-r.gone:
	case <-ctx.Done():
		return ctx.Err()
	}
	k.Forget(uid)
	return nil
}

// Forget drops a run that ended, so that the next Ensure starts another.
func (k *Keeper[P, R]) Forget(uid types.UID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r, ok := k.runs[uid]; ok && (r.state.Phase == Ended || r.state.Phase == Absent) {
		delete(k.runs, uid)
	}
}

// drop takes a run off the queue.
func (k *Keeper[P, R]) drop(uid types.UID) {
	for i, queued := range k.queue {
		if queued == uid {
			k.queue = append(k.queue[:i], k.queue[i+1:]...)
			break
		}
	}
	k.runs[uid].state.Phase = Absent
}

// signal never blocks: one pending signal is as good as many.
func (k *Keeper[P, R]) signal() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// Start runs what is queued until ctx ends, and returns when every run ended.
func (k *Keeper[P, R]) Start(ctx context.Context) error {
	var active sync.WaitGroup
	defer active.Wait()
	for {
		for runCtx, r := k.next(ctx); r != nil; runCtx, r = k.next(ctx) {
			active.Go(func() { k.do(runCtx, r) })
		}
		select {
		case <-k.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// next takes the oldest run off the queue and gives it a context that Stop can
// cancel. It returns nil when there is none, or as many as allowed are active.
func (k *Keeper[P, R]) next(ctx context.Context) (context.Context, *run[P, R]) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.queue) == 0 || k.active() >= k.limit || ctx.Err() != nil {
		return nil, nil
	}
	r := k.runs[k.queue[0]]
	k.queue = k.queue[1:]
	r.state.Phase = Running
	if k.awaits {
		r.state.Phase = Admitted
	}
	ctx, r.cancel = context.WithCancelCause(ctx)
	return ctx, r
}

// active counts the runs whose turn has come and that have not ended.
func (k *Keeper[P, R]) active() int {
	active := 0
	for _, r := range k.runs {
		if r.state.Phase == Admitted || r.state.Phase == Running {
			active++
		}
	}
	return active
}

func (k *Keeper[P, R]) do(ctx context.Context, r *run[P, R]) {
	defer close(r.gone)
	defer r.cancel(nil)
	if k.awaits {
		k.tell(ctx, r)
		select {
		case <-r.begin:
		case <-ctx.Done():
		}
	}
	result, err := k.work(ctx, r)

	k.mu.Lock()
	r.state.Phase, r.state.Result, r.state.Err = Ended, result, err
	k.signal()
	k.mu.Unlock()
	k.tell(ctx, r)
}

// tell wakes the run's object.
func (k *Keeper[P, R]) tell(ctx context.Context, r *run[P, R]) {
	select {
	case k.changed <- r.object:
	case <-ctx.Done():
	}
}

// work turns a panic into an error: a hostile archive may fail its own run, and
// not every other one.
func (k *Keeper[P, R]) work(ctx context.Context, r *run[P, R]) (result R, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("run panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return r.work(ctx, func(p P) {
		k.mu.Lock()
		defer k.mu.Unlock()
		r.state.Progress = p
	})
}

// Source wakes a controller for every object whose run ended, or waits for Begin.
func (k *Keeper[P, R]) Source() source.Source {
	return source.Func(func(ctx context.Context, q workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		wake := handler.EnqueueRequestForObject{}
		go func() {
			for {
				select {
				case object := <-k.changed:
					wake.Generic(ctx, event.GenericEvent{Object: object}, q)
				case <-ctx.Done():
					return
				}
			}
		}()
		return nil
	})
}
