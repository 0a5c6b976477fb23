// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package image_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/test/lab/image"
)

func TestMain(m *testing.M) {
	image.Enter()
	os.Exit(m.Run())
}

// curious tells who it is and what it can do.
const curious = `package main

import (
	"fmt"
	"os"
	"syscall"
)

func main() {
	fmt.Println("user", os.Getuid(), os.Getgid(), os.Geteuid())
	say("write the root", os.WriteFile("/a", nil, 0o600))
	say("change the program", os.WriteFile("/ark", nil, 0o600))
	say("write the volume", os.WriteFile("/data/a", []byte("written"), 0o600))
	say("write what is read-only", os.WriteFile("/fixed/a", nil, 0o600))
	_, err := os.ReadFile("/fixed/there")
	say("read it", err)
	say("change the root", syscall.Chroot("/"))
	say("mount", syscall.Mount("/data", "/fixed", "", syscall.MS_BIND, ""))
	fmt.Println(os.Args[1:], os.Environ())
}

func say(what string, err error) {
	if err != nil {
		fmt.Println(what+":", "no")
		return
	}
	fmt.Println(what+":", "yes")
}
`

func TestAContainerHasOnlyWhatTheChartGivesIt(t *testing.T) {
	dir, data, fixed := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(fixed, "there"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, open := range []string{dir, data, fixed} { // so that not only permissions are in the way
		if err := os.Chmod(open, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	command, err := image.Unpack(bytes.NewReader(write(t, image.Ark("ark:v1", build(t, curious), nil))), dir)
	if err != nil {
		t.Fatal(err)
	}
	cmd, err := image.Container{
		Root: dir, Arguments: []string{strings.TrimPrefix(command[0], dir), "server"}, Environment: []string{"A=b"},
		Mounts: []image.Mount{{Source: data, Target: "/data"}, {Source: fixed, Target: "/fixed", ReadOnly: true}},
	}.Command(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := `user 65532 65532 65532
write the root: no
change the program: no
write the volume: yes
write what is read-only: no
read it: yes
change the root: no
mount: no
[server] [A=b]
`
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if content, err := os.ReadFile(filepath.Join(data, "a")); err != nil || string(content) != "written" {
		t.Errorf("the volume has %q: %v", content, err)
	}
}
