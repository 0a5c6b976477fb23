// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"errors"
	"fmt"
	"time"
)

// Errors that the ports report, to be found with errors.Is.
var (
	// ErrNotFound: the object, type or blob does not exist.
	ErrNotFound = errors.New("not found")
	// ErrExists: an object or blob of that name exists already.
	ErrExists = errors.New("already exists")
	// ErrConflict: the live object is not the one the request was made for.
	ErrConflict = errors.New("conflict")
	// ErrInvalid: the API server refuses the object as it is.
	ErrInvalid = errors.New("invalid")
	// ErrForbidden: permission is missing, for a cluster or a store.
	ErrForbidden = errors.New("forbidden")
	// ErrRevisionGone: the revision asked for was compacted.
	ErrRevisionGone = errors.New("revision is gone")
	// ErrRevisionUnknown: the type's history has not come to the revision asked for.
	ErrRevisionUnknown = errors.New("revision is not known")
	// ErrTerminating: the namespace that the object belongs into is being deleted.
	ErrTerminating = errors.New("namespace is terminating")
	// ErrReadOnly: the store does not take writes.
	ErrReadOnly = errors.New("read-only")
	// ErrCorrupt: bytes read from a store are not what was committed: cut short,
	// changed, or malformed.
	ErrCorrupt = errors.New("corrupt")
)

// RetryableError wraps a failure that the same request may survive later.
type RetryableError struct {
	// After is the delay that the server asked for, or zero.
	After time.Duration
	// Away says that no server could be connected to: no other request fares better
	// until one is back.
	Away bool
	Err  error
}

func (e *RetryableError) Error() string {
	if e.After > 0 {
		return fmt.Sprintf("%v (retry after %v)", e.Err, e.After)
	}
	return e.Err.Error()
}

func (e *RetryableError) Unwrap() error { return e.Err }
