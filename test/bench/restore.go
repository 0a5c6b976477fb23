// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"

	"github.com/gopherwood/ark/engine/kube"
	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/selection"
)

// runRestoreJob restores the namespaces of the workload, one of them, or one
// object, as the controller does.
func runRestoreJob(ctx context.Context, j job, m *meter) error {
	cfg, err := m.config()
	if err != nil {
		return err
	}
	if err := m.begin(); err != nil {
		return err
	}
	cluster, err := kube.New(cfg, kube.Options{})
	if err != nil {
		return err
	}
	store, err := m.open(ctx, j, true)
	if err != nil {
		return err
	}
	snapshot, err := store.Marker(ctx, j.Cluster, j.Backup)
	if err != nil {
		return err
	}
	index, err := store.Index(ctx, snapshot)
	if err != nil {
		return err
	}
	report, err := restore.Run(ctx, restore.Target{Discoverer: cluster, Getter: cluster, Writer: cluster}, request(j), restore.Source{
		Types: restore.TypesOf(snapshot.Marker), Index: index, Contents: store.Contents(snapshot),
	}, restore.Options{Results: io.Discard, Sleep: restore.Sleep})
	if err != nil {
		return err
	}
	m.Objects, m.Errors = report.Results.Created, report.Results.Failed
	if len(report.Errors) > 0 {
		return fmt.Errorf("%d objects failed, the first: %s", report.Results.Failed, report.Errors[0])
	}
	return nil
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
