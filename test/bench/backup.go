// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/backup"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/kube"
)

// clock is the machine's.
type clock struct{}

func (clock) Now() time.Time { return time.Now() }

// connect begins to measure, and reaches the cluster and the store of a job.
func (m *meter) connect(ctx context.Context, j job, readOnly bool) (*kube.Cluster, *catalog.Catalog, error) {
	cfg, err := m.config()
	if err != nil {
		return nil, nil, err
	}
	if err := m.begin(); err != nil {
		return nil, nil, err
	}
	cluster, err := kube.New(cfg, kube.Options{})
	if err != nil {
		return nil, nil, err
	}
	store, err := m.open(ctx, j, readOnly)
	return cluster, store, err
}

// takeBackup takes a backup of the whole cluster, as the controller does.
func takeBackup(ctx context.Context, j job, m *meter) error {
	cluster, store, err := m.connect(ctx, j, false)
	if err != nil {
		return err
	}
	uid, err := cluster.ClusterUID(ctx)
	if err != nil {
		return err
	}
	snapshot, err := backup.Take(ctx, backup.Ports{
		Source: collect.Source{Discoverer: cluster, Lister: cluster, Historian: cluster}, Catalog: store, Clock: clock{},
	}, backup.Request{
		Cluster: archive.Cluster{UID: uid}, Name: j.Backup, Attempt: "one",
		Created: time.Now(), TTL: time.Hour,
	}, nil)
	if err != nil {
		return err
	}
	m.Objects, m.Errors = snapshot.Marker.Objects.Included, int64(len(snapshot.Marker.Errors))
	m.Stored = snapshot.Marker.Files[archive.ContentsFile].Size
	return nil
}

// open attaches the bucket of the job, and counts what is read of it.
func (m *meter) open(ctx context.Context, j job, readOnly bool) (*catalog.Catalog, error) {
	store, err := blobstore.Open(ctx, blobstore.Location{
		Name: "bench", URL: "file://" + j.Store, ReadOnly: readOnly,
	}, blobstore.Options{FileRoot: j.Store})
	if err != nil {
		return nil, err
	}
	c, err := catalog.Attach(ctx, countedStore{store, m}, clock{}, catalog.Options{ReadOnly: readOnly})
	if err != nil {
		return nil, fmt.Errorf("attach the bucket: %w", err)
	}
	return c, nil
}

// countedStore counts what is read of a store.
type countedStore struct {
	engine.Store

	m *meter
}

func (s countedStore) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	s.m.storeReads.Add(1)
	r, err := s.Store.Open(ctx, key, offset, length)
	if err != nil {
		return nil, err
	}
	return countedReader{r, &s.m.storeBytes}, nil
}

func (s countedStore) List(ctx context.Context, prefix string, folders bool) iter.Seq2[engine.Blob, error] {
	s.m.storeReads.Add(1)
	return s.Store.List(ctx, prefix, folders)
}
