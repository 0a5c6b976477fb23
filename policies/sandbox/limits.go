// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sandbox

import "time"

// Limits bound the processes.
type Limits struct {
	// Memory is what the Go runtime of one process may hold, in bytes.
	Memory int64
	// CompileCPU is how much of the processor compiling a policy may take.
	CompileCPU time.Duration
	// CompileWall is how long that may last: more than any throttled pod needs.
	CompileWall time.Duration
	// Grace is how much longer than its limit a question may take: then nothing in the
	// process heeds the limit, and it is ended.
	Grace time.Duration
	// Idle is how long a process is kept that nobody asks.
	Idle time.Duration
	// Processes is how many there are at a time, at most.
	Processes int
}

// DefaultLimits are far beyond what the rules of a person need; DESIGN.md has the
// measurements.
func DefaultLimits() Limits {
	return Limits{
		Memory:      192 << 20,
		CompileCPU:  30 * time.Second,
		CompileWall: 5 * time.Minute,
		Grace:       3 * time.Second,
		Idle:        5 * time.Minute,
		Processes:   8,
	}
}
