// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// folder gathers the files that one commit will name.
type folder struct {
	c      *Catalog
	prefix string

	mu      sync.Mutex
	written map[string]archive.File
	open    map[string]struct{}
}

func newFolder(c *Catalog, prefix string) *folder {
	return &folder{c: c, prefix: prefix, written: map[string]archive.File{}, open: map[string]struct{}{}}
}

// File starts a file. Whatever is started must be closed or aborted before the
// commit.
func (f *folder) File(ctx context.Context, name string) (*FileWriter, error) {
	if err := f.c.writable(); err != nil {
		return nil, fmt.Errorf("start file %s: %w", name, err)
	}
	if err := f.begin(name); err != nil {
		return nil, err
	}
	w, err := archive.NewFile(ctx, f.c.store, f.prefix+name)
	if err != nil {
		f.end(name, nil)
		return nil, err
	}
	return &FileWriter{file: w, name: name, folder: f}, nil
}

func (f *folder) begin(name string) error {
	if !archive.IsFile(name) {
		return fmt.Errorf("start file %q: it is not a file name", name)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	_, written := f.written[name]
	_, open := f.open[name]
	if written || open {
		return fmt.Errorf("start file %s: %w", name, engine.ErrExists)
	}
	f.open[name] = struct{}{}
	return nil
}

// end notes what became of a file; nil when it did not come into being.
func (f *folder) end(name string, file *archive.File) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.open, name)
	if file != nil {
		f.written[name] = *file
	}
}

// files returns what was written, once all of it is found in the store.
func (f *folder) files(ctx context.Context) (map[string]archive.File, error) {
	f.mu.Lock()
	open := slices.Sorted(maps.Keys(f.open))
	missing := maps.Clone(f.written)
	files := maps.Clone(f.written)
	f.mu.Unlock()
	if len(open) > 0 {
		return nil, fmt.Errorf("files are still being written: %s", strings.Join(open, ", "))
	}
	for blob, err := range f.c.store.List(ctx, f.prefix, false) {
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", f.prefix, err)
		}
		name := strings.TrimPrefix(blob.Key, f.prefix)
		file, known := files[name]
		if known && blob.Size != file.Size {
			return nil, fmt.Errorf("%w: %s has %d bytes in the store, %d were written", engine.ErrCorrupt, blob.Key, blob.Size, file.Size)
		}
		delete(missing, name)
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		return nil, fmt.Errorf("%w: %s%s was written and is not in the store", engine.ErrCorrupt, f.prefix, name)
	}
	return files, nil
}

// FileWriter writes a file of a backup or restore. It is not safe for concurrent
// use.
type FileWriter struct {
	file   *archive.FileWriter
	name   string
	folder *folder
}

// Write appends p.
func (w *FileWriter) Write(p []byte) (int, error) { return w.file.Write(p) }

// Close makes the file be.
func (w *FileWriter) Close() error {
	file, err := w.file.Close()
	if err != nil {
		w.folder.end(w.name, nil)
		return err
	}
	w.folder.end(w.name, &file)
	return nil
}

// Abort discards the file, which can then be started again.
func (w *FileWriter) Abort() {
	w.file.Abort()
	w.folder.end(w.name, nil)
}
