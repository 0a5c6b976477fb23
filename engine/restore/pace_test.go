// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopherwood/ark/engine"
)

func TestPaceFollowsTheServer(t *testing.T) {
	refuse := func(p *pace) { p.refused(p.begin()) }
	for name, c := range map[string]struct {
		do   func(p *pace)
		want float64
	}{
		"nothing happened":     {func(*pace) {}, 16},
		"success at the bound": {func(p *pace) { p.taken() }, 16},
		"one refusal":          {refuse, 8},
		"requests of one moment, refused": {func(p *pace) {
			begun := p.begin()
			for range 16 {
				p.refused(begun)
			}
		}, 8},
		"refusals, one after the other": {func(p *pace) {
			for range 3 {
				refuse(p)
			}
		}, 2},
		"refusals without end": {func(p *pace) {
			for range 99 {
				refuse(p)
			}
		}, 1},
		"success after a refusal": {func(p *pace) {
			for range 4 {
				refuse(p)
			}
			p.taken()
		}, 2},
		"success without end": {func(p *pace) {
			refuse(p)
			for range 999 {
				p.taken()
			}
		}, 16},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPace(16)
			if c.do(p); p.bound != c.want {
				t.Errorf("bound %v, want %v", p.bound, c.want)
			}
		})
	}
}

// busyServer takes so many requests at a time and refuses the others.
type busyServer struct {
	mu                   sync.Mutex
	room, underWay, most int
	taken, refused       int
}

func (s *busyServer) request(ctx context.Context) error {
	s.mu.Lock()
	if s.underWay == s.room {
		s.refused++
		s.mu.Unlock()
		return &engine.RetryableError{After: time.Second, Err: errors.New("too many requests")}
	}
	s.underWay++
	s.most = max(s.most, s.underWay)
	s.mu.Unlock()
	err := Sleep(ctx, 10*time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underWay--
	s.taken++
	return err
}

func TestRequestsAreAsManyAsTheServerTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &busyServer{room: 4}
		r := &run{pace: newPace(32), Options: Options{Sleep: Sleep}}
		send := func(n int) {
			var workers sync.WaitGroup
			for range 32 {
				workers.Go(func() {
					for range n / 32 {
						if err := r.retry(t.Context(), func() error { return s.request(t.Context()) }); err != nil {
							t.Error(err)
						}
					}
				})
			}
			workers.Wait()
		}
		begun := time.Now() //nolint:forbidigo // the clock of the bubble
		send(3200)
		if s.taken != 3200 || s.refused == 0 || s.refused > 320 {
			t.Errorf("with room for %d: %d taken, %d refused, want 3200 and few", s.room, s.taken, s.refused)
		}
		// With all room taken all of the time, it would be 8 seconds.
		if took := time.Since(begun); took > 16*time.Second { //nolint:forbidigo // likewise
			t.Errorf("with room for %d, 3200 requests of 10 ms took %v", s.room, took)
		}
		s.room, s.refused = 32, 0
		send(3200)
		if s.most < 30 || s.refused > 0 {
			t.Errorf("with room for %d: never more than %d at a time, %d refused", s.room, s.most, s.refused)
		}
	})
}

func TestWhoIsRefusedForEverFailsInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &busyServer{}
		r := &run{pace: newPace(2), Options: Options{Sleep: Sleep}}
		err := r.retry(t.Context(), func() error { return s.request(t.Context()) })
		if _, ok := errors.AsType[*engine.RetryableError](err); !ok || s.refused != maxRefusals {
			t.Errorf("error %v after %d refusals", err, s.refused)
		}
	})
}

func TestWaitingForAPlaceEndsWithTheContext(t *testing.T) {
	p := newPace(1)
	ctx, cancel := context.WithCancel(t.Context())
	if err := p.enter(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := p.enter(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
