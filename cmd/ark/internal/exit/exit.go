// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package exit says how a command of Ark ends: an error carries the exit code
// that scripts act on.
package exit

import (
	"errors"
	"fmt"
	"strconv"
)

// Code is the exit code of the process.
type Code int

// The exit codes, which scripts rely on.
const (
	// Success: everything that was asked for was done.
	Success Code = 0
	// Failed: it was not done; the message says why.
	Failed Code = 1
	// Usage: the command line is wrong, and nothing was tried.
	Usage Code = 2
	// Partial: the run finished, and some of it failed.
	Partial Code = 3
	// Denied: a rule denied the restore.
	Denied Code = 4
	// TimedOut: --timeout passed first; the run goes on.
	TimedOut Code = 5
	// Damaged: a backup is not what was committed, or nobody trusted vouches for it.
	Damaged Code = 6
	// Interrupted: Ctrl-C, as shells have it: 128 and the number of SIGINT.
	Interrupted Code = 130
)

// Meanings lists every code with its meaning, for help and documentation.
func Meanings() []Meaning {
	return []Meaning{
		{Success, "full success"},
		{Failed, "failed; the message says why and what to do"},
		{Usage, "the command line is wrong; nothing was tried"},
		{Partial, "the run finished, and some objects failed"},
		{Denied, "a rule denied the restore, which wrote nothing, or nothing more"},
		{TimedOut, "--timeout passed first; the run goes on"},
		{Damaged, "a backup is damaged, was tampered with, or is not signed by a key that is trusted"},
		{Interrupted, "interrupted with Ctrl-C; a run that was waited for goes on"},
	}
}

// Meaning is what a code tells a script.
type Meaning struct {
	Code Code
	Text string
}

// Error is an error with an exit code.
type Error struct {
	Code Code

	err error
}

func (e *Error) Error() string { return e.err.Error() }

func (e *Error) Unwrap() error { return e.err }

// Errorf returns an error that ends the process with code.
func Errorf(code Code, format string, args ...any) error {
	return &Error{Code: code, err: fmt.Errorf(format, args...)}
}

// Usagef returns an error about the command line itself.
func Usagef(format string, args ...any) error { return Errorf(Usage, format, args...) }

// Of returns the code that err ends the process with: Failed when err does not
// say, Success without one.
func Of(err error) Code {
	var known *Error
	switch {
	case err == nil:
		return Success
	case errors.As(err, &known):
		return known.Code
	default:
		return Failed
	}
}

// String names the code.
func (c Code) String() string { return strconv.Itoa(int(c)) }
