// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/selection"
)

// DefaultLists is how many types are listed at a time: enough to keep a core
// busy compressing, and few enough for a small control plane.
const DefaultLists = 4

// Options say what a backup covers and how it is taken. The zero value covers
// everything.
type Options struct {
	// Template is what the backup covers.
	Template selection.Template
	// Mode is where the rules start from. Without a Decider it is of no account.
	Mode Mode
	// OnRuleError says what becomes of an object that the rules fail on.
	OnRuleError RuleErrorAction
	// Protected are never archived: Ark's own Secrets.
	Protected map[engine.Key]struct{}
	// AnyMoment lists each type as it is when its turn comes. Without it, types are
	// listed as they were at one moment, as far as that is possible.
	AnyMoment bool
	// AllowEmpty says that a backup of nothing is complete.
	AllowEmpty bool
	// Lists is how many types are listed at a time; zero is 4.
	Lists int
	// Progress is called now and then, and after every type. Calls do not overlap.
	// It must be quick; nil is fine.
	Progress func(Progress)
	// Pause waits, or fails when the context ends; nil does that by the clock.
	Pause func(context.Context, time.Duration) error
	// Decisions receives a line for each decision; nil is fine.
	Decisions *DecisionLog
}

func (o Options) lists() int { return cmp.Or(max(0, o.Lists), DefaultLists) }

func (o Options) pause(ctx context.Context, d time.Duration) error {
	if o.Pause != nil {
		return o.Pause(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// Mode is where selection by rules starts from.
type Mode int

const (
	// OptOut takes what no rule excludes.
	OptOut Mode = iota
	// OptIn takes what a rule includes and none excludes.
	OptIn
)

// RuleErrorAction is the fate of an object that the rules fail on.
type RuleErrorAction int

const (
	// IncludeOnRuleError archives the object, with the error in its index line:
	// losing data is worse than keeping it. The backup is partial.
	IncludeOnRuleError RuleErrorAction = iota
	// FailOnRuleError ends the run.
	FailOnRuleError
)

// RuleError ends a run under FailOnRuleError: another attempt fails like it.
type RuleError struct {
	Object engine.Key
	Err    error
}

func (e *RuleError) Error() string { return fmt.Sprintf("apply rules to %s: %v", e.Object, e.Err) }
func (e *RuleError) Unwrap() error { return e.Err }

// Progress tells how far a run is.
type Progress struct {
	// Resources is the number of types to list, as far as it is known, and
	// ResourcesDone how many of them are.
	Resources     int
	ResourcesDone int
	// Objects is the number of objects decided on.
	Objects int64
}
