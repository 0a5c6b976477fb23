// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/gopherwood/ark/engine"
)

// Creator starts blobs; see engine.Store.
type Creator interface {
	Create(ctx context.Context, key string) (io.WriteCloser, error)
}

// FileWriter writes a file and learns its size and SHA-256 on the way. It is
// not safe for concurrent use.
type FileWriter struct {
	blob   io.WriteCloser
	cancel context.CancelFunc
	key    string
	sum    hash.Hash
	size   int64
	err    error
}

// NewFile starts the file key. It comes into being with Close; Abort, or the end
// of ctx, discards it.
func NewFile(ctx context.Context, store Creator, key string) (*FileWriter, error) {
	ctx, cancel := context.WithCancel(ctx)
	blob, err := store.Create(ctx, key)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("create %s: %w", key, err)
	}
	return &FileWriter{blob: blob, cancel: cancel, key: key, sum: sha256.New()}, nil
}

// Write appends p. After an error nothing but Abort helps.
func (f *FileWriter) Write(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.blob.Write(p)
	f.sum.Write(p[:n])
	f.size += int64(n)
	if err != nil {
		f.err = fmt.Errorf("write %s: %w", f.key, err)
	}
	return n, f.err
}

// Close makes the file be, unless a Write failed, and tells what was stored.
func (f *FileWriter) Close() (File, error) {
	if f.err != nil {
		f.Abort()
		return File{}, f.err
	}
	defer f.cancel()
	if err := f.blob.Close(); err != nil {
		return File{}, fmt.Errorf("close %s: %w", f.key, err)
	}
	return File{Size: f.size, SHA256: hex.EncodeToString(f.sum.Sum(nil))}, nil
}

// Abort discards the file. After Close it does nothing.
func (f *FileWriter) Abort() {
	f.cancel()
	_ = f.blob.Close() // it was cancelled, and says so
}

// CheckedReader reads a stored file and compares it with what was written: at
// its end, the error is ErrCorrupt instead of io.EOF when size or SHA-256 differ.
// What was read before then is not to be trusted more than its own checks allow.
type CheckedReader struct {
	blob io.ReadCloser
	want File
	sum  hash.Hash
	size int64
}

var _ io.ReadCloser = (*CheckedReader)(nil)

// NewCheckedReader reads blob, which is to be the whole of file.
func NewCheckedReader(blob io.ReadCloser, file File) *CheckedReader {
	return &CheckedReader{blob: blob, want: file, sum: sha256.New()}
}

// Read reads at most one byte more than there should be.
func (r *CheckedReader) Read(p []byte) (int, error) {
	if left := r.want.Size + 1 - r.size; int64(len(p)) > left {
		p = p[:left]
	}
	n, err := r.blob.Read(p)
	r.sum.Write(p[:n])
	r.size += int64(n)
	switch {
	case r.size > r.want.Size:
		return n, fmt.Errorf("%w: it is longer than the %d bytes that were written", engine.ErrCorrupt, r.want.Size)
	case !errors.Is(err, io.EOF):
		return n, err
	case r.size < r.want.Size:
		return n, fmt.Errorf("%w: it is cut short: %d of %d bytes", engine.ErrCorrupt, r.size, r.want.Size)
	case hex.EncodeToString(r.sum.Sum(nil)) != r.want.SHA256:
		return n, fmt.Errorf("%w: its SHA-256 is not that of what was written", engine.ErrCorrupt)
	}
	return n, err
}

// Close closes the blob.
func (r *CheckedReader) Close() error { return r.blob.Close() }
