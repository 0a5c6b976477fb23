// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/backup"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/selection"
	"github.com/gopherwood/ark/test/lab"
)

// smallRuns is how many runs of one namespace are asked for at the same moment.
const smallRuns = 12

// together are the bounds that are compared.
var together = []int{1, 2, 3, 4, 6}

// Runs of several at a time.
const (
	runBackups  = "backups"
	runRestores = "restores"
)

// crowd is what one bound came to.
type crowd struct {
	run   string
	bound int
	// small is what the small runs spent, without and behind a large one.
	small, behind measure
}

// measureTogether runs backups and restores of one namespace each, by themselves and
// behind one of everything, with different bounds on how many run at a time.
func (s *session) measureTogether(ctx context.Context, c *lab.Cluster) error {
	if s.only != "together" {
		return nil
	}
	for _, run := range []string{runBackups, runRestores} {
		for _, bound := range together {
			s.say("Running %s, %d at a time", run, bound)
			got := crowd{run: run, bound: bound}
			j := s.restoreJob()
			j.Run, j.Together = run, bound
			var err error
			if got.small, err = measured(ctx, c, j); err != nil {
				return err
			}
			j.Behind = true
			if got.behind, err = measured(ctx, c, j); err != nil {
				return err
			}
			s.crowds = append(s.crowds, got)
		}
	}
	return nil
}

// printCrowds writes what the bounds came to.
func (s *session) printCrowds(out io.Writer) {
	if len(s.crowds) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%d runs of one namespace each, by themselves and behind one of everything\n\n", smallRuns)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "run\tat a time\twall s\tCPU s\tpeak MiB\tfirst behind a large one s\tall s\tpeak MiB\terrors\t")
	for _, c := range s.crowds {
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%.2f\t%.0f\t%.2f\t%.2f\t%.0f\t%d\t\n", c.run, c.bound, c.small.Wall, c.small.CPU, float64(c.small.RSS)/mib,
			c.behind.First, c.behind.Wall, float64(c.behind.RSS)/mib, c.small.Errors+c.behind.Errors)
	}
	_ = w.Flush() // to a terminal or a pipe: nobody is left to tell
}

// crowded runs small ones in the order they are asked for, as many at a time as the
// job says, and before them the large one where it asks for that.
func crowded(ctx context.Context, j job, m *meter, run func(ctx context.Context, name, namespace string) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(j.Together)
	name := fmt.Sprintf("%s-%d-%t", j.Run, j.Together, j.Behind)
	begun := time.Now()
	if j.Behind {
		g.Go(func() error { return run(ctx, name+"-all", "") })
	}
	first := make(chan time.Duration, smallRuns)
	for i := range smallRuns {
		g.Go(func() error {
			err := run(ctx, fmt.Sprintf("%s-%d", name, i), namespaceOf(i))
			first <- time.Since(begun)
			return err
		})
	}
	err := g.Wait()
	m.First = (<-first).Seconds()
	return err
}

// takeBackups takes backups of one namespace each.
func takeBackups(ctx context.Context, j job, m *meter) error {
	cluster, store, err := m.connect(ctx, j, false)
	if err != nil {
		return err
	}
	ports := backup.Ports{Source: collect.Source{Discoverer: cluster, Lister: cluster, Historian: cluster}, Catalog: store, Clock: clock{}}
	return crowded(ctx, j, m, func(ctx context.Context, name, namespace string) error {
		req := backup.Request{Cluster: archive.Cluster{UID: j.Cluster}, Name: name, Attempt: "one", Created: time.Now(), TTL: time.Hour}
		if namespace != "" {
			req.Collect.Template = selection.Template{IncludedNamespaces: []string{namespace}}
		}
		_, err := backup.Take(ctx, ports, req, nil)
		return err
	})
}

// takeRestores restores one namespace each, beside the originals.
func takeRestores(ctx context.Context, j job, m *meter) error {
	cluster, store, err := m.connect(ctx, j, true)
	if err != nil {
		return err
	}
	snapshot, err := store.Marker(ctx, j.Cluster, j.Backup)
	if err != nil {
		return err
	}
	return crowded(ctx, j, m, func(ctx context.Context, name, namespace string) error {
		req := restore.Request{Label: name, Selection: selection.Template{IncludedNamespaces: []string{"bench-*"}}, NamespaceMapping: map[string]string{}}
		for i := range namespaces {
			if from := namespaceOf(i); namespace == "" || from == namespace {
				req.NamespaceMapping[from] = name + "-" + from
			}
		}
		if namespace != "" {
			req.Selection.IncludedNamespaces = []string{namespace}
		}
		_, err := restored(ctx, cluster, store, snapshot, req)
		return err
	})
}
