// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"

	"github.com/gopherwood/ark/test/lab"
)

// Kinds of runs that are measured.
const (
	runList    = "list"
	runBackup  = "backup"
	runPost    = "post"
	runRestore = "restore"
)

// What begins the names of the backups of fewer or larger objects.
const (
	smallBackup = "small"
	bigBackup   = "big"
)

// job is one run, to be measured in a process of its own: what it spends is then
// not mixed with what this one does.
type job struct {
	Run        string
	Kubeconfig string
	ServerPID  int
	// Store is the directory of the bucket, and Backup a name within it, of that
	// Cluster.
	Store, Cluster, Backup string
	// Namespace, Resource and Name narrow a restore; Into is where it goes.
	Namespace, Resource, Name, Into string
	// Workers is how many objects a restore writes at a time, or zero.
	Workers int
	// Together is how many runs are active at a time, and Behind says that a large one goes
	// before them.
	Together int
	Behind   bool
	// N is how many objects the workload has.
	N int
	// Profile is a folder for profiles, or empty.
	Profile string
}

// profileName tells the runs of a kind apart that are no turns of one another.
func (j job) profileName() string {
	switch {
	case j.Name != "":
		return j.Run + "-one-object"
	case j.Namespace != "":
		return j.Run + "-one-namespace"
	case j.Run == runBackup && strings.HasPrefix(j.Backup, smallBackup):
		return j.Run + "-" + smallBackup
	case j.Run == runBackup && strings.HasPrefix(j.Backup, bigBackup):
		return j.Run + "-" + bigBackup
	}
	return j.Run
}

// jobs are what a job can run. They call begin when what is to be measured
// begins.
var jobs = map[string]func(ctx context.Context, j job, m *meter) error{
	runList:    list,
	runBackup:  takeBackup,
	runPost:    post,
	runRestore: runRestoreJob,

	runBackups:  takeBackups,
	runRestores: takeRestores,
}

// measured starts a process for j and returns what it spent. The API server collects
// its garbage first. Otherwise a run pays for what the run before it left: with
// heaps of this size the collector comes once in several runs, and when two kinds of
// runs alternate, it can be the same kind that it comes in each time.
func measured(ctx context.Context, c *lab.Cluster, j job) (measure, error) {
	cl, err := newClient(c.Config())
	if err != nil {
		return measure{}, err
	}
	if err := cl.send(ctx, "GET", "/debug/pprof/heap?gc=1", "", nil, discard); err != nil {
		return measure{}, fmt.Errorf("have the API server collect its garbage: %w", err)
	}
	j.Kubeconfig, j.ServerPID = c.Kubeconfig, c.APIServerPID()
	self, err := os.Executable()
	if err != nil {
		return measure{}, fmt.Errorf("find the benchmark's own program: %w", err)
	}
	spec, err := json.Marshal(j)
	if err != nil {
		return measure{}, fmt.Errorf("describe a run: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, "-child")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(spec), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return measure{}, fmt.Errorf("run %s: %w", j.Run, err)
	}
	var m measure
	if err := json.Unmarshal(out, &m); err != nil {
		return measure{}, fmt.Errorf("read what %s measured: %w", j.Run, err)
	}
	return m, nil
}

// runChild is the other side of measured.
func runChild(ctx context.Context, in io.Reader, out io.Writer) error {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return fmt.Errorf("read the run: %w", err)
	}
	m := &meter{job: j}
	if err := jobs[j.Run](ctx, j, m); err != nil {
		return err
	}
	if err := m.end(); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(m.measure)
}

// startProfile begins a CPU profile, and returns what ends it.
func startProfile(folder, name string) (func() error, error) {
	if folder == "" {
		return func() error { return nil }, nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("create the folder of profiles: %w", err)
	}
	cpu, err := os.Create(filepath.Join(folder, name+".cpu.pprof"))
	if err != nil {
		return nil, fmt.Errorf("create a profile: %w", err)
	}
	runtime.MemProfileRate = 64 << 10
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, fmt.Errorf("start a profile: %w", err)
	}
	return func() error {
		pprof.StopCPUProfile()
		if err := cpu.Close(); err != nil {
			return fmt.Errorf("write a profile: %w", err)
		}
		heap, err := os.Create(filepath.Join(folder, name+".heap.pprof"))
		if err != nil {
			return fmt.Errorf("create a profile: %w", err)
		}
		defer heap.Close()
		return pprof.Lookup("allocs").WriteTo(heap, 0)
	}, nil
}
