// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package longrun_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/longrun"
)

type keeper = longrun.Keeper[int, string]

func object(uid string) *v1alpha1.Backup {
	return &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: uid, UID: types.UID(uid)}}
}

// started runs a keeper until the test ends, inside a bubble in which
// synctest.Wait means that every run is blocked or ended.
func started(t *testing.T, limit int, test func(*testing.T, *keeper)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		k := longrun.New[int, string]()
		k.Limit(limit)
		go func() {
			if err := k.Start(ctx); err != nil {
				t.Errorf("Start() error = %v", err)
			}
		}()
		test(t, k)
		cancel()
		synctest.Wait()
	})
}

// until works until release is closed.
func until(release <-chan struct{}) longrun.Work[int, string] {
	return func(ctx context.Context, report func(int)) (string, error) {
		report(7)
		select {
		case <-release:
			return "done", nil
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

func TestARunIsObservedFromQueueToEnd(t *testing.T) {
	started(t, 1, func(t *testing.T, k *keeper) {
		t.Helper()
		release := make(chan struct{})
		if got := k.Observe("a").Phase; got != longrun.Absent {
			t.Errorf("phase before = %v, want Absent", got)
		}
		if got := k.Ensure(object("a"), until(release)).Phase; got != longrun.Queued {
			t.Errorf("phase at first = %v, want Queued", got)
		}
		synctest.Wait()
		if got := k.Observe("a"); got.Phase != longrun.Running || got.Progress != 7 {
			t.Errorf("state while running = %+v, want Running with progress 7", got)
		}
		close(release)
		synctest.Wait()
		if got := k.Ensure(object("a"), until(nil)); got.Phase != longrun.Ended || got.Result != "done" || got.Err != nil {
			t.Errorf("state at the end = %+v, want Ended with the result", got)
		}
		k.Forget("a")
		if got := k.Observe("a").Phase; got != longrun.Absent {
			t.Errorf("phase when forgotten = %v, want Absent", got)
		}
	})
}

func TestNoMoreRunsThanTheLimitAreActive(t *testing.T) {
	started(t, 1, func(t *testing.T, k *keeper) {
		t.Helper()
		release := make(chan struct{})
		k.Ensure(object("a"), until(release))
		k.Ensure(object("b"), until(release))
		synctest.Wait()
		if a, b := k.Observe("a").Phase, k.Observe("b").Phase; a != longrun.Running || b != longrun.Queued {
			t.Errorf("phases = %v, %v, want Running, Queued", a, b)
		}
		k.Limit(2)
		synctest.Wait()
		if b := k.Observe("b").Phase; b != longrun.Running {
			t.Errorf("phase with a higher limit = %v, want Running", b)
		}
		close(release)
	})
}

func TestTheNextRunStartsWhenOneEnds(t *testing.T) {
	started(t, 1, func(t *testing.T, k *keeper) {
		t.Helper()
		first, second := make(chan struct{}), make(chan struct{})
		k.Ensure(object("a"), until(first))
		k.Ensure(object("b"), until(second))
		synctest.Wait()
		close(first)
		synctest.Wait()
		if b := k.Observe("b").Phase; b != longrun.Running {
			t.Errorf("phase of the second = %v, want Running", b)
		}
		close(second)
	})
}

func TestStopCancelsAndForgets(t *testing.T) {
	started(t, 1, func(t *testing.T, k *keeper) {
		t.Helper()
		var cause error
		k.Ensure(object("a"), func(ctx context.Context, _ func(int)) (string, error) {
			<-ctx.Done()
			cause = context.Cause(ctx)
			return "", cause
		})
		k.Ensure(object("b"), until(nil))
		synctest.Wait()
		for _, uid := range []types.UID{"b", "a", "nobody"} {
			if err := k.Stop(t.Context(), uid); err != nil {
				t.Errorf("Stop(%s) error = %v", uid, err)
			}
			if got := k.Observe(uid).Phase; got != longrun.Absent {
				t.Errorf("phase of %s after Stop = %v, want Absent", uid, got)
			}
		}
		if cause == nil || cause.Error() != "stopped" {
			t.Errorf("cause = %v, want stopped", cause)
		}
	})
}

func TestStopGivesUpWithItsContext(t *testing.T) {
	started(t, 1, func(t *testing.T, k *keeper) {
		t.Helper()
		release := make(chan struct{})
		k.Ensure(object("a"), func(context.Context, func(int)) (string, error) {
			<-release // deaf to its own context
			return "", nil
		})
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := k.Stop(ctx, "a"); !errors.Is(err, context.Canceled) {
			t.Errorf("Stop() error = %v, want context.Canceled", err)
		}
		close(release)
	})
}

func TestAPanicFailsItsOwnRunOnly(t *testing.T) {
	started(t, 1, func(t *testing.T, k *keeper) {
		t.Helper()
		release := make(chan struct{})
		k.Ensure(object("a"), func(context.Context, func(int)) (string, error) { panic("hostile bytes") })
		k.Ensure(object("b"), until(release))
		synctest.Wait()
		if got := k.Observe("a"); got.Phase != longrun.Ended || got.Err == nil || !strings.Contains(got.Err.Error(), "hostile bytes") {
			t.Errorf("state of the panicked = %+v, want Ended with the panic as error", got)
		}
		if b := k.Observe("b").Phase; b != longrun.Running {
			t.Errorf("phase of the other = %v, want Running", b)
		}
		close(release)
	})
}

func TestAnAwaitingKeeperBeginsWhenItIsToldTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		k := longrun.NewAwaiting[int, string]()
		go func() { _ = k.Start(ctx) }()
		var interrupted []bool
		work := func(ctx context.Context, report func(int)) (string, error) {
			report(1)
			<-ctx.Done()
			interrupted = append(interrupted, longrun.Interrupted(ctx))
			return "", ctx.Err()
		}
		k.Ensure(object("a"), work)
		k.Ensure(object("b"), work)
		if k.Waits("a") || !k.Waits("b") {
			t.Errorf("a waits = %t, b waits = %t, want b alone", k.Waits("a"), k.Waits("b"))
		}
		k.Begin("b") // its turn has not come
		synctest.Wait()
		if a, b := k.Observe("a"), k.Observe("b").Phase; a.Phase != longrun.Admitted || a.Progress != 0 || b != longrun.Queued {
			t.Errorf("a = %+v, b = %v, want Admitted with nothing done, and Queued", a, b)
		}
		k.Begin("a")
		k.Begin("a")
		synctest.Wait()
		if a := k.Observe("a"); a.Phase != longrun.Running || a.Progress != 1 {
			t.Errorf("a = %+v, want Running", a)
		}
		if err := k.Stop(ctx, "a"); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		k.Begin("b")
		synctest.Wait()
		cancel()
		synctest.Wait()
		if len(interrupted) != 2 || interrupted[0] || !interrupted[1] {
			t.Errorf("interrupted = %v, want the second, which did not end because of Stop", interrupted)
		}
	})
}
