// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
)

// uploadInto makes this binary a process that writes into the directory that it names,
// until its input ends or it is killed.
const uploadInto = "ARK_TEST_UPLOAD_INTO"

func TestMain(m *testing.M) {
	dir := os.Getenv(uploadInto)
	if dir == "" {
		os.Exit(m.Run())
	}
	s, err := Open(context.Background(), Location{Name: "main", URL: "file://" + dir}, Options{FileRoot: dir}) //nolint:forbidigo // a process of its own
	if err == nil {
		var w io.Writer
		w, err = s.Create(context.Background(), "ours/data/killed") //nolint:forbidigo // a process of its own
		if err == nil {
			_, err = io.WriteString(w, "part of a Secret")
		}
	}
	fmt.Println(err) //nolint:forbidigo // what the test waits for
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// startUpload starts a process that is in the middle of an upload, and returns what
// kills it.
func startUpload(t *testing.T, dir string) (kill func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), uploadInto+"="+dir)
	in, ierr := cmd.StdinPipe()
	out, oerr := cmd.StdoutPipe()
	if err := errors.Join(ierr, oerr, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed, and says so
		_ = in.Close()
	}
	t.Cleanup(kill)
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "<nil>\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	return kill
}

// uploads are the files of uploads below dir.
func uploads(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	for _, name := range files(t, dir) {
		if strings.Contains(name, uploadPrefix) {
			found = append(found, filepath.Join(dir, name))
		}
	}
	return found
}

