// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/retention"
)

// memoryLifetime is how long what was read of a Schedule's backups may keep one of
// them. Those that are kept beyond their ttl are all judged at the same time, and
// reading all of them for each would take a day for ten thousand.
const memoryLifetime = time.Minute

// memory is what was last read of the backups of each Schedule. It may say that a
// backup is to be kept; before one is removed, storage is read again.
type memory struct {
	mu    sync.Mutex
	known map[schedule]reading
}

// schedule identifies one Schedule's backups in one store: all of them, or those
// that are verified.
type schedule struct {
	store, cluster, name, by string
	verified                 bool
}

// reading is what was read at a time.
type reading struct {
	at      time.Time
	backups []retention.Backup
}

func (m *memory) recall(of schedule, now time.Time) []retention.Backup {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.known[of]
	if age := now.Sub(r.at); !ok || age < 0 || age >= memoryLifetime {
		return nil
	}
	return r.backups
}

func (m *memory) keep(of schedule, now time.Time, backups []retention.Backup) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = map[schedule]reading{}
	}
	for other, r := range m.known {
		if now.Sub(r.at) >= memoryLifetime {
			delete(m.known, other)
		}
	}
	m.known[of] = reading{now, backups}
}

// keptBy asks the keep rules of the Schedule about its backups, and returns why
// this one is to be kept, or nothing. One that the rules were not asked about is
// kept: a listing that leaves it out is no reason to remove it.
func (w removeWork) keptBy(ctx context.Context) (string, error) {
	now := w.clock.Now()
	var err error
	if w.verified, err = w.isVerified(ctx); err != nil {
		return "", err
	}
	of := schedule{w.places[0].Catalog.Identity().ID, w.record.Cluster, w.schedule, w.record.By, w.verified}
	if known := w.memory.recall(of, now); known != nil {
		why, instead := w.judge(now, known)
		if why != "" {
			return why, nil
		}
		if same, err := w.unchanged(ctx, known, instead); same || err != nil {
			return "", err
		}
	}
	backups, err := w.siblings(ctx)
	if err != nil {
		return "", err
	}
	w.memory.keep(of, now, backups)
	why, _ := w.judge(now, backups)
	return why, nil
}

// isVerified reports whether a trusted key signed the backup.
func (w removeWork) isVerified(ctx context.Context) (bool, error) {
	snapshot, err := w.places[0].Catalog.Marker(ctx, w.record.Cluster, w.record.Name)
	switch {
	case errors.Is(err, engine.ErrNotFound), archive.Unreadable(err):
		return false, nil
	case err != nil:
		return false, err
	}
	return archive.Verify(snapshot.Envelope, w.trusted) == archive.Verified, nil
}

// judge returns why the backup is to be kept, or else which others are.
func (w removeWork) judge(now time.Time, backups []retention.Backup) (why string, kept map[string]bool) {
	why, kept = "kept: storage does not list it, as it was stored, among the backups of its Schedule", map[string]bool{}
	for _, decision := range retention.Decide(now, backups, w.policy) {
		switch own := decision.Name == w.record.Name; {
		case own && decision.Expired:
			why = ""
		case own:
			why = decision.Reason
		case !decision.Expired:
			kept[decision.Name] = true
		}
	}
	return why, kept
}

// unchanged reports whether the backup, and those that are kept in its place, are
// still what was read of them. What happened to the others does not matter: the
// rules choose the same from any part of a list that holds their choice.
func (w removeWork) unchanged(ctx context.Context, known []retention.Backup, kept map[string]bool) (bool, error) {
	for _, b := range known {
		if !kept[b.Name] && b.Name != w.record.Name {
			continue
		}
		is, err := w.sibling(ctx, b.Name)
		if err != nil {
			return false, err
		}
		if is == nil || *is != b {
			return false, nil
		}
	}
	return true, nil
}

// siblings reads all backups of the Schedule, this one among them.
func (w removeWork) siblings(ctx context.Context) ([]retention.Backup, error) {
	var others map[string]bool
	if w.others != nil {
		var err error
		if others, err = w.others(ctx); err != nil {
			return nil, err
		}
	}
	var backups []retention.Backup
	for name, err := range w.places[0].Catalog.Names(ctx, w.record.Cluster) {
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(name, w.schedule+"-") && !others[name] && name != w.record.Name {
			continue // reading ten thousand markers for one expiry is too much
		}
		b, err := w.sibling(ctx, name)
		if err != nil {
			return nil, err
		}
		if b != nil {
			backups = append(backups, *b)
		}
	}
	return backups, nil
}

// sibling reads one backup of the Schedule; nil when it is none, or went meanwhile,
// or cannot be read: then it fills no other's place, and more of the others are
// kept. A backup that is verified gives way to others that are: whoever can only
// write into the bucket must not have what nobody can forge removed.
func (w removeWork) sibling(ctx context.Context, name string) (*retention.Backup, error) {
	snapshot, err := w.places[0].Catalog.Marker(ctx, w.record.Cluster, name)
	switch {
	case errors.Is(err, engine.ErrNotFound), archive.Unreadable(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	switch trust := archive.Verify(snapshot.Envelope, w.trusted); {
	case trust == archive.Tampered, w.verified && trust != archive.Verified: // the first is not restored
		return nil, nil
	case snapshot.Marker.Schedule != w.schedule, snapshot.Deletion != nil, snapshot.Owner() != w.record.By:
		return nil, nil
	}
	b := retained(snapshot)
	return &b, nil
}

// retained is what keep rules look at.
func retained(s *catalog.Snapshot) retention.Backup {
	return retention.Backup{
		Name: s.Marker.Name, Completed: s.Marker.Completed, Expires: s.Expires, Held: s.Held,
		Complete: s.Marker.Completeness == string(v1alpha1.CompletenessComplete), Objects: s.Marker.Objects.Included,
	}
}
