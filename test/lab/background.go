// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrNotRunning says that there is no cluster in the background, or no longer a
// healthy one.
var ErrNotRunning = errors.New("the lab is not running: start it with make lab")

// Background is the one cluster of a checkout that outlives the process which
// started it.
type Background struct {
	// Dir holds the cluster and what is known of it.
	Dir string
	// Log is told what is built and started.
	Log io.Writer
}

// state is what one process leaves behind for the next.
type state struct {
	Host     string   `json:"host"`
	PIDs     []int    `json:"pids"`
	Binaries Binaries `json:"binaries"`
}

// NewBackground returns the background cluster of the checkout that holds the
// working directory.
func NewBackground(log io.Writer) (*Background, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	return &Background{Dir: filepath.Join(root, "bin", "lab"), Log: log}, nil
}

// Up starts the cluster, with a controller-manager, unless it is running. A
// cluster that is not healthy is replaced.
func (b *Background) Up(ctx context.Context) (*Cluster, error) {
	unlock, err := b.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if c, err := b.Find(ctx); err == nil {
		return c, nil
	}
	if err := b.remove(ctx); err != nil {
		return nil, err
	}
	fmt.Fprintln(b.Log, "Starting etcd, kube-apiserver and kube-controller-manager")
	c, err := Start(ctx, Options{Dir: b.clusterDir(), ControllerManager: true, Detached: true, Log: b.Log})
	if err != nil {
		return nil, err
	}
	st := state{Host: c.config.Host, Binaries: c.Binaries}
	for _, p := range c.processes {
		st.PIDs = append(st.PIDs, p.cmd.Process.Pid)
	}
	content, err := json.Marshal(st)
	if err == nil {
		err = os.WriteFile(b.stateFile(), content, 0o600)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("remember the lab: %w", err), c.Stop())
	}
	return c, nil
}

// Find returns the running cluster, or ErrNotRunning.
func (b *Background) Find(ctx context.Context) (*Cluster, error) {
	st, err := b.load()
	if err != nil {
		return nil, err
	}
	for _, pid := range st.PIDs {
		if !b.owns(ctx, pid) {
			return nil, ErrNotRunning
		}
	}
	cfg, err := loadConfig(b.clusterDir(), st.Host)
	if err != nil {
		return nil, ErrNotRunning
	}
	get, err := getter(cfg)
	if err != nil {
		return nil, ErrNotRunning
	}
	if err := get(ctx, "/readyz"); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotRunning, err)
	}
	return &Cluster{
		Kubeconfig: filepath.Join(b.clusterDir(), "kubeconfig"), Dir: b.clusterDir(),
		Binaries: st.Binaries, config: cfg, detached: true,
	}, nil
}

// Down stops the cluster and removes its data. That there is none is no error.
func (b *Background) Down(ctx context.Context) error {
	if _, err := os.Stat(b.Dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	unlock, err := b.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := b.remove(ctx); err != nil {
		return err
	}
	return os.RemoveAll(b.Dir)
}

// remove kills what is left of the cluster and removes its data.
func (b *Background) remove(ctx context.Context) error {
	st, err := b.load()
	if err != nil && !errors.Is(err, ErrNotRunning) {
		return err
	}
	for _, pid := range st.PIDs {
		if !b.owns(ctx, pid) {
			continue
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("stop process %d of the lab: %w", pid, err)
		}
	}
	gone := func(ctx context.Context) error {
		for _, pid := range st.PIDs {
			if b.owns(ctx, pid) {
				return fmt.Errorf("process %d is still there", pid)
			}
		}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := poll(ctx, nil, gone); err != nil {
		return fmt.Errorf("stop the lab: %w", err)
	}
	return errors.Join(os.RemoveAll(b.clusterDir()), os.RemoveAll(b.stateFile()))
}

// owns reports whether a process is one of this lab's: a number that was given
// to another process since must not get that one killed. A process that has
// ended and waits for its parent shows no arguments.
func (b *Background) owns(ctx context.Context, pid int) bool {
	return strings.Contains(arguments(ctx, pid), b.clusterDir()+string(filepath.Separator))
}

// arguments returns the command line of a process, empty when there is none.
func arguments(ctx context.Context, pid int) string {
	id := strconv.Itoa(pid)
	if _, err := os.Stat("/proc/self/cmdline"); err == nil {
		content, _ := os.ReadFile(filepath.Join("/proc", id, "cmdline"))
		return string(content)
	}
	out, _ := exec.CommandContext(ctx, "ps", "-ww", "-o", "args=", "-p", id).Output()
	return string(out)
}

func (b *Background) load() (state, error) {
	var st state
	content, err := os.ReadFile(b.stateFile())
	if errors.Is(err, os.ErrNotExist) {
		return st, ErrNotRunning
	}
	if err == nil {
		err = json.Unmarshal(content, &st)
	}
	if err != nil {
		return st, fmt.Errorf("read what is known of the lab: %w", err)
	}
	return st, nil
}

func (b *Background) lock(ctx context.Context) (func(), error) {
	if err := os.MkdirAll(b.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("create the lab's folder: %w", err)
	}
	return lockFile(ctx, filepath.Join(b.Dir, "lock"))
}

func (b *Background) stateFile() string  { return filepath.Join(b.Dir, "state.json") }
func (b *Background) clusterDir() string { return filepath.Join(b.Dir, "cluster") }
