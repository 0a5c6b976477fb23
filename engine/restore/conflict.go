// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore/transform"
)

const (
	// maxRounds bounds how often an object is looked at again because it changed
	// between two requests.
	maxRounds = 5
	// maxFields bounds how many differing fields a message names.
	maxFields = 6
)

var errTerminating = errors.New("it is being deleted: wait until it is gone, then run the restore again")

// judgement is what is to be done with an object that exists.
type judgement struct {
	action Action
	// mine says that this restore made the object, in an attempt that was broken off. Of
	// what is Ark's it never counts as that: a label must not be enough to have it
	// completed.
	mine bool
	// own is why the object, as it is or as it would be written, is Ark's.
	own string
	// message says what differs when the object is kept although it does, and note
	// what is done to one that is not.
	message, note string
	// want is the object as it would be written over the live one.
	want transform.Manifest
}

// judge compares an object with the live one and follows the request's policy.
// What this restore itself has written is never written again: whatever changed
// since then changed on purpose.
func (r *run) judge(p *prepared, live engine.Object) judgement {
	it := p.it
	m, err := transform.Decode(live.Raw)
	if err != nil {
		return judgement{action: ActionKeep, message: "exists, but cannot be compared: " + err.Error()}
	}
	j := judgement{action: ActionKeep, own: r.own.Owns(it.target, p.Manifest, m)}
	j.mine = j.own == "" && r.made(live)
	if it.support {
		return j
	}
	if j.own == "" && r.reserveAgain(&j, it, p.Manifest, m) {
		return j
	}
	j.want = wantedOver(p, m)
	diff := r.compare(p, j, m)
	if diff.Equal() || (j.mine && diff.Beyond) {
		return j
	}
	j.message = "exists and differs in " + fields(diff.Fields)
	r.overwrite(&j, it, m)
	return j
}

// wantedOver is the object as it would be written over the live one.
func wantedOver(p *prepared, live transform.Manifest) transform.Manifest {
	gr := p.it.source.GroupResource
	want := transform.Clone(p.Manifest)
	if p.it.related && !transform.IsDefault(gr, live) {
		want = transform.WithoutDefault(gr, want)
	}
	transform.Adopt(gr, want, live)
	if p.unlinked {
		adoptOwners(want, live)
	}
	return want
}

// compare returns in what the live object differs from what is wanted.
func (r *run) compare(p *prepared, j judgement, live transform.Manifest) transform.Difference {
	diff := transform.Compare(j.want, live, uncompared(p, j.mine)...)
	if j.mine {
		return diff
	}
	if wanted := r.wantedStatus(p, live); wanted != nil && !transform.EqualValues(wanted, live["status"]) {
		diff.Fields, diff.Beyond = append(diff.Fields, "status"), false
	}
	if p.Guessed {
		diff = transform.HideGuess(p.it.source.GroupResource, diff)
	}
	return diff
}

// made reports whether this restore made the object.
func (r *run) made(live engine.Object) bool {
	return live.Meta.Labels[transform.RestoreLabel] == r.req.Label
}

// overwrite decides what becomes of an object that differs.
func (r *run) overwrite(j *judgement, it *item, live transform.Manifest) {
	switch {
	case j.own != "":
		j.message += ": left as it is, because " + j.own + ": change it where it is kept"
		it.code = CodeOwnSettings
	case isDefaultAccount(it) && transform.IsPristineAccount(live):
		j.action = ActionUpdate
	case j.mine:
		j.message += ": changed since this restore made it"
	case r.req.Existing == ExistingUpdate, r.req.Existing == ExistingRecreate:
		r.replace(j, it, live)
	}
}

// replace decides how an object that may be replaced is, unless others depend on it
// as it is now.
func (r *run) replace(j *judgement, it *item, live transform.Manifest) {
	boundTo := transform.BoundElsewhere(it.source.GroupResource, j.want, live)
	switch {
	case it.target.Namespace == it.source.Namespace && r.transform.ServesOriginal(it.source.GroupResource, live):
		j.message += ": it serves a namespace that is mapped from, which would lose it"
	case it.source.GroupResource == leaseType:
		j.message += ": whoever holds it now would lose it"
	case boundTo != "":
		j.message += ": it is bound to " + boundTo
	case it.related && !r.isFree(it, j.want, live):
		j.message += ": it is only needed by what is restored, and others may need it as it is now"
	case r.req.Existing == ExistingUpdate:
		j.action = ActionUpdate
	default:
		if reason := r.notRecreated(it, live); reason != "" {
			j.message += ": not recreated: " + reason
			return
		}
		j.action = ActionRecreate
	}
}

// reserveAgain judges a volume that has outlived its claim, which is restored: it is
// reserved for the claim again, whatever the request's policy. Nobody else has it.
func (r *run) reserveAgain(j *judgement, it *item, want, live transform.Manifest) bool {
	if it.source.GroupResource != volumeType {
		return false
	}
	free := transform.Released(want, live)
	if free == nil || !r.plan.restores(r.claimOf(want)) {
		return false
	}
	j.action, j.want = ActionUpdate, free
	j.note = "outlived its claim: it is reserved for the one that is restored"
	return true
}

// isFree reports whether an object is a volume that no claim has, and that is to be
// reserved for one that is restored: nobody else needs it.
func (r *run) isFree(it *item, want, live transform.Manifest) bool {
	return it.source.GroupResource == volumeType && transform.Text(live, "spec", "claimRef", "uid") == "" && r.plan.restores(r.claimOf(want))
}

