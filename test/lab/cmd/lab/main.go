// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Command lab keeps a throwaway Kubernetes control plane in the background.
//
//	lab up             start it, or find it running; prints export KUBECONFIG=… and nothing else
//	lab env             print the same for a running one
//	lab down           stop it and remove its data
//	lab control-plane  build etcd, the control plane and kubectl, and start nothing
//	lab build          the same, and Helm and the parser of alerts: all that the tests run
//	lab s3             build the S3 server
//	lab stores         build or install the servers of the other object stores
//	lab path           build the control plane, and print the folder that holds kubectl
//
// Progress goes to standard error, so that eval "$(lab up)" works.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/gopherwood/ark/test/lab"
)

const usage = "usage: lab up|env|down|control-plane|build|s3|stores|path"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error { //nolint:cyclop // one case for each command
	if len(args) != 1 {
		return errors.New(usage)
	}
	background, err := lab.NewBackground(os.Stderr)
	if err != nil {
		return err
	}
	switch args[0] {
	case "up":
		return export(background.Up(ctx))
	case "env":
		return export(background.Find(ctx))
	case "down":
		return background.Down(ctx)
	case "control-plane":
		_, err := lab.Ensure(ctx, os.Stderr)
		return err
	case "build":
		if _, err := lab.Ensure(ctx, os.Stderr); err != nil {
			return err
		}
		if _, err := lab.Helm(ctx, os.Stderr); err != nil {
			return err
		}
		_, err := lab.PromQL(ctx, os.Stderr)
		return err
	case "s3":
		_, err := lab.S3Server(ctx, os.Stderr)
		return err
	case "stores":
		if _, err := lab.GoogleServer(ctx, os.Stderr); err != nil {
			return err
		}
		_, err := lab.AzureServer(ctx, os.Stderr)
		return err
	case "path":
		bin, err := lab.Ensure(ctx, os.Stderr)
		if err != nil {
			return err
		}
		fmt.Println(bin.Dir())
		return nil
	default:
		return fmt.Errorf("unknown command %q: %s", args[0], usage)
	}
}

// export prints how a shell reaches the cluster.
func export(cluster *lab.Cluster, err error) error {
	if err != nil {
		return err
	}
	if dir := cluster.Binaries.Dir(); !onPath(dir) {
		fmt.Fprintf(os.Stderr, "kubectl of the same version: export PATH=\"%s:$PATH\"\n", dir)
	}
	fmt.Printf("export KUBECONFIG=%q\n", cluster.Kubeconfig)
	return nil
}

// onPath reports whether the shell finds programs in dir.
func onPath(dir string) bool {
	return slices.Contains(filepath.SplitList(os.Getenv("PATH")), dir)
}
