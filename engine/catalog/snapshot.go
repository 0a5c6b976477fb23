// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// Snapshot is a backup as the store knows it: its marker, and what was recorded
// since.
type Snapshot struct {
	Marker   *archive.Marker
	Envelope *archive.Envelope
	// Digest is "sha256:" and the SHA-256 of the marker's blob.
	Digest string
	State
}

// Owner is the cluster that may keep, expire and delete the backup.
func (s *Snapshot) Owner() string {
	if s.AdoptedBy != "" {
		return s.AdoptedBy
	}
	return s.Marker.Cluster.UID
}

// Clusters returns the UIDs of the clusters that have anything in the store,
// sorted.
func (c *Catalog) Clusters(ctx context.Context) ([]string, error) {
	var clusters []string
	for uid, err := range c.EachCluster(ctx) {
		if err != nil {
			return nil, err
		}
		clusters = append(clusters, uid)
	}
	return clusters, nil
}

// EachCluster yields what Clusters returns while it is listed: whoever may write
// into the store decides how many there are. A yielded error ends the sequence.
func (c *Catalog) EachCluster(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for blob, err := range c.store.List(ctx, "", true) {
			if err != nil {
				yield("", fmt.Errorf("list clusters: %w", err))
				return
			}
			uid, isFolder := strings.CutSuffix(blob.Key, "/")
			if isFolder && archive.IsUUID(uid) && !yield(uid, nil) {
				return
			}
		}
	}
}

// Names yields the names of a cluster's backups, in the order of their keys.
// Whatever else lies there is passed over. A yielded error ends the sequence.
func (c *Catalog) Names(ctx context.Context, cluster string) iter.Seq2[string, error] {
	return c.names(ctx, cluster, "")
}

// Listed is a marker as a listing tells of it. A marker is never written twice:
// where size or time are others than they were, somebody changed it.
type Listed struct {
	Name    string
	Size    int64
	ModTime time.Time
}

// Listed yields the markers of a cluster, in the order of their keys, as Names
// does.
func (c *Catalog) Listed(ctx context.Context, cluster string) iter.Seq2[Listed, error] {
	return c.markers(ctx, cluster, "")
}

// names yields the names that begin with prefix.
func (c *Catalog) names(ctx context.Context, cluster, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for listed, err := range c.markers(ctx, cluster, prefix) {
			if !yield(listed.Name, err) {
				return
			}
		}
	}
}

// markers yields the markers of the names that begin with prefix.
func (c *Catalog) markers(ctx context.Context, cluster, prefix string) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		if !archive.IsUUID(cluster) {
			yield(Listed{}, fmt.Errorf("list backups: cluster %q is not the UID of a cluster", cluster))
			return
		}
		folder := archive.MarkersPrefix(cluster)
		for blob, err := range c.store.List(ctx, folder+prefix, false) {
			if err != nil {
				yield(Listed{}, fmt.Errorf("list backups of cluster %s: %w", cluster, err))
				return
			}
			name, ok := strings.CutSuffix(strings.TrimPrefix(blob.Key, folder), ".json")
			if !ok || archive.CheckName(name) != nil {
				continue
			}
			// The name is cloned, or whoever keeps it would keep the whole key.
			if !yield(Listed{strings.Clone(name), blob.Size, blob.ModTime}, nil) {
				return
			}
		}
	}
}

// Marker reads a backup. ErrNotFound when there is none, or no longer one;
// ErrCorrupt also when the marker was put where it does not belong. Records that
// cannot be read are in the snapshot's Unreadable: they take nothing from what is
// archived, and whoever may write one blob must not keep a backup from its owner.
func (c *Catalog) Marker(ctx context.Context, cluster, name string) (*Snapshot, error) {
	s, err := c.readMarker(ctx, cluster, name)
	if err != nil {
		return nil, err
	}
	j, err := c.journal(ctx, cluster, name)
	if err != nil {
		return nil, err
	}
	s.State = j.fold(s.Marker.Expires)
	return s, nil
}

// readMarker reads a marker without its records.
func (c *Catalog) readMarker(ctx context.Context, cluster, name string) (*Snapshot, error) {
	if err := checkPlace(cluster, name); err != nil {
		return nil, fmt.Errorf("read backup: %w", err)
	}
	b, err := c.get(ctx, archive.MarkerKey(cluster, name))
	if err != nil {
		return nil, fmt.Errorf("read backup %s: %w", name, err)
	}
	m, env, err := archive.DecodeMarker(b)
	if err != nil {
		return nil, fmt.Errorf("read backup %s: %w", name, err)
	}
	if m.Store != c.identity.ID || m.Cluster.UID != cluster || m.Name != name {
		return nil, fmt.Errorf("read backup %s: %w: its marker is that of backup %s of cluster %s in store %s",
			name, engine.ErrCorrupt, m.Name, m.Cluster.UID, m.Store)
	}
	return &Snapshot{Marker: m, Envelope: env, Digest: archive.Digest(b)}, nil
}

// scheduledLayout is how the time of a firing ends the name of a backup.
const scheduledLayout = "20060102150405"

// Latest tells when a schedule of a cluster last fired, and what the backup was
// called: the newest name <schedule>-<YYYYMMDDhhmmss>. A backup that was removed
// since still counts, by its records: it fired. So the name may be that of a
// backup that is gone.
func (c *Catalog) Latest(ctx context.Context, cluster, schedule string) (fired time.Time, name string, ok bool, err error) {
	if err := checkPlace(cluster, schedule); err != nil {
		return time.Time{}, "", false, fmt.Errorf("find the last backup of a schedule: %w", err)
	}
	for _, names := range []iter.Seq2[string, error]{
		c.names(ctx, cluster, schedule+"-"),
		c.recorded(ctx, cluster, schedule+"-"),
	} {
		for n, err := range names {
			if err != nil {
				return time.Time{}, "", false, err
			}
			at, scheduled := firing(schedule, n)
			if scheduled && (!ok || at.After(fired)) {
				fired, name, ok = at, n, true
			}
		}
	}
	return fired, name, ok, nil
}

// recorded yields the names that have records, among those that begin with
// prefix.
func (c *Catalog) recorded(ctx context.Context, cluster, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		folder := archive.AllRecordsPrefix(cluster)
		for blob, err := range c.store.List(ctx, folder+prefix, true) {
			if err != nil {
				yield("", fmt.Errorf("list records of cluster %s: %w", cluster, err))
				return
			}
			name, ok := strings.CutSuffix(strings.TrimPrefix(blob.Key, folder), "/")
			if ok && !yield(name, nil) {
				return
			}
		}
	}
}

// firing returns the time in the name of a backup of schedule. The pattern is
// exact, or schedule "a" would take the backups of "a-b" for its own.
func firing(schedule, name string) (time.Time, bool) {
	stamp, ok := strings.CutPrefix(name, schedule+"-")
	if !ok || len(stamp) != len(scheduledLayout) {
		return time.Time{}, false
	}
	at, err := time.ParseInLocation(scheduledLayout, stamp, time.UTC)
	return at, err == nil
}
