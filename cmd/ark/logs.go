// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/bucket"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/cmd/ark/internal/runlog"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// lineLevel is the least level of the lines to print.
type lineLevel string

// The levels of a run's log: what happened, what is worth knowing, what failed.
const (
	lineInfo  lineLevel = "info"
	lineWarn  lineLevel = "warn"
	lineError lineLevel = "error"
)

// level is the same for the log.
func (l lineLevel) level() slog.Level {
	switch l {
	case lineWarn:
		return slog.LevelWarn
	case lineError:
		return slog.LevelError
	case lineInfo:
	}
	return slog.LevelInfo
}

// logFlags say which lines of a run's log to print, and how.
type logFlags struct {
	from   bucketFlags
	level  choice[lineLevel]
	format choice[runlog.Format]
}

func newLogFlags() logFlags {
	return logFlags{
		level:  choice[lineLevel]{of: []lineLevel{lineInfo, lineWarn, lineError}, value: lineInfo},
		format: choice[runlog.Format]{of: []runlog.Format{runlog.Text, runlog.JSON}, value: runlog.Text},
	}
}

func (l *logFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	l.from.add(flags)
	flags.Var(&l.level, "level", "which lines to print, and those that weigh more: "+l.level.choices())
	flags.VarP(&l.format, "output", "o", "output format: "+l.format.choices())
}

func newBackupLogs(a *app) *cobra.Command {
	o := newLogFlags()
	cmd := &cobra.Command{
		Use:     "logs NAME",
		Aliases: []string{"log"},
		Short:   "Print what a backup logged while it was taken",
		Long: `Print what a backup logged while it was taken: it lies beside the archive in
storage, and is read with your own rights, as ark backup download. A backup that
was never committed has none there: the log of ark server tells of it.`,
		Example: `  ark backup logs before-upgrade
  ark backup logs before-upgrade --level warn
  ark backup logs before-upgrade -o json --store file:///srv/backups`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.backupLogs(cmd.Context(), args[0], &o)
		},
	}
	o.add(cmd)
	return cmd
}

func (a *app) backupLogs(ctx context.Context, name string, o *logFlags) error {
	opened, s, err := a.findToShow(ctx, name, &o.from)
	if err != nil {
		return err
	}
	log, err := opened.Catalog.OpenFile(ctx, s, archive.LogFile)
	if errors.Is(err, engine.ErrNotFound) {
		return exit.Errorf(exit.Failed, "backup %q has no log in storage", name)
	}
	if err != nil {
		return err
	}
	return a.printLog(log, o)
}

// printLog prints a log that was opened, and closes it.
func (a *app) printLog(log io.ReadCloser, o *logFlags) error {
	return errors.Join(runlog.Print(a.out, log, o.level.value.level(), o.format.value), log.Close())
}

func newRestoreLogs(a *app) *cobra.Command {
	o := newLogFlags()
	cmd := &cobra.Command{
		Use:     "logs NAME",
		Aliases: []string{"log"},
		Short:   "Print what a restore logged while it ran",
		Long: `Print what a restore logged while it ran: what it set out to do, every object that
it has something to say of, and how it ended. It lies beside the record of the
restore, in the bucket or in a ConfigMap, and is read with your own rights.`,
		Example: `  ark restore logs before-upgrade-20261123120000
  ark restore logs before-upgrade-20261123120000 --level error
  ark restore logs before-upgrade-20261123120000 --store file:///srv/backups`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.restoreLogs(cmd.Context(), args[0], &o)
		},
	}
	o.add(cmd)
	o.from.addTrust(cmd.Flags())
	return cmd
}

