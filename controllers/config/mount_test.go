// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/locations"
)

func TestADirectoryThatIsNotMountedIsNoNewStore(t *testing.T) {
	b := newBench(t)
	root := t.TempDir()
	dir, away := filepath.Join(root, "bucket"), filepath.Join(root, "away")
	before := b.r.Locations
	restart := func() { // a process that remembers nothing
		b.r.Locations = &locations.Locations{
			Client: before.Client, Creator: before.Creator, Namespace: before.Namespace, Tool: "test", Clock: b.clock, FileRoot: root,
		}
	}
	restart()
	cfg := b.create(v1alpha1.ConfigSpec{Storage: []v1alpha1.StorageLocation{{Name: "main", URL: "file://" + dir}}})
	becomes := func(when, want string) {
		t.Helper()
		if ready, _ := b.reconcile(cfg); !strings.HasPrefix(ready, want) {
			t.Errorf("%s: Ready = %s, want %s", when, ready, want)
		}
	}
	becomes("at first", "True Succeeded")
	id := cfg.Status.Storage[0].StoreID

	if err := os.Rename(dir, away); err != nil {
		t.Fatal(err)
	}
	restart()
	becomes("without the directory", "Unknown StorageUnavailable")
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the directory was made: %v", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	becomes("with what it is mounted on", "Unknown StorageUnavailable")
	if message := cfg.Status.Storage[0].Message; !strings.Contains(message, "the store was "+id+" before: mount or restore it") {
		t.Errorf("message = %q, want the cure", message)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("written where the store is not: %v, %v", left, err)
	}

	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(away, dir); err != nil {
		t.Fatal(err)
	}
	becomes("mounted again", "True Succeeded")
	if got := cfg.Status.Storage[0].StoreID; got != id {
		t.Errorf("the store is %s, want %s", got, id)
	}

	// Another address is another store.
	cfg.Spec.Storage[0].URL = "file://" + filepath.Join(root, "other")
	if err := b.Update(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	becomes("at another url", "True Succeeded")
	if got := cfg.Status.Storage[0].StoreID; got == id {
		t.Error("a store at another url has the identity of the first")
	}
}
