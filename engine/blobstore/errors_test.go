// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"context"
	"errors"
	"io"
	"testing"

	"gocloud.dev/gcerrors"

	"github.com/gopherwood/ark/engine"
)

func TestErrorsOfCloudsAreTheEngines(t *testing.T) {
	var again *engine.RetryableError
	for name, c := range map[string]struct {
		err   error
		kind  error
		retry bool
	}{
		"not found":                 {gcerrors.ErrNotFound, engine.ErrNotFound, false},
		"exists":                    {gcerrors.ErrAlreadyExists, engine.ErrExists, false},
		"a failed condition":        {gcerrors.ErrFailedPrecondition, engine.ErrExists, false},
		"forbidden":                 {gcerrors.ErrPermissionDenied, engine.ErrForbidden, false},
		"cancelled":                 {gcerrors.ErrCanceled, context.Canceled, false},
		"a bare end of the context": {context.Canceled, context.Canceled, false},
		"invalid":                   {gcerrors.ErrInvalidArgument, nil, false},
		"exhausted":                 {gcerrors.ErrResourceExhausted, nil, true},
		"timed out":                 {gcerrors.ErrDeadlineExceeded, nil, true},
		"unknown":                   {errors.New("connection reset"), nil, true},
		"the end":                   {io.EOF, io.EOF, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := fromCloud(c.err)
			if err == nil || c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("error %v, want %v", err, c.kind)
			}
			if errors.As(err, &again) != c.retry {
				t.Errorf("error %v is retryable: %v", err, !c.retry)
			}
		})
	}
	if err := fromCloud(nil); err != nil {
		t.Errorf("no error became %v", err)
	}
}

func TestRedactHidesWhatURLsCanHold(t *testing.T) {
	for text, want := range map[string]string{
		"nothing to hide": "nothing to hide",
		`Put "https://host/c/b?sv=1&sig=hunter2": EOF`:              `Put "https://host/c/b": EOF`,
		"dial https://me:hunter2@host/x failed, see http://a?b=c d": "dial https://host/x failed, see http://a d",
	} {
		if got := redact(text); got != want {
			t.Errorf("redact(%q) = %q, want %q", text, got, want)
		}
	}
}
