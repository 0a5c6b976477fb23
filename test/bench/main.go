// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Command bench measures backups and restores against what a neutral client
// needs for the same bytes, on a real API server of its own.
//
//	go run ./test/bench -n 10000
//
// It fills a lab cluster with objects as clusters have them, always the same,
// and runs in turns: a client that only lists and compresses, and a backup; a
// client that only posts, and a restore. What each spends is taken from a process
// of its own. A table ends the run, and bin/bench.json holds its figures. Nothing
// here passes or fails: machines differ, ratios within one run differ less.
//
// With -profile DIR, every kind of run leaves a CPU and a heap profile there.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	var opts options
	flag.IntVar(&opts.n, "n", 10_000, "how many objects the cluster holds")
	flag.IntVar(&opts.turns, "turns", 3, "how often each run is repeated; the medians count")
	flag.IntVar(&opts.workers, "workers", 0, "how many objects a restore writes at a time; 0 is its default")
	flag.StringVar(&opts.out, "out", "bin/bench.json", "where the figures go")
	flag.StringVar(&opts.profile, "profile", "", "a folder for CPU and heap profiles")
	flag.StringVar(&opts.only, "only", "", "run just one part: backup, restore, one, together or big")
	flag.BoolVar(&opts.aged, "aged", false, "let etcd compact what was before the cluster was full, as in one that has been quiet for a while")
	child := flag.Bool("child", false, "measure one run, described on stdin; for the command's own use")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if *child {
		err = runChild(ctx, os.Stdin, os.Stdout)
	} else {
		err = bench(ctx, opts, os.Stdout)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
