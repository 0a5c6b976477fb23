// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/describe"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/cmd/ark/internal/follow"
)

// waitFlags say whether to wait for what was started.
type waitFlags struct {
	wait    bool
	timeout time.Duration
}

func (w *waitFlags) add(flags *pflag.FlagSet) {
	flags.BoolVarP(&w.wait, "wait", "w", false, "wait until it has ended, showing progress")
	durationVar(flags, &w.timeout, "timeout", 0, "how long to wait, such as 30m; when omitted, as long as it takes")
}

func (w *waitFlags) check() error {
	switch {
	case w.timeout < 0:
		return exit.Usagef("--timeout %v: must be positive", w.timeout)
	case w.timeout > 0 && !w.wait:
		return exit.Usagef("--timeout is how long to wait: set --wait too")
	}
	return nil
}

// errTimeout is the cause of a context that --timeout ended.
var errTimeout = errors.New("timed out")

// waiting is one thing that is waited for.
type waiting[T client.Object] struct {
	word   string
	object T
	list   client.ObjectList
	// look returns what to show of a state, and how it stands.
	look func(T) (string, follow.Verdict)
}

// await waits until w has ended, and returns how. When ctx or the timeout ends
// first, the error says that the run does not.
func await[T client.Object](ctx context.Context, a *app, c client.WithWatch, w waiting[T], timeout time.Duration) (last T, v follow.Verdict, err error) {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, errTimeout)
		defer cancel()
	}
	line := &follow.Line{W: a.err, Terminal: a.rewrites, Width: a.width}
	name := w.object.GetName()
	target := follow.Target[T]{Object: w.object, List: w.list, Lost: func(err error) {
		_ = line.Show(fmt.Sprintf("%s %s: trying again to reach the API server: %v", w.word, name, err))
	}}
	err = follow.Until(ctx, c, target, func(obj T) (bool, error) {
		var text string
		last = obj
		text, v = w.look(obj)
		return v.Ended, line.Show(text)
	})
	err = errors.Join(err, line.End())
	hint := fmt.Sprintf("see how it goes with \"ark %s describe %s\"", w.word, name)
	switch {
	case err == nil:
		return last, v, nil
	case errors.Is(err, errTimeout):
		return last, v, exit.Errorf(exit.TimedOut, "stopped waiting for %s %s after %v (--timeout): it goes on; %s", w.word, name, timeout, hint)
	case ctx.Err() != nil:
		return last, v, exit.Errorf(exit.Interrupted, "stopped waiting for %s %s: it goes on; %s", w.word, name, hint)
	default:
		return last, v, fmt.Errorf("wait for %s %s: %w", w.word, name, err)
	}
}

func (a *app) waitForBackup(ctx context.Context, c client.WithWatch, b *v1alpha1.Backup, timeout time.Duration) error {
	w := waiting[*v1alpha1.Backup]{word: "backup", object: b, list: &v1alpha1.BackupList{}, look: lookAtBackup}
	last, v, err := await(ctx, a, c, w, timeout)
	if err != nil {
		return err
	}
	if err := describe.BackupOutcome(a.out, last, a.ruleTexts(ctx, c)); err != nil {
		return err
	}
	if earlier(last) {
		return exit.Errorf(exit.Failed, "the name %q was used in storage already, and nothing was backed up: choose another name", last.Name)
	}
	return ended("backup", last.Name, v)
}

// clockSkew is by how much the clocks of a cluster may differ.
const clockSkew = time.Minute

// earlier reports whether a Backup that ended stands for one of the same name
// that was taken, or removed, before: names are adopted, never used again.
func earlier(b *v1alpha1.Backup) bool {
	switch readyReason(b.Status.Conditions) {
	case v1alpha1.DeletedReason, v1alpha1.ExpiredReason:
		return true
	}
	start := b.Status.StartTime
	return !start.IsZero() && start.Add(clockSkew).Before(b.CreationTimestamp.Time)
}

func (a *app) waitForRestore(ctx context.Context, c client.WithWatch, r *v1alpha1.Restore, timeout time.Duration) error {
	w := waiting[*v1alpha1.Restore]{word: "restore", object: r, list: &v1alpha1.RestoreList{}, look: lookAtRestore}
	last, v, err := await(ctx, a, c, w, timeout)
	if err != nil {
		return err
	}
	if err := describe.RestoreOutcome(a.out, last, a.ruleTexts(ctx, c)); err != nil {
		return err
	}
	return ended("restore", last.Name, v)
}

func lookAtBackup(b *v1alpha1.Backup) (string, follow.Verdict) {
	v := follow.Judge(b.Generation, b.Status.ObservedGeneration, b.Status.Conditions)
	text := standing("backup "+b.Name, v)
	if p := b.Status.Progress; p != nil && !v.Ended {
		text += fmt.Sprintf(" (%d of %d types, %d objects)", p.ResourcesDone, p.Resources, p.Objects)
	}
	return text, v
}

func lookAtRestore(r *v1alpha1.Restore) (string, follow.Verdict) {
	v := follow.Judge(r.Generation, r.Status.ObservedGeneration, r.Status.Conditions)
	text := standing("restore "+r.Name, v)
	if p, done := r.Status.Planned, r.Status.Results; p != nil && done != nil && !v.Ended {
		text += fmt.Sprintf(" (%d of %d objects, %d failed)",
			done.Created+done.Updated+done.Unchanged+done.Existing, p.Create+p.Update+p.Keep, done.Failed)
	}
	return text, v
}

// standing says in a line how a run stands. A queued one says what it waits for.
func standing(what string, v follow.Verdict) string {
	if v.Reason == "" {
		return what + ": waiting for a controller to see it"
	}
	return fmt.Sprintf("%s: %s: %s", what, v.Reason, v.Message)
}

// ended returns the error for a run that ended without full success.
func ended(word, name string, v follow.Verdict) error {
	if v.Code == exit.Success {
		return nil
	}
	return exit.Errorf(v.Code, "%s %s: %s: %s", word, name, v.Reason, v.Message)
}
