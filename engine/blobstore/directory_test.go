// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
)

// openTemp opens a store in a directory of the test's own, and returns both.
func openTemp(t *testing.T) (directory, string) {
	t.Helper()
	root := t.TempDir()
	s, err := openDirectory(t.Context(), &url.URL{Scheme: "file", Path: root}, Location{}, Options{FileRoot: root})
	if err != nil {
		t.Fatal(err)
	}
	return s.(directory), root
}

// write makes a blob.
func write(ctx context.Context, s engine.Store, key, content string) error {
	w, err := s.Create(ctx, key)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, content)
	return errors.Join(err, w.Close())
}

// files are the paths of everything below dir, directories with a slash.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		if e != nil && e.IsDir() {
			name += "/"
		}
		found = append(found, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found[1:]
}

func TestADirectoryHoldsNothingButBlobs(t *testing.T) {
	d, root := openTemp(t)
	for _, key := range []string{"a/b", "a/c"} {
		if err := write(t.Context(), d, key, "x"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	w, err := d.Create(ctx, "a/d")
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := w.Close(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := write(t.Context(), d, "a/b", "y"); !errors.Is(err, engine.ErrExists) {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"a/", "a/b", "a/c"}, files(t, root)); diff != "" {
		t.Error(diff)
	}
	for path, want := range map[string]fs.FileMode{"a": dirMode | fs.ModeDir, "a/b": fileMode} {
		if info, err := os.Stat(filepath.Join(root, path)); err != nil || info.Mode() != want {
			t.Errorf("%s has mode %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
	for _, key := range []string{"a/b", "a/c"} {
		if err := d.Delete(t.Context(), key); err != nil {
			t.Error(err)
		}
	}
	if left := files(t, root); len(left) > 0 {
		t.Errorf("after deletion there is %v", left)
	}
}

func TestWhatIsNoBlobIsNeitherListedNorRead(t *testing.T) {
	d, root := openTemp(t)
	secret := filepath.Join(t.TempDir(), "secret")
	at := func(name string) string { return filepath.Join(root, name) }
	if err := errors.Join(
		os.WriteFile(secret, []byte("hunter2"), 0o600),
		os.Symlink(secret, at("link")),
		os.Symlink(filepath.Dir(secret), at("dir")),
		os.Symlink("none", at("dangling")),
		syscall.Mkfifo(at("fifo"), 0o600),
		os.MkdirAll(at("empty/folder"), 0o700),
		os.WriteFile(at(uploadPrefix+"LEFT"), []byte("half"), 0o600),
		os.WriteFile(at("has space"), nil, 0o600),
		write(t.Context(), d, "blob", "x"),
	); err != nil {
		t.Fatal(err)
	}
	for _, folders := range []bool{false, true} {
		for b, err := range d.List(t.Context(), "", folders) {
			if err != nil || b.Key != "blob" {
				t.Errorf("listed %q, %v", b.Key, err)
			}
		}
	}
	for _, key := range []string{"link", "dir/secret", "dangling", "fifo", "empty", "empty/folder"} {
		if r, err := d.Open(t.Context(), key, 0, -1); err == nil {
			content, _ := io.ReadAll(r)
			t.Errorf("opened %s: %q, %v", key, content, r.Close())
		}
	}
	for b, err := range d.List(t.Context(), "dir/", false) {
		t.Errorf("listed %v, %v through a link", b, err)
	}
	if err := write(t.Context(), d, "dir/new", "x"); err == nil {
		t.Error("wrote through a link")
	}
	var again *engine.RetryableError
	if err := write(t.Context(), d, "blob/below", "x"); err == nil || errors.As(err, &again) || !strings.Contains(err.Error(), "is a blob") {
		t.Errorf("writing below a blob: %v", err)
	}
}

func TestWithoutHardLinksAKeyIsStillWrittenOnce(t *testing.T) {
	for name, refusal := range map[string]error{"unsupported": syscall.ENOTSUP, "not permitted": syscall.EPERM} {
		t.Run(name, func(t *testing.T) {
			d, root := openTemp(t)
			d.link = func(*os.Root, string, string) error { return refusal }
			first, err := d.Create(t.Context(), "a")
			if err != nil {
				t.Fatal(err)
			}
			second, err := d.Create(t.Context(), "a")
			if err != nil {
				t.Fatal(err)
			}
			if err := first.Close(); err != nil {
				t.Error(err)
			}
			if err := second.Close(); !errors.Is(err, engine.ErrExists) {
				t.Errorf("second writer: %v", err)
			}
			if diff := cmp.Diff([]string{"a"}, files(t, root)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAFailureToPublishLeavesNothing(t *testing.T) {
	d, root := openTemp(t)
	d.link = func(*os.Root, string, string) error { return syscall.EIO }
	var again *engine.RetryableError
	if err := write(t.Context(), d, "a", "x"); !errors.As(err, &again) {
		t.Errorf("error %v, want a retryable one", err)
	}
	if left := files(t, root); len(left) > 0 {
		t.Errorf("there is %v", left)
	}
}

func TestAFailedWriteDiscardsTheBlob(t *testing.T) {
	d, root := openTemp(t)
	w, err := d.Create(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	u := w.(*upload)
	if err := u.file.Close(); err != nil {
		t.Fatal(err)
	}
	u.file = full
	if _, err := w.Write([]byte("x")); err == nil || !strings.Contains(err.Error(), "free some") {
		t.Errorf("Write to a full disk: %v", err)
	}
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), "free some") {
		t.Errorf("Close after a failed write: %v", err)
	}
	if left := files(t, root); len(left) > 0 {
		t.Errorf("there is %v", left)
	}
}

func TestADirectoryThatIsGoneIsNoAnswer(t *testing.T) {
	d, root := openTemp(t)
	if err := write(t.Context(), d, "a", "x"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(root, root+"-away"); err != nil {
		t.Fatal(err)
	}
	_, opened := d.Open(t.Context(), "a", 0, -1)
	_, created := d.Create(t.Context(), "b")
	var listed error
	for _, listed = range d.List(t.Context(), "", false) {
	}
	var again *engine.RetryableError
	for name, err := range map[string]error{"Open": opened, "Create": created, "List": listed, "Delete": d.Delete(t.Context(), "a")} {
		if !errors.As(err, &again) || errors.Is(err, engine.ErrNotFound) {
			t.Errorf("%s: error %v, want a retryable one", name, err)
		}
	}
	if err := os.Rename(root+"-away", root); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(t.Context(), "a", 0, -1); err != nil {
		t.Errorf("after it came back: %v", err)
	}
}

func TestErrorsOfFilesSayWhatToDo(t *testing.T) {
	var again *engine.RetryableError
	for name, c := range map[string]struct {
		err  error
		kind error
		text string
	}{
		"a missing file":         {fs.ErrNotExist, engine.ErrNotFound, "not found"},
		"a file in a file":       {syscall.ENOTDIR, engine.ErrNotFound, "not found"},
		"an existing file":       {syscall.EEXIST, engine.ErrExists, "already exists"},
		"no permission":          {syscall.EACCES, engine.ErrForbidden, fmt.Sprintf("let user %d read and write /srv", os.Getuid())},
		"a read-only mount":      {syscall.EROFS, engine.ErrReadOnly, "mount it writable"},
		"a full disk":            {syscall.ENOSPC, syscall.ENOSPC, "no space is left in /srv: free some"},
		"a quota":                {syscall.EDQUOT, syscall.EDQUOT, "free some"},
		"anything else":          {syscall.EIO, syscall.EIO, "input/output error"},
		"the end of the context": {context.Canceled, context.Canceled, "canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			err := fromFile("/srv", &fs.PathError{Op: "open", Path: "x", Err: c.err})
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %v, want %v and %q", err, c.kind, c.text)
			}
			wantRetry := errors.Is(c.kind, syscall.EIO) || errors.Is(c.kind, syscall.ENOSPC) || errors.Is(c.kind, syscall.EDQUOT)
			if errors.As(err, &again) != wantRetry {
				t.Errorf("error %v is retryable: %v", err, !wantRetry)
			}
		})
	}
}
