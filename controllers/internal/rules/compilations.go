// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/policies"
)

const (
	// maxVerdicts bounds how many verdicts are remembered: more than a cluster has
	// objects with rules, whatever their history.
	maxVerdicts = 128
	// atATime is how many sets are compiled at a time.
	atATime = 2
	// compileAgain is when to ask for a verdict again, although it wakes whoever
	// watches for it.
	compileAgain = time.Second
)

// Compile compiles a set. See policies.Compile.
type Compile func(ctx context.Context, set policies.Set, opts policies.Options) (*policies.Policy, error)

// Compilations compiles sets where nobody has to wait for it, and remembers what
// came of it: by the digest of the set, mistakes and budgets included. It must be
// added to the manager, whose context bounds every compilation.
type Compilations struct {
	compile Compile
	atOnce  bool

	mu       sync.Mutex
	verdicts map[digest]*verdict
	queue    []*verdict
	// wake has room for one signal: that the queue changed.
	wake chan struct{}
	// listeners are told of every verdict.
	listeners []chan struct{}
}

type digest [sha256.Size]byte

// verdict is what came of a set, once it is done.
type verdict struct {
	set    policies.Set
	opts   policies.Options
	done   bool
	policy *policies.Policy
	err    error
}

// errCompiling says that there is no verdict yet.
var errCompiling = errors.New("the rules are being compiled")

// NewCompilations compiles with compile.
func NewCompilations(compile Compile) *Compilations {
	return &Compilations{compile: compile, verdicts: map[digest]*verdict{}, wake: make(chan struct{}, 1)}
}

// AtOnce compiles within this process, while the caller waits: for tests, whose
// rules are their own.
func AtOnce() *Compilations {
	c := NewCompilations(policies.Compile)
	c.atOnce = true
	return c
}

// Compile returns the verdict on a set: a stall for PolicyInvalid where it is wrong or
// takes too much, a wait while there is none yet.
func (c *Compilations) Compile(ctx context.Context, set policies.Set, opts policies.Options) (*policies.Policy, error) {
	compile, none := c.compile, len(set.Modules)+len(set.Library) == 0
	if none {
		compile = policies.Compile // there is nothing to be careful of
	}
	if c.atOnce || none {
		policy, err := compile(ctx, set, opts)
		return policy, judged(err)
	}
	raw, err := json.Marshal([]any{set, opts.Mode})
	if err != nil {
		return nil, fmt.Errorf("identify rules: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := digest(sha256.Sum256(raw))
	v := c.verdicts[key]
	switch {
	case v == nil:
		c.makeRoom()
		v = &verdict{set: set, opts: opts}
		c.verdicts[key] = v
		c.queue = append(c.queue, v)
		c.signal()
		fallthrough
	case !v.done:
		return nil, step.Wait(compileAgain, v1alpha1.ProgressingReason, "%w", errCompiling)
	case !final(v.err):
		delete(c.verdicts, key) // it is told once, and tried again
	}
	return v.policy, judged(v.err)
}

// final reports whether a set comes to the same end each time.
func final(err error) bool {
	return err == nil || errors.As(err, new(policies.Errors)) || errors.As(err, new(*policies.BudgetError))
}

// judged is the error as a reconciler understands it.
func judged(err error) error {
	if err != nil && final(err) {
		return step.Stall(v1alpha1.PolicyInvalidReason, "%w", err)
	}
	return err
}

// makeRoom forgets one verdict, whichever, where there are as many as may be.
func (c *Compilations) makeRoom() {
	if len(c.verdicts) < maxVerdicts {
		return
	}
	for key, v := range c.verdicts {
		if v.done {
			delete(c.verdicts, key)
			return
		}
	}
}

func (c *Compilations) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Start compiles what is asked for until ctx ends.
func (c *Compilations) Start(ctx context.Context) error {
	var all sync.WaitGroup
	for range atATime {
		all.Go(func() {
			for ctx.Err() == nil {
				v := c.next()
				if v != nil {
					c.judge(ctx, v)
					continue
				}
				select {
				case <-c.wake:
				case <-ctx.Done():
				}
			}
		})
	}
	all.Wait()
	return nil
}

// next takes the oldest set off the queue; nil when there is none. Whoever takes one
// and leaves others wakes the next.
func (c *Compilations) next() *verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return nil
	}
	v := c.queue[0]
	c.queue = c.queue[1:]
	if len(c.queue) > 0 {
		c.signal()
	}
	return v
}

func (c *Compilations) judge(ctx context.Context, v *verdict) {
	policy, err := c.compile(ctx, v.set, v.opts)
	c.mu.Lock()
	defer c.mu.Unlock()
	v.policy, v.err, v.done = policy, err, true
	v.set = policies.Set{}
	for _, l := range c.listeners {
		select {
		case l <- struct{}{}:
		default: // it has one signal to act on
		}
	}
}

// Source wakes a controller for what requests names, after every verdict.
func (c *Compilations) Source(requests func(context.Context) []reconcile.Request) source.Source {
	told := make(chan struct{}, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listeners = append(c.listeners, told)
	return source.Func(func(ctx context.Context, q workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
		go func() {
			for {
				select {
				case <-told:
					for _, r := range requests(ctx) {
						q.Add(r)
					}
				case <-ctx.Done():
					return
				}
			}
		}()
		return nil
	})
}
