// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/bucket"
	"github.com/gopherwood/ark/cmd/ark/internal/describe"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

// storePatience is how long describe tries to read a store for the details: what
// the cluster knows is worth showing without them.
const storePatience = 10 * time.Second

func newBackupDescribe(a *app) *cobra.Command {
	var from bucketFlags
	cmd := &cobra.Command{
		Use:   "describe NAME",
		Short: "Tell what is in a backup, what was left out and why, and what failed",
		Example: `  ark backup describe before-upgrade
  ark backup describe nightly-20261123030000 --store file:///srv/backups --cluster production`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.describeBackup(cmd.Context(), args[0], &from)
		},
	}
	from.add(cmd.Flags())
	from.addTrust(cmd.Flags())
	return cmd
}

func (a *app) describeBackup(ctx context.Context, name string, from *bucketFlags) error {
	r, err := a.backups(ctx, from)
	if err != nil {
		return err
	}
	b, err := r.One(ctx, name)
	if err != nil {
		return err
	}
	var stored describe.Stored
	switch r := r.(type) {
	case backupsInBucket:
		_, s, err := r.bucket.Backup(ctx, from.cluster, name)
		if err != nil {
			return err
		}
		stored = details(r.bucket, s)
	case inCluster[*v1alpha1.Backup]:
		stored = a.storedDetails(ctx, r, b)
	}
	return describe.Backup(a.out, b, stored, a.now())
}

// storedDetails tries to read what only the store knows.
func (a *app) storedDetails(ctx context.Context, r inCluster[*v1alpha1.Backup], b *v1alpha1.Backup) describe.Stored {
	texts, kept := a.ruleTexts(ctx, r.client), keptBy(ctx, r.client, b, a.now())
	if len(b.Status.StorageLocations) == 0 {
		return describe.Stored{Texts: texts, Kept: kept}
	}
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	opened, s, err := a.stored(ctx, r.client, b)
	if err != nil {
		return describe.Stored{Texts: texts, Kept: kept, Unread: err.Error()}
	}
	stored := details(opened, s)
	stored.Texts, stored.Kept = texts, kept
	return stored
}

// details is what a marker knows beyond the Backup.
func details(b *bucket.Bucket, s *catalog.Snapshot) describe.Stored {
	m := s.Marker
	return describe.Stored{
		Revision:  m.Revision,
		Resources: m.Resources,
		Where:     b.URL + "/" + archive.FileKey(m.Cluster.UID, m.Name, m.Attempt, ""),
	}
}
