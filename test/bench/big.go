// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/gopherwood/ark/test/lab"
)

const (
	// bigObjects of bigBytes make one page of a list.
	bigObjects = 500
	// bigBytes is what the API server takes as the data of a ConfigMap, within a
	// little.
	bigBytes = 1<<20 - 1<<10
)

// fillBig creates large ConfigMaps in one namespace.
func fillBig(ctx context.Context, c *lab.Cluster) error {
	cl, err := newClient(c.Config())
	if err != nil {
		return err
	}
	if _, err := cl.create(ctx, "/api/v1/namespaces", []byte(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"bench-big"}}`)); err != nil {
		return err
	}
	k := kindOf("configmaps")
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2)
	for j := range bigObjects {
		g.Go(func() error {
			gen := newGenerator(k, j)
			body, err := json.Marshal(fields{
				"apiVersion": "v1", "kind": "ConfigMap", "metadata": fields{"name": fmt.Sprintf("big-%03d", j)},
				"data": fields{"settings.properties": gen.settings(bigBytes - 256)},
			})
			if err != nil {
				return fmt.Errorf("make a big object: %w", err)
			}
			_, err = cl.create(ctx, k.path("bench-big"), body)
			return err
		})
	}
	return g.Wait()
}
