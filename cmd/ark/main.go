// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Command ark protects a Kubernetes cluster from a Git repository. It is the
// controller manager, ark server, and the command line for people. Installed as
// kubectl-ark it is a plugin of kubectl.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	// The time zones of schedules must be known in an image that holds nothing but ark.
	_ "time/tzdata"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the next one ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(int(run(ctx, os.Args, processIO())))
}
