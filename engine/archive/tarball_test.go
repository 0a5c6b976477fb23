// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestContentsAreAnOrdinaryTarball(t *testing.T) {
	long := strings.Repeat("n", 253)
	objects := []object{
		{configMap("app", "settings"), []byte(`{"kind":"ConfigMap"}`)},
		{configMap("app", long), text(7, 2<<20)},
		{clusterRole("system:node"), []byte(`{"kind":"ClusterRole"}`)},
		{clusterRole("größe"), []byte(`{}`)},
	}
	out := write(t, 2, objects)
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "tar", "xzf", "-", "-C", dir)
	cmd.Stdin = &out.contents
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tar xzf: %v: %s", err, msg)
	}
	want := map[string]string{"metadata/version": "1\n"}
	for _, o := range objects {
		want[o.entry.Path()] = string(o.raw)
	}
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.ModTime().Equal(mtime) || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: modified %v with mode %v", path, info.ModTime(), info.Mode())
		}
		rel, err := filepath.Rel(dir, path)
		got[rel] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tarball mismatch (-want +got):\n%s", diff)
	}
}
