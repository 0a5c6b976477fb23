// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore"
)

func TestADefinitionThatIsPutOffPutsOffItsObjects(t *testing.T) {
	passing := &engine.RetryableError{Err: errors.New("etcdserver: leader changed")}
	for name, tc := range map[string]struct {
		failures int
		want     restore.Counts
		text     string
		patience time.Duration
	}{
		"that comes in the end": {8, restore.Counts{Created: 3}, "", 10 * time.Second},
		"that never comes": {
			1 << 20, restore.Counts{Created: 1, Failed: 2},
			"carts.shop.example/a/main: carts.shop.example: the cluster does not serve this type", 10 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			source, target := newFakeCluster(t), newFakeCluster(t)
			source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
			source.add(`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"carts.shop.example"},
				"spec":{"group":"shop.example","scope":"Namespaced","names":{"plural":"carts","kind":"Cart"},"versions":[{"name":"v1"}]}}`)
			source.add(`{"apiVersion":"shop.example/v1","kind":"Cart","metadata":{"namespace":"a","name":"main"},"spec":{}}`)
			failed := 0
			target.fault = func(verb string, key engine.Key) (error, error) {
				if verb != "POST" || key.Resource != "customresourcedefinitions" || failed >= tc.failures {
					return nil, nil
				}
				failed++
				return passing, nil
			}
			req := request()
			req.Workers = 1
			req.Selection.ExcludedResources = []string{"serviceaccounts"}
			var passed time.Duration
			report := mustRun(t, target, req, backup(t, source), restore.Options{Sleep: func(ctx context.Context, d time.Duration) error {
				passed += d
				return ctx.Err()
			}})
			report.Results.Skipped = 0
			if report.Results != tc.want {
				t.Errorf("Results = %+v, want %+v: %v", report.Results, tc.want, report.Errors)
			}
			if text := strings.Join(report.Errors, "\n"); !strings.Contains(text, tc.text) {
				t.Errorf("Errors = %q, want %q", text, tc.text)
			}
			if passed > tc.patience {
				t.Errorf("waited for %s, want at most %s", passed, tc.patience)
			}
		})
	}
}
