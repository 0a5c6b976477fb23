// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/describe"
	"github.com/gopherwood/ark/cmd/ark/internal/output"
)

var restores = &noun[*v1alpha1.Restore]{
	kind: "Restore", word: "restore", plural: "restores",
	empty: "There is no restore yet. Make one with \"ark restore create --from-backup NAME\".",
	columns: []output.Column[*v1alpha1.Restore]{
		{Header: "NAME", Cell: func(r *v1alpha1.Restore, _ output.Times) string { return r.Name }},
		{Header: "STATUS", Cell: func(r *v1alpha1.Restore, _ output.Times) string { return readyReason(r.Status.Conditions) }},
		{Header: "BACKUP", Cell: func(r *v1alpha1.Restore, _ output.Times) string { return restoredBackup(r) }},
		{Header: "CREATED", Cell: restoreCount(func(c *v1alpha1.ResultCounts) int64 { return c.Created })},
		{Header: "CHANGED", Cell: restoreCount(func(c *v1alpha1.ResultCounts) int64 { return c.Updated })},
		{Header: "FAILED", Cell: restoreCount(func(c *v1alpha1.ResultCounts) int64 { return c.Failed })},
		{Header: "AGE", Cell: func(r *v1alpha1.Restore, t output.Times) string { return t.Print(&r.CreationTimestamp) }},
		{Header: "COMPLETED", Wide: true, Cell: func(r *v1alpha1.Restore, t output.Times) string { return t.Print(r.Status.CompletionTime) }},
		{Header: "SKIPPED", Wide: true, Cell: restoreCount(func(c *v1alpha1.ResultCounts) int64 { return c.Skipped })},
		{Header: "MESSAGE", Wide: true, Cell: func(r *v1alpha1.Restore, _ output.Times) string { return readyMessage(r.Status.Conditions) }},
	},
	compare:   newestFirst[*v1alpha1.Restore],
	newObject: func() *v1alpha1.Restore { return &v1alpha1.Restore{} },
	newList:   func() client.ObjectList { return &v1alpha1.RestoreList{} },
}

func newRestore(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "restore",
		Aliases: []string{"restores"},
		Short:   "Restore from backups, and list and describe restores",
		Example: `  ark restore create --from-backup before-upgrade --include-namespaces shop --wait
  ark restore describe before-upgrade-20261123120000`,
	}
	return group(cmd, newRestoreCreate(a), newRestoreGet(a), newRestoreDescribe(a), newRestoreLogs(a))
}

func newRestoreGet(a *app) *cobra.Command {
	var from bucketFlags
	cmd := newGet(a, restores, `  ark restore get
  ark restore get -o wide
  ark restore get --store file:///srv/backups`,
		func(ctx context.Context) (reader[*v1alpha1.Restore], error) { return a.restores(ctx, &from) })
	from.add(cmd.Flags())
	from.addTrust(cmd.Flags())
	return cmd
}

func newRestoreDescribe(a *app) *cobra.Command {
	var from bucketFlags
	cmd := &cobra.Command{
		Use:   "describe NAME",
		Short: "Tell what a restore did, what it left out and why, and what was denied or failed",
		Example: `  ark restore describe before-upgrade-20261123120000
  ark restore describe before-upgrade-20261123120000 --store file:///srv/backups`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := a.restores(cmd.Context(), &from)
			if err != nil {
				return err
			}
			found, err := r.One(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			var texts describe.Texts
			if cluster, ok := r.(inCluster[*v1alpha1.Restore]); ok {
				texts = a.ruleTexts(cmd.Context(), cluster.client)
			}
			return describe.Restore(a.out, found, texts, a.now())
		},
	}
	from.add(cmd.Flags())
	from.addTrust(cmd.Flags())
	return cmd
}

// restores is where restores are read from: the records in the bucket that the
// flags name, or else the cluster.
func (a *app) restores(ctx context.Context, from *bucketFlags) (reader[*v1alpha1.Restore], error) {
	if err := from.check(); err != nil {
		return nil, err
	}
	if from.given() {
		b, err := from.open(ctx, clock(a.now))
		if err != nil {
			return nil, err
		}
		return restoresInBucket{b, from.cluster}, nil
	}
	c, err := a.cluster.Client()
	if err != nil {
		return nil, err
	}
	return inCluster[*v1alpha1.Restore]{c, restores}, nil
}

// restoredBackup names the backup that was chosen, or what it is chosen by.
func restoredBackup(r *v1alpha1.Restore) string {
	switch {
	case r.Status.Backup != nil:
		return r.Status.Backup.Name
	case r.Spec.BackupName != "":
		return r.Spec.BackupName
	case r.Spec.ScheduleName != "":
		return "latest of " + r.Spec.ScheduleName
	default:
		return "latest of " + r.Spec.PolicyName
	}
}

func restoreCount(count func(*v1alpha1.ResultCounts) int64) func(*v1alpha1.Restore, output.Times) string {
	return func(r *v1alpha1.Restore, _ output.Times) string {
		if r.Status.Results == nil {
			return ""
		}
		return strconv.FormatInt(count(r.Status.Results), 10)
	}
}
