// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"

	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/kube"
	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/selection"
)

// runRestoreJob restores the namespaces of the workload, one of them, or one
// object, as the controller does.
func runRestoreJob(ctx context.Context, j job, m *meter) error {
	cluster, store, err := m.connect(ctx, j, true)
	if err != nil {
		return err
	}
	snapshot, err := store.Marker(ctx, j.Cluster, j.Backup)
	if err != nil {
		return err
	}
	report, err := restored(ctx, cluster, store, snapshot, request(j))
	if report != nil {
		m.Objects, m.Errors = report.Results.Created, report.Results.Failed
	}
	return err
}

// restored carries out a restore as the controller does. Objects that fail are an
// error: what was not written costs nothing.
func restored(ctx context.Context, cluster *kube.Cluster, store *catalog.Catalog, snapshot *catalog.Snapshot, req restore.Request) (*restore.Report, error) {
	index, err := store.Index(ctx, snapshot)
	if err != nil {
		return nil, err
	}
	report, err := restore.Run(ctx, restore.Target{Discoverer: cluster, Getter: cluster, Writer: cluster}, req, restore.Source{
		Types: restore.TypesOf(snapshot.Marker), Index: index, Contents: store.Contents(snapshot),
	}, restore.Options{Results: io.Discard, Sleep: restore.Sleep})
	if err == nil && len(report.Errors) > 0 {
		err = fmt.Errorf("%d objects failed, the first: %s", report.Results.Failed, report.Errors[0])
	}
	return report, err
}

func request(j job) restore.Request {
	req := restore.Request{Label: "bench", Workers: j.Workers, Selection: selection.Template{IncludedNamespaces: []string{"bench-*"}}}
	if j.Namespace != "" {
		req.Selection.IncludedNamespaces = []string{j.Namespace}
		req.NamespaceMapping = map[string]string{j.Namespace: j.Into}
	}
	if j.Resource != "" {
		req.Selection.IncludedResources = []string{j.Resource}
		req.Names = []string{j.Name}
	}
	return req
}
