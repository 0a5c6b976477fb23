// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Command demo tells, with the real command line and the real controllers, how a
// policy becomes a backup, and the backup a cluster again.
//
//	go run ./test/demo -ark bin/ark
//
// It runs against a control plane of its own and a directory as the bucket, and
// leaves nothing running.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gopherwood/ark/test/lab"
)

func main() {
	ark := flag.String("ark", "bin/ark", "the ark binary")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := demo(ctx, *ark, os.Stdout)
	interrupted := ctx.Err() != nil
	stop()
	switch {
	case errors.Is(err, errLeftBehind), err != nil && !interrupted:
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	case interrupted:
		fmt.Fprintln(os.Stderr, "\nInterrupted. Everything has been stopped and removed.")
		os.Exit(interruptedCode)
	}
}

// interruptedCode is what shells expect of a program that Ctrl-C ended.
const interruptedCode = 130

// errLeftBehind says that something of the demo could not be stopped or removed.
var errLeftBehind = errors.New("clear away")

// demo prepares the stage, tells the story and clears everything away.
func demo(ctx context.Context, ark string, out io.Writer) (err error) {
	begin := time.Now()
	root, err := lab.Root()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ark-demo-")
	if err != nil {
		return fmt.Errorf("create a folder for the demo: %w", err)
	}
	if ark, err = filepath.Abs(ark); err != nil {
		return fmt.Errorf("find ark: %w", err)
	}
	s := &stage{dir: dir, root: root, ark: ark, out: out}
	defer func() { err = errors.Join(err, s.clear()) }()

	fmt.Fprintln(out, "Starting a local Kubernetes API server (nothing of yours is touched).")
	if err := s.open(ctx); err != nil {
		return err
	}
	if err := s.tell(ctx, chapters()); err != nil {
		return errors.Join(err, s.serverLog())
	}
	if err := s.clear(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nThat was the whole line, in %.0f seconds. Everything has been stopped and removed.\n", time.Since(begin).Seconds())
	return nil
}
