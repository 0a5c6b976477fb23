// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// pace bounds how many requests are under way at a time. The bound follows what the
// API server takes: a refusal for reasons of load halves it, and as many requests
// that succeed as it allows at a time raise it by one. Clients that share a server
// like this share it fairly.
//
// While a request waits to be sent again, others take its place, unless it is the
// only one: then all wait as long as the server asked for.
type pace struct {
	mu sync.Mutex
	// bound is how many may be under way, between 1 and most.
	bound, most float64
	underWay    int
	// shrunk counts how often the bound was lowered: requests that began before the
	// last time say nothing new when they are refused.
	shrunk int
	// queue are those that wait for a place, in order.
	queue []chan struct{}
}

func newPace(most int) *pace { return &pace{bound: float64(most), most: float64(most)} }

// enter waits for a place. It has one in any case, also when the context ends.
func (p *pace) enter(ctx context.Context) error {
	p.mu.Lock()
	if len(p.queue) == 0 && p.hasPlace() {
		p.underWay++
		p.mu.Unlock()
		return ctx.Err()
	}
	place := make(chan struct{})
	p.queue = append(p.queue, place)
	p.mu.Unlock()
	select {
	case <-place:
		return ctx.Err()
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.queue, place); i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
		p.underWay++
	}
	return ctx.Err()
}

// away waits, and leaves the place to others meanwhile.
func (p *pace) away(ctx context.Context, wait func() error) error {
	p.mu.Lock()
	only := p.bound < 2
	p.mu.Unlock()
	if only {
		return wait()
	}
	p.leave()
	err := wait()
	return errors.Join(err, p.enter(ctx))
}

// leave gives the place back.
func (p *pace) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.underWay--
	p.admit()
}

// begin returns what refused wants to know of a request that is about to be sent.
func (p *pace) begin() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.shrunk
}

// refused lowers the bound because of a request that began at the given time.
func (p *pace) refused(begun int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if begun != p.shrunk {
		return
	}
	p.bound = max(1, p.bound/2)
	p.shrunk++
}

// taken raises the bound because of a request that was carried out.
func (p *pace) taken() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bound = min(p.most, p.bound+1/p.bound)
	p.admit()
}

func (p *pace) hasPlace() bool { return p.underWay < int(p.bound) }

// admit lets in whom there is a place for. It needs mu.
func (p *pace) admit() {
	for len(p.queue) > 0 && p.hasPlace() {
		p.underWay++
		close(p.queue[0])
		p.queue = p.queue[1:]
	}
}
