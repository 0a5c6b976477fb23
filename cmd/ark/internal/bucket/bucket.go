// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package bucket reads backups and restores from object storage alone, with no
// cluster: what is left on the day the cluster is gone. It never writes.
package bucket

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/catalog"
)

// readers is how many markers are read at a time: enough to hide the latency of
// a remote bucket, too few to be throttled.
const readers = 16

// fileRoot opens every directory: the user is on a machine of his own.
const fileRoot = "/"

// Bucket is an attached store.
type Bucket struct {
	// URL is where it is, with the prefix.
	URL string
	// Catalog is what it holds.
	Catalog *catalog.Catalog
	// Trusted are the keys whose signatures count; Trust sets them.
	Trusted []ed25519.PublicKey
	// Signed says that what lies here should be signed by one of them.
	Signed bool

	store engine.Store
	clock engine.Clock
}

// Trust sets the keys whose signatures count, and whether records of this store count
// only with one.
func (b *Bucket) Trust(keys []ed25519.PublicKey, signed bool) {
	b.Trusted, b.Signed = keys, signed
	b.Catalog = b.Catalog.Trusting(catalog.Trust{Signed: signed, Keys: keys})
}

// Open attaches the store at a location, for reading only.
func Open(ctx context.Context, loc blobstore.Location, opts blobstore.Options, clock engine.Clock) (*Bucket, error) {
	loc.ReadOnly = true
	opts.FileRoot = fileRoot
	store, err := blobstore.Open(ctx, loc, opts)
	if err != nil {
		return nil, err
	}
	c, err := catalog.Attach(ctx, store, clock, catalog.Options{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("read storage location %q: %w", loc.Name, err)
	}
	url := strings.TrimSuffix(loc.URL, "/")
	if loc.Prefix != "" {
		url += "/" + loc.Prefix
	}
	return &Bucket{URL: url, Catalog: c, store: store, clock: clock}, nil
}

// Backups returns the backups of the cluster of that UID or name, or of all
// clusters. One that cannot be read is among them, with a condition that says why.
func (b *Bucket) Backups(ctx context.Context, cluster string) ([]*v1alpha1.Backup, error) {
	keys, err := b.keys(ctx, cluster)
	if err != nil {
		return nil, err
	}
	all := make([]*v1alpha1.Backup, len(keys))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, key := range keys {
		group.Go(func() error {
			s, err := b.Catalog.Marker(gctx, key.cluster, key.name)
			switch {
			case err == nil:
				all[i] = b.fromSnapshot(s)
			case archive.Unreadable(err):
				all[i] = unreadable(key.cluster, key.name, err)
			case !errors.Is(err, engine.ErrNotFound): // it was removed meanwhile
				return err
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(b *v1alpha1.Backup) bool { return b == nil })
	return ofCluster(all, cluster, clusterOfBackup)
}

// Backup returns the backup of that name. More than one cluster can have one:
// then cluster has to say whose.
func (b *Bucket) Backup(ctx context.Context, cluster, name string) (*v1alpha1.Backup, *catalog.Snapshot, error) {
	clusters, err := b.clusters(ctx, cluster)
	if err != nil {
		return nil, nil, err
	}
	var found []*catalog.Snapshot
	for _, uid := range clusters {
		s, err := b.Catalog.Marker(ctx, uid, name)
		switch {
		case errors.Is(err, engine.ErrNotFound):
		case err != nil:
			return nil, nil, err
		default:
			found = append(found, s)
		}
	}
	if len(found) == 0 {
		return nil, nil, fmt.Errorf("backup %q: %w", name, engine.ErrNotFound)
	}
	if found, err = ofCluster(found, cluster, clusterOfSnapshot); err != nil {
		return nil, nil, err
	}
	if len(found) > 1 {
		return nil, nil, ambiguous(name, found, clusterOfSnapshot)
	}
	return b.fromSnapshot(found[0]), found[0], nil
}

// key names a backup or restore.
type key struct{ cluster, name string }

func (b *Bucket) keys(ctx context.Context, cluster string) ([]key, error) {
	clusters, err := b.clusters(ctx, cluster)
	if err != nil {
		return nil, err
	}
	var keys []key
	for _, uid := range clusters {
		for name, err := range b.Catalog.Names(ctx, uid) {
			if err != nil {
				return nil, err
			}
			keys = append(keys, key{uid, name})
		}
	}
	return keys, nil
}

// clusters returns the UIDs to look at: the one given, or all, because a name
// is found only within what clusters wrote.
func (b *Bucket) clusters(ctx context.Context, cluster string) ([]string, error) {
	all, err := b.Catalog.Clusters(ctx)
	if err != nil || !slices.Contains(all, cluster) {
		return all, err
	}
	return []string{cluster}, nil
}

// ofCluster keeps what a cluster made. When there is nothing, the error lists
// the clusters that there are.
func ofCluster[T any](items []T, cluster string, of func(T) archive.Cluster) ([]T, error) {
	if cluster == "" {
		return items, nil
	}
	var kept []T
	for _, item := range items {
		if c := of(item); c.UID == cluster || c.Name == cluster {
			kept = append(kept, item)
		}
	}
	if len(kept) > 0 {
		return kept, nil
	}
	if len(items) == 0 {
		return nil, exit.Usagef("--cluster %q: the bucket holds nothing of any cluster", cluster)
	}
	return nil, exit.Usagef("--cluster %q: there is nothing of that cluster, but of %s", cluster, list(items, of))
}

// ambiguous says that several clusters have something of that name.
func ambiguous[T any](name string, found []T, of func(T) archive.Cluster) error {
	return exit.Usagef("several clusters have a %q: choose one with --cluster: %s", name, list(found, of))
}

// list names the clusters of items, each once.
func list[T any](items []T, of func(T) archive.Cluster) string {
	var names []string
	for _, item := range items {
		names = append(names, clusterText(of(item)))
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

func clusterOfSnapshot(s *catalog.Snapshot) archive.Cluster { return s.Marker.Cluster }

func clusterOfBackup(b *v1alpha1.Backup) archive.Cluster {
	return archive.Cluster{UID: b.Status.Origin.ClusterUID, Name: b.Status.Origin.ClusterName}
}

// ClusterContent is what a bucket holds of one cluster.
type ClusterContent struct {
	archive.Cluster

	// Backups is the number of committed backups.
	Backups int32
}

// String is the cluster's name and UID.
func (c ClusterContent) String() string { return clusterText(c.Cluster) }

// Clusters returns what the bucket holds of each cluster, or of the one of that
// UID or name.
func (b *Bucket) Clusters(ctx context.Context, cluster string) ([]ClusterContent, error) {
	uids, err := b.clusters(ctx, cluster)
	if err != nil {
		return nil, err
	}
	var all []ClusterContent
	for _, uid := range uids {
		c := ClusterContent{Cluster: archive.Cluster{UID: uid}}
		last := ""
		for name, err := range b.Catalog.Names(ctx, uid) {
			if err != nil {
				return nil, err
			}
			c.Backups++
			last = name
		}
		if last != "" {
			s, err := b.Catalog.Marker(ctx, uid, last)
			switch {
			case err == nil:
				c.Name = s.Marker.Cluster.Name
			case !archive.Unreadable(err) && !errors.Is(err, engine.ErrNotFound):
				return nil, err
			}
		}
		all = append(all, c)
	}
	return ofCluster(all, cluster, func(c ClusterContent) archive.Cluster { return c.Cluster })
}

// clusterText names a cluster for people.
func clusterText(c archive.Cluster) string {
	if c.Name == "" {
		return c.UID
	}
	return c.Name + " (" + c.UID + ")"
}