func (a *app) restoreLogs(ctx context.Context, name string, o *logFlags) error {
	r, err := a.restores(ctx, &o.from)
	if err != nil {
		return err
	}
	found, err := r.One(ctx, name)
	if err != nil {
		return err
	}
	switch r := r.(type) {
	case restoresInBucket:
		return a.recordedLog(ctx, r.bucket, found.Labels[v1alpha1.ClusterLabel], name, o)
	case inCluster[*v1alpha1.Restore]:
		return a.clusterLog(ctx, r.client, found, o)
	}
	return nil
}

// recordedLog prints the log in the record of a restore into a cluster.
func (a *app) recordedLog(ctx context.Context, b *bucket.Bucket, cluster, name string, o *logFlags) error {
	summary, err := b.Catalog.FindRestore(ctx, cluster, name)
	if err != nil {
		return err
	}
	if summary.Doubt != "" {
		return exit.Errorf(exit.Failed, "the record of restore %q does not count: %s; its log may be anybody's", name, summary.Doubt)
	}
	log, err := b.Catalog.OpenRestoreFile(ctx, summary.RestoreSummary, archive.LogFile)
	if errors.Is(err, engine.ErrNotFound) {
		return exit.Errorf(exit.Failed, "restore %q has no log in storage", name)
	}
	if err != nil {
		return err
	}
	return a.printLog(log, o)
}

// clusterLog prints the log of a restore of this cluster, from where its status
// says that it is recorded.
func (a *app) clusterLog(ctx context.Context, c client.Client, r *v1alpha1.Restore, o *logFlags) error {
	st := &r.Status
	switch {
	case st.CompletionTime == nil:
		return exit.Errorf(exit.Failed, "restore %q has not ended, and its log is written when it does: see how it goes with \"ark restore describe %s\"", r.Name, r.Name)
	case st.Record == "" || st.Backup == nil:
		return exit.Errorf(exit.Failed, "restore %q has no log, because it never ran: %s", r.Name, readyMessage(r.Status.Conditions))
	}
	cfg, err := config(ctx, c)
	if err != nil {
		return err
	}
	if place, inConfigMap := strings.CutPrefix(st.Record, "ConfigMap "); inConfigMap {
		place, _, _ = strings.Cut(place, " ")
		return a.configMapLog(ctx, c, cfg, place, o)
	}
	opened, err := a.openLocation(ctx, c, cfg, st.Backup.StorageLocation)
	if err != nil {
		return fmt.Errorf("read the record with your own rights: %w", err)
	}
	return a.recordedLog(ctx, opened, cfg.Status.ClusterUID, r.Name, o)
}

// configMapLog prints the log in the ConfigMap that records a restore from a
// location that is never written.
func (a *app) configMapLog(ctx context.Context, c client.Client, cfg *v1alpha1.Config, place string, o *logFlags) error {
	namespace, cmName, _ := strings.Cut(place, "/")
	cm := &corev1.ConfigMap{}
	if err := c.Get(ctx, client.ObjectKey{Namespace: namespace, Name: cmName}, cm); err != nil {
		return fmt.Errorf("read ConfigMap %s, which records the restore: %w", place, err)
	}
	const logKey = "log.jsonl"
	log, ok := cm.Data[logKey]
	if !ok {
		return exit.Errorf(exit.Failed, "there is no log in ConfigMap %s", place)
	}
	found, err := projection.RestoreInCluster(cfg, []byte(cm.Data[archive.RestoreFile]))
	switch {
	case err != nil:
		return exit.Errorf(exit.Failed, "the record in ConfigMap %s: %w", place, err)
	case found.Doubt != "":
		return exit.Errorf(exit.Failed, "the record in ConfigMap %s does not count: %s; its log may be anybody's", place, found.Doubt)
	}
	if file, bound := found.Files[logKey]; bound && "sha256:"+file.SHA256 != archive.Digest([]byte(log)) {
		return exit.Errorf(exit.Failed, "the log in ConfigMap %s is not the one that was recorded: its SHA-256 differs", place)
	}
	return runlog.PrintPlain(a.out, strings.NewReader(log), o.level.value.level(), o.format.value)
}
