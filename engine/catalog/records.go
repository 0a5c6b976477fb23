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
	// Records are those that can be read, in order.
	Records []archive.Record
	// Held says that the backup is kept whatever its time to live. It is true while
	// a record is unreadable: a hold may be what is lost.
	Held bool
	// Expires is when the time to live runs out, extensions included.
	Expires time.Time
	// Deletion is the record of the removal that has begun; nil when none has. The
	// backup must not be used. One behind a hold, or behind a record that is missing
	// or unreadable, is not believed: Remove writes no such record.
	Deletion *archive.Record
	// AdoptedBy is the cluster that took the backup over; empty when none did.
	AdoptedBy string
	// Unreadable says, one sentence each, which records are missing, cannot be read
	// or belong elsewhere; at most maxUnreadable of them. While it is not empty the
	// backup can be read and restored, and Append, Remove and Deletion refuse it with
	// ErrCorrupt.
	Unreadable []string
	// Unverified says, one sentence each, which records are not believed, because the
	// store signs and no trusted key signed them: releases, deletions and adoptions,
	// which would take protection away. They are passed over; at most maxUnreadable of
	// them. A hold or an extension counts whoever wrote it.
	Unverified []string
}

// maxUnreadable bounds how many records State.Unreadable and State.Unverified tell of.
const maxUnreadable = 8

// journal is what lies in the records of a backup.
type journal struct {
	records []archive.Record
	// verdicts are what the signatures of the records are worth, and trust what
	// follows from that.
	verdicts []archive.Trust
	trust    Trust
	// digest is that of the last record's file.
	digest string
	// intact is how many records from the first on follow each other without a gap:
	// nothing is lost before them.
	intact int
	// unreadable is State.Unreadable.
	unreadable []string
}

// add takes the next record. One that a signature no longer fits may have been a hold,
// and so may one that is another than a verified one found before it.
func (j *journal) add(r storedRecord) {
	last := 0
	if n := len(j.records); n > 0 {
		last = j.records[n-1].Seq
	}
	verdict := r.seal.Verify(j.trust.Keys)
	switch {
	case r.Seq != last+1:
		j.lose(fmt.Sprintf("record %d is missing", last+1))
	case verdict == archive.Tampered:
		j.lose(fmt.Sprintf("record %d is not to be relied on: %s", r.Seq, doubt(verdict)))
	case verdict == archive.Verified && r.Previous != "" && r.Previous != j.digest:
		j.lose(fmt.Sprintf("record %d was exchanged after record %d was written", last, r.Seq))
	}
	j.records, j.verdicts, j.digest = append(j.records, r.Record), append(j.verdicts, verdict), r.digest
	if len(j.unreadable) == 0 {
		j.intact = len(j.records)
	}
}

// lose notes what cannot be read.
func (j *journal) lose(what string) {
	if len(j.unreadable) < maxUnreadable {
		j.unreadable = append(j.unreadable, archive.Text(what))
	}
}

// err returns ErrCorrupt when anything is lost.
func (j *journal) err() error {
	if len(j.unreadable) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", engine.ErrCorrupt, strings.Join(j.unreadable, "; "))
}

// fold adds the records up. What takes protection away is believed only where
// nothing is lost before it, and a deletion only where nothing held the backup:
// Remove records no other, so somebody else did.
//
// Where the store signs, it is believed only of a trusted key: what anybody can write
// neither shortens the life of a backup nor ends a hold.
func (j *journal) fold(expires time.Time) State { //nolint:cyclop // one case for each type of record
	s := State{Records: j.records, Expires: expires, Unreadable: j.unreadable}
	for i := range j.records {
		r := &j.records[i]
		if why := j.passedOver(i); why != "" {
			s.doubt(why)
			continue
		}
		switch r.Type {
		case archive.RecordHold:
			s.Held = true
		case archive.RecordRelease:
			s.Held = s.Held && i >= j.intact
		case archive.RecordExtend:
			if r.Expires.After(s.Expires) {
				s.Expires = *r.Expires
			}
		case archive.RecordDeletion:
			if s.Deletion == nil && !s.Held && i < j.intact {
				s.Deletion = r
			}
		case archive.RecordAdopted:
			s.AdoptedBy = r.By
		}
	}
	s.Held = s.Held || len(j.unreadable) > 0
	return s
}

// passedOver says why a record does not count, or nothing.
func (j *journal) passedOver(i int) string {
	r := &j.records[i]
	if r.Type == archive.RecordHold || r.Type == archive.RecordExtend || j.trust.believes(j.verdicts[i]) {
		return ""
	}
	return fmt.Sprintf("record %d (%s) does not count: %s", r.Seq, r.Type, doubt(j.verdicts[i]))
}

// doubt notes a record that does not count.
func (s *State) doubt(why string) {
	if len(s.Unverified) < maxUnreadable {
		s.Unverified = append(s.Unverified, why)
	}
}

// Records returns the records of a name, in order, whether or not the backup is
// there. ErrCorrupt when one of them is missing, cannot be read or belongs
// elsewhere: a hold may be what is lost.
func (c *Catalog) Records(ctx context.Context, cluster, name string) ([]archive.Record, error) {
	j, err := c.sound(ctx, cluster, name)
	if err != nil {
		return nil, err
	}
	return j.records, nil
}

