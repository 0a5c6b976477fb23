// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/gopherwood/ark/engine"
)

// explained is an error of the engine's, said in words of our own.
type explained struct {
	kind error
	text string
}

func (e explained) Error() string { return e.text }
func (e explained) Unwrap() error { return e.kind }

// fromFile translates an error of the file system about a file in directory dir.
func fromFile(dir string, err error) error {
	var errno syscall.Errno
	switch {
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return engine.ErrNotFound
	case errors.Is(err, fs.ErrExist):
		return engine.ErrExists
	case errors.Is(err, syscall.EROFS):
		return explained{kind: engine.ErrReadOnly, text: fmt.Sprintf(
			"the file system of %s is mounted read-only: mount it writable, or set access: ReadOnly", dir)}
	case errors.Is(err, fs.ErrPermission):
		return explained{kind: engine.ErrForbidden, text: fmt.Sprintf(
			"permission denied: let user %d read and write %s, or set access: ReadOnly if it may only be read", os.Getuid(), dir)}
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &engine.RetryableError{Err: fmt.Errorf("no space is left in %s: free some: %w", dir, err)}
	case errors.As(err, &errno):
		return &engine.RetryableError{Err: err}
	default: // not from the system: a path that leaves its root, or words of our own
		return err
	}
}
