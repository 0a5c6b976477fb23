// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gopherwood/ark/test/lab"
)

// sights are what the tour must show, in this order.
var sights = []string{
	"backuppolicy.ark.gopherwood.dev/shop condition met",
	"shop.nightly",
	"backup before-upgrade created",
	"Made for:     policy shop",
	`namespace "shop" deleted`,
	"denied by restore-beside-first",
	"exit code 4",
	"restore look-first: Planned",
	"restore beside: Succeeded",
	"ARK-RESTORE",
	"beside",
	"before-upgrade",
	"resources/deployments.apps/namespaces/shop/web.json",
	"metadata/version",
}

// TestTheTour runs the blocks of the README that are marked as the tour, in
// order, as one script, in a copy of the checkout: so the lab that somebody has
// running in this one, and bin, are left alone. What the lab is built of is
// shared through its cache.
func TestTheTour(t *testing.T) {
	checkout := filepath.Join(t.TempDir(), "ark")
	copyTree(t, root, checkout)
	t.Cleanup(func() {
		left := &lab.Background{Dir: filepath.Join(checkout, "bin", "lab"), Log: io.Discard}
		if err := left.Down(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})

	parts := []string{"set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"}
	for _, b := range blocksOf(t, "README.md") {
		if b.mark == "tour" {
			parts = append(parts, b.text)
		}
	}
	if len(parts) < 5 {
		t.Fatalf("the tour has %d parts", len(parts))
	}
	out, err := run(t, checkout, strings.Join(parts, ""))
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	rest := out
	for _, sight := range sights {
		_, after, seen := strings.Cut(rest, sight)
		if !seen {
			t.Fatalf("the tour does not show %q where it should:\n%s", sight, out)
		}
		rest = after
	}
}

// run runs a bash script in dir, in a process group of its own, which is ended
// with the test.
func run(t *testing.T, dir, script string) (string, error) {
	t.Helper()
	ctx := t.Context()
	if deadline, ok := t.Deadline(); ok {
		// A test that runs out of time cannot clear away.
		early, cancel := context.WithDeadline(ctx, deadline.Add(-time.Minute))
		defer cancel()
		ctx = early
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = append(slices.DeleteFunc(os.Environ(), ofMake), "TMPDIR="+t.TempDir(),
		"BUILD_FLAGS=", "CGO_ENABLED="+cgo(t)) // what tests compiled need not be compiled again
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	err := cmd.Run()
	return out.String(), err
}

// cgo is what tests are compiled with.
func cgo(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "CGO_ENABLED").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// ofMake reports whether a variable is what one make hands to another: the tour
// begins with none.
func ofMake(variable string) bool {
	name, _, _ := strings.Cut(variable, "=")
	return slices.Contains([]string{"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "KUBECONFIG"}, name)
}

// copyTree copies a checkout without what was built in it.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case entry.IsDir() && (rel == ".git" || rel == "bin"):
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(target, 0o750)
		case !entry.Type().IsRegular():
			return nil
		}
		return copyFile(path, target)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode().Perm())
}
