// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/catalog"
)

// storageAdopt is what ark storage adopt was asked for.
type storageAdopt struct {
	location  string
	signer    string
	backups   []string
	reason    string
	confirmed confirmation
}

func newStorageAdopt(a *app) *cobra.Command {
	var o storageAdopt
	cmd := &cobra.Command{
		Use:   "adopt CLUSTER-UID",
		Short: "Take over the backups of a cluster that is gone",
		Long: `Take over the backups of another cluster: from then on this one keeps, expires and
deletes them, and the other does not. A record of it is written beside each
backup, and beside its copies in the other locations that can be written. Adopt only
from a cluster that is gone for good, or whose people know.

The records are written from here, with the credentials of the locations' Secrets, and
signed where the location signs: with the key in the Secret that its signing names, or
with that of --signing-key. A record that is not signed would not count there.`,
		Example: `  ark storage adopt 6ad1f4b0-6a3b-4c6e-9a52-0c5d5d0c7d1e
  ark storage adopt 6ad1f4b0-6a3b-4c6e-9a52-0c5d5d0c7d1e --location main --backup shop.nightly-20260101030000`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.adopt(cmd.Context(), args[0], &o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.location, "location", "", "storage location that holds them; when omitted, the default one")
	listVar(flags, &o.backups, "backup", "names of the backups, as the other cluster called them; when omitted, all of them")
	flags.StringVar(&o.signer, "signing-key", "",
		"file with the PEM-encoded Ed25519 key to sign the records with; when omitted, the key in the Secret that the location's signing names")
	flags.StringVar(&o.reason, "reason", "adopted with ark storage adopt", "why, for the record")
	o.confirmed.add(flags)
	return cmd
}

func (a *app) adopt(ctx context.Context, cluster string, o *storageAdopt) error {
	if !archive.IsUUID(cluster) {
		return exit.Usagef("CLUSTER-UID %q: must be the UID of a cluster, as \"ark backup describe\" of one of its backups shows it", cluster)
	}
	if err := o.confirmed.canAsk(a); err != nil {
		return err
	}
	c, err := a.cluster.Client()
	if err != nil {
		return err
	}
	cfg, err := config(ctx, c)
	if err != nil {
		return err
	}
	own := cfg.Status.ClusterUID
	if err := checkOther(own, cluster); err != nil {
		return err
	}
	spec, err := chooseLocation(cfg, o.location)
	if err != nil {
		return err
	}
	opts, err := a.locationOptions(ctx, c, spec)
	if err != nil {
		return err
	}
	signer, err := a.signerFrom(c, cfg, o.signer)
	if err != nil {
		return err
	}
	opened, err := a.attach(ctx, spec, opts, signer)
	if err != nil {
		return err
	}
	names, err := toAdopt(ctx, opened, cluster, o.backups)
	if err != nil {
		return err
	}
	question := fmt.Sprintf("Take over %d backups of cluster %s in storage location %s, which then no longer keeps them?", len(names), cluster, spec.Name)
	if err := o.confirmed.ask(a, question, "nothing was adopted"); err != nil {
		return err
	}
	record := archive.Record{Type: archive.RecordAdopted, Cluster: cluster, By: own, Reason: o.reason}
	return errors.Join(a.recordAdoption(ctx, opened, record, names), a.adoptCopies(ctx, signer, adoptedIn{spec.Name, opened}, record, names))
}

// checkOther refuses to adopt what is this cluster's own already.
func checkOther(own, cluster string) error {
	switch own {
	case "":
		return exit.Errorf(exit.Failed, "the Config does not say yet which cluster this is: wait until its status.clusterUID is set")
	case cluster:
		return exit.Errorf(exit.Failed, "%s is this cluster: its backups are its own already", cluster)
	}
	return nil
}

// adoptedIn is the location in which backups were adopted.
type adoptedIn struct {
	name string
	*catalog.Catalog
}

// adoptCopies records the adoption in every other location that holds copies of the
// backups and can be written: each of them tells by itself whose a backup is. One that
// cannot be reached keeps none of the others, and is told.
func (a *app) adoptCopies(ctx context.Context, signer *recordSigner, from adoptedIn, record archive.Record, names []string) error {
	var failed []error
	for i := range signer.cfg.Spec.Storage {
		spec := &signer.cfg.Spec.Storage[i]
		if spec.Name == from.name || spec.Access == v1alpha1.AccessReadOnly {
			continue
		}
		adopted, err := a.adoptCopiesIn(ctx, signer, spec, from, record, names)
		if err != nil {
			failed = append(failed, exit.Errorf(exit.Failed, "storage location %q may hold copies that were not adopted: run this again: %w", spec.Name, err))
		}
		if adopted == 0 {
			continue
		}
		if _, err := fmt.Fprintf(a.out, "adopted %d copies of them in storage location %s\n", adopted, spec.Name); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}

// adoptCopiesIn adopts the copies that one location holds. Another backup of the same
// name is none.
func (a *app) adoptCopiesIn(ctx context.Context, signer *recordSigner, spec *v1alpha1.StorageLocation, from adoptedIn, record archive.Record, names []string) (adopted int, err error) {
	opts, err := a.locationOptions(ctx, signer.client, spec)
	if err != nil {
		return 0, err
	}
	opened, err := a.attach(ctx, spec, opts, signer)
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, record.Name = range names {
		original, err := from.Marker(ctx, record.Cluster, record.Name)
		if err != nil {
			continue // that was told
		}
		found, err := opened.Marker(ctx, record.Cluster, record.Name)
		if errors.Is(err, engine.ErrNotFound) || err == nil && found.Digest != original.Digest {
			continue
		}
		if err == nil {
			var recorded bool
			if recorded, err = adoptOne(ctx, opened, record); recorded {
				adopted++
			}
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	return adopted, errors.Join(failed...)
}

// chooseLocation returns the location of that name, or the default one.
func chooseLocation(cfg *v1alpha1.Config, name string) (*v1alpha1.StorageLocation, error) {
	l, asked := cfg.Spec.Location(name)
	switch {
	case l == nil && asked == "":
		return nil, exit.Usagef("none of the storage locations is the default: set --location")
	case l == nil:
		return nil, storageLocations.unknown(asked, configured(cfg))
	case l.Access == v1alpha1.AccessReadOnly:
		return nil, exit.Errorf(exit.Failed, "storage location %q is ReadOnly: nothing can be recorded in it", l.Name)
	}
	return l, nil
}

// attach opens a location for writing.
func (a *app) attach(ctx context.Context, spec *v1alpha1.StorageLocation, opts blobstore.Options, signer *recordSigner) (*catalog.Catalog, error) {
	opts.FileRoot = "/" // the user is on a machine of his own
	store, err := blobstore.Open(ctx, blobstore.Location{Name: spec.Name, URL: spec.URL, Prefix: spec.Prefix}, opts)
	if err != nil {
		return nil, err
	}
	opened, err := catalog.Attach(ctx, store, clock(a.now), catalog.Options{Tool: "ark " + version})
	if err != nil {
		return nil, fmt.Errorf("open storage location %q: %w", spec.Name, err)
	}
	return signer.trusted(ctx, spec, opened)
}

// toAdopt returns the names of a cluster's backups, or those asked for, which
// must exist.
func toAdopt(ctx context.Context, c *catalog.Catalog, cluster string, only []string) ([]string, error) {
	for _, name := range only {
		if _, err := c.Marker(ctx, cluster, name); errors.Is(err, engine.ErrNotFound) {
			return nil, exit.Errorf(exit.Failed, "cluster %s has no backup %q in this location", cluster, name)
		} else if err != nil {
			return nil, err
		}
	}
	if len(only) > 0 {
		return only, nil
	}
	var names []string
	for name, err := range c.Names(ctx, cluster) {
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, exit.Errorf(exit.Failed, "cluster %s has no backup in this location: list the clusters that have with \"ark storage get --store URL\"", cluster)
	}
	return names, nil
}

// recordAdoption writes a record beside each backup that is not this cluster's
// yet. One that cannot be adopted, because it is broken, keeps none of the others.
// It may be repeated.
func (a *app) recordAdoption(ctx context.Context, c *catalog.Catalog, record archive.Record, names []string) error {
	adopted := 0
	var failed []error
	for _, name := range names {
		record.Name = name
		recorded, err := adoptOne(ctx, c, record)
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("adopted %d of %d backups, and then: %w", adopted, len(names), ctx.Err())
		case err != nil:
			failed = append(failed, err)
		case recorded:
			adopted++
		}
	}
	_, err := fmt.Fprintf(a.out, "adopted %d of %d backups of cluster %s: they are this cluster's to keep and to expire\n",
		adopted, len(names), record.Cluster)
	if err != nil || len(failed) == 0 {
		return err
	}
	return exit.Errorf(exit.Failed, "%d of the backups cannot be adopted, the first one because: %w", len(failed), failed[0])
}

// adoptOne records the adoption of one backup, and reports whether that was
// needed: it is not where the backup is being removed, or this cluster's already.
func adoptOne(ctx context.Context, c *catalog.Catalog, record archive.Record) (bool, error) {
	s, err := c.Marker(ctx, record.Cluster, record.Name)
	if errors.Is(err, engine.ErrNotFound) || err == nil && (s.Deletion != nil || s.Owner() == record.By) {
		return false, nil
	}
	if err == nil {
		_, err = c.Append(ctx, record)
	}
	if err != nil {
		return false, fmt.Errorf("adopt %s: %w", record.Name, err)
	}
	return true, nil
}
