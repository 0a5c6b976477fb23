// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// tempPattern names the folders of clusters that belong to a process.
const tempPattern = "ark-lab-"

// staleAfter protects a folder whose owner has not locked it yet.
const staleAfter = time.Minute

// temporaryDir makes a folder that is locked while this process lives, and
// removes those of processes that were killed before they could.
func temporaryDir() (dir string, unlock func(), err error) {
	sweep()
	dir, err = os.MkdirTemp("", tempPattern)
	if err != nil {
		return "", nil, err
	}
	f, err := tryLock(filepath.Join(dir, "lock"))
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, func() { _ = f.Close() }, nil
}

// sweep removes folders whose owner is gone. What it cannot remove it leaves.
func sweep() {
	dirs, _ := filepath.Glob(filepath.Join(os.TempDir(), tempPattern+"*"))
	for _, dir := range dirs {
		lock := filepath.Join(dir, "lock")
		if info, err := os.Stat(lock); err != nil || time.Since(info.ModTime()) < staleAfter {
			continue
		}
		if f, err := tryLock(lock); err == nil {
			_ = os.RemoveAll(dir)
			_ = f.Close()
		}
	}
}

func tryLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}
