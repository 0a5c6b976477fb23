// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
	"time"

	"github.com/gopherwood/ark/engine"
)

// claim locks the file of an upload, so that nobody takes it for one whose process
// died. It is locked through a file description of its own, which outlives the one that
// is written and closed before the blob gets its name.
func (w *upload) claim() error {
	lock, err := w.root.OpenFile(w.temp, os.O_RDWR, 0)
	if err == nil {
		w.lock = lock
		err = w.dir.lock(lock)
	}
	if errors.Is(err, errNoLocks) {
		w.release()
		return nil // those who sweep have the age alone to go by
	}
	if err != nil {
		w.release()
		_ = w.file.Close() // the error that ends the upload is the one to report
		_ = w.root.Remove(w.temp)
	}
	return err
}

func (w *upload) release() {
	if w.lock != nil {
		_ = w.lock.Close() // nothing was written through it
	}
	w.lock = nil
}

// errNoLocks: the file system does not know flock(2).
var errNoLocks = errors.New("the file system has no locks")

// errInUse: another file description has the lock, in this process or another.
var errInUse = errors.New("the file is being written")

// tryLock takes the lock of a file that is open for writing, which NFS asks for. The end
// of the process releases it, however it comes.
func tryLock(f *os.File) error {
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var locked error
	if err := raw.Control(func(fd uintptr) { locked = flock(int(fd)) }); err != nil {
		return err
	}
	return locked
}

func flock(fd int) error {
	for {
		err := syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return errInUse
		case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOLCK):
			return errNoLocks
		}
		return err
	}
}

// sweepUploads removes the uploads in the directory of folder, and with deep in those
// below, that were last written before a time and that no process has locked. It goes
// on past what it cannot remove, and returns the first reason.
func (d directory) sweepUploads(ctx context.Context, folder string, deep bool, before time.Time) (engine.Uploads, error) {
	r, err := d.enter()
	if err != nil {
		return engine.Uploads{}, err
	}
	defer func() { _ = r.Close() }()
	s := sweep{root: r, lock: d.lock, deep: deep, before: before}
	s.directory(ctx, path.Clean(folder))
	return s.swept, d.explain(errors.Join(ctx.Err(), s.failed))
}

// sweep looks for uploads whose process died.
type sweep struct {
	root   *os.Root
	lock   func(*os.File) error
	deep   bool
	before time.Time
	swept  engine.Uploads
	failed error
}

// fail keeps the first failure. What is gone by now is none.
func (s *sweep) fail(err error) {
	if s.failed == nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) {
		s.failed = err
	}
}

// directory sweeps a directory, which is no symbolic link.
func (s *sweep) directory(ctx context.Context, name string) {
	info, err := s.root.Lstat(name)
	if err != nil || !info.IsDir() {
		s.fail(err)
		return
	}
	sub, err := s.root.OpenRoot(name)
	if err != nil {
		s.fail(err)
		return
	}
	entries, err := readDirectory(sub)
	_ = sub.Close()
	s.fail(err)
	removed := s.swept.Removed
	for _, e := range entries {
		child := path.Join(name, e.Name())
		switch {
		case ctx.Err() != nil:
			return
		case e.Type().IsRegular() && strings.HasPrefix(e.Name(), uploadPrefix):
			s.upload(child)
		case e.IsDir() && s.deep:
			s.directory(ctx, child)
		}
	}
	if s.swept.Removed > removed && name != "." {
		_ = s.root.Remove(name) // a folder does not outlive its blobs; one that is not empty stays
	}
}

// upload removes one that is old and not in use. Its age is looked at first: one that
// has just begun is not locked yet.
func (s *sweep) upload(name string) {
	size, err := s.remove(name)
	switch {
	case err == nil:
		s.swept.Removed++
		s.swept.Bytes += size
	case errors.Is(err, errInUse), errors.Is(err, fs.ErrNotExist):
	default:
		s.swept.Left++
		s.fail(err)
	}
}

func (s *sweep) remove(name string) (size int64, err error) {
	listed, err := s.root.Lstat(name)
	if err != nil {
		return 0, err
	}
	if !s.old(listed) {
		return 0, errInUse
	}
	f, err := s.root.OpenFile(name, os.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // and the lock with it, after the name is gone
	if err := s.lock(f); err != nil && !errors.Is(err, errNoLocks) {
		return 0, err
	}
	locked, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if !os.SameFile(listed, locked) || !s.old(locked) {
		return 0, errInUse // it is another, or was written to meanwhile
	}
	return locked.Size(), s.root.Remove(name)
}

func (s *sweep) old(info fs.FileInfo) bool {
	return info.Mode().IsRegular() && info.ModTime().Before(s.before)
}
