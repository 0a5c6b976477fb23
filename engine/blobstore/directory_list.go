// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/gopherwood/ark/engine"
)

// List walks the directories in the order of keys, which is not that of names:
// "a-b" comes before "a/b". Whatever cannot be read ends the listing with an
// error, because a listing that is silently short reads as data that is gone.
func (d directory) List(ctx context.Context, prefix string, folders bool) iter.Seq2[engine.Blob, error] {
	return func(yield func(engine.Blob, error) bool) {
		r, err := d.enter()
		if err != nil {
			yield(engine.Blob{}, err)
			return
		}
		defer func() { _ = r.Close() }()
		w := walk{
			cancelled: ctx.Err,
			prefix:    prefix,
			folders:   folders,
			yield:     func(b engine.Blob) bool { return yield(b, nil) },
		}
		dir := prefix[:strings.LastIndexByte(prefix, '/')+1]
		err = w.enter(r, path.Clean(dir), dir)
		if err != nil && !errors.Is(err, errStopped) {
			yield(engine.Blob{}, d.explain(err))
		}
	}
}

// errStopped ends a walk that nobody wants the rest of.
var errStopped = errors.New("stopped")

// walk yields the blobs below a directory.
type walk struct {
	cancelled func() error
	prefix    string
	folders   bool
	yield     func(engine.Blob) bool
}

// enter walks the directory name of r, whose keys begin with dir. One that is
// missing, or vanished since it was listed, holds nothing.
func (w walk) enter(r *os.Root, name, dir string) error {
	info, err := r.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || err == nil && !info.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	sub, err := r.OpenRoot(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = sub.Close() }()
	entries, err := readDirectory(sub)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.entry(sub, dir, e); err != nil {
			return err
		}
	}
	return nil
}

// entry yields a file, or what is below a directory. Everything else, such as a
// symbolic link, is no blob.
func (w walk) entry(r *os.Root, dir string, e fs.DirEntry) error {
	if err := w.cancelled(); err != nil {
		return err
	}
	key := sortKey(dir, e)
	if !strings.HasPrefix(key, w.prefix) || !ours(key) {
		return nil
	}
	if e.IsDir() && w.folders {
		return w.folder(r, e.Name(), key)
	}
	if e.IsDir() {
		return w.enter(r, e.Name(), key)
	}
	info, err := r.Lstat(e.Name())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() && !w.yield(engine.Blob{Key: key, Size: info.Size(), ModTime: info.ModTime()}) {
		return errStopped
	}
	return nil
}

// folder yields a folder if it holds a blob.
func (w walk) folder(r *os.Root, name, key string) error {
	found := false
	below := walk{cancelled: w.cancelled, yield: func(engine.Blob) bool { found = true; return false }}
	if err := below.enter(r, name, key); err != nil && !errors.Is(err, errStopped) {
		return err
	}
	if found && !w.yield(engine.Blob{Key: key}) {
		return errStopped
	}
	return nil
}

// readDirectory returns the entries of a directory in the order of keys. They
// are in memory at once, as the largest directory, that of the markers, has one
// entry for each backup.
func readDirectory(r *os.Root) ([]fs.DirEntry, error) {
	f, err := r.Open(".")
	if err != nil {
		return nil, err
	}
	entries, err := f.ReadDir(-1)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(sortKey("", a), sortKey("", b)) })
	return entries, nil
}

// sortKey is the key of an entry of dir: a folder's ends in a slash.
func sortKey(dir string, e fs.DirEntry) string {
	if e.IsDir() {
		return dir + e.Name() + "/"
	}
	return dir + e.Name()
}
