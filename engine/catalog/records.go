// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// State is what the records of a backup add up to.
type State struct {
	// Records are all of them, in order.
	Records []archive.Record
	// Held says that the backup is kept whatever its time to live.
	Held bool
	// Expires is when the time to live runs out, extensions included.
	Expires time.Time
	// Deletion is the record of the removal that has begun; nil when none has. The
	// backup must not be used.
	Deletion *archive.Record
	// AdoptedBy is the cluster that took the backup over; empty when none did.
	AdoptedBy string
}

// fold adds the records up, which are in order.
func fold(records []archive.Record, expires time.Time) State {
	s := State{Records: records, Expires: expires}
	for i := range records {
		switch r := &records[i]; r.Type {
		case archive.RecordHold:
			s.Held = true
		case archive.RecordRelease:
			s.Held = false
		case archive.RecordExtend:
			if r.Expires.After(s.Expires) {
				s.Expires = *r.Expires
			}
		case archive.RecordDeletion:
			if s.Deletion == nil {
				s.Deletion = r
			}
		case archive.RecordAdopted:
			s.AdoptedBy = r.By
		}
	}
	return s
}

// Records returns the records of a name, in order, whether or not the backup is
// there. ErrCorrupt when one of them cannot be read or belongs elsewhere: a hold
// may be what is lost.
func (c *Catalog) Records(ctx context.Context, cluster, name string) ([]archive.Record, error) {
	if err := checkPlace(cluster, name); err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	var records []archive.Record
	prefix := archive.RecordsPrefix(cluster, name)
	for blob, err := range c.store.List(ctx, prefix, false) {
		if err != nil {
			return nil, fmt.Errorf("list records of backup %s: %w", name, err)
		}
		if len(records) >= archive.MaxRecords {
			return nil, fmt.Errorf("list records of backup %s: %w: more than %d", name, engine.ErrCorrupt, archive.MaxRecords)
		}
		r, err := c.readRecord(ctx, cluster, name, blob.Key)
		if err != nil {
			return nil, fmt.Errorf("read records of backup %s: %w", name, err)
		}
		records = append(records, *r)
	}
	return records, nil
}

func (c *Catalog) readRecord(ctx context.Context, cluster, name, key string) (*archive.Record, error) {
	b, err := c.get(ctx, key)
	if err != nil {
		return nil, err
	}
	r, err := archive.DecodeRecord(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	if r.Store != c.identity.ID || r.Cluster != cluster || r.Name != name || key != archive.RecordKey(cluster, name, r.Seq) {
		return nil, fmt.Errorf("%s: %w: it is record %d of backup %s of cluster %s in store %s",
			key, engine.ErrCorrupt, r.Seq, r.Name, r.Cluster, r.Store)
	}
	return r, nil
}

// Deletion returns the record of a name's removal, which stays when everything
// else is gone; false when there is none.
func (c *Catalog) Deletion(ctx context.Context, cluster, name string) (*archive.Record, bool, error) {
	records, err := c.Records(ctx, cluster, name)
	if err != nil {
		return nil, false, err
	}
	s := fold(records, time.Time{})
	return s.Deletion, s.Deletion != nil, nil
}

// Append writes a record about a backup under the next free number, and returns
// it as stored. Cluster, Name, Type and By are the caller's to set; Format, Store,
// Seq and, where it is zero, Time are filled in. ErrNotFound when there is no such
// backup, ErrConflict when it is being removed, ErrForbidden when it belongs to
// another cluster than By and this is not its adoption. Removals go through Remove.
func (c *Catalog) Append(ctx context.Context, r archive.Record) (*archive.Record, error) {
	if err := checkPlace(r.Cluster, r.Name); err != nil {
		return nil, fmt.Errorf("append record: %w", err)
	}
	if r.Type == archive.RecordDeletion {
		return nil, errors.New("append record: a deletion is recorded by Remove")
	}
	if _, err := c.readMarker(ctx, r.Cluster, r.Name); err != nil {
		return nil, fmt.Errorf("append record: %w", err)
	}
	return c.append(ctx, r, func(s State) error {
		if s.Deletion != nil {
			return fmt.Errorf("%w: backup %s is being removed", engine.ErrConflict, r.Name)
		}
		if r.Type == archive.RecordAdopted {
			return nil
		}
		return s.belongs(r.Cluster, r.Name, r.By)
	})
}

// belongs returns ErrForbidden when the backup, taken by cluster, is not by's to
// keep and to remove.
func (s State) belongs(cluster, name, by string) error {
	owner := cluster
	if s.AdoptedBy != "" {
		owner = s.AdoptedBy
	}
	if by == owner {
		return nil
	}
	return fmt.Errorf("%w: backup %s belongs to cluster %s: adopt it first", engine.ErrForbidden, name, owner)
}

// append writes r behind the records that are there, as long as allowed finds
// nothing against it. Whoever takes the number first is heard: allowed then judges
// again.
func (c *Catalog) append(ctx context.Context, r archive.Record, allowed func(State) error) (*archive.Record, error) {
	if err := c.writable(); err != nil {
		return nil, fmt.Errorf("append record: %w", err)
	}
	r.Format, r.Store, r.Reason = archive.Format, c.identity.ID, archive.Text(r.Reason)
	if r.Time.IsZero() {
		r.Time = c.now()
	}
	least := 1
	for {
		records, err := c.Records(ctx, r.Cluster, r.Name)
		if err != nil {
			return nil, err
		}
		if err := allowed(fold(records, time.Time{})); err != nil {
			return nil, fmt.Errorf("append record: %w", err)
		}
		if n := len(records); n > 0 {
			least = max(least, records[n-1].Seq+1)
		}
		r.Seq = least
		won, err := c.writeRecord(ctx, &r)
		if err != nil {
			return nil, fmt.Errorf("append record of backup %s: %w", r.Name, err)
		}
		if won {
			return &r, nil
		}
		// A listing may not show yet what took the number, so go past it in any case.
		least++
	}
}

// writeRecord reports whether r is what its number now holds.
func (c *Catalog) writeRecord(ctx context.Context, r *archive.Record) (bool, error) {
	b, err := archive.EncodeRecord(r)
	if err != nil {
		return false, err
	}
	key := archive.RecordKey(r.Cluster, r.Name, r.Seq)
	if err := c.put(ctx, key, b); errors.Is(err, engine.ErrExists) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	stored, err := c.get(ctx, key)
	if err != nil {
		return false, err
	}
	return bytes.Equal(stored, b), nil
}

// LastRecords returns the number of the last record of each name of a cluster
// that has any, from one listing. A backup's state changes only when that does,
// because a marker never does: a sync need not read ten thousand of them again.
func (c *Catalog) LastRecords(ctx context.Context, cluster string) (map[string]int, error) {
	if !archive.IsUUID(cluster) {
		return nil, fmt.Errorf("list records: cluster %q is not the UID of a cluster", cluster)
	}
	last := map[string]int{}
	folder := archive.AllRecordsPrefix(cluster)
	for blob, err := range c.store.List(ctx, folder, false) {
		if err != nil {
			return nil, fmt.Errorf("list records of cluster %s: %w", cluster, err)
		}
		name, rest, _ := strings.Cut(strings.TrimPrefix(blob.Key, folder), "/")
		seq, err := strconv.Atoi(strings.TrimSuffix(rest, ".json"))
		if err != nil || archive.CheckName(name) != nil {
			continue
		}
		last[name] = max(last[name], seq)
	}
	return last, nil
}
