// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"runtime/debug"
	"sync"

	// A process finds no files: it brings its time zones along.
	_ "time/tzdata"

	"github.com/gopherwood/ark/policies"
)

// childName is the name of the program by which a process knows what it is for.
const childName = "ark-rules"

// How a process ends by itself, besides in good order.
const (
	exitMemory   = 101
	exitCPU      = 102
	exitProtocol = 103
)

// maxStack keeps a deep recursion within the limit on memory.
const maxStack = 64 << 20

// Every program that can start such processes is itself one when it is called so,
// tests included. It is found out before anything else begins: a program that
// forgot to ask would start itself for ever.
func init() {
	if len(os.Args) == 0 || os.Args[0] != childName {
		return
	}
	os.Exit(serve(os.Stdin, os.Stdout))
}

// serve does one job, and ends when nobody can ask any more.
func serve(in io.Reader, out io.Writer) int {
	ctx, cancel := context.WithCancel(context.Background()) //nolint:forbidigo // it is a process of its own
	defer cancel()
	r := bufio.NewReaderSize(in, 64<<10)
	raw, err := readMessage(r, maxQuestion)
	if err != nil {
		return exitProtocol
	}
	var j job
	if err := json.Unmarshal(raw, &j); err != nil {
		return exitProtocol
	}
	debug.SetMaxStack(maxStack)
	debug.SetMemoryLimit(j.Limits.Memory / 10 * 8)
	if err := restrict(j.Limits.Memory); err != nil {
		return exitProtocol
	}
	w := newWatch(j.Limits)
	policy, err := policies.Compile(ctx, j.Set, policies.Options{Mode: j.Mode})
	w.compiled()
	if err := writeMessage(out, encodeVerdict(policy, err), maxAnswer); err != nil || policy == nil {
		return exitProtocol
	}
	return answer(ctx, policy, r, out, w)
}

func encodeVerdict(policy *policies.Policy, err error) []byte {
	var v verdict
	var mistakes policies.Errors
	switch {
	case errors.As(err, &mistakes):
		v.Mistakes = mistakes
	case err != nil:
		v.Failure = policies.Cut(err.Error())
	default:
		about := policy.Description()
		v.Policy = &about
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return raw
}

// answer answers questions, each by itself and as they are ready.
func answer(ctx context.Context, policy *policies.Policy, r io.Reader, out io.Writer, w *watch) int {
	var one sync.Mutex
	for {
		raw, err := readMessage(r, maxQuestion)
		if errors.Is(err, io.EOF) {
			return 0
		}
		if err != nil {
			return exitProtocol
		}
		q, err := decodeQuestion(raw)
		if err != nil {
			return exitProtocol
		}
		w.work()
		go func() {
			reply := ask(ctx, policy, q)
			one.Lock()
			defer one.Unlock()
			if err := writeMessage(out, reply.encode(), maxAnswer); err != nil {
				os.Exit(exitProtocol)
			}
		}()
	}
}

// onQuestion stands for rules that misbehave; only a test sets it.
var onQuestion func(policies.Question) error

func ask(ctx context.Context, policy *policies.Policy, q question) reply {
	if onQuestion != nil {
		if err := onQuestion(q.Question); err != nil {
			return reply{id: q.id, failure: policies.Cut(err.Error())}
		}
	}
	given, err := policy.Ask(ctx, q.Question)
	if err != nil {
		return reply{id: q.id, failure: policies.Cut(err.Error()), overBudget: errors.As(err, new(*policies.BudgetError))}
	}
	return reply{id: q.id, answer: given}
}
