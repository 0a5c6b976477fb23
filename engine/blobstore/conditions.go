// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"errors"
	"io"
	"sync/atomic"
)

// keptForRepeat is how much of a blob is kept to be written once more: enough for
// a probe.
const keptForRepeat = 4 << 10

// conditions is what is known of a server's conditional writes. Some servers that
// speak S3 ignore the condition, which whoever attaches the store finds out; some
// refuse the request, and would be of no use at all. The first small blob that is
// refused with its condition and taken without tells them apart from servers that
// refuse for another reason; from then on no condition is sent.
type conditions struct{ refused atomic.Bool }

// allowed reports whether to send conditions. A nil receiver always does.
func (c *conditions) allowed() bool { return c == nil || !c.refused.Load() }

// watch returns a writer that writes its blob again when the server seems to
// refuse the condition.
func (c *conditions) watch(w io.WriteCloser, again func() (io.WriteCloser, error)) io.WriteCloser {
	return &conditionalWriter{WriteCloser: w, conditions: c, again: again}
}

type conditionalWriter struct {
	io.WriteCloser

	conditions *conditions
	again      func() (io.WriteCloser, error)
	kept       []byte
	tooLong    bool
}

func (w *conditionalWriter) Write(p []byte) (int, error) {
	if w.tooLong = w.tooLong || len(w.kept)+len(p) > keptForRepeat; w.tooLong {
		w.kept = nil
	} else {
		w.kept = append(w.kept, p...)
	}
	return w.WriteCloser.Write(p)
}

func (w *conditionalWriter) Close() error {
	err := w.WriteCloser.Close()
	if _, ok := errors.AsType[refusal](err); !ok || w.tooLong || w.repeat() != nil {
		return err // it was not the condition
	}
	w.conditions.refused.Store(true)
	return nil
}

func (w *conditionalWriter) repeat() error {
	plain, err := w.again()
	if err != nil {
		return err
	}
	_, err = plain.Write(w.kept)
	return errors.Join(err, plain.Close())
}

// refusal is an error of a server that does not take a request as it was made: it
// may be the condition that it does not know.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }
