// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// RestoreRecord is the record of a restore that is being written. Its files can
// be written by several at once.
type RestoreRecord struct {
	*folder

	cluster string
	name    string
	uid     string
}

// NewRestoreRecord begins the record of a restore into cluster. Name and uid are
// those of the Restore object.
func (c *Catalog) NewRestoreRecord(cluster, name, uid string) (*RestoreRecord, error) {
	if err := c.writable(); err != nil {
		return nil, fmt.Errorf("begin record of restore %s: %w", name, err)
	}
	if err := checkPlace(cluster, name); err != nil {
		return nil, fmt.Errorf("begin record of restore: %w", err)
	}
	if !archive.IsAttempt(uid) {
		return nil, fmt.Errorf("begin record of restore %s: uid %q is not a lower-case name", name, uid)
	}
	return &RestoreRecord{
		folder:  newFolder(c, archive.RestoreKey(cluster, name, uid, "")),
		cluster: cluster, name: name, uid: uid,
	}, nil
}

// Keep writes a file at once. It is there whether or not the record ever exists, and
// the summary does not name it: there may be more of them than it has room for. No
// two may have the same name.
func (r *RestoreRecord) Keep(ctx context.Context, name string, content []byte) error {
	if !archive.IsFile(name) {
		return fmt.Errorf("keep %q: it is not a file name", name)
	}
	if err := r.c.put(ctx, r.prefix+name, content); err != nil {
		return fmt.Errorf("keep %s: %w", name, err)
	}
	return nil
}

// Commit writes the summary, with which the record exists. What the record knows
// is filled in: Format, Store, Cluster.UID, Name, UID, Tool and Files. It may be
// repeated until it succeeds.
func (r *RestoreRecord) Commit(ctx context.Context, s archive.RestoreSummary) (*archive.RestoreSummary, error) {
	stored, err := r.commit(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("record restore %s: %w", r.name, err)
	}
	return stored, nil
}

func (r *RestoreRecord) commit(ctx context.Context, s archive.RestoreSummary) (*archive.RestoreSummary, error) {
	keys, err := r.c.trust.keys(ctx)
	if err != nil {
		return nil, err
	}
	files, err := r.files(ctx)
	if err != nil {
		return nil, err
	}
	s.Format, s.Store, s.Tool = archive.Format, r.c.identity.ID, r.c.opts.Tool
	s.Cluster.UID, s.Name, s.UID, s.Files = r.cluster, r.name, r.uid, files
	b, err := archive.EncodeRestore(&s, keys...)
	if err != nil {
		return nil, err
	}
	if err := r.c.Check(ctx); err != nil {
		return nil, err
	}
	key := archive.RestoreKey(r.cluster, r.name, r.uid, archive.RestoreFile)
	if err := r.c.put(ctx, key, b); err != nil && !errors.Is(err, engine.ErrExists) {
		return nil, err
	}
	stored, err := r.c.readRestore(ctx, r.cluster, r.name, r.uid)
	if err != nil {
		return nil, err
	}
	return stored.RestoreSummary, nil
}

// EncodeRestore returns the record of a restore of a backup in this store that is kept
// elsewhere, because the store is never written: as Commit would write it, with the Files
// that the caller names.
func (c *Catalog) EncodeRestore(ctx context.Context, s archive.RestoreSummary) ([]byte, error) {
	keys, err := c.trust.keys(ctx)
	if err != nil {
		return nil, fmt.Errorf("record restore %s: %w", s.Name, err)
	}
	s.Format, s.Store, s.Tool = archive.Format, c.identity.ID, c.opts.Tool
	b, err := archive.EncodeRestore(&s, keys...)
	if err != nil {
		return nil, fmt.Errorf("record restore %s: %w", s.Name, err)
	}
	return b, nil
}

// DecodeRestore reads what EncodeRestore returned. Its errors wrap ErrCorrupt or
// archive.ErrUnknownFormat.
func (t Trust) DecodeRestore(b []byte) (*FoundRestore, error) {
	s, seal, err := archive.DecodeRestore(b)
	if err != nil {
		return nil, err
	}
	return t.judge(s, seal), nil
}

// FoundRestore is the record of a restore as it was found.
type FoundRestore struct {
	*archive.RestoreSummary

	// Trust is what its signatures are worth, and Doubt says why nothing may be
	// concluded from it; it is empty where that is not so. What it says it then says of
	// itself.
	Trust archive.Trust
	Doubt string
}

// FindRestore returns what a restore of that name did in a cluster. Of several,
// when objects of one name were made and deleted, it is the last to complete, of those
// that can be believed; only where there are none is it one with a Doubt.
// ErrNotFound when none did.
func (c *Catalog) FindRestore(ctx context.Context, cluster, name string) (*FoundRestore, error) {
	if err := checkPlace(cluster, name); err != nil {
		return nil, fmt.Errorf("find restore: %w", err)
	}
	best, broken, err := c.heaviest(ctx, cluster, name)
	if broken != nil && (best == nil || best.Trust != archive.Verified) {
		err = cmp.Or(err, broken)
	}
	if err != nil {
		return nil, fmt.Errorf("find restore %s: %w", name, err)
	}
	if best == nil {
		return nil, fmt.Errorf("find restore %s: %w in cluster %s", name, engine.ErrNotFound, cluster)
	}
	return best, nil
}

// heaviest returns the record that counts for most of those of a name, or nil, and why
// one of them cannot be read: whoever may write a blob must not take a record from its
// owner.
func (c *Catalog) heaviest(ctx context.Context, cluster, name string) (best *FoundRestore, broken, err error) {
	prefix := archive.RestoresPrefix(cluster, name)
	for blob, err := range c.store.List(ctx, prefix, true) {
		if err != nil {
			return nil, nil, err
		}
		uid, ok := strings.CutSuffix(strings.TrimPrefix(blob.Key, prefix), "/")
		if !ok || !archive.IsAttempt(uid) {
			continue
		}
		s, err := c.readRestore(ctx, cluster, name, uid)
		switch {
		case errors.Is(err, engine.ErrNotFound): // it never got as far as a summary
		case archive.Unreadable(err):
			broken = cmp.Or(broken, err)
		case err != nil:
			return nil, nil, err
		case best == nil || s.outweighs(best):
			best = s
		}
	}
	return best, broken, nil
}

// outweighs reports whether a record counts for more than another of its name.
func (f *FoundRestore) outweighs(other *FoundRestore) bool {
	if believed := f.Doubt == ""; believed != (other.Doubt == "") {
		return believed
	}
	return f.Completed.After(other.Completed)
}

func (c *Catalog) readRestore(ctx context.Context, cluster, name, uid string) (*FoundRestore, error) {
	key := archive.RestoreKey(cluster, name, uid, archive.RestoreFile)
	b, err := c.get(ctx, key)
	if err != nil {
		return nil, err
	}
	s, seal, err := archive.DecodeRestore(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	if s.Store != c.identity.ID || s.Cluster.UID != cluster || s.Name != name || s.UID != uid {
		return nil, fmt.Errorf("%s: %w: it is of restore %s, %s, into cluster %s from store %s",
			key, engine.ErrCorrupt, s.Name, s.UID, s.Cluster.UID, s.Store)
	}
	return c.trust.judge(s, seal), nil
}

// judge says what a record of a restore is worth.
func (t Trust) judge(s *archive.RestoreSummary, seal *archive.Seal) *FoundRestore {
	found := &FoundRestore{RestoreSummary: s, Trust: seal.Verify(t.Keys)}
	if !t.believes(found.Trust) {
		found.Doubt = doubt(found.Trust)
	}
	return found
}