// claimOf is the archived claim that a transformed volume is reserved for.
func (r *run) claimOf(volume transform.Manifest) engine.Key {
	target := transform.Text(volume, "spec", "claimRef", "namespace")
	k := engine.Key{GroupResource: claimType, Namespace: target, Name: transform.Text(volume, "spec", "claimRef", "name")}
	if ns := r.plan.namespaces[target]; ns != nil {
		k.Namespace = ns.Source
	}
	return k
}

// isDefaultAccount reports whether the object is the ServiceAccount that a
// controller makes in every namespace.
func isDefaultAccount(it *item) bool {
	return it.source.GroupResource == accountType && it.target.Name == "default"
}

// uncompared names the fields that say nothing about a difference: a status that
// has a path of its own, and owners that are linked later.
func uncompared(p *prepared, mine bool) []transform.Part {
	var without []transform.Part
	if p.it.resource.StatusSubresource {
		without = append(without, transform.Status)
	}
	if p.unlinked || mine {
		without = append(without, transform.OwnerReferences)
	}
	return without
}

// adoptOwners leaves the live object its owners until those of the archived one
// are known.
func adoptOwners(want, live transform.Manifest) {
	meta, _ := want["metadata"].(transform.Manifest)
	if refs := ownersOf(live); refs != nil {
		meta["ownerReferences"] = refs
	}
}

func fields(paths []string) string {
	if len(paths) <= maxFields {
		return strings.Join(paths, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(paths[:maxFields], ", "), len(paths)-maxFields)
}

// reconcile deals with an object that exists, or did a moment ago.
func (r *run) reconcile(ctx context.Context, p *prepared) error {
	for range maxRounds {
		live, err := r.get(ctx, p.it)
		if errors.Is(err, engine.ErrNotFound) {
			if err := r.create(ctx, p); !errors.Is(err, engine.ErrExists) {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if r.rename(p, live) {
			if err := r.create(ctx, p); !errors.Is(err, engine.ErrExists) {
				return err
			}
			continue
		}
		err = r.resolve(ctx, p, live)
		if !errors.Is(err, engine.ErrConflict) && !errors.Is(err, engine.ErrExists) && !errors.Is(err, engine.ErrNotFound) {
			return err
		}
	}
	return &engine.RetryableError{Err: fmt.Errorf("%w: it keeps changing", engine.ErrConflict)}
}

// rename gives a binding a name of its own when the one that has its name binds
// others: those of the namespace that it was mapped from keep their rights.
func (r *run) rename(p *prepared, live engine.Object) bool {
	if p.OwnName == "" || live.Meta.Labels[transform.RestoreLabel] == r.req.Label {
		return false
	}
	if m, err := transform.Decode(live.Raw); err != nil || transform.SameBinding(p.Manifest, m) {
		return false
	}
	p.it.target, p.it.renamed = p.Rename(p.it.target), true
	p.it.gated = ""
	return true
}

// resolve does with a live object what the judgement says. ErrConflict and
// ErrNotFound say that it is no longer the one that was judged.
func (r *run) resolve(ctx context.Context, p *prepared, live engine.Object) error {
	it := p.it
	if live.Meta.DeletionTimestamp != "" && !isNamespace(&it.entry) {
		return &engine.RetryableError{Err: errTerminating}
	}
	j := r.judge(p, live)
	it.action, it.earlier = j.action, j.mine
	if err := r.permit(ctx, p, j.action); err != nil || it.outcome == Skipped {
		return err
	}
	switch j.action {
	case ActionUpdate:
		err := r.update(ctx, p, j.want, live)
		if err == nil && j.note != "" {
			it.messages = append(it.messages, j.note)
		}
		return err
	case ActionRecreate:
		return r.recreate(ctx, p, live)
	default:
		return r.keep(ctx, p, j, live)
	}
}

// keep leaves the object as it is, and completes it when this restore made it.
func (r *run) keep(ctx context.Context, p *prepared, j judgement, live engine.Object) error {
	it := p.it
	it.outcome = Unchanged
	if j.message != "" {
		it.outcome = Left
		it.messages = append(it.messages, j.message)
	}
	if !j.mine {
		r.learn(it, live.Meta.UID)
		if isNamespace(&it.entry) {
			return r.awaitActive(ctx, it, live)
		}
		return nil
	}
	it.messages = append(it.messages, p.Doubts...)
	changed, err := r.complete(ctx, p, live)
	if changed {
		it.outcome = Updated
	}
	return err
}

// update writes the archived object over the live one that was judged.
func (r *run) update(ctx context.Context, p *prepared, want transform.Manifest, live engine.Object) error {
	it := p.it
	meta, _ := want["metadata"].(transform.Manifest)
	meta["resourceVersion"], meta["uid"] = live.Meta.ResourceVersion, string(live.Meta.UID)
	raw, err := transform.Encode(want)
	if err != nil {
		return err
	}
	var made engine.Object
	err = r.retry(ctx, func() (err error) {
		made, err = r.Writer.Update(ctx, *it.resource, it.target.Namespace, it.target.Name, "", raw)
		return final(it, err)
	})
	if dropped := refusedNumbers(it, want, err); len(dropped) > 0 {
		return r.updateElsewhere(ctx, p, want, live, dropped)
	}
	if err != nil {
		return err
	}
	it.outcome = Updated
	p.noteChanges(want, made)
	_, err = r.complete(ctx, p, made)
	return err
}
