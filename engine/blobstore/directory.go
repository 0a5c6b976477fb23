// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"github.com/gopherwood/ark/engine"
)

const (
	// Backups hold Secrets: nobody but the user that Ark runs as may read them.
	dirMode  = 0o700
	fileMode = 0o600

	// uploadPrefix begins the names of blobs that are being written, and of those
	// that were when a process died. No key holds a comma, so that no listing shows
	// them.
	uploadPrefix = ",upload-"
)

// directory is a store in a directory. See DESIGN.md for why it is not
// gocloud.dev's.
type directory struct {
	// root is the resolved directory that no path may leave, and dir the store's
	// own below it.
	root, dir string
	// link gives a file a second name unless that name exists.
	link func(r *os.Root, from, to string) error
	// lock locks a file that is open for writing, until it is closed: errInUse when
	// another has, errNoLocks where that cannot be known.
	lock func(*os.File) error
}

var _ engine.Store = directory{}

// openDirectory opens file:///directory.
func openDirectory(_ context.Context, u *url.URL, loc Location, opts Options) (engine.Store, error) {
	if err := refuseSecrets(u, opts); err != nil {
		return nil, err
	}
	if u.Host != "" || !path.IsAbs(u.Path) {
		return nil, errors.New("the url names no directory: write file:///directory, with three slashes")
	}
	root, dir, err := below(opts.FileRoot, filepath.FromSlash(u.Path))
	if err != nil {
		return nil, err
	}
	d := directory{root: root, dir: dir, link: (*os.Root).Link, lock: tryLock}
	if !loc.ReadOnly && !loc.Existing {
		if err := d.make(); err != nil {
			return nil, err
		}
	}
	r, err := d.enter()
	if err != nil {
		return nil, err
	}
	return d, r.Close()
}

// below resolves a path and returns the root, resolved too, and where below it
// the path leads.
func below(root, name string) (resolved, rel string, err error) {
	if root == "" {
		return "", "", errors.New("file URLs are switched off: start Ark with --file-store-root")
	}
	resolved, err = filepath.Abs(root)
	if err == nil {
		resolved, err = filepath.EvalSymlinks(resolved)
	}
	if err != nil {
		return "", "", fmt.Errorf("find the directory that --file-store-root names: %w", err)
	}
	// A path that is written with the unresolved root, or resolves to one below it.
	target, err := resolve(filepath.Clean(name))
	if err != nil {
		return "", "", fmt.Errorf("find %s: %w", name, fromFile(name, err))
	}
	rel, err = filepath.Rel(resolved, target)
	if err != nil || !filepath.IsLocal(rel) {
		return "", "", fmt.Errorf("%s is not below %s: change the url, or the flag --file-store-root", name, root)
	}
	return resolved, rel, nil
}

// resolve follows the symbolic links in the part of name that exists.
func resolve(name string) (string, error) {
	target, err := filepath.EvalSymlinks(name)
	parent := filepath.Dir(name)
	if !errors.Is(err, fs.ErrNotExist) || parent == name {
		return target, err
	}
	if _, err := os.Lstat(name); err == nil {
		return "", errors.New("it is a symbolic link that leads nowhere")
	}
	target, err = resolve(parent)
	return filepath.Join(target, filepath.Base(name)), err
}

// path is the store's directory, for people.
func (d directory) path() string { return filepath.Join(d.root, d.dir) }

// make creates the store's directory.
func (d directory) make() error {
	r, err := os.OpenRoot(d.root)
	if err != nil {
		return d.explain(err)
	}
	defer func() { _ = r.Close() }()
	err = r.MkdirAll(d.dir, dirMode)
	if isFile(err) {
		return fmt.Errorf("a part of %s is a file: change the url, or remove the file", d.path())
	}
	return d.explain(err)
}

// enter opens the directory anew for each use: it may be a mount that comes and
// goes, and os.Root holds on to what it once opened. That it is missing says
// nothing of any blob, so it is not ErrNotFound.
func (d directory) enter() (*os.Root, error) {
	r, err := os.OpenRoot(d.root)
	if err == nil {
		parent := r
		r, err = parent.OpenRoot(d.dir)
		_ = parent.Close()
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, &engine.RetryableError{Err: fmt.Errorf("directory %s does not exist: create or mount it", d.path())}
	}
	return r, d.explain(err)
}

func (d directory) explain(err error) error { return fromFile(d.path(), err) }

func (d directory) Create(ctx context.Context, key string) (io.WriteCloser, error) {
	r, err := d.enter()
	if err != nil {
		return nil, err
	}
	w := &upload{dir: d, root: r, key: key, temp: path.Join(path.Dir(key), uploadPrefix+rand.Text()), cancelled: ctx.Err}
	if err := w.start(); err != nil {
		_ = r.Close()
		return nil, d.explain(err)
	}
	return w, nil
}

