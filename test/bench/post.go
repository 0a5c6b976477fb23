// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"golang.org/x/sync/errgroup"
)

// post is the neutral client for a restore: it makes the namespaces and posts
// the objects that a restore creates, those of controllers left out, as they are.
func post(ctx context.Context, j job, m *meter) error {
	cfg, err := m.config()
	if err != nil {
		return err
	}
	c, err := newClient(cfg)
	if err != nil {
		return err
	}
	objects, err := unowned(j.N)
	if err != nil {
		return err
	}
	if err := m.begin(); err != nil {
		return err
	}
	if err := makeNamespaces(ctx, c); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(posters)
	for _, o := range objects {
		g.Go(func() error {
			_, err := c.create(ctx, o.kind.path(o.namespace)+"?fieldManager="+fieldManager, o.body)
			return err
		})
	}
	m.Objects = int64(len(objects)) + 2*namespaces
	return g.Wait()
}

// unowned returns the objects of the workload that no controller makes.
func unowned(n int) ([]object, error) {
	var all []object
	for i := range kinds {
		k := &kinds[i]
		for j := range k.count(n) {
			if k.owned(j) {
				continue
			}
			o, err := k.object(j, "")
			if err != nil {
				return nil, err
			}
			all = append(all, o)
		}
	}
	return all, nil
}
