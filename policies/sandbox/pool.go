// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gopherwood/ark/policies"
)

// Pool keeps a process for each policy that is asked, a bounded number in all. It
// is safe for concurrent use.
type Pool struct {
	limits Limits

	mu     sync.Mutex
	places map[key]*place
	closed bool
	// clock counts uses, which tells which place was unused for longest.
	clock uint64
	// changed is closed, and made anew, when a place may have become free.
	changed chan struct{}
}

type key [sha256.Size]byte

// place is where the process of one policy is, or is to be.
type place struct {
	// starting is held while the process is started.
	starting sync.Mutex
	// users counts who needs the place, under the lock of the pool.
	users   int
	used    uint64
	process *process
}

// New returns an empty pool.
func New(limits Limits) *Pool {
	return &Pool{limits: limits, places: map[key]*place{}, changed: make(chan struct{})}
}

var errClosed = errors.New("the server is ending")

// Compile compiles a set in a process of its own, which answers from then on. Its
// error is of type policies.Errors when the set is wrong, and wraps a
// policies.BudgetError when compiling it took too much.
func (p *Pool) Compile(ctx context.Context, set policies.Set, opts policies.Options) (*policies.Policy, error) {
	if err := set.Check(); err != nil {
		return nil, err
	}
	raw, err := json.Marshal(job{Set: set, Mode: opts.Mode, Limits: p.limits})
	if err != nil {
		return nil, fmt.Errorf("encode rules: %w", err)
	}
	a := &asker{pool: p, key: sha256.Sum256(raw), job: raw}
	about, err := a.compile(ctx)
	if err != nil {
		return nil, err
	}
	return policies.NewPolicy(*about, a), nil
}

// asker asks the rules of one policy.
type asker struct {
	pool *Pool
	key  key
	// job is what its process is given first; key is its digest.
	job []byte
}

// compile compiles anew, also where a process is there already.
func (a *asker) compile(ctx context.Context) (*policies.Description, error) {
	at, err := a.pool.take(ctx, a.key)
	if err != nil {
		return nil, err
	}
	defer a.pool.release(at)
	at.starting.Lock()
	defer at.starting.Unlock()
	fresh, about, err := start(ctx, a.pool.limits, a.job)
	if err != nil {
		return nil, err
	}
	a.pool.put(at, fresh)
	return about, nil
}

// Ask asks, after starting the process again where it is gone. One that was ended
// for want of questions as this one came is no fault of the rules.
func (a *asker) Ask(ctx context.Context, q policies.Question) (policies.Answer, error) {
	for {
		answer, err := a.ask(ctx, q)
		if !errors.Is(err, errEvicted) {
			return answer, err
		}
	}
}

func (a *asker) ask(ctx context.Context, q policies.Question) (policies.Answer, error) {
	at, err := a.pool.take(ctx, a.key)
	if err != nil {
		return nil, fmt.Errorf("evaluate rules: %w", err)
	}
	defer a.pool.release(at)
	running, err := a.running(ctx, at)
	if err != nil {
		return nil, fmt.Errorf("evaluate rules: %w", err)
	}
	return running.ask(ctx, q)
}

// running returns the process of a place.
func (a *asker) running(ctx context.Context, at *place) (*process, error) {
	at.starting.Lock()
	defer at.starting.Unlock()
	if current := a.pool.at(at); current != nil {
		return current, nil
	}
	fresh, _, err := start(ctx, a.pool.limits, a.job)
	if err != nil {
		return nil, err
	}
	a.pool.put(at, fresh)
	return fresh, nil
}

// take finds the place of a policy, or makes one: where there are as many as may
// be, of the one that was unused for longest, or else when one is unused.
func (p *Pool) take(ctx context.Context, k key) (*place, error) {
	for {
		at, changed, err := p.tryTake(k)
		if at != nil || err != nil {
			return at, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (p *Pool) tryTake(k key) (*place, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, errClosed
	}
	at := p.places[k]
	if at == nil {
		if len(p.places) >= p.limits.Processes && !p.evict() {
			return nil, p.changed, nil
		}
		at = &place{}
		p.places[k] = at
	}
	at.users++
	p.clock++
	at.used = p.clock
	return at, nil, nil
}

// evict ends the process that was unused for longest; false when all are in use.
func (p *Pool) evict() bool {
	var oldest key
	var found *place
	for k, at := range p.places {
		if at.users == 0 && (found == nil || at.used < found.used) {
			oldest, found = k, at
		}
	}
	if found == nil {
		return false
	}
	delete(p.places, oldest)
	found.stop(errEvicted)
	return true
}

var errEvicted = errors.New("the process made place for another one")

func (at *place) stop(cause error) {
	if at.process != nil {
		at.process.end(cause)
		at.process = nil
	}
}

func (p *Pool) release(at *place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at.users--
	close(p.changed)
	p.changed = make(chan struct{})
}

// at returns the process of a place; nil when there is none that answers.
func (p *Pool) at(at *place) *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at.process == nil || at.process.ended() {
		return nil
	}
	return at.process
}

// put puts a process in its place, and ends it when nobody uses it any more.
func (p *Pool) put(at *place, fresh *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at.stop(errEvicted)
	if p.closed {
		fresh.end(errClosed)
		return
	}
	at.process = fresh
	p.endWhenIdle(fresh, -1)
}

// endWhenIdle ends a process that was not asked for as long as may be.
func (p *Pool) endWhenIdle(running *process, seen int64) {
	time.AfterFunc(p.limits.Idle, func() {
		uses := running.uses.Load()
		switch {
		case running.ended():
		case uses == seen && running.busy.Load() == 0:
			running.end(errEvicted)
		default:
			p.endWhenIdle(running, uses)
		}
	})
}

// Close ends all processes. Whoever waits for one gets an error.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, at := range p.places {
		at.stop(errClosed)
	}
	close(p.changed)
	p.changed = make(chan struct{})
}
