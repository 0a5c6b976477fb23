// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"strings"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/retention"
)

// keptBy reads all backups of the Schedule from storage and returns why this one
// is to be kept, or nothing. One that the rules were not asked about is kept: a
// listing that leaves it out is no reason to remove it.
func (w removeWork) keptBy(ctx context.Context) (string, error) {
	backups, err := w.siblings(ctx)
	if err != nil {
		return "", err
	}
	for _, decision := range retention.Decide(w.clock.Now(), backups, w.policy) {
		switch {
		case decision.Name != w.record.Name:
		case decision.Expired:
			return "", nil
		default:
			return decision.Reason, nil
		}
	}
	return "kept: storage does not list it among the backups of its Schedule", nil
}

// siblings reads all backups of the Schedule, this one among them.
func (w removeWork) siblings(ctx context.Context) ([]retention.Backup, error) {
	var backups []retention.Backup
	stored := w.places[0].Catalog
	for name, err := range stored.Names(ctx, w.record.Cluster) {
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(name, w.schedule+"-") && !w.others[name] && name != w.record.Name {
			continue // reading ten thousand markers for one expiry is too much
		}
		snapshot, err := stored.Marker(ctx, w.record.Cluster, name)
		if errors.Is(err, engine.ErrNotFound) || errors.Is(err, engine.ErrCorrupt) {
			// It went meanwhile, or cannot be read: then it fills no other's place, and
			// more of the others are kept.
			continue
		}
		if err != nil {
			return nil, err
		}
		if snapshot.Marker.Schedule == w.schedule && snapshot.Deletion == nil && snapshot.Owner() == w.record.By {
			backups = append(backups, retained(snapshot))
		}
	}
	return backups, nil
}

// retained is what keep rules look at.
func retained(s *catalog.Snapshot) retention.Backup {
	return retention.Backup{
		Name: s.Marker.Name, Completed: s.Marker.Completed, Expires: s.Expires, Held: s.Held,
		Complete: s.Marker.Completeness == string(v1alpha1.CompletenessComplete), Objects: s.Marker.Objects.Included,
	}
}
