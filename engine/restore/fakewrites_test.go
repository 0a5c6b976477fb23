// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// Update implements engine.Writer.
func (c *fakeCluster) Update(ctx context.Context, r engine.Resource, namespace, _, subresource string, raw []byte) (engine.Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, key := c.decode(r, namespace, raw)
	if err := ctx.Err(); err != nil {
		return engine.Object{}, err
	}
	verb := "PUT"
	if subresource != "" {
		verb = "PUT/" + subresource
	}
	ok, late := answer(c.request(verb, key))
	if !ok {
		return engine.Object{}, late
	}
	live, found := c.objects[key]
	if !found {
		return engine.Object{}, fmt.Errorf("%s: %w", key, engine.ErrNotFound)
	}
	if transform.Text(m, "metadata", "resourceVersion") != transform.Text(live, "metadata", "resourceVersion") {
		return engine.Object{}, fmt.Errorf("%s: %w", key, engine.ErrConflict)
	}
	if subresource == "status" {
		live["status"] = m["status"]
		m = live
	} else if r.StatusSubresource {
		m["status"] = live["status"]
	}
	meta, liveMeta := m["metadata"].(transform.Manifest), live["metadata"].(transform.Manifest)
	for _, field := range []string{"uid", "creationTimestamp", "managedFields"} {
		meta[field] = liveMeta[field]
	}
	if subresource == "" {
		ownedBy(m, engine.FieldManager)
	}
	meta["resourceVersion"] = c.next("")
	c.objects[key] = m
	if key.Resource == "customresourcedefinitions" && subresource == "" {
		c.define(m)
	}
	return objectOf(r, m), late
}

// Patch implements engine.Writer: metadata only.
func (c *fakeCluster) Patch(ctx context.Context, r engine.Resource, namespace, name string, patch []byte) (engine.Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := engine.Key{GroupResource: r.GroupResource(), Namespace: namespace, Name: name}
	if err := ctx.Err(); err != nil {
		return engine.Object{}, err
	}
	ok, late := answer(c.request("PATCH", key))
	if !ok {
		return engine.Object{}, late
	}
	live, found := c.objects[key]
	if !found {
		return engine.Object{}, fmt.Errorf("%s: %w", key, engine.ErrNotFound)
	}
	change, err := transform.Decode(patch)
	if err != nil || len(change) != 1 {
		c.t.Errorf("%s: patched with %s", key, patch)
	}
	meta := live["metadata"].(transform.Manifest)
	for field, v := range change["metadata"].(transform.Manifest) {
		if field == "uid" {
			if v != meta["uid"] {
				return engine.Object{}, fmt.Errorf("%s: %w", key, engine.ErrConflict)
			}
			continue
		}
		meta[field] = v
	}
	meta["resourceVersion"] = c.next("")
	c.collect(key)
	return objectOf(r, live), late
}

// Delete implements engine.Writer.
func (c *fakeCluster) Delete(ctx context.Context, r engine.Resource, namespace, name string, only engine.DeleteOptions) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := engine.Key{GroupResource: r.GroupResource(), Namespace: namespace, Name: name}
	if err := ctx.Err(); err != nil {
		return err
	}
	ok, late := answer(c.request("DELETE", key))
	if !ok {
		return late
	}
	live, found := c.objects[key]
	if !found {
		return fmt.Errorf("%s: %w", key, engine.ErrNotFound)
	}
	meta := live["metadata"].(transform.Manifest)
	if string(only.UID) != meta["uid"] || only.ResourceVersion != meta["resourceVersion"] {
		return fmt.Errorf("%s: %w", key, engine.ErrConflict)
	}
	if finalizers, _ := meta["finalizers"].([]any); len(finalizers) > 0 {
		meta["deletionTimestamp"] = "2026-11-23T12:00:01Z"
		return late
	}
	delete(c.objects, key)
	c.release(meta["uid"], only.KeepDependents)
	return late
}

// release deletes the dependents of what is gone, or takes the owner from them.
func (c *fakeCluster) release(owner any, keep bool) {
	for key, m := range c.objects {
		meta := m["metadata"].(transform.Manifest)
		refs, _ := meta["ownerReferences"].([]any)
		kept := slices.DeleteFunc(slices.Clone(refs), func(ref any) bool { return ref.(transform.Manifest)["uid"] == owner })
		switch {
		case len(kept) == len(refs):
		case keep || len(kept) > 0:
			meta["ownerReferences"] = kept
		default:
			delete(c.objects, key)
			c.release(meta["uid"], false)
		}
	}
}
