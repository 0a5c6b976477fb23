// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/gopherwood/ark/engine/archive"
)

// post is the neutral client for a restore: it makes the namespaces and posts
// the objects that a restore creates, which are those that no controller owns.
func post(ctx context.Context, j job, m *meter) error {
	cfg, err := m.config()
	if err != nil {
		return err
	}
	c, err := newClient(cfg)
	if err != nil {
		return err
	}
	objects, err := m.stripped(ctx, j)
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
			_, err := c.create(ctx, o.kind.path(o.namespace)+"?fieldManager="+fieldManager+"&fieldValidation=Ignore", o.body)
			return err
		})
	}
	m.Objects = int64(len(objects)) + 2*namespaces
	return g.Wait()
}

// stripped returns the archived objects that a restore creates, without what the
// API server sets.
func (m *meter) stripped(ctx context.Context, j job) ([]object, error) {
	store, err := m.open(ctx, j, true)
	if err != nil {
		return nil, err
	}
	snapshot, err := store.Marker(ctx, j.Cluster, j.Backup)
	if err != nil {
		return nil, err
	}
	index, err := store.Index(ctx, snapshot)
	if err != nil {
		return nil, err
	}
	members := &memberReader{contents: store.Contents(snapshot)}
	var all []object
	for e, err := range index.Lines(ctx, nil) {
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(e.Namespace, namespacePrefix) || len(e.Owners) > 0 || isDefaultAccount(&e) {
			continue
		}
		body, err := members.strip(ctx, e)
		if err != nil {
			return nil, err
		}
		all = append(all, object{
			kind: &kind{group: e.Group, version: e.Version, resource: e.Resource}, namespace: e.Namespace, name: e.Name, body: body,
		})
	}
	return all, nil
}

// memberReader reads objects that mostly lie in the member of the one before.
type memberReader struct {
	contents *archive.Contents
	member   *archive.MemberData
}

func (r *memberReader) strip(ctx context.Context, e archive.Entry) ([]byte, error) {
	if r.member == nil || !r.member.Holds(e) {
		member, err := r.contents.Member(ctx, e)
		if err != nil {
			return nil, err
		}
		r.member = member
	}
	raw, err := r.member.Object(e)
	if err != nil {
		return nil, err
	}
	return strip(raw)
}

// isDefaultAccount reports whether makeNamespaces makes the object.
func isDefaultAccount(e *archive.Entry) bool {
	return e.Resource == "serviceaccounts" && e.Name == "default"
}

// strip removes what the API server sets.
func strip(raw []byte) ([]byte, error) {
	var o fields
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, fmt.Errorf("strip an object: %w", err)
	}
	delete(o, "status")
	if meta, ok := o["metadata"].(fields); ok {
		for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"} {
			delete(meta, field)
		}
	}
	return json.Marshal(o)
}