// sound returns the records of a name, ErrCorrupt unless all can be read.
func (c *Catalog) sound(ctx context.Context, cluster, name string) (*journal, error) {
	j, err := c.journal(ctx, cluster, name)
	if err != nil {
		return nil, err
	}
	if err := j.err(); err != nil {
		return nil, fmt.Errorf("read records of backup %s: %w", name, err)
	}
	return j, nil
}

// journal reads the records of a name as far as they can be read. An error says
// that the store does not answer, never that it holds nonsense.
func (c *Catalog) journal(ctx context.Context, cluster, name string) (*journal, error) {
	if err := checkPlace(cluster, name); err != nil {
		return nil, fmt.Errorf("read records: %w", err)
	}
	j := journal{trust: c.trust}
	seen := 0
	for blob, err := range c.store.List(ctx, archive.RecordsPrefix(cluster, name), false) {
		if err != nil {
			return nil, fmt.Errorf("list records of backup %s: %w", name, err)
		}
		if seen++; seen > archive.MaxRecords {
			j.lose(fmt.Sprintf("there are more than %d records", archive.MaxRecords))
			break
		}
		r, err := c.readRecord(ctx, cluster, name, blob.Key)
		switch {
		case archive.Unreadable(err), errors.Is(err, engine.ErrNotFound):
			j.lose(err.Error())
		case err != nil:
			return nil, fmt.Errorf("read records of backup %s: %w", name, err)
		default:
			j.add(r)
		}
	}
	return &j, nil
}

// storedRecord is a record as it was read.
type storedRecord struct {
	archive.Record

	seal   *archive.Seal
	digest string
}

func (c *Catalog) readRecord(ctx context.Context, cluster, name, key string) (storedRecord, error) {
	b, err := c.get(ctx, key)
	if err != nil {
		return storedRecord{}, err
	}
	r, seal, err := archive.DecodeRecord(b)
	if err != nil {
		return storedRecord{}, fmt.Errorf("%s: %w", key, err)
	}
	if r.Store != c.identity.ID || r.Cluster != cluster || r.Name != name || key != archive.RecordKey(cluster, name, r.Seq) {
		return storedRecord{}, fmt.Errorf("%s: %w: it is record %d of backup %s of cluster %s in store %s",
			key, engine.ErrCorrupt, r.Seq, r.Name, r.Cluster, r.Store)
	}
	return storedRecord{*r, seal, archive.Digest(b)}, nil
}

// Deletion returns the record of a name's removal, which stays when everything
// else is gone; false when there is none that counts. ErrCorrupt as for Records.
func (c *Catalog) Deletion(ctx context.Context, cluster, name string) (*archive.Record, bool, error) {
	j, err := c.sound(ctx, cluster, name)
	if err != nil {
		return nil, false, err
	}
	s := j.fold(time.Time{})
	return s.Deletion, s.Deletion != nil, nil
}

// Append writes a record about a backup under the next free number, and returns
// it as stored. Cluster, Name, Type and By are the caller's to set; Format, Store,
// Seq and, where it is zero, Time are filled in. ErrNotFound when there is no such
// backup, ErrConflict when it is being removed, ErrForbidden when it belongs to
// another cluster than By and this is not its adoption, ErrCorrupt when a record
// of it cannot be read. Removals go through Remove. It is signed as Trusting says.
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
		// A hold that a removal overtook can be released, so that the removal goes on.
		if s.Deletion != nil && (r.Type != archive.RecordRelease || !s.Held) {
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
		j, err := c.sound(ctx, r.Cluster, r.Name)
		if err != nil {
			return nil, err
		}
		if err := allowed(j.fold(time.Time{})); err != nil {
			return nil, fmt.Errorf("append record: %w", err)
		}
		if n := len(j.records); n > 0 {
			least = max(least, j.records[n-1].Seq+1)
		}
		r.Seq, r.Previous = least, ""
		if n := len(j.records); n > 0 && j.records[n-1].Seq == least-1 {
			r.Previous = j.digest
		}
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
	keys, err := c.trust.keys(ctx)
	if err != nil {
		return false, err
	}
	b, err := archive.EncodeRecord(r, keys...)
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
// that has any, of those that matter, from one listing. A backup's state changes
// only when that does, because a marker never does: a sync need not read ten
// thousand of them again. What was recorded of backups that are gone is listed, too,
// and there is ever more of it: listed tells how much there was.
func (c *Catalog) LastRecords(ctx context.Context, cluster string, matters func(name string) bool) (last map[string]int, listed int, err error) {
	if !archive.IsUUID(cluster) {
		return nil, 0, fmt.Errorf("list records: cluster %q is not the UID of a cluster", cluster)
	}
	last = map[string]int{}
	folder := archive.AllRecordsPrefix(cluster)
	for blob, err := range c.store.List(ctx, folder, false) {
		if err != nil {
			return nil, 0, fmt.Errorf("list records of cluster %s: %w", cluster, err)
		}
		listed++
		name, rest, _ := strings.Cut(strings.TrimPrefix(blob.Key, folder), "/")
		seq, err := strconv.Atoi(strings.TrimSuffix(rest, ".json"))
		if err != nil || archive.CheckName(name) != nil || !matters(name) {
			continue
		}
		last[name] = max(last[name], seq)
	}
	return last, listed, nil
}