func (d directory) Open(_ context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, err := d.enter()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	// Non-blocking, or a FIFO that somebody put there is waited for forever.
	f, err := r.OpenFile(key, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, d.explain(err)
	}
	if err := seek(f, offset); err != nil {
		_ = f.Close()
		return nil, d.explain(err)
	}
	if length < 0 {
		return fileReader{Reader: f, file: f, dir: d}, nil
	}
	return fileReader{Reader: io.LimitReader(f, length), file: f, dir: d}, nil
}

// seek moves f to offset, if it is a blob.
func seek(f *os.File, offset int64) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fs.ErrNotExist
	}
	_, err = f.Seek(offset, io.SeekStart)
	return err
}

// Delete removes a blob, and the directories that are empty then: in object
// storage a folder does not outlive its blobs. The removal reaches the disk
// before Delete returns, or a marker could come back without its data.
func (d directory) Delete(_ context.Context, key string) error {
	r, err := d.enter()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	info, err := r.Lstat(key)
	if err != nil || info.IsDir() {
		return d.explain(err)
	}
	if err := r.Remove(key); err != nil {
		return d.explain(err)
	}
	for dir := path.Dir(key); ; dir = path.Dir(dir) {
		if dir != "." && r.Remove(dir) == nil {
			continue
		}
		return d.explain(syncDirectory(r, dir))
	}
}

// syncDirectory makes the names in a directory durable. One that is gone has
// none.
func syncDirectory(r *os.Root, dir string) error {
	f, err := r.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		err = nil // file systems that cannot are as durable as they will be
	}
	return errors.Join(err, f.Close())
}

// fileReader reads a file.
type fileReader struct {
	io.Reader

	file *os.File
	dir  directory
}

func (r fileReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	return n, r.dir.explain(err)
}

func (r fileReader) Close() error { return r.dir.explain(r.file.Close()) }

// upload is a blob that is being written, under a name of its own.
type upload struct {
	dir  directory
	root *os.Root
	file *os.File
	// lock tells those who sweep that the upload is alive, until it is closed; nil where
	// the file system has no locks.
	lock      *os.File
	key, temp string
	cancelled func() error
	failed    error
}

// startAttempts is how often a directory may vanish between being made and being
// used before upload gives up.
const startAttempts = 100

// start creates the file. Whoever deletes the last blob of a directory removes
// the directory, perhaps just when it was made, hence the attempts.
func (w *upload) start() error {
	if _, err := w.root.Lstat(w.key); err == nil {
		return fs.ErrExist
	}
	var err error
	for range startAttempts {
		err = w.root.MkdirAll(path.Dir(w.key), dirMode)
		if isFile(err) && w.belowBlob() {
			return fmt.Errorf("a part of %q is a blob, and a directory holds nothing below one", w.key)
		}
		if err == nil {
			w.file, err = w.root.OpenFile(w.temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
		}
		if err == nil {
			return w.claim()
		}
		if !errors.Is(err, fs.ErrNotExist) && !isFile(err) {
			return err
		}
	}
	return &engine.RetryableError{Err: err}
}

// belowBlob reports whether a part of the key is a blob. MkdirAll alone does not
// tell: it says that something exists of a directory that vanishes as it is made.
func (w *upload) belowBlob() bool {
	for parent := path.Dir(w.key); parent != "."; parent = path.Dir(parent) {
		if found, err := w.root.Lstat(parent); err == nil && !found.IsDir() {
			return true
		}
	}
	return false
}

// isFile reports whether err says that a file is where a directory should be.
func isFile(err error) bool {
	return errors.Is(err, syscall.ENOTDIR) || errors.Is(err, fs.ErrExist)
}

func (w *upload) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	if err != nil {
		w.failed = err
	}
	return n, w.dir.explain(err)
}

// Close makes the blob: bytes to the disk, then its name, then the directories
// that hold it.
func (w *upload) Close() error {
	defer func() {
		w.release()               // before the name goes, or NFS keeps the bytes under another
		_ = w.root.Remove(w.temp) // the blob has another name by now, or shall not exist
		_ = w.root.Close()
	}()
	if err := cmp.Or(w.failed, w.cancelled()); err != nil {
		_ = w.file.Close() // the error that discards the blob is the one to report
		return w.dir.explain(err)
	}
	if err := errors.Join(w.file.Sync(), w.file.Close()); err != nil {
		return w.dir.explain(err)
	}
	return w.dir.explain(w.publish())
}

// publish gives the blob its name. A hard link fails when the name exists,
// whoever made it; where there are no hard links, the check is a step of its own.
func (w *upload) publish() error {
	err := w.dir.link(w.root, w.temp, w.key)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrPermission) {
		if _, err := w.root.Lstat(w.key); err == nil {
			return fs.ErrExist
		}
		err = w.root.Rename(w.temp, w.key)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &engine.RetryableError{Err: errors.New("the file that was being written is gone: somebody removed it")}
	}
	for dir := path.Dir(w.key); err == nil; dir = path.Dir(dir) {
		err = syncDirectory(w.root, dir)
		if dir == "." {
			break
		}
	}
	return err
}
