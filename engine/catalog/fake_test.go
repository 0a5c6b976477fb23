// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

const (
	clusterA = "0e8d1c6a-6f5c-4b8e-9d6f-0a1b2c3d4e5f"
	clusterB = "1f9e2d7b-7a6d-4c9f-8e7a-1b2c3d4e5f60"
	storeID  = "5a1c0de0-0000-4000-8000-000000000001"
	otherID  = "5a1c0de0-0000-4000-8000-000000000002"
)

var start = time.Date(2026, 5, 17, 3, 4, 5, 0, time.UTC)

// clock stands still until it is moved.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// blob is what a memory holds.
type blob struct {
	data    []byte
	modTime time.Time
}

// memory is a store that can be looked into. It overwrites without a word when
// it is lax, as some servers do: correctness must not rest on ErrExists.
type memory struct {
	lax   bool
	clock *clock

	mu    sync.Mutex
	blobs map[string]blob
}

var _ engine.Store = (*memory)(nil)

func newMemory() *memory {
	return &memory{clock: &clock{start}, blobs: map[string]blob{}}
}

func newLaxMemory() *memory {
	m := newMemory()
	m.lax = true
	return m
}

// memoryWriter is a blob that is being written.
type memoryWriter struct {
	bytes.Buffer

	publish func([]byte) error
}

func (w *memoryWriter) Close() error { return w.publish(w.Bytes()) }

func (m *memory) Create(ctx context.Context, key string) (io.WriteCloser, error) {
	return &memoryWriter{publish: func(data []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return m.put(key, data)
	}}, ctx.Err()
}

func (m *memory) put(key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.blobs[key]; ok && !m.lax {
		return fmt.Errorf("create %s: %w", key, engine.ErrExists)
	}
	m.blobs[key] = blob{slices.Clone(data), m.clock.now}
	return nil
}

func (m *memory) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.blobs[key]
	if !ok {
		return nil, fmt.Errorf("open %s: %w", key, engine.ErrNotFound)
	}
	data := b.data[min(offset, int64(len(b.data))):]
	if length >= 0 {
		data = data[:min(length, int64(len(data)))]
	}
	return io.NopCloser(bytes.NewReader(data)), ctx.Err()
}

func (m *memory) List(ctx context.Context, prefix string, folders bool) iter.Seq2[engine.Blob, error] {
	return func(yield func(engine.Blob, error) bool) {
		last := ""
		for _, key := range m.keys() {
			rest, ok := strings.CutPrefix(key, prefix)
			if !ok {
				continue
			}
			m.mu.Lock()
			b := m.blobs[key]
			m.mu.Unlock()
			entry := engine.Blob{Key: key, Size: int64(len(b.data)), ModTime: b.modTime}
			if i := strings.IndexByte(rest, '/'); folders && i >= 0 {
				entry = engine.Blob{Key: prefix + rest[:i+1]}
			}
			if entry.Key == last {
				continue
			}
			last = entry.Key
			if err := ctx.Err(); err != nil {
				yield(engine.Blob{}, err)
				return
			}
			if !yield(entry, nil) {
				return
			}
		}
	}
}

func (m *memory) Delete(ctx context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.blobs, key)
	return ctx.Err()
}

func (m *memory) keys() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.blobs))
}

// keysWith returns the keys that contain part.
func (m *memory) keysWith(part string) []string {
	var keys []string
	for _, k := range m.keys() {
		if strings.Contains(k, part) {
			keys = append(keys, k)
		}
	}
	return keys
}

var errDead = errors.New("process is dead")

// mortal passes steps on to a store until none are left; then every step fails,
// as for a process that died there.
type mortal struct {
	engine.Store

	mu    sync.Mutex
	steps int // left before death
	taken int
}

func (m *mortal) step() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.steps--; m.steps < 0 {
		return errDead
	}
	m.taken++
	return nil
}

func (m *mortal) Create(ctx context.Context, key string) (io.WriteCloser, error) {
	if err := m.step(); err != nil {
		return nil, err
	}
	w, err := m.Store.Create(ctx, key)
	return &mortalWriter{w, m}, err
}

// mortalWriter dies before or after its blob comes into being.
type mortalWriter struct {
	io.WriteCloser

	m *mortal
}

func (w *mortalWriter) Close() error {
	if err := w.m.step(); err != nil {
		return err
	}
	if err := w.WriteCloser.Close(); err != nil {
		return err
	}
	return w.m.step()
}

func (m *mortal) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := m.step(); err != nil {
		return nil, err
	}
	return m.Store.Open(ctx, key, offset, length)
}

func (m *mortal) List(ctx context.Context, prefix string, folders bool) iter.Seq2[engine.Blob, error] {
	if err := m.step(); err != nil {
		return func(yield func(engine.Blob, error) bool) { yield(engine.Blob{}, err) }
	}
	return m.Store.List(ctx, prefix, folders)
}

func (m *mortal) Delete(ctx context.Context, key string) error {
	if err := m.step(); err != nil {
		return err
	}
	return m.Store.Delete(ctx, key)
}

// attach attaches to a store that is given the identity storeID when it has none.
func attach(t testing.TB, store engine.Store, c *clock) *catalog.Catalog {
	t.Helper()
	got, err := catalog.Attach(t.Context(), store, c, catalog.Options{Tool: "ark test", NewID: func() string { return storeID }})
	if err != nil {
		t.Fatalf("Attach() error = %v", err)
	}
	return got
}

// marker is what a caller knows of a backup that it commits.
func marker() archive.Marker {
	return archive.Marker{
		Cluster:      archive.Cluster{Name: "prod"},
		Schedule:     "app.nightly",
		Created:      start,
		Started:      start,
		Completed:    start.Add(time.Minute),
		Expires:      start.Add(720 * time.Hour),
		Completeness: archive.Complete,
	}
}

// take writes the files of a backup and commits it.
func take(ctx context.Context, c *catalog.Catalog, cluster, name, attempt string) (*catalog.Snapshot, error) {
	a, err := c.NewAttempt(cluster, name, attempt)
	if err != nil {
		return nil, err
	}
	for _, file := range []string{archive.ContentsFile, archive.IndexFile} {
		if err := writeFile(ctx, a, file, file+" of "+attempt); err != nil {
			return nil, err
		}
	}
	return a.Commit(ctx, marker())
}

// files starts files; attempts and restore records do.
type files interface {
	File(ctx context.Context, name string) (*catalog.FileWriter, error)
}

func writeFile(ctx context.Context, to files, name, content string) error {
	f, err := to.File(ctx, name)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(f, content); err != nil {
		f.Abort()
		return err
	}
	return f.Close()
}

// mustTake takes a backup that nothing may go wrong with.
func mustTake(t testing.TB, c *catalog.Catalog, cluster, name, attempt string) *catalog.Snapshot {
	t.Helper()
	s, err := take(t.Context(), c, cluster, name, attempt)
	if err != nil {
		t.Fatalf("take backup %s: %v", name, err)
	}
	return s
}
