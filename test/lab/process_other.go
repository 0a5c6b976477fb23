// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package lab

import "syscall"

// processAttributes makes a detached process a session of its own. Elsewhere
// than on Linux a killed test leaves its processes behind.
func processAttributes(detached bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: detached}
}
