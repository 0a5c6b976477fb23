// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gopherwood/ark/engine"
)

const (
	// maxTries bounds how often one request is sent that fails in a way that may
	// pass; what still fails gets one more round when all else is done.
	maxTries = 5
	// maxRefusals bounds how often it is sent when the API server has no room for it
	// and says when to come back, or cannot be connected to: a minute at least, in
	// which the others are sent more slowly too.
	maxRefusals = 60
	// firstDelay doubles with every try, up to maxDelay; a server's own delay goes
	// before, up to maxServerDelay.
	firstDelay     = 50 * time.Millisecond
	maxDelay       = 2 * time.Second
	maxServerDelay = 30 * time.Second
	// maxPolls bounds waiting for something that is under way: a minute, roughly.
	maxPolls = 35
)

// delay is how long to wait after the nth failure, counted from zero.
func delay(n int) time.Duration {
	if n > 10 {
		return maxDelay
	}
	return min(firstDelay<<n, maxDelay)
}

// errAway: the API server did not come back. That is about no object, and ends the
// restore, to be resumed.
var errAway = errors.New("the API server cannot be connected to")

// retry calls request until it succeeds, fails for good, or has failed too often.
// How many are under way at a time is what the API server takes.
func (r *run) retry(ctx context.Context, request func() error) error {
	defer r.pace.leave()
	if err := r.pace.enter(ctx); err != nil {
		return err
	}
	for tries, refusals := 0, 0; ; {
		begun := r.pace.begin()
		err := request()
		passing, ok := errors.AsType[*engine.RetryableError](err)
		if !ok {
			r.pace.taken()
			return err
		}
		wait := delay(tries)
		if passing.After > 0 || passing.Away {
			r.pace.refused(begun)
			wait = cmp.Or(min(passing.After, maxServerDelay), delay(refusals))
			refusals++
		} else {
			tries++
		}
		switch {
		case refusals == maxRefusals && passing.Away:
			return fmt.Errorf("%w: %w", errAway, err)
		case tries == maxTries, refusals == maxRefusals, r.hasty && refusals == 0:
			return err
		}
		if err := r.pace.away(ctx, func() error { return r.Sleep(ctx, wait) }); err != nil {
			return err
		}
	}
}

// errNotYet says that a wait has run out.
var errNotYet = errors.New("waited for too long")

// poll calls ready until it says so, fails, or the wait has run out.
func (r *run) poll(ctx context.Context, ready func() (bool, error)) error {
	for n := range maxPolls {
		done, err := ready()
		if done || err != nil {
			return err
		}
		if err := r.Sleep(ctx, delay(n)); err != nil {
			return err
		}
	}
	return errNotYet
}
