// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopherwood/ark/policies"
)

// process is one that holds the rules of one policy, seen from outside.
type process struct {
	limits Limits
	cmd    *exec.Cmd
	in     io.WriteCloser
	stderr *tail

	// writing is held for a message at a time.
	writing sync.Mutex

	mu      sync.Mutex
	waiting map[uint64]chan reply
	asked   uint64
	// gone is closed once nothing answers any more; cause says why, before that.
	gone  chan struct{}
	cause error

	// busy counts the questions that wait, uses those that there ever were.
	busy, uses atomic.Int64
}

// start starts a process and gives it its job, as JSON. The process ends with the verdict
// if that is not good.
func start(ctx context.Context, limits Limits, job []byte) (*process, *policies.Description, error) {
	p, out, err := launch(limits)
	if err != nil {
		return nil, nil, fmt.Errorf("start a process for rules: %w", err)
	}
	about, err := p.compile(ctx, job, out)
	if err != nil {
		p.end(err)
		p.bury()
		return nil, nil, err
	}
	go p.read(out)
	return p, about, nil
}

// launch runs this program once more: without environment, in no folder, with
// nothing open but three pipes.
func launch(limits Limits) (*process, *bufio.Reader, error) {
	path, err := executable()
	if err != nil {
		return nil, nil, err
	}
	p := &process{limits: limits, stderr: &tail{}, waiting: map[uint64]chan reply{}, gone: make(chan struct{})}
	p.cmd = &exec.Cmd{Path: path, Args: []string{childName}, Env: []string{}, Dir: "/", Stderr: p.stderr}
	isolate(p.cmd)
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, nil, errors.Join(err, p.in.Close())
	}
	if err := p.cmd.Start(); err != nil {
		return nil, nil, errors.Join(err, p.in.Close(), out.Close())
	}
	return p, bufio.NewReaderSize(out, 64<<10), nil
}

// compile waits for the verdict. Whoever gives up waiting ends the process.
func (p *process) compile(ctx context.Context, job []byte, out io.Reader) (*policies.Description, error) {
	defer context.AfterFunc(ctx, func() { p.end(fmt.Errorf("compile rules: %w", context.Cause(ctx))) })()
	defer time.AfterFunc(p.limits.CompileWall, func() {
		p.end(&policies.BudgetError{Message: fmt.Sprintf("compiling the rules took longer than %v: shorten them", p.limits.CompileWall)})
	}).Stop()
	err := writeMessage(p.in, job, maxQuestion)
	var raw []byte
	if err == nil {
		raw, err = readMessage(out, maxAnswer)
	}
	if err != nil {
		return nil, p.reap(compiling)
	}
	var v verdict
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, fmt.Errorf("read what the compiler said: %w", err)
	}
	switch {
	case v.Policy != nil:
		return v.Policy, nil
	case len(v.Mistakes) > 0:
		return nil, v.Mistakes
	}
	return nil, fmt.Errorf("compile rules: %s", v.Failure)
}

// read hands out answers until there are no more.
func (p *process) read(out io.Reader) {
	for {
		raw, err := readMessage(out, maxAnswer)
		if err != nil {
			break
		}
		r, err := decodeReply(raw)
		if err != nil {
			break
		}
		p.mu.Lock()
		to, ok := p.waiting[r.id]
		delete(p.waiting, r.id)
		p.mu.Unlock()
		if ok {
			to <- r
		}
	}
	_ = p.reap(asking) // what it returns is kept as the cause
}

