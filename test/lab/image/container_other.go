// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package image

import (
	"context"
	"errors"
	"os/exec"
)

// Command fails: containers are Linux's.
func (c Container) Command(context.Context) (*exec.Cmd, error) {
	return nil, errors.New("a container can run on Linux only")
}

// Enter returns.
func Enter() {}
