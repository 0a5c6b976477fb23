// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"io"
	"iter"
	"time"
)

// Store is a place in object storage: blobs under slash-separated keys. It is
// safe for concurrent use. Keys are relative to the location's prefix, made of
// the characters A-Z a-z 0-9 . _ ~ - and /; others are refused.
//
// Nothing is ever overwritten. Blobs appear whole or not at all, and a read
// after Close of the writer sees the blob.
type Store interface {
	// Create starts a blob. It comes into being when Close returns nil; cancelling
	// ctx before Close discards it, and so does a failed Write or Close. ErrExists,
	// from Create or Close, when the key exists and the store can tell: correctness
	// must not rest on it. ErrReadOnly on a location that is never written.
	Create(ctx context.Context, key string) (io.WriteCloser, error)
	// Open reads length bytes from offset on; a negative length reads to the end.
	// ErrNotFound when there is no such blob.
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	// List yields the blobs whose keys begin with prefix, in the order of their
	// keys. With folders, keys are cut after the next slash behind prefix, and each
	// such folder is yielded once. A yielded error ends the sequence.
	List(ctx context.Context, prefix string, folders bool) iter.Seq2[Blob, error]
	// Delete removes a blob; one that does not exist is no error.
	Delete(ctx context.Context, key string) error
}

// Blob is an entry of a listing.
type Blob struct {
	// Key of the blob, or of a folder, which ends in a slash.
	Key     string
	Size    int64
	ModTime time.Time
}

// Uploads are what killed writers left in a store and no listing shows.
type Uploads struct {
	// Removed and Bytes count what was removed, Left what could not be.
	Removed int
	Bytes   int64
	Left    int
}
