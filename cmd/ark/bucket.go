// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"time"

	"github.com/spf13/pflag"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/bucket"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
)

// bucketFlags name a bucket to read instead of a cluster.
type bucketFlags struct {
	url, prefix, cluster string
	trustedKeys          []string
}

func (f *bucketFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.url, "store", "", "read a bucket alone, with no cluster: its URL, such as file:///srv/backups")
	flags.StringVar(&f.prefix, "prefix", "", "prefix of the keys within the bucket, with --store")
	flags.StringVar(&f.cluster, "cluster", "", "UID or name of one of the clusters in the bucket, with --store")
}

// addTrust adds the flag of those who read what is signed.
func (f *bucketFlags) addTrust(flags *pflag.FlagSet) {
	listVar(flags, &f.trustedKeys, "trusted-key", "public key whose signatures count, as status.storage[].publicKey of a Config shows it, with --store; may be repeated")
}

func (f *bucketFlags) given() bool { return f.url != "" }

// check tells what makes no sense together.
func (f *bucketFlags) check() error {
	switch {
	case f.url == "" && f.prefix != "":
		return exit.Usagef("--prefix goes with --store")
	case f.url == "" && f.cluster != "":
		return exit.Usagef("--cluster goes with --store: to choose a cluster to connect to, use --context")
	case f.url == "" && len(f.trustedKeys) > 0:
		return exit.Usagef("--trusted-key goes with --store: of a cluster's backups those keys count that its Config trusts")
	}
	_, err := f.trusted()
	return err
}

// trusted reads the keys whose signatures count.
func (f *bucketFlags) trusted() ([]ed25519.PublicKey, error) {
	keys := make([]ed25519.PublicKey, 0, len(f.trustedKeys))
	for _, text := range f.trustedKeys {
		key, ok := archive.ParsePublicKey(text)
		if !ok {
			return nil, exit.Usagef("--trusted-key %q: write the base64 of the 32 bytes of an Ed25519 public key, "+
				"as status.storage[].publicKey of a Config shows it", text)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// open attaches the bucket.
func (f *bucketFlags) open(ctx context.Context, clock engine.Clock) (*bucket.Bucket, error) {
	trusted, err := f.trusted()
	if err != nil {
		return nil, err
	}
	loc := blobstore.Location{Name: "--store", URL: f.url, Prefix: f.prefix}
	// Who writes the URL here owns the credentials that are used.
	opened, err := bucket.Open(ctx, loc, blobstore.Options{OwnURL: true}, clock)
	if err != nil {
		return nil, err
	}
	opened.Trust(trusted, len(trusted) > 0)
	return opened, nil
}

// clock tells the engine the time of the app.
type clock func() time.Time

// Now is the time.
func (c clock) Now() time.Time { return c() }

var _ engine.Clock = clock(nil)

// backupsInBucket reads backups from a bucket alone.
type backupsInBucket struct {
	bucket  *bucket.Bucket
	cluster string
}

var _ reader[*v1alpha1.Backup] = backupsInBucket{}

// All returns the backups of all clusters, or of the one chosen.
func (r backupsInBucket) All(ctx context.Context) ([]*v1alpha1.Backup, error) {
	return r.bucket.Backups(ctx, r.cluster)
}

// One returns the backup of a name.
func (r backupsInBucket) One(ctx context.Context, name string) (*v1alpha1.Backup, error) {
	b, _, err := r.bucket.Backup(ctx, r.cluster, name)
	if !errors.Is(err, engine.ErrNotFound) {
		return b, err
	}
	all, err := r.All(ctx)
	if err != nil {
		return nil, err
	}
	return nil, backups.unknown(name, all, "--store", "URL")
}

// restoresInBucket reads the records of restores from a bucket alone.
type restoresInBucket struct {
	bucket  *bucket.Bucket
	cluster string
}

var _ reader[*v1alpha1.Restore] = restoresInBucket{}

// All returns the restores into all clusters, or into the one chosen.
func (r restoresInBucket) All(ctx context.Context) ([]*v1alpha1.Restore, error) {
	return r.bucket.Restores(ctx, r.cluster)
}

// One returns the restore of a name.
func (r restoresInBucket) One(ctx context.Context, name string) (*v1alpha1.Restore, error) {
	found, err := r.bucket.Restore(ctx, r.cluster, name)
	if !errors.Is(err, engine.ErrNotFound) {
		return found, err
	}
	all, err := r.All(ctx)
	if err != nil {
		return nil, err
	}
	return nil, restores.unknown(name, all, "--store", "URL")
}
