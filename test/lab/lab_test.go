// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherwood/ark/test/lab"
)

func TestTheLabInTheBackground(t *testing.T) {
	b := &lab.Background{Dir: filepath.Join(t.TempDir(), "lab"), Log: t.Output()}
	t.Cleanup(func() { _ = b.Down(context.WithoutCancel(t.Context())) }) // for a test that fails half way

	if _, err := b.Find(t.Context()); !errors.Is(err, lab.ErrNotRunning) {
		t.Fatalf("before the first start: got error %v, want %v", err, lab.ErrNotRunning)
	}
	first, err := b.Up(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.Up(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first.Config().Host != second.Config().Host || first.Kubeconfig != second.Kubeconfig {
		t.Errorf("the second call started another cluster: %s, then %s", first.Config().Host, second.Config().Host)
	}
	if _, err := os.Stat(second.Binaries["kubectl"]); err != nil {
		t.Errorf("kubectl: %v", err)
	}

	if err := first.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Find(t.Context()); !errors.Is(err, lab.ErrNotRunning) {
		t.Errorf("after it died: got error %v, want %v", err, lab.ErrNotRunning)
	}
	if _, err := b.Up(t.Context()); err != nil {
		t.Errorf("start it again after it died: %v", err)
	}

	for range 2 { // the second time there is nothing to do
		if err := b.Down(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(b.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its data is still there: %v", err)
	}
}

func TestAComponentThatDoesNotStartSaysWhy(t *testing.T) {
	bin := t.TempDir()
	fake := "#!/bin/sh\necho the disk is on fire >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(bin, "kube-apiserver"), []byte(fake), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBEBUILDER_ASSETS", bin)

	dir := filepath.Join(t.TempDir(), "cluster")
	_, err := lab.Start(t.Context(), lab.Options{Dir: dir, Log: t.Output()})
	if err == nil || !strings.Contains(err.Error(), "start kube-apiserver: it exited") ||
		!strings.Contains(err.Error(), "the disk is on fire") {
		t.Errorf("got error %v, want one that ends with the component's log", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its data is still there: %v", err)
	}
}