// ask asks one question. An error is a BudgetError when the process ended over it,
// or over another one that was asked at the same time.
func (p *process) ask(ctx context.Context, q policies.Question) (policies.Answer, error) {
	p.busy.Add(1)
	p.uses.Add(1)
	defer p.busy.Add(-1)
	id, to := p.enlist()
	defer p.forget(id)
	raw := (&question{id: id, Question: q}).encode()
	if len(raw) > maxQuestion {
		return nil, fmt.Errorf("evaluate rules: %w: the input has %d bytes, the limit is %d", errTooLarge, len(raw), maxQuestion)
	}
	deaf := time.AfterFunc(q.Limit+p.limits.Grace, func() { p.end(policies.TooLong(q.Limit)) })
	defer deaf.Stop()
	p.writing.Lock()
	err := writeMessage(p.in, raw, maxQuestion)
	p.writing.Unlock()
	if err != nil {
		<-p.gone
	}
	select {
	case r := <-to:
		return r.result()
	case <-ctx.Done():
		return nil, fmt.Errorf("evaluate rules: %w", ctx.Err())
	case <-p.gone:
		return nil, fmt.Errorf("evaluate rules: %w", p.cause)
	}
}

func (p *process) enlist() (uint64, chan reply) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	to := make(chan reply, 1)
	p.waiting[p.asked] = to
	return p.asked, to
}

func (p *process) forget(id uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, id)
}

func (r *reply) result() (policies.Answer, error) {
	switch {
	case r.overBudget:
		return nil, &policies.BudgetError{Message: r.failure}
	case r.failure != "":
		return nil, errors.New(r.failure)
	}
	return r.answer, nil
}

// ended reports whether the process is, or is being, ended.
func (p *process) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cause != nil
}

// end kills the process, and notes why.
func (p *process) end(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.gone:
		return // it was reaped: its number may be another's by now
	default:
	}
	if p.cause == nil {
		p.cause = cause
	}
	kill(p.cmd.Process)
}

// bury reaps the process unless it was.
func (p *process) bury() {
	select {
	case <-p.gone:
	default:
		_ = p.reap(compiling) // it was ended, and the caller knows why
	}
}

// phase is what a process is doing.
type phase string

const (
	compiling phase = "compiling the rules"
	asking    phase = "the rules"
)

// reap waits until the process ended, which it does when it does not answer any
// more, and returns why.
func (p *process) reap(at phase) error {
	_ = p.in.Close()
	done := make(chan struct{})
	go func() {
		_ = p.cmd.Wait() // its state tells more
		close(done)
	}()
	deaf := time.AfterFunc(p.limits.Grace, func() { kill(p.cmd.Process) })
	<-done
	deaf.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cause == nil {
		p.cause = p.died(at)
	}
	close(p.gone)
	return p.cause
}

// died tells from how it ended why a process did.
func (p *process) died(at phase) error {
	said := p.stderr.String()
	memory := &policies.BudgetError{Message: fmt.Sprintf("%s took more than %d MiB of memory: let them build less at a time", at, p.limits.Memory>>20)}
	state := p.cmd.ProcessState
	switch {
	case state == nil:
		return errors.New("the process of the rules was lost")
	case state.ExitCode() == exitMemory, starved(said):
		return memory
	case state.ExitCode() == exitCPU:
		return &policies.BudgetError{Message: fmt.Sprintf("%s took more than %v of the processor: shorten them", at, p.limits.CompileCPU)}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	return &policies.BudgetError{Message: policies.Cut(strings.TrimSuffix(fmt.Sprintf("the process of %s ended before it answered (%v): %s", at, state, first), ": "))}
}

// starved reports whether what a process said is how Go's runtime dies for want of
// memory. A signal that begins what it says struck the runtime itself: a fault of a
// goroutine is told as a panic.
func starved(said string) bool {
	return strings.HasPrefix(said, "SIGSEGV: ") || slices.ContainsFunc(
		[]string{"out of memory", "cannot allocate memory", "stack exceeds", "failed to create new OS thread"},
		func(sign string) bool { return strings.Contains(said, sign) })
}

// maxSaid bounds what is kept of what a process says.
const maxSaid = 4 << 10

// tail keeps the beginning of what a process says on its error stream.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b[:min(len(b), maxSaid-len(t.text))]...)
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
