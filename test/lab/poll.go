// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"fmt"
	"time"
)

// pollInterval is how often the lab looks whether a component is ready.
const pollInterval = 50 * time.Millisecond

// poll calls ready until it returns nil. It gives up when ctx ends or exited is
// closed, and then says why it was not ready.
func poll(ctx context.Context, exited <-chan struct{}, ready func(context.Context) error) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-exited:
			return errExited
		case <-ctx.Done():
			return fmt.Errorf("wait until it is ready: %w: %w", context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}
