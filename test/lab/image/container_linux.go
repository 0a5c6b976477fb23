// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// variable holds, in the process that becomes a container, what it is to be.
const variable = "ARK_LAB_CONTAINER"

// Of capabilities(7) and prctl(2): what it takes to enter a container, none of
// which its program keeps.
const (
	capDACOverride  = 1
	capSysChroot    = 18
	capSysAdmin     = 21
	prSetNoNewPrivs = 38
	prCapAmbient    = 47
	ambientClearAll = 4
)

// Command runs the container's program, as a container runtime does: on a root
// file system that is the image and cannot be written, as a user who is not root,
// without capabilities and without a way to get any. Whoever calls it must call
// Enter when the program starts. Processes and the network are those of this
// machine, and there is no /proc.
func (c Container) Command(ctx context.Context) (*exec.Cmd, error) {
	for _, m := range c.Mounts {
		if err := os.MkdirAll(filepath.Join(c.Root, m.Target), 0o755); err != nil {
			return nil, fmt.Errorf("make a mount point: %w", err)
		}
	}
	spec, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("describe the container: %w", err)
	}
	// The user may have no way to where this program lies.
	cmd := exec.CommandContext(ctx, "/proc/self/exe")
	cmd.Env = []string{variable + "=" + string(spec)}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS, AmbientCaps: []uintptr{capDACOverride, capSysChroot, capSysAdmin},
	}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: userID, Gid: userID}
		return cmd, nil
	}
	// Who is not root is that user in a user namespace of its own.
	cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: userID, HostID: os.Geteuid(), Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: userID, HostID: os.Getegid(), Size: 1}}
	return cmd, nil
}

// Enter becomes the program of a container where the process was started for that
// by Command, and returns otherwise.
func Enter() {
	spec, ok := os.LookupEnv(variable)
	if !ok {
		return
	}
	fmt.Fprintln(os.Stderr, "enter the container:", enter(spec))
	os.Exit(125) // as docker run ends that could not run
}

func enter(spec string) error {
	runtime.LockOSThread() // what a thread may is its own
	var c Container
	if err := json.Unmarshal([]byte(spec), &c); err != nil {
		return err
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to itself: %w", err)
	}
	if err := bind(c.Root, c.Root, true); err != nil {
		return err
	}
	for _, m := range c.Mounts {
		if err := bind(m.Source, filepath.Join(c.Root, m.Target), m.ReadOnly); err != nil {
			return err
		}
	}
	if err := syscall.Chroot(c.Root); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	for _, call := range [][2]uintptr{{prCapAmbient, ambientClearAll}, {prSetNoNewPrivs, 1}} {
		if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, call[0], call[1], 0, 0, 0, 0); errno != 0 {
			return fmt.Errorf("give up capabilities: %w", errno)
		}
	}
	return syscall.Exec(c.Arguments[0], c.Arguments, c.Environment)
}

// bind shows a folder at another place.
func bind(source, target string, readOnly bool) error {
	if err := syscall.Mount(source, target, "", syscall.MS_BIND|syscall.MS_REC, ""); err != nil {
		return fmt.Errorf("mount %s: %w", source, err)
	}
	if !readOnly {
		return nil
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(target, &fs); err != nil {
		return fmt.Errorf("look at %s: %w", target, err)
	}
	// What the file system is mounted with, such as nosuid, may not be taken off; the
	// flags of both calls are the same.
	const kept = syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC | syscall.MS_NOATIME | syscall.MS_NODIRATIME
	flags := uintptr(fs.Flags) & kept //nolint:gosec // bits
	if fs.Flags&relatime != 0 {
		flags |= syscall.MS_RELATIME
	}
	if err := syscall.Mount("", target, "", syscall.MS_REMOUNT|syscall.MS_BIND|syscall.MS_RDONLY|flags, ""); err != nil {
		return fmt.Errorf("make %s read-only: %w", strings.TrimPrefix(target, source), err)
	}
	return nil
}

// relatime is ST_RELATIME of statfs(2).
const relatime = 4096
