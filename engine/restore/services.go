// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// maxTurnRounds bounds how often Services that keep a number are tried again before
// others draw one: seven seconds, roughly. Later ones must not wait for a webhook
// whose own Service may be among them.
const maxTurnRounds = 4

// applyServices writes Services in turns: those that draw numbers come after those of
// which the archive says which they had.
func (r *run) applyServices(ctx context.Context, services []*item) error {
	turns, err := r.turnsOf(ctx, services)
	if err != nil {
		return err
	}
	for n, turn := range turns {
		if err := r.each(ctx, turn, r.applyItem); err != nil {
			return err
		}
		if n == len(turns)-1 {
			break
		}
		if err := r.applyTurnAgain(ctx, turn); err != nil {
			return err
		}
	}
	return nil
}

// turnsOf sorts Services into turns. Whether one keeps a number shows only when it is
// transformed: the index does not tell.
func (r *run) turnsOf(ctx context.Context, services []*item) ([][]*item, error) {
	turnOf := make(map[*item]int, len(services))
	var mu sync.Mutex
	err := r.each(ctx, services, func(_ context.Context, it *item, c content) error {
		if it.settled.Load() {
			return nil
		}
		p, err := r.transformed(it, c)
		if err != nil || p.Skip != "" {
			return nil // the object fails, or is left out, when it is its turn
		}
		mu.Lock()
		defer mu.Unlock()
		turnOf[it] = transform.Turn(p.Manifest)
		return nil
	})
	turns := make([][]*item, transform.Turns)
	for _, it := range services {
		turns[turnOf[it]] = append(turns[turnOf[it]], it)
	}
	return turns, err
}

// applyTurnAgain tries again those of a turn that were put off.
func (r *run) applyTurnAgain(ctx context.Context, turn []*item) error {
	for n := 1; n < maxTurnRounds && !r.lastPass; n++ {
		var again []*item
		r.deferred = slices.DeleteFunc(r.deferred, func(it *item) bool {
			mine := slices.Contains(turn, it)
			if mine {
				again = append(again, it)
			}
			return mine
		})
		if len(again) == 0 {
			return nil
		}
		if err := r.Sleep(ctx, pause(n)); err != nil {
			return fmt.Errorf("wait for Services that keep a number: %w", err)
		}
		slices.SortFunc(again, inOrder)
		if err := r.each(ctx, again, r.applyItem); err != nil {
			return err
		}
	}
	return nil
}

// elsewhere creates once more what is refused for something that the target may decide:
// a second default class, or the numbers of a Service that it does not give away.
func (r *run) elsewhere(ctx context.Context, p *prepared, err error) error {
	if isSecondDefault(p, err) {
		return r.notDefault(ctx, p)
	}
	dropped := refusedNumbers(p.it, p.Manifest, err)
	if len(dropped) == 0 {
		return err
	}
	if err := r.create(ctx, p); err != nil {
		return err
	}
	p.it.messages = append(p.it.messages, dropped...)
	return nil
}

// updateElsewhere writes a Service over the live one, with that one's numbers in place
// of those that were dropped.
func (r *run) updateElsewhere(ctx context.Context, p *prepared, want transform.Manifest, live engine.Object, dropped []string) error {
	m, err := transform.Decode(live.Raw)
	if err != nil {
		return err
	}
	transform.Adopt(p.it.source.GroupResource, want, m)
	if err := r.update(ctx, p, want, live); err != nil {
		return err
	}
	p.it.messages = append(p.it.messages, dropped...)
	return nil
}

// refusedNumbers takes from a Service the numbers that it was refused for.
func refusedNumbers(it *item, service transform.Manifest, err error) []string {
	if it.source.GroupResource != serviceType || !errors.Is(err, engine.ErrInvalid) {
		return nil
	}
	return transform.DropRefused(service, err.Error())
}

// final returns a refusal of a port for health checks, which looks as if it may pass,
// as one that does not.
func final(it *item, err error) error {
	if err == nil || it.source.GroupResource != serviceType || !strings.Contains(err.Error(), transform.HealthCheckRefused) {
		return err
	}
	return fmt.Errorf("%w: %s", engine.ErrInvalid, err.Error())
}
