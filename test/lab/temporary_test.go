// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestFoldersOfDeadProcessesAreSwept(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	old := time.Now().Add(-time.Hour)
	folder := func(name string, lockedAt time.Time) string {
		dir := filepath.Join(tmp, tempPattern+name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		f, err := tryLock(filepath.Join(dir, "lock"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		if err := os.Chtimes(f.Name(), lockedAt, lockedAt); err != nil {
			t.Fatal(err)
		}
		if name != "alive" {
			_ = f.Close() // as the kernel does when the process ends
		}
		return dir
	}
	alive, dead, starting := folder("alive", old), folder("dead", old), folder("starting", time.Now())

	dir, unlock, err := temporaryDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(unlock)

	for _, kept := range []string{alive, starting, dir} {
		if _, err := os.Stat(kept); err != nil {
			t.Errorf("%s is gone: %v", filepath.Base(kept), err)
		}
	}
	if _, err := os.Stat(dead); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there", filepath.Base(dead))
	}
}

func TestALockIsWaitedForAndThenTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lockFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), lockPoll/2)
	defer cancel()
	if _, err := lockFile(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while it is held: got error %v, want %v", err, context.DeadlineExceeded)
	}
	unlock()
	unlock, err = lockFile(t.Context(), path)
	if err != nil {
		t.Fatalf("after it was released: %v", err)
	}
	unlock()
}
