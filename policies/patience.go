// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// firstLimit is many times what a sound rule needs for an object.
	firstLimit = 50 * time.Millisecond
	// aloneLimit is for the second try, when nothing else runs: a throttled pod
	// stalls for longer than firstLimit without any fault of the rules.
	aloneLimit = 2 * time.Second
	// requestLimit is for a whole restore, which is asked about once.
	requestLimit = 5 * time.Second
	// hopelessAfter second tries that failed no object gets another: rules that
	// never end would otherwise hold up a backup for two seconds an object.
	hopelessAfter = 16
	// givenUpAfter first tries that took too much the rules are not asked any more: each
	// costs its time, or a process that has to be started again.
	givenUpAfter = 1000
)

// errGivenUp is a BudgetError that is no fault of the object.
var errGivenUp = &BudgetError{Message: fmt.Sprintf("the rules took too much time or memory for %d objects, and are asked about no more: make them cheaper", givenUpAfter)}

// patience evaluates objects one by one within bounds. It is safe for
// concurrent use.
type patience struct {
	first, alone time.Duration
	// running is held for reading by every first try, for writing by a second.
	running sync.RWMutex
	failed  atomic.Int32
	// exceeded counts first tries that took too much.
	exceeded atomic.Int32
}

func newPatience() *patience {
	return &patience{first: firstLimit, alone: aloneLimit}
}

// eval tries twice at most.
func (p *patience) eval(ctx context.Context, a Asker, q Question) (Answer, error) {
	if p.exceeded.Load() >= givenUpAfter {
		return nil, fmt.Errorf("evaluate rules: %w", errGivenUp)
	}
	answer, err := p.tryFirst(ctx, a, q)
	if !overBudget(err) || p.failed.Load() >= hopelessAfter {
		return answer, err
	}
	p.running.Lock()
	defer p.running.Unlock()
	if p.failed.Load() >= hopelessAfter {
		return nil, err
	}
	q.Limit = p.alone
	answer, err = a.Ask(ctx, q)
	if overBudget(err) {
		p.failed.Add(1)
	}
	return answer, err
}

func (p *patience) tryFirst(ctx context.Context, a Asker, q Question) (Answer, error) {
	p.running.RLock()
	defer p.running.RUnlock()
	q.Limit = p.first
	answer, err := a.Ask(ctx, q)
	if overBudget(err) {
		p.exceeded.Add(1)
	}
	return answer, err
}
