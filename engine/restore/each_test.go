// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

func TestWhatIsDecodedAtATimeIsBounded(t *testing.T) {
	dense := "[" + strings.Repeat(`{"a":0},`, maxObject/16) + "{}]"
	text := `["` + strings.Repeat("a", maxObject/2) + `"]`
	for name, tc := range map[string]struct {
		raw  string
		want int64
	}{
		"objects of very many maps wait for each other": {dense, 1},
		"objects of text do not":                        {text, DefaultWorkers},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &run{decoded: semaphore.NewWeighted(maxDecoded)}
				var handled, done atomic.Int64
				release := make(chan struct{})
				var g errgroup.Group
				for range DefaultWorkers {
					g.Go(func() error {
						return r.handle(t.Context(), &item{}, content{raw: []byte(tc.raw)}, func(_ context.Context, _ *item, c content) error {
							handled.Add(1)
							<-release
							done.Add(1)
							return c.err
						})
					})
				}
				synctest.Wait()
				if got := handled.Load(); got != tc.want {
					t.Errorf("%d objects are handled at a time, want %d", got, tc.want)
				}
				close(release)
				if err := g.Wait(); err != nil || done.Load() != DefaultWorkers {
					t.Errorf("%d of %d handled, error %v", done.Load(), DefaultWorkers, err)
				}
			})
		})
	}
}

func TestNoObjectWaitsForMoreRoomThanThereIs(t *testing.T) {
	if got := footprint([]byte(strings.Repeat("{},", maxObject/3))); got > maxDecoded {
		t.Errorf("footprint() = %d, and there is room for %d", got, int64(maxDecoded))
	}
}
