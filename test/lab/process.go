// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// tailBytes is how much of a component's log an error shows.
const tailBytes = 2048

// process is a running component.
type process struct {
	name   string
	log    string
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process is gone
}

// start runs a component with the cluster's folder as working directory; what
// it prints goes to a file there. Unless detached, it ends with this process.
func start(dir, name, path string, detached bool, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(dir, name+".log"), exited: make(chan struct{})}
	out, err := os.Create(p.log)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer out.Close()
	// Not exec.CommandContext: the process outlives the call that starts it, and
	// Stop or the death of this process ends it.
	p.cmd = exec.Command(path, args...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, out, out
	p.cmd.SysProcAttr = processAttributes(detached)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its log
		close(p.exited)
	}()
	return p, nil
}

// await calls ready until it returns nil. It gives up when the process exits or
// ctx ends, and then shows the end of the log.
func (p *process) await(ctx context.Context, ready func(context.Context) error) error {
	err := poll(ctx, p.exited, ready)
	if err == nil {
		return nil
	}
	return fmt.Errorf("start %s: %w\nthe end of %s:\n%s", p.name, err, p.log, tail(p.log))
}

// stop kills the process at once: there is nothing in a lab worth a farewell.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.exited
}

var errExited = errors.New("it exited")

func tail(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if len(content) > tailBytes {
		content = content[len(content)-tailBytes:]
		if i := bytes.IndexByte(content, '\n'); i >= 0 {
			content = content[i+1:]
		}
	}
	return strings.TrimSpace(string(content))
}
