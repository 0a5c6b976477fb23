// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/gopherwood/ark/engine"
)

// Store is an open storage location. It is safe for concurrent use and holds
// nothing that needs to be closed.
type Store struct {
	// bucket takes keys that are valid and complete.
	bucket   engine.Store
	name     string
	prefix   string
	readOnly bool
}

var _ engine.Store = (*Store)(nil)

// newStore puts the rules that hold for every location in front of bucket.
func newStore(bucket engine.Store, loc Location) *Store {
	prefix := loc.Prefix
	if prefix != "" {
		prefix += "/"
	}
	return &Store{bucket: bucket, name: loc.Name, prefix: prefix, readOnly: loc.ReadOnly}
}

// Create implements engine.Store.
func (s *Store) Create(ctx context.Context, key string) (io.WriteCloser, error) {
	full, err := s.writable(ctx, key)
	if err != nil {
		return nil, s.wrap("create", key, err)
	}
	w, err := s.bucket.Create(ctx, full)
	if err != nil {
		return nil, s.wrap("create", key, err)
	}
	return &writer{inner: w, cancelled: ctx.Err, wrap: func(err error) error { return s.wrap("write", key, err) }}, nil
}

// Open implements engine.Store.
func (s *Store) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	full, err := s.readable(ctx, key)
	if err == nil && offset < 0 {
		err = fmt.Errorf("offset %d is negative", offset)
	}
	if err != nil {
		return nil, s.wrap("open", key, err)
	}
	r, err := s.bucket.Open(ctx, full, offset, length)
	if err != nil {
		return nil, s.wrap("open", key, err)
	}
	return &reader{inner: r, cancelled: ctx.Err, wrap: func(err error) error { return s.wrap("read", key, err) }}, nil
}

// List implements engine.Store. Blobs whose keys Ark would never write are not
// shown.
func (s *Store) List(ctx context.Context, prefix string, folders bool) iter.Seq2[engine.Blob, error] {
	return func(yield func(engine.Blob, error) bool) {
		err := s.list(ctx, prefix, folders, func(b engine.Blob) bool { return yield(b, nil) })
		if err != nil {
			yield(engine.Blob{}, s.wrap("list", prefix, err))
		}
	}
}

func (s *Store) list(ctx context.Context, prefix string, folders bool, yield func(engine.Blob) bool) error {
	if err := checkPrefix(prefix); err != nil {
		return err
	}
	full := s.prefix + prefix
	var forward progress
	for blob, err := range s.bucket.List(ctx, full, folders) {
		if err := errors.Join(ctx.Err(), err); err != nil {
			return err
		}
		if !strings.HasPrefix(blob.Key, full) || !ours(blob.Key) {
			continue
		}
		if err := forward.next(blob.Key); err != nil {
			return err
		}
		blob.Key = blob.Key[len(s.prefix):]
		if !yield(blob) {
			return nil
		}
	}
	return ctx.Err()
}

// Delete implements engine.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	full, err := s.writable(ctx, key)
	if err == nil {
		err = s.bucket.Delete(ctx, full)
	}
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	return s.wrap("delete", key, err)
}

// SweepUploads removes what killed writers left, as catalog.Sweeper says. Only in a
// directory do they leave anything: the services have rules of their own for it, which
// the documentation of storage locations lists.
func (s *Store) SweepUploads(ctx context.Context, folder string, deep bool, before time.Time) (engine.Uploads, error) {
	d, ok := s.bucket.(directory)
	if !ok {
		return engine.Uploads{}, ctx.Err()
	}
	err := checkPrefix(folder)
	if err == nil && s.readOnly {
		err = errReadOnly
	}
	if err != nil {
		return engine.Uploads{}, s.wrap("sweep", folder, err)
	}
	swept, err := d.sweepUploads(ctx, s.prefix+folder, deep, before)
	return swept, s.wrap("sweep", folder, err)
}

// errReadOnly refuses whatever would change a location that is only read.
var errReadOnly = explained{kind: engine.ErrReadOnly, text: "the location is read-only: set its access to ReadWrite"}

// writable returns the complete key of a blob to be written or deleted.
func (s *Store) writable(ctx context.Context, key string) (string, error) {
	if s.readOnly {
		return "", errReadOnly
	}
	return s.readable(ctx, key)
}

// readable returns the complete key of a blob.
func (s *Store) readable(ctx context.Context, key string) (string, error) {
	full := s.prefix + key
	if err := checkKey(key); err != nil {
		return "", err
	}
	if len(full) > maxKey {
		return "", fmt.Errorf("a key of %d bytes, with its prefix, is longer than %d", len(full), maxKey)
	}
	return full, ctx.Err()
}

// wrap says what could not be done. It leaves a nil error nil.
func (s *Store) wrap(verb, key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %q in storage location %q: %w", verb, key, s.name, err)
}

// writer is a blob that is being written. It makes sure that a blob whose
// writing failed once never comes into being.
type writer struct {
	inner     io.WriteCloser
	cancelled func() error
	wrap      func(error) error
}

func (w *writer) Write(p []byte) (int, error) {
	if err := w.cancelled(); err != nil {
		return 0, w.wrap(err)
	}
	n, err := w.inner.Write(p)
	return n, w.wrap(err)
}

func (w *writer) Close() error { return w.wrap(w.inner.Close()) }

// reader reads a blob until its context ends.
type reader struct {
	inner     io.ReadCloser
	cancelled func() error
	wrap      func(error) error
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.cancelled(); err != nil {
		return 0, r.wrap(err)
	}
	n, err := r.inner.Read(p)
	if err == io.EOF { // the bare io.EOF, as io.Reader promises it
		return n, io.EOF
	}
	return n, r.wrap(err)
}

func (r *reader) Close() error { return r.wrap(r.inner.Close()) }
