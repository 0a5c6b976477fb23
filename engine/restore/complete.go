// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"fmt"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// complete adds to an object that this restore made what a create cannot carry:
// status, field managers, and later the owners that come later. It reports
// whether anything was missing, so that an attempt that was broken off between
// the requests is completed by the next.
func (r *run) complete(ctx context.Context, p *prepared, live engine.Object) (changed bool, err error) {
	it := p.it
	r.learn(it, live.Meta.UID)
	r.noteStart(it)
	if isNamespace(&it.entry) {
		if err := r.awaitActive(ctx, it, live); err != nil {
			return false, err
		}
	}
	if r.isComplete(p, live) {
		return false, nil
	}
	m, err := transform.Decode(live.Raw)
	if err != nil {
		return false, err
	}
	if refs := ownersOf(m); p.unlinked || !transform.EqualValues(ownersOf(p.Manifest), refs) {
		r.mu.Lock()
		r.unlinked = append(r.unlinked, link{it: it, owners: p.Owners, live: refs})
		r.mu.Unlock()
	}
	if wanted := r.wantedStatus(p, m); wanted != nil && !transform.EqualValues(wanted, m["status"]) {
		if err := r.writeStatus(ctx, p, m); err != nil {
			return changed, fmt.Errorf("write its status: %w", err)
		}
		changed = true
	}
	returned, err := r.returnManagers(ctx, p, m)
	return changed || returned, err
}

// isComplete reports whether nothing can be missing from a live object, which
// spares most of them from being decoded.
func (r *run) isComplete(p *prepared, live engine.Object) bool {
	return !p.unlinked && ownersOf(p.Manifest) == nil && len(live.Meta.OwnerReferences) == 0 &&
		r.wantedStatus(p, nil) == nil && (p.managed || len(p.ManagedFields) == 0)
}

// wantedStatus is the archived status where the request asks for it, as it is true of
// the live object.
func (r *run) wantedStatus(p *prepared, live transform.Manifest) any {
	if p.it.resource.StatusSubresource && r.statuses.Contains(*p.it.resource) {
		return transform.Observed(p.Status, p.Generation, live)
	}
	return nil
}

// writeStatus replaces the status of a live object that is this restore's own. A
// controller that has seen it may be writing too: then the newer one is taken.
func (r *run) writeStatus(ctx context.Context, p *prepared, live transform.Manifest) error {
	it := p.it
	uid := transform.Text(live, "metadata", "uid")
	for range maxRounds {
		live["status"] = r.wantedStatus(p, live)
		raw, err := transform.Encode(live)
		if err != nil {
			return err
		}
		err = r.retry(ctx, func() error {
			_, err := r.Writer.Update(ctx, *it.resource, it.target.Namespace, it.target.Name, "status", raw)
			return err
		})
		if !errors.Is(err, engine.ErrConflict) {
			return err
		}
		newer, err := r.get(ctx, it)
		if err != nil {
			return err
		}
		if string(newer.Meta.UID) != uid {
			break // somebody has made another one in its place
		}
		if live, err = transform.Decode(newer.Raw); err != nil {
			return err
		}
	}
	return &engine.RetryableError{Err: fmt.Errorf("%w: it keeps changing", engine.ErrConflict)}
}

// awaitActive waits until objects can be created in a namespace.
func (r *run) awaitActive(ctx context.Context, it *item, live engine.Object) error {
	return r.poll(ctx, func() (bool, error) {
		m, err := transform.Decode(live.Raw)
		if err != nil {
			return false, err
		}
		switch phase := transform.Text(m, "status", "phase"); {
		case live.Meta.DeletionTimestamp != "" || phase == "Terminating":
			return false, errTerminating
		case phase == "Active":
			return true, nil
		}
		live, err = r.get(ctx, it)
		return false, err
	})
}

// get reads the live object of an item.
func (r *run) get(ctx context.Context, it *item) (engine.Object, error) {
	var live engine.Object
	err := r.retry(ctx, func() (err error) {
		live, err = r.Getter.Get(ctx, *it.now, it.target.Namespace, it.target.Name)
		return err
	})
	return live, err
}
