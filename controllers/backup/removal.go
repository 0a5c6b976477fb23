// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/retention"
)

// maxAhead is how far the clock here may be ahead of a store's for what is old to
// be removed: a clock that is put forward by years makes everything old.
const maxAhead = time.Hour

// removeWork removes one backup from every store that it lies in.
type removeWork struct {
	places []*place
	clock  engine.Clock
	// record is that of the removal: what the backup is called in storage, who
	// removes it, and why.
	record archive.Record
	// expiry says that nobody asked for the removal: it must still be due when it is
	// recorded.
	expiry bool

	// schedule, when it is not empty, is asked by its rules.
	schedule string
	policy   retention.Policy
	// others tells the names of backups of the Schedule that its firings did not name;
	// nil when there are none.
	others func(context.Context) (map[string]bool, error)
	memory *memory
	// trusted are the keys whose signatures count, and verified says that one of them
	// signed the backup.
	trusted  []ed25519.PublicKey
	verified bool
}

// remove removes the backup: it is condemned in every store before it goes from
// any. Whatever fails after that, and whenever the process dies, each store tells
// by itself that its removal is to be ended. A name of which nothing was ever
// stored is as good as removed.
func (w removeWork) remove(ctx context.Context, _ func(struct{})) (removal, error) {
	condemned, refused, err := w.condemn(ctx)
	begun := removal{begun: len(condemned) > 0}
	if err != nil {
		return begun, err
	}
	var failed []error
	for _, p := range condemned {
		err := p.Catalog.Remove(ctx, w.record.Cluster, w.record.Name, w.record.By, w.record.Reason)
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			failed = append(failed, fmt.Errorf("location %q: %w", p.Spec.Name, err))
		}
	}
	if len(failed) > 0 {
		return begun, errors.Join(failed...)
	}
	ended := removal{refused: refused, tombstone: &archive.Record{Type: archive.RecordDeletion, Reason: w.record.Reason}}
	for _, p := range condemned {
		record, recorded, err := p.Catalog.Deletion(ctx, w.record.Cluster, w.record.Name)
		if err != nil {
			return begun, fmt.Errorf("location %q: %w", p.Spec.Name, err)
		}
		if recorded {
			ended.tombstone = record
			break
		}
	}
	return ended, nil
}

// condemn records the removal in every store. A store that refuses it, because
// its backup was put on hold in this moment, keeps its backup; the first one that
// is asked refuses for all.
func (w removeWork) condemn(ctx context.Context) (condemned []*place, refused map[string]string, err error) {
	var expired time.Time
	if w.expiry {
		expired = w.clock.Now()
	}
	refused = map[string]string{}
	for _, p := range w.places {
		err := p.Catalog.Condemn(ctx, w.record, expired)
		switch {
		case err == nil, errors.Is(err, engine.ErrNotFound):
			condemned = append(condemned, p)
		case len(condemned) > 0 && (errors.Is(err, engine.ErrConflict) || errors.Is(err, engine.ErrForbidden)):
			refused[p.Spec.Name] = err.Error()
		default:
			return condemned, nil, fmt.Errorf("location %q: %w", p.Spec.Name, err)
		}
	}
	return condemned, refused, nil
}

// expire removes the backup unless the keep rules want it, or the clock is not to
// be relied on.
func (w removeWork) expire(ctx context.Context, report func(struct{})) (removal, error) {
	if w.schedule != "" {
		kept, err := w.keptBy(ctx)
		if kept != "" || err != nil {
			return removal{kept: kept}, err
		}
	}
	for _, p := range w.places {
		ahead, err := p.Catalog.Ahead(ctx)
		if err != nil {
			return removal{}, fmt.Errorf("location %q: %w", p.Spec.Name, err)
		}
		if ahead > maxAhead {
			return removal{kept: fmt.Sprintf("kept: the clock here is %s ahead of that of location %q, and one of them is wrong: set it right",
				ahead.Round(time.Minute), p.Spec.Name)}, nil
		}
	}
	ended, err := w.remove(ctx, report)
	if errors.Is(err, engine.ErrConflict) && !ended.begun {
		return removal{kept: "kept: " + err.Error()}, nil
	}
	return ended, err
}
