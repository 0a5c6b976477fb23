// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/describe"
	"github.com/gopherwood/ark/cmd/ark/internal/output"
)

var backups = &noun[*v1alpha1.Backup]{
	kind: "Backup", word: "backup", plural: "backups",
	empty: "There is no backup yet. Take one with \"ark backup create NAME\", or commit a BackupPolicy with a schedule.",
	columns: []output.Column[*v1alpha1.Backup]{
		{Header: "NAME", Cell: func(b *v1alpha1.Backup, _ output.Times) string { return b.Name }},
		{Header: "STATUS", Cell: func(b *v1alpha1.Backup, _ output.Times) string { return readyReason(b.Status.Conditions) }},
		{Header: "OBJECTS", Cell: backupObjects(func(c *v1alpha1.ObjectCounts) int64 { return c.Included })},
		{Header: "EXCLUDED", Cell: backupObjects(func(c *v1alpha1.ObjectCounts) int64 { return c.Excluded })},
		{Header: "FAILED", Cell: backupObjects(func(c *v1alpha1.ObjectCounts) int64 { return c.Failed })},
		{Header: "EXPIRES", Cell: backupExpiry},
		{Header: "AGE", Cell: func(b *v1alpha1.Backup, t output.Times) string { return t.Print(&b.CreationTimestamp) }},
		{Header: "COMPLETED", Wide: true, Cell: func(b *v1alpha1.Backup, t output.Times) string { return t.Print(b.Status.CompletionTime) }},
		{Header: "SIZE", Wide: true, Cell: func(b *v1alpha1.Backup, _ output.Times) string { return describe.Bytes(b.Status.Size) }},
		{Header: "STORAGE", Wide: true, Cell: func(b *v1alpha1.Backup, _ output.Times) string { return strings.Join(b.Status.StorageLocations, ",") }},
		{Header: "POLICY", Wide: true, Cell: func(b *v1alpha1.Backup, _ output.Times) string { return describe.PolicyOf(b) }},
		{Header: "SCHEDULE", Wide: true, Cell: func(b *v1alpha1.Backup, _ output.Times) string { return b.Labels[v1alpha1.ScheduleLabel] }},
		{Header: "CLUSTER", Wide: true, Cell: func(b *v1alpha1.Backup, _ output.Times) string { return describe.ClusterOf(b) }},
		{Header: "MESSAGE", Wide: true, Cell: func(b *v1alpha1.Backup, _ output.Times) string { return readyMessage(b.Status.Conditions) }},
	},
	compare:   newestFirst[*v1alpha1.Backup],
	newObject: func() *v1alpha1.Backup { return &v1alpha1.Backup{} },
	newList:   func() client.ObjectList { return &v1alpha1.BackupList{} },
}

func newBackup(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "backup",
		Aliases: []string{"backups"},
		Short:   "Take, list, describe, look into, delete and download backups",
		Example: `  ark backup create before-upgrade --include-namespaces shop --wait
  ark backup describe before-upgrade`,
	}
	return group(cmd, newBackupCreate(a), newBackupGet(a), newBackupDescribe(a), newBackupContents(a), newBackupLogs(a),
		newBackupVerify(a),
		newBackupDelete(a), newBackupDownload(a))
}

func newBackupGet(a *app) *cobra.Command {
	var from bucketFlags
	cmd := newGet(a, backups, `  ark backup get
  ark backup get -o wide
  ark backup get nightly-20261123030000 -o yaml
  ark backup get --store file:///srv/backups`,
		func(ctx context.Context) (reader[*v1alpha1.Backup], error) { return a.backups(ctx, &from) })
	from.add(cmd.Flags())
	from.addTrust(cmd.Flags())
	return cmd
}

// backups is where backups are read from: the bucket that the flags name, or
// else the cluster.
func (a *app) backups(ctx context.Context, from *bucketFlags) (reader[*v1alpha1.Backup], error) {
	if err := from.check(); err != nil {
		return nil, err
	}
	if from.given() {
		b, err := from.open(ctx, clock(a.now))
		if err != nil {
			return nil, err
		}
		return backupsInBucket{b, from.cluster}, nil
	}
	c, err := a.cluster.Client()
	if err != nil {
		return nil, err
	}
	return inCluster[*v1alpha1.Backup]{c, backups}, nil
}

func backupObjects(count func(*v1alpha1.ObjectCounts) int64) func(*v1alpha1.Backup, output.Times) string {
	return func(b *v1alpha1.Backup, _ output.Times) string {
		if b.Status.Objects == nil {
			return ""
		}
		return strconv.FormatInt(count(b.Status.Objects), 10)
	}
}

func backupExpiry(b *v1alpha1.Backup, t output.Times) string {
	if describe.Held(b) {
		return "held"
	}
	return t.Print(b.Status.ExpirationTime)
}
