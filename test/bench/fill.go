// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gopherwood/ark/test/lab"
)

// posters is how many requests are under way at a time: more make an API server
// on two cores no faster.
const posters = 32

// establishTimeout bounds the wait for the custom resources to be served.
const establishTimeout = time.Minute

// filler fills a cluster.
type filler struct {
	*client

	// uids are those of the objects that own others, by type.
	uids map[string][]string
	// filled is how many objects the workload has so far.
	filled int
}

// newFiller prepares a cluster: custom resources, namespaces and their service
// accounts.
func newFiller(ctx context.Context, c *lab.Cluster) (*filler, error) {
	cl, err := newClient(c.Config())
	if err != nil {
		return nil, err
	}
	if err := define(ctx, cl); err != nil {
		return nil, err
	}
	if err := makeNamespaces(ctx, cl); err != nil {
		return nil, err
	}
	return &filler{client: cl, uids: map[string][]string{}}, nil
}

// define creates the custom resources and waits until they are served.
func define(ctx context.Context, c *client) error {
	for i := range kinds {
		k := &kinds[i]
		if k.group != customGroup {
			continue
		}
		body, err := json.Marshal(k.definition())
		if err != nil {
			return fmt.Errorf("define %s: %w", k.name, err)
		}
		if _, err := c.create(ctx, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body); err != nil {
			return fmt.Errorf("define %s: %w", k.name, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, establishTimeout)
	defer cancel()
	for i := range kinds {
		for err := errors.New("not asked"); err != nil; {
			if err = c.send(ctx, "GET", kinds[i].path("")+"?limit=1", "", nil, discard); err == nil {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("wait for %s: %w", kinds[i].name, err)
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	return nil
}

// makeNamespaces creates the namespaces and what a controller would put into them.
func makeNamespaces(ctx context.Context, c *client) error {
	for i := range namespaces {
		body := fmt.Appendf(nil, `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q,"labels":{"team":%q}}}`, namespaceOf(i), words[i%7])
		if _, err := c.create(ctx, "/api/v1/namespaces", body); err != nil {
			return fmt.Errorf("create namespaces: %w", err)
		}
		account := []byte(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"default"}}`)
		if _, err := c.create(ctx, "/api/v1/namespaces/"+namespaceOf(i)+"/serviceaccounts", account); err != nil {
			return fmt.Errorf("create service accounts: %w", err)
		}
	}
	return nil
}

// fill adds objects until the workload has n.
func (f *filler) fill(ctx context.Context, n int) error {
	for i := range kinds {
		k := &kinds[i]
		from, to := 0, k.count(n)
		if f.filled > 0 {
			from = k.count(f.filled)
		}
		uids := append(f.uids[k.resource], make([]string, to-from)...)
		if err := f.fillKind(ctx, k, from, uids); err != nil {
			return fmt.Errorf("fill the cluster: %w", err)
		}
		f.uids[k.resource] = uids
	}
	f.filled = n
	return nil
}

// fillKind creates the objects of one type from the given one on.
func (f *filler) fillKind(ctx context.Context, k *kind, from int, uids []string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(posters)
	for j := from; j < len(uids); j++ {
		g.Go(func() error {
			owner := ""
			if k.owned(j) {
				// The first objects of a type lie one in each namespace.
				owner = f.uids[k.owner][j%namespaces%len(f.uids[k.owner])]
			}
			o, err := k.object(j, owner)
			if err != nil {
				return err
			}
			uids[j], err = f.store(ctx, o)
			return err
		})
	}
	return g.Wait()
}

// store creates one object, status and all.
func (f *filler) store(ctx context.Context, o object) (string, error) {
	var uid string
	var err error
	path := o.kind.path(o.namespace)
	if o.applied {
		uid, err = f.apply(ctx, path+"/"+o.name, o.body)
	} else {
		uid, err = f.create(ctx, path+"?fieldManager="+fieldManager, o.body)
	}
	if err != nil || o.status == nil {
		return uid, err
	}
	return uid, f.patchStatus(ctx, path+"/"+o.name, o.status)
}
