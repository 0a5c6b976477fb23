// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// moments are what the story must show, in this order.
var moments = []string{
	"1. An application",
	"deployment.apps/web created",
	"2. A policy in Git becomes a backup",
	`exclude contains "cache"`,
	"backuppolicy.ark.gopherwood.dev/shop created",
	"backup.ark.gopherwood.dev/shop.nightly-",
	"3. What was taken, what was left out, and why",
	"2 left out, 0 failed",
	"cache",
	"service-account-token",
	"4. The archive is an ordinary tarball",
	"resources/deployments.apps/namespaces/shop/web.json",
	"5. Disaster",
	`namespace "shop" deleted`,
	"6. A restore that the rules refuse",
	"denied by restore-beside-first",
	"(exit code 4)",
	"7. A restore beside production",
	"restore beside: Succeeded",
	"ARK-RESTORE",
	"promotion.shop.example.org/spring-sale",
	"8. The day the cluster is gone",
	"shop.nightly-",
	"without any cluster at all",
	"shop.nightly-",
	"9. What to try next",
	"Everything has been stopped and removed.",
}

func TestTheStoryIsToldToItsEnd(t *testing.T) {
	empty := temporary(t)
	var out bytes.Buffer
	if err := demo(t.Context(), binary(t), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	rest := out.String()
	for _, moment := range moments {
		_, after, told := strings.Cut(rest, moment)
		if !told {
			t.Fatalf("the story does not tell %q where it should:\n%s", moment, out.String())
		}
		rest = after
	}
	empty()
}

func TestAnInterruptedStoryLeavesNothing(t *testing.T) {
	empty := temporary(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &interrupter{at: "deployment.apps/web created", interrupt: cancel}
	err := demo(ctx, binary(t), out)
	if err == nil || errors.Is(err, errLeftBehind) {
		t.Errorf("got error %v, want one of the chapter that was broken off", err)
	}
	if told := out.told.String(); strings.Contains(told, "3. What was taken") {
		t.Errorf("the story went on:\n%s", told)
	}
	empty()
}

// interrupter interrupts the story when it has told a certain thing.
type interrupter struct {
	told      bytes.Buffer
	at        string
	interrupt func()
}

func (w *interrupter) Write(p []byte) (int, error) {
	n, err := w.told.Write(p)
	if strings.Contains(w.told.String(), w.at) {
		w.interrupt()
	}
	return n, err
}

// temporary gives the demo a folder for what it makes. The function it returns
// fails the test unless the folder is empty again.
func temporary(t *testing.T) (empty func()) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	return func() {
		t.Helper()
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range left {
			t.Errorf("%s is left", entry.Name())
		}
	}
}

// binary builds ark.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ark")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", path, "../../cmd/ark")
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build ark: %v\n%s", err, out)
	}
	return path
}
