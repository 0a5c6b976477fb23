// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// link is an object whose owner references are completed at the end.
type link struct {
	it     *item
	owners []transform.Manifest
	// live are the references that the object has.
	live any
}

// ownersOf returns the owner references within an object, or nil.
func ownersOf(m transform.Manifest) any {
	meta, _ := m["metadata"].(transform.Manifest)
	return meta["ownerReferences"]
}

// link puts the owner references into the object that can be told now. An owner
// that comes later is left out for the time being: an object with the UID of an
// owner that does not exist is deleted by the garbage collector.
func (r *run) link(ctx context.Context, p *prepared) error {
	p.unlinked = false
	refs := make([]any, 0, len(p.Owners))
	for _, owner := range p.Owners {
		uid, later, err := r.findOwner(ctx, p.it, owner)
		switch {
		case err != nil:
			return err
		case later:
			p.unlinked = true
		case uid == "":
			p.it.messages = append(p.it.messages, fmt.Sprintf("lost its owner %s %s: it is neither restored nor there",
				transform.Text(owner, "kind"), transform.Text(owner, "name")))
		default:
			ref := transform.Clone(owner)
			ref["uid"] = string(uid)
			refs = append(refs, ref)
		}
	}
	meta, _ := p.Manifest["metadata"].(transform.Manifest)
	delete(meta, "ownerReferences")
	if len(refs) > 0 {
		meta["ownerReferences"] = refs
	}
	return nil
}

// findOwner returns the UID that an archived owner has in the target, whether
// that is known only later, or neither when there is no such owner.
func (r *run) findOwner(ctx context.Context, it *item, owner transform.Manifest) (uid types.UID, later bool, err error) {
	archivedUID := types.UID(transform.Text(owner, "uid"))
	if uid := r.uidOf(archivedUID); uid != "" {
		return uid, false, nil
	}
	planned := r.plan.byUID[archivedUID]
	if planned != nil && !planned.settled.Load() && planned != it && r.isToCome(planned) {
		return "", true, nil
	}
	uid, err = r.lookUpOwner(ctx, it.target.Namespace, owner)
	return uid, false, err
}

// isToCome reports whether an item that is not settled will be.
func (r *run) isToCome(it *item) bool {
	return !r.lastPass || (it.layer >= r.plan.gates && !r.atGates)
}

// lookUpOwner looks for an owner of that kind and name in the target, once.
func (r *run) lookUpOwner(ctx context.Context, namespace string, owner transform.Manifest) (types.UID, error) {
	key, resource, possible := r.ownerType(namespace, owner)
	if !possible {
		return "", nil
	}
	r.mu.Lock()
	uid, known := r.lookups[key]
	r.mu.Unlock()
	if known {
		return uid, nil
	}
	var live engine.Object
	err := r.retry(ctx, func() (err error) {
		live, err = r.Getter.Get(ctx, resource, key.namespace, key.name)
		return err
	})
	if err != nil && !errors.Is(err, engine.ErrNotFound) {
		return "", fmt.Errorf("look for its owner %s %s: %w", key.Kind, key.name, err)
	}
	if err == nil && live.Meta.DeletionTimestamp == "" {
		uid = live.Meta.UID
	}
	r.mu.Lock()
	r.lookups[key] = uid
	r.mu.Unlock()
	return uid, nil
}

// ownerType reads an owner reference. A malformed one, or one to a type that is
// not served, is one to an owner that does not exist.
func (r *run) ownerType(namespace string, owner transform.Manifest) (key ownerKey, resource engine.Resource, possible bool) {
	gv, err := schema.ParseGroupVersion(transform.Text(owner, "apiVersion"))
	key = ownerKey{
		GroupKind: schema.GroupKind{Group: gv.Group, Kind: transform.Text(owner, "kind")},
		namespace: namespace, name: transform.Text(owner, "name"),
	}
	resource, served := r.plan.catalog.kinds[key.GroupKind]
	if err != nil || !served || key.name == "" || strings.Contains(key.name, "/") || (resource.Namespaced && namespace == "") {
		return key, resource, false
	}
	if !resource.Namespaced {
		key.namespace = ""
	}
	return key, resource, true
}

// linkOwners completes the owner references of objects that were created before
// their owners.
func (r *run) linkOwners(ctx context.Context) error {
	r.lookups = map[ownerKey]types.UID{} // what was not there may be by now
	unlinked := r.unlinked
	r.unlinked = nil
	for _, l := range unlinked {
		if err := r.linkOne(ctx, l); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("link owners: %w", ctx.Err())
			}
			if errors.Is(err, errAway) {
				return err
			}
			r.rec.amend(l.it, "its owners could not be set: "+err.Error())
		}
	}
	return nil
}

func (r *run) linkOne(ctx context.Context, l link) error {
	p := &prepared{it: l.it, Result: transform.Result{Manifest: transform.Manifest{"metadata": transform.Manifest{}}, Owners: l.owners}}
	told := len(l.it.messages)
	if err := r.link(ctx, p); err != nil {
		return err
	}
	if p.unlinked {
		r.unlinked = append(r.unlinked, l) // by an owner that is a gatekeeper
	}
	for _, m := range l.it.messages[told:] {
		r.rec.warn(l.it.target.String() + ": " + m)
	}
	refs := ownersOf(p.Manifest)
	if refs == nil || transform.EqualValues(refs, l.live) {
		return nil
	}
	_, err := r.patch(ctx, l.it, r.uidOf(l.it.entry.UID), transform.Manifest{"ownerReferences": refs})
	return err
}

// patch changes metadata of the one object with that UID.
func (r *run) patch(ctx context.Context, it *item, uid types.UID, metadata transform.Manifest) (engine.Object, error) {
	if uid != "" {
		metadata["uid"] = string(uid) // a precondition: another object is a conflict
	}
	raw, err := transform.Encode(transform.Manifest{"metadata": metadata})
	if err != nil {
		return engine.Object{}, err
	}
	var answer engine.Object
	err = r.retry(ctx, func() (err error) {
		answer, err = r.Writer.Patch(ctx, *it.resource, it.target.Namespace, it.target.Name, raw)
		return err
	})
	return answer, err
}
