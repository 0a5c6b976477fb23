// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"slices"

	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/longrun"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

// place is what one location knows of the backup.
type place struct {
	*locations.Location

	// snapshot is the backup there; nil when only its tombstone is left.
	snapshot  *catalog.Snapshot
	tombstone *archive.Record
}

// lookUp finds what storage knows of the name: a backup, its deletion, or
// nothing. While a run is active there is nothing to find. A backup that is to go
// is looked for in every location: it may lie in more of them than one.
func (r *Reconciler) lookUp(ctx context.Context, s *scope) error {
	if s.resting() {
		return nil
	}
	taking := r.Takes.Observe(s.backup.UID)
	if taking.Phase == longrun.Queued || taking.Phase == longrun.Admitted || taking.Phase == longrun.Running {
		s.active = true
		return nil
	}
	s.taken = taking.Phase == longrun.Ended
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	expected, others, unknown := r.expected(ctx, s)
	for _, name := range expected {
		if err := r.lookUpIn(ctx, s, name, anyBackup); err != nil {
			return err
		}
	}
	r.lookElsewhere(ctx, s, others)
	if len(s.places) == 0 {
		return unknown
	}
	s.choose()
	return nil
}

// lookElsewhere looks for a backup that was not found where it is expected, and for
// copies of one that is to go. A location that is out of order may hold a backup of
// this name, but must not stop what is done in all others.
func (r *Reconciler) lookElsewhere(ctx context.Context, s *scope, others []string) {
	for _, name := range others {
		if len(s.places) > 0 && !s.leaving() {
			return
		}
		accept := anyBackup
		if len(s.places) > 0 || len(s.backup.Status.StorageLocations) > 0 {
			accept = s.isCopy
		}
		if err := r.lookUpIn(ctx, s, name, accept); err != nil {
			ctrl.LoggerFrom(ctx).Info("Passing over a location", "location", name, "error", err.Error())
		}
	}
}

// expected returns the names of the locations that the backup must be looked for
// in: those that are known to hold it, or the one it is to go to; and those where
// an earlier object of its name, or a replication, may have put it. Where it is
// to go may be unknown, because its policy is gone: then that matters only when
// it is found nowhere.
func (r *Reconciler) expected(ctx context.Context, s *scope) (expected, others []string, unknown error) {
	known := s.backup.Status.StorageLocations
	for _, location := range s.cfg.Spec.Storage {
		if slices.Contains(known, location.Name) {
			expected = append(expected, location.Name)
		} else {
			others = append(others, location.Name)
		}
	}
	switch {
	case len(known) > 0 && len(expected) == 0:
		return known[:1], nil, nil // the Config has none of them any more, which has to be said
	case len(known) > 0:
		if s.backup.Spec.Deletion == nil && !s.expired() && !s.interrupted() {
			others = nil
		}
		return expected, others, nil
	}
	target, unknown := r.target(ctx, s)
	if unknown == nil {
		expected = []string{target}
	}
	return expected, slices.DeleteFunc(others, func(name string) bool { return name == target }), unknown
}

// anyBackup takes whatever has the name.
func anyBackup(*place) bool { return true }

// lookUpIn looks into one location, and keeps it as one of the backup's places
// when the name is known there, and it is accepted. The first location that could
// be opened is where the backup goes when it is found nowhere.
func (r *Reconciler) lookUpIn(ctx context.Context, s *scope, name string, accept func(*place) bool) error {
	location, err := r.Locations.Open(ctx, s.cfg, name)
	if err != nil {
		return err
	}
	if s.location == nil {
		s.location = location
	}
	p := &place{Location: location}
	p.snapshot, err = location.Catalog.Marker(ctx, s.cluster, s.name)
	switch {
	case err == nil:
		p.tombstone = p.snapshot.Deletion
	case errors.Is(err, engine.ErrNotFound):
		tombstone, removed, err := location.Catalog.Deletion(ctx, s.cluster, s.name)
		if err != nil {
			return storageError(err)
		}
		if !removed {
			return nil
		}
		p.tombstone = tombstone
	default:
		return storageError(err)
	}
	if accept(p) {
		s.places = append(s.places, p)
	}
	return nil
}

// isCopy reports whether a location that is not known to hold the backup has a
// copy of it, and not another backup of its name. A tombstone alone says nothing:
// it may be that of another.
func (s *scope) isCopy(p *place) bool {
	if p.snapshot == nil {
		return false
	}
	for _, other := range s.places {
		if other.snapshot != nil {
			return p.snapshot.Digest == other.snapshot.Digest
		}
		if other.Catalog.Identity().ID != p.Catalog.Identity().ID {
			return false
		}
	}
	return s.backup.Status.Attempt != "" && s.backup.Status.Attempt == p.snapshot.Marker.Attempt
}

// choose says, of several places, which one speaks for the backup: the first that
// holds it and can be written. A hold counts wherever it was recorded, and so does
// an extension; where nothing can be written, what is recorded there decides only
// when there is no other place.
func (s *scope) choose() {
	s.snapshot, s.tombstone = nil, s.removalBegun()
	if s.tombstone == nil {
		s.places = slices.DeleteFunc(s.places, func(p *place) bool { return p.tombstone != nil })
	}
	for _, p := range slices.Concat(s.writable(), s.places) {
		if p.snapshot != nil && s.snapshot == nil {
			merged := *p.snapshot
			s.location, s.snapshot = p.Location, &merged
		}
	}
	if s.snapshot == nil {
		s.location = s.places[0].Location
		return
	}
	s.merge()
}

// removalBegun returns the record of a removal that is to be ended: one that this
// cluster began. Another's, to which a copy was given, or that of a location that
// is only read, takes nothing from a backup that is whole elsewhere.
func (s *scope) removalBegun() *archive.Record {
	whole := false
	var others *archive.Record
	for _, p := range s.places {
		switch {
		case p.tombstone == nil:
			whole = true
		case p.tombstone.By == s.self && !p.ReadOnly:
			return p.tombstone
		case others == nil:
			others = p.tombstone
		}
	}
	if whole {
		return nil
	}
	return others
}

// merge adds to the one that speaks for the backup what the others protect.
func (s *scope) merge() {
	for _, p := range s.writable() {
		if p.snapshot == nil {
			continue
		}
		s.snapshot.Held = s.snapshot.Held || p.snapshot.Held
		if p.snapshot.Expires.After(s.snapshot.Expires) {
			s.snapshot.Expires = p.snapshot.Expires
		}
	}
}

// writable returns the places that can be written.
func (s *scope) writable() []*place {
	return slices.DeleteFunc(slices.Clone(s.places), func(p *place) bool { return p.ReadOnly })
}

// leaving reports whether the backup is to be removed, or may be, wherever it is.
func (s *scope) leaving() bool {
	if s.backup.Spec.Deletion != nil {
		return true
	}
	for _, p := range s.places {
		if p.tombstone != nil || p.snapshot != nil && !p.snapshot.Held && !p.snapshot.Expires.After(s.now) {
			return true
		}
	}
	return false
}
