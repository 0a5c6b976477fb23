// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"os"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

const (
	// watchEvery is how often a process that works looks at what it took.
	watchEvery = 5 * time.Millisecond
	// watchFor is how many looks follow the last question.
	watchFor = 200
)

// watch ends the process when it took more than it may. It cannot ask the work to
// stop: neither the compiler nor every built-in heeds anything.
type watch struct {
	limits Limits
	// compiling is true until the policy is compiled.
	compiling atomic.Bool
	wake      chan struct{}
}

func newWatch(l Limits) *watch {
	w := &watch{limits: l, wake: make(chan struct{}, 1)}
	w.compiling.Store(true)
	w.work()
	go w.run()
	return w
}

func (w *watch) compiled() { w.compiling.Store(false) }

// work says that there is something to watch. It costs next to nothing.
func (w *watch) work() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watch) run() {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for range w.wake {
		ticker.Reset(watchEvery)
		for looks := 0; looks < watchFor || w.compiling.Load(); looks++ {
			<-ticker.C
			w.look()
		}
		ticker.Stop()
	}
}

func (w *watch) look() {
	if held() > w.limits.Memory {
		os.Exit(exitMemory)
	}
	if w.compiling.Load() && w.limits.CompileCPU > 0 && cpuTime() > w.limits.CompileCPU {
		os.Exit(exitCPU)
	}
}

// held is what the Go runtime holds of the machine's memory, in bytes: what its
// own limit counts, too.
func held() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64()) //nolint:gosec // no machine has that much
}
