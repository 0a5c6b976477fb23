// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/kube"
)

const (
	pageSize = 500
	// metaBytes is within how many bytes of its beginning or end a list has its
	// metadata.
	metaBytes = 1 << 10
)

var continueToken = regexp.MustCompile(`"continue":"([^"]+)"`)

// list is the neutral client for a backup: it lists every type that a backup
// lists, in as many streams, compresses what it gets and throws it away. It does so
// at one level, because it does not look at objects: on the few that archive
// compresses with less effort it spends more than a backup does.
func list(ctx context.Context, j job, m *meter) error {
	cfg, err := m.config()
	if err != nil {
		return err
	}
	types, err := discover(ctx, m)
	if err != nil {
		return err
	}
	c, err := newClient(cfg)
	if err != nil {
		return err
	}
	if err := m.begin(); err != nil {
		return err
	}
	queue := make(chan engine.Resource, len(types))
	for _, t := range types {
		queue <- t
	}
	close(queue)
	var raw, stored atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range collect.DefaultLists {
		g.Go(func() error {
			s := &listStream{client: c}
			gz, err := gzip.NewWriterLevel(&s.stored, archive.CompressionLevel)
			if err != nil {
				return err
			}
			s.gzip = gz
			for t := range queue {
				if err := s.list(ctx, t); err != nil {
					return fmt.Errorf("list %s: %w", t.GroupResource(), err)
				}
			}
			raw.Add(s.raw)
			err = gz.Close()
			stored.Add(int64(s.stored))
			return err
		})
	}
	err = g.Wait()
	m.Raw, m.Stored, m.Objects = raw.Load(), stored.Load(), int64(j.N)
	return err
}

// discover returns the types that a backup lists, in its order: those with the most
// objects first.
func discover(ctx context.Context, m *meter) ([]engine.Resource, error) {
	cfg, err := m.config()
	if err != nil {
		return nil, err
	}
	cluster, err := kube.New(cfg, kube.Options{})
	if err != nil {
		return nil, err
	}
	found, err := cluster.Discover(ctx)
	if err != nil {
		return nil, err
	}
	var types []engine.Resource
	objects := map[schema.GroupResource]int64{}
	for _, t := range found.Resources {
		if t.Group == "events.k8s.io" { // the same objects as the core group's
			continue
		}
		state, err := cluster.Revision(ctx, t)
		if err != nil {
			return nil, err
		}
		types = append(types, t)
		objects[t.GroupResource()] = state.Objects
	}
	slices.SortStableFunc(types, func(a, b engine.Resource) int {
		return cmp.Compare(objects[b.GroupResource()], objects[a.GroupResource()])
	})
	return types, nil
}

// listStream lists one type after the other.
type listStream struct {
	*client

	gzip   *gzip.Writer
	page   bytes.Buffer
	raw    int64
	stored counter
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func (s *listStream) list(ctx context.Context, t engine.Resource) error {
	k := kind{group: t.Group, version: t.Version, resource: t.Name}
	for token := ""; ; {
		query := fmt.Sprintf("?limit=%d", pageSize)
		if token != "" {
			query += "&continue=" + url.QueryEscape(token)
		}
		s.page.Reset()
		if err := s.send(ctx, "GET", k.path("")+query, "", nil, func(r io.Reader) error {
			_, err := s.page.ReadFrom(r)
			return err
		}); err != nil {
			return err
		}
		page := s.page.Bytes()
		s.raw += int64(len(page))
		if _, err := s.gzip.Write(page); err != nil {
			return err
		}
		if token = tokenOf(page); token == "" {
			return nil
		}
	}
}

// tokenOf finds what continues a list, in front of the items or behind them.
func tokenOf(page []byte) string {
	for _, part := range [][]byte{page[:min(len(page), metaBytes)], page[max(0, len(page)-metaBytes):]} {
		if found := continueToken.FindSubmatch(part); found != nil {
			return string(found[1])
		}
	}
	return ""
}
