// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/test/lab/image"
)

const roots = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"

// program builds a program that prints its arguments.
func program(t *testing.T) []byte {
	t.Helper()
	return build(t, "package main\nimport \"os\"\nfunc main() { for _, a := range os.Args[1:] { os.Stdout.WriteString(a + \"\\n\") } }\n")
}

// build builds a static program.
func build(t *testing.T, source string) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"main.go": source, "go.mod": "module hello\n\ngo 1.26\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-o", "hello", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	content, err := os.ReadFile(filepath.Join(dir, "hello"))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// forMachine claims that a program is for another machine.
func forMachine(binary []byte, machine elf.Machine) []byte {
	const at = 18 // e_machine, in the header of ELF
	other := bytes.Clone(binary)
	other[at], other[at+1] = byte(machine), byte(machine>>8)
	return other
}

func write(t *testing.T, i image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := image.Write(&b, i); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAnImageRunsAndIsTheSameEveryTime(t *testing.T) {
	i := image.Ark("ark:v1", program(t), []byte(roots))
	archive := write(t, i)
	if !bytes.Equal(archive, write(t, i)) {
		t.Error("the same image has other bytes the second time")
	}
	dir := t.TempDir()
	command, err := image.Unpack(bytes.NewReader(archive), dir)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(command[0], command[1:]...).Output()
	if err != nil || string(out) != "server\n" {
		t.Errorf("%v: it printed %q", err, out)
	}
	certificates, err := os.ReadFile(filepath.Join(dir, "etc/ssl/certs/ca-certificates.crt"))
	if err != nil || string(certificates) != roots {
		t.Errorf("%v: certificates %q", err, certificates)
	}
}

// What docker save writes is in the same tar.
func TestOlderToolsFindTheImage(t *testing.T) {
	archive := write(t, image.Ark("ark:v1", forMachine(program(t), elf.EM_AARCH64), []byte(roots)))
	files := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.IsZero() && h.ModTime.Unix() != 0 || h.Uid != 0 || h.Uname != "" {
			t.Errorf("%s is of %v and %d %s", h.Name, h.ModTime, h.Uid, h.Uname)
		}
		if files[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	var list []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := json.Unmarshal(files["manifest.json"], &list); err != nil || len(list) != 1 || len(list[0].Layers) != 1 {
		t.Fatalf("%v: %+v", err, list)
	}
	if files[list[0].Layers[0]] == nil || list[0].RepoTags[0] != "ark:v1" {
		t.Errorf("it names %+v", list[0])
	}
	var config map[string]any
	if err := json.Unmarshal(files[list[0].Config], &config); err != nil {
		t.Fatal(err)
	}
	delete(config, "rootfs")
	want := map[string]any{
		"architecture": "arm64", "os": "linux",
		"config": map[string]any{"User": "65532:65532", "Entrypoint": []any{"/ark"}, "Cmd": []any{"server"}},
	}
	if diff := cmp.Diff(want, config); diff != "" {
		t.Errorf("config (-want +got):\n%s", diff)
	}
}

func TestImagesThatCannotRunAreNotWritten(t *testing.T) {
	good := image.Ark("ark:v1", program(t), []byte(roots))
	dynamic, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		change func(*image.Image)
		want   string
	}{
		"without a tag":                 {func(i *image.Image) { i.Name = "ark" }, "must have a tag"},
		"of something else":             {func(i *image.Image) { i.Binary = []byte("#!/bin/sh") }, "no executable for Linux"},
		"of a program with a linker":    {func(i *image.Image) { i.Binary = dynamic }, "CGO_ENABLED=0"},
		"of a program of another kind":  {func(i *image.Image) { i.Binary = forMachine(i.Binary, elf.EM_RISCV) }, "build it for amd64 or arm64"},
		"with a path that is relative":  {func(i *image.Image) { i.Entrypoint = "ark" }, "no absolute path"},
		"with a path that leads out":    {func(i *image.Image) { i.Entrypoint = "/../ark" }, "no absolute path"},
		"with certificates that are no": {func(i *image.Image) { i.Certificates = []byte("none") }, "hold none in PEM"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			i := good
			tc.change(&i)
			if err := image.Write(io.Discard, i); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestAnImageThatWasChangedIsNotUnpacked(t *testing.T) {
	archive := write(t, image.Ark("ark:v1", program(t), []byte(roots)))
	at := bytes.Index(archive, []byte("BEGIN CERTIFICATE"))
	archive[at]++
	if _, err := image.Unpack(bytes.NewReader(archive), t.TempDir()); err == nil || !strings.Contains(err.Error(), "another one") {
		t.Errorf("error %v", err)
	}
	if _, err := image.Unpack(strings.NewReader("nothing"), t.TempDir()); err == nil {
		t.Error("no error for what is no tar")
	}
}
