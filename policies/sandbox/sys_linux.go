// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// executable is this program, whatever lies in its place by now; where there is no
// /proc, as in a bare chroot, it is what this process was started as.
func executable() (string, error) {
	const self = "/proc/self/exe"
	if _, err := os.Stat(self); err == nil {
		return self, nil
	}
	return exec.LookPath(os.Args[0])
}

// isolate makes a process the first of a group of its own that ends with this one.
func isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// kill ends a process and what it started.
func kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }

const (
	// overhead is what the data of a process may have beside what its watch counts.
	overhead = 128 << 20
	// mostFiles is enough for the pipes, the poller and a time zone.
	mostFiles = 32
	// oomScore makes the kernel choose this process before the one that started it.
	oomScore = "1000"
)

// restrict sets what the kernel enforces, however busy the watch is kept: memory
// that is written to (the address space says nothing: Go reserves much of it),
// files, none of which is written, and no core dump.
func restrict(memory int64) error {
	// A process that cannot say so is no less restricted.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte(oomScore), 0)
	limit := uint64(memory + overhead) //nolint:gosec // limits are positive
	for resource, most := range map[int]uint64{
		syscall.RLIMIT_DATA: limit, syscall.RLIMIT_NOFILE: mostFiles, syscall.RLIMIT_FSIZE: 0, syscall.RLIMIT_CORE: 0,
	} {
		if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("limit resource %d: %w", resource, err)
		}
	}
	return nil
}

// cpuTime is what this process took of the processor.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
