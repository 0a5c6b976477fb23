// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/bucket"
	"github.com/gopherwood/ark/cmd/ark/internal/describe"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

// backupDownload is what ark backup download was asked for.
type backupDownload struct {
	from  bucketFlags
	file  string
	force bool
}

func newBackupDownload(a *app) *cobra.Command {
	var o backupDownload
	cmd := &cobra.Command{
		Use:   "download NAME",
		Short: "Download the archive of a backup, and check it",
		Long: `Download the archive of a backup: an ordinary .tar.gz with a JSON file for each
object. It is compared with the size and SHA-256 that were committed; when it
differs, nothing is kept. It is read with your own rights: a directory on this
machine, or a bucket with the credentials in its Secret, if you may read that.`,
		Example: `  ark backup download before-upgrade
  ark backup download before-upgrade -f /tmp/before-upgrade.tar.gz --force
  ark backup download before-upgrade --store file:///srv/backups`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.download(cmd.Context(), args[0], &o)
		},
	}
	o.from.add(cmd.Flags())
	o.from.addTrust(cmd.Flags())
	cmd.Flags().StringVarP(&o.file, "file", "f", "", "file to write; when omitted, NAME.tar.gz")
	cmd.Flags().BoolVar(&o.force, "force", false, "overwrite the file if it exists")
	return cmd
}

func (a *app) download(ctx context.Context, name string, o *backupDownload) error {
	switch o.file {
	case "":
		o.file = name + ".tar.gz"
	case "-":
		return exit.Usagef("--file -: the archive is checked before it is handed out, so it needs a file")
	}
	opened, s, err := a.find(ctx, name, &o.from)
	if err != nil {
		return err
	}
	size, err := opened.Download(ctx, s, o.file, o.force)
	switch {
	case errors.Is(err, bucket.ErrFileExists):
		return exit.Errorf(exit.Failed, "%w: choose another with --file, or overwrite it with --force", err)
	case err != nil:
		return fmt.Errorf("download backup %s: %w", name, err)
	}
	_, err = fmt.Fprintf(a.out, "%s written, %s, as committed. List it with \"tar tzf %s\".\n", o.file, describe.Bytes(size), o.file)
	return err
}

// find finds a backup and the store that holds it.
func (a *app) find(ctx context.Context, name string, from *bucketFlags) (*bucket.Bucket, *catalog.Snapshot, error) {
	r, err := a.backups(ctx, from)
	if err != nil {
		return nil, nil, err
	}
	b, err := r.One(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	if cluster, ok := r.(inCluster[*v1alpha1.Backup]); ok {
		return a.stored(ctx, cluster.client, b)
	}
	opened, err := from.open(ctx, clock(a.now))
	if err != nil {
		return nil, nil, err
	}
	_, s, err := opened.Backup(ctx, b.Status.Origin.ClusterUID, b.Name)
	return opened, s, err
}

// findToShow is find for those who show what a backup holds: of one that was changed
// after it was signed, they show what somebody else made of it.
func (a *app) findToShow(ctx context.Context, name string, from *bucketFlags) (*bucket.Bucket, *catalog.Snapshot, error) {
	opened, s, err := a.find(ctx, name, from)
	if err == nil && archive.Verify(s.Envelope, opened.Trusted) == archive.Tampered {
		_, err = fmt.Fprintf(a.err, "ark: backup %s was changed after it was signed: what is shown may not be what was backed up\n", name)
	}
	return opened, s, err
}