// age lets whatever was written be written two days ago.
func age(t *testing.T, paths ...string) {
	t.Helper()
	old := yesterday().Add(-24 * time.Hour)
	for _, path := range paths {
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
}

// yesterday is the age at which uploads are swept.
func yesterday() time.Time {
	return time.Now().Add(-24 * time.Hour) //nolint:forbidigo // the file system stamps what is written with this clock
}

func TestSweepUploadsOfOtherProcesses(t *testing.T) {
	one := engine.Uploads{Removed: 1, Bytes: int64(len("part of a Secret"))}
	for name, tc := range map[string]struct {
		killed, old, noLocks bool
		want                 engine.Uploads
	}{
		"one that was killed a day ago":                         {killed: true, old: true, want: one},
		"one that was killed just now":                          {killed: true},
		"one that lives and has not written for a day":          {old: true},
		"one that lives":                                        {},
		"without locks, one that was killed a day ago":          {killed: true, old: true, noLocks: true, want: one},
		"without locks, one that was killed just now":           {killed: true, noLocks: true},
		"without locks, one that has not written for a day too": {old: true, noLocks: true, want: one},
	} {
		t.Run(name, func(t *testing.T) {
			d, root := openTemp(t)
			if tc.noLocks {
				d.lock = func(*os.File) error { return errNoLocks }
			}
			kill := startUpload(t, root)
			before := uploads(t, root)
			if len(before) != 1 {
				t.Fatalf("there are the uploads %v", before)
			}
			if tc.killed {
				kill()
			}
			if tc.old {
				age(t, before...)
			}
			got, err := d.sweepUploads(t.Context(), "ours/", true, yesterday())
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("swept (-want +got):\n%s%v", diff, err)
			}
			if tc.want.Removed > 0 {
				before = nil
				if left := files(t, root); len(left) > 0 {
					t.Errorf("there is %v", left)
				}
			}
			if diff := cmp.Diff(before, uploads(t, root)); diff != "" {
				t.Errorf("uploads (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnUploadOfThisProcessIsNotSwept(t *testing.T) {
	d, root := openTemp(t)
	sweep := func(at string) {
		t.Helper()
		age(t, uploads(t, root)...)
		if got, err := d.sweepUploads(t.Context(), "", true, yesterday()); err != nil || got != (engine.Uploads{}) {
			t.Errorf("%s, %+v was swept, %v", at, got, err)
		}
	}
	link := d.link
	d.link = func(r *os.Root, from, to string) error {
		sweep("before it has its name")
		return link(r, from, to)
	}
	w, err := d.Create(t.Context(), "a/b")
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(w, "x")
	sweep("while it is written")
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a/", "a/b"}, files(t, root)); diff != "" {
		t.Error(diff)
	}
}

func TestSweepTakesNothingButUploads(t *testing.T) {
	d, root := openTemp(t)
	at := func(name string) string { return filepath.Join(root, name) }
	left := uploadPrefix + "LEFT"
	if err := errors.Join(
		write(t.Context(), d, "ours/data/blob", "whole"),
		write(t.Context(), d, "theirs/data/blob", "whole"),
		// Killed between the blob's name and the end of the other.
		os.Link(at("ours/data/blob"), at("ours/data/"+left)),
		os.WriteFile(at("theirs/data/"+left), []byte("half"), 0o600),
		os.WriteFile(at(left), []byte("probe"), 0o600),
		os.Symlink("blob", at("ours/data/"+uploadPrefix+"LINK")),
		os.Symlink("../../theirs", at("ours/data/theirs")),
		os.Mkdir(at("ours/"+uploadPrefix+"DIR"), 0o700),
		syscall.Mkfifo(at("ours/"+uploadPrefix+"FIFO"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	age(t, at("ours/data/blob"), at("theirs/data/"+left), at("theirs/data/blob"), at(left))
	before := files(t, root)
	for _, sweep := range []struct {
		folder string
		deep   bool
		want   engine.Uploads
		gone   string
	}{
		{"", false, engine.Uploads{Removed: 1, Bytes: 5}, left},
		{"ours/", true, engine.Uploads{Removed: 1, Bytes: 5}, "ours/data/" + left},
		{"ours/", true, engine.Uploads{}, ""},
		{"nobodys/", true, engine.Uploads{}, ""},
	} {
		got, err := d.sweepUploads(t.Context(), sweep.folder, sweep.deep, yesterday())
		if got != sweep.want || err != nil {
			t.Errorf("in %q, %+v was swept, want %+v: %v", sweep.folder, got, sweep.want, err)
		}
		var want []string
		for _, name := range before {
			if name != sweep.gone {
				want = append(want, name)
			}
		}
		if diff := cmp.Diff(want, files(t, root)); diff != "" {
			t.Errorf("after sweeping %q (-want +got):\n%s", sweep.folder, diff)
		}
		before = want
	}
}

func TestWhatCannotBeSweptIsCounted(t *testing.T) {
	d, root := openTemp(t)
	for _, name := range []string{"FIRST", "SECOND"} {
		if err := os.WriteFile(filepath.Join(root, uploadPrefix+name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	age(t, uploads(t, root)...)
	d.lock = func(f *os.File) error {
		if strings.HasSuffix(f.Name(), "FIRST") {
			return syscall.EIO
		}
		return tryLock(f)
	}
	got, err := d.sweepUploads(t.Context(), "", true, yesterday())
	if diff := cmp.Diff(engine.Uploads{Removed: 1, Bytes: 4, Left: 1}, got); diff != "" || !errors.Is(err, syscall.EIO) {
		t.Errorf("swept (-want +got):\n%s%v", diff, err)
	}
}

func TestAnUploadWhoseFileIsGoneFailsForNow(t *testing.T) {
	d, root := openTemp(t)
	w, err := d.Create(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(uploads(t, root)[0]); err != nil {
		t.Fatal(err)
	}
	var again *engine.RetryableError
	if err := w.Close(); !errors.As(err, &again) || errors.Is(err, engine.ErrNotFound) {
		t.Errorf("Close() error = %v, want a retryable one", err)
	}
}

func TestAReadOnlyLocationIsNotSwept(t *testing.T) {
	root := t.TempDir()
	s, err := Open(t.Context(), Location{Name: "main", URL: "file://" + root, ReadOnly: true}, Options{FileRoot: root})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SweepUploads(t.Context(), "", true, yesterday()); !errors.Is(err, engine.ErrReadOnly) {
		t.Errorf("SweepUploads() error = %v", err)
	}
}
