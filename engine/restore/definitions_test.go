// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
				"spec":{"group":"shop.example","scope":"Namespaced","names":{"plural":"carts","kind":"Cart"},"versions":[{"name":"v1","served":true,"storage":true}]}}`)
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

// boats is a definition with the versions that are given.
func boats(scope string, versions ...string) string {
	for i, v := range versions {
		versions[i] = `{"name":"` + v + `","served":true,"storage":` + strconv.FormatBool(i == 0) + `}`
	}
	return `{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"boats.sea.example"},
		"spec":{"group":"sea.example","scope":"` + scope + `","names":{"plural":"boats","kind":"Boat"},"versions":[` + strings.Join(versions, ",") + `]}}`
}

func TestTypesAreThoseOfTheRestoredDefinitions(t *testing.T) {
	const ketch = `{"apiVersion":"sea.example/v1","kind":"Boat","metadata":{"namespace":"a","name":"ketch"},"spec":{}}`
	const definition, object = "customresourcedefinitions.apiextensions.k8s.io/boats.sea.example", "boats.sea.example/a/ketch"
	const other = "is restored in version v1beta1, because the cluster does not serve v1, in which it was archived: look at what differs between them"
	type line struct {
		Action   restore.Action
		Outcome  restore.Outcome
		Messages []string
	}
	for name, tc := range map[string]struct {
		target   []string
		existing restore.Existing
		// version is what a gate is shown, and planned what a dry run tells.
		version         string
		planned, result map[string]line
	}{
		"that are updated": {
			target: []string{boats("Namespaced", "v1beta1")}, existing: restore.ExistingUpdate, version: "v1",
			planned: map[string]line{definition: {restore.ActionUpdate, "", nil}, object: {restore.ActionCreate, "", nil}},
			result:  map[string]line{definition: {restore.ActionUpdate, restore.Updated, nil}, object: {restore.ActionCreate, restore.Created, nil}},
		},
		"that are updated, and of which there are objects in another version": {
			target:   []string{boats("Namespaced", "v1beta1"), `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`, strings.ReplaceAll(ketch, "/v1", "/v1beta1")},
			existing: restore.ExistingUpdate, version: "v1",
			planned: map[string]line{definition: {restore.ActionUpdate, "", nil}, object: {restore.ActionUpdate, "", nil}},
			result:  map[string]line{definition: {restore.ActionUpdate, restore.Updated, nil}, object: {restore.ActionUpdate, restore.Updated, nil}},
		},
		"that are left as they are": {
			target: []string{boats("Namespaced", "v1beta1")}, existing: restore.ExistingNone, version: "v1beta1",
			planned: map[string]line{definition: {restore.ActionKeep, "", nil}, object: {restore.ActionCreate, "", []string{other}}},
			result: map[string]line{
				definition: {restore.ActionKeep, restore.Left, []string{"exists and differs in spec.versions"}},
				object:     {restore.ActionCreate, restore.Created, []string{other}},
			},
		},
		"that are made": {
			existing: restore.ExistingNone, version: "v1",
			planned: map[string]line{definition: {restore.ActionCreate, "", nil}, object: {restore.ActionCreate, "", nil}},
			result:  map[string]line{definition: {restore.ActionCreate, restore.Created, nil}, object: {restore.ActionCreate, restore.Created, nil}},
		},
		"whose scope no update changes": {
			target: []string{boats("Cluster", "v1beta1")}, existing: restore.ExistingNone, version: "v1",
			planned: map[string]line{definition: {restore.ActionKeep, "", nil}, object: {restore.ActionSkip, restore.Failed, []string{"boats.sea.example: is the namespaced kind Boat " +
				"in the backup, but the cluster-scoped kind Boat in the cluster: only the definition of the backup takes the object"}}},
			result: map[string]line{
				definition: {restore.ActionKeep, restore.Left, []string{"exists and differs in spec.scope, spec.versions"}},
				object: {restore.ActionSkip, restore.Failed, []string{"boats.sea.example: is the namespaced kind Boat " +
					"in the backup, but the cluster-scoped kind Boat in the cluster: only the definition of the backup takes the object"}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			source, target := newFakeCluster(t), newFakeCluster(t)
			source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
			source.add(boats("Namespaced", "v1", "v1beta1"))
			source.add(ketch)
			for _, o := range tc.target {
				target.add(o)
			}
			src := backup(t, source)
			do := func(dry bool, g *gate) map[string]line {
				req := request()
				req.DryRun, req.Existing = dry, tc.existing
				var told lineLog
				opts := restore.Options{Results: &told}
				if g != nil {
					opts.Gate = g
				}
				mustRun(t, target, req, src, opts)
				lines := map[string]line{}
				for _, l := range told.all(t) {
					if l.Object == definition || l.Object == object {
						lines[l.Object] = line{l.Action, l.Outcome, l.Messages}
					}
				}
				return lines
			}
			if diff := cmp.Diff(tc.planned, do(true, nil)); diff != "" {
				t.Errorf("the dry run tells (-want +got):\n%s", diff)
			}
			var shown string
			g := &gate{object: func(c restore.Candidate) (restore.Ruling, error) {
				if c.Source.String() == object {
					shown = c.Object.Resource.Version
				}
				return restore.Ruling{}, nil
			}}
			if diff := cmp.Diff(tc.result, do(false, g)); diff != "" {
				t.Errorf("the restore tells (-want +got):\n%s", diff)
			}
			if shown != tc.version {
				t.Errorf("the gate is shown version %q, want %q", shown, tc.version)
			}
		})
	}
}

func TestADefinitionThatIsRejectedIsNotWaitedFor(t *testing.T) {
	source := newFakeCluster(t)
	source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
	source.add(boats("Namespaced", "v1"))
	source.add(`{"apiVersion":"sea.example/v1","kind":"Boat","metadata":{"namespace":"a","name":"ketch"},"spec":{}}`)
	for name, tc := range map[string]struct {
		condition map[string]any
		said      string
		atMost    time.Duration
	}{
		"by its names": {
			map[string]any{"type": "NamesAccepted", "status": "False", "reason": "KindConflict", "message": "m"},
			"NamesAccepted is False (KindConflict: m)", 5 * time.Second,
		},
		"while it may come": {
			map[string]any{"type": "Established", "status": "False", "reason": "Installing", "message": "m"},
			"Established is False (Installing: m)", 90 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			target := newFakeCluster(t)
			target.conditions = []any{tc.condition}
			var passed time.Duration
			report := mustRun(t, target, request(), backup(t, source), restore.Options{Sleep: func(ctx context.Context, d time.Duration) error {
				passed += d
				return ctx.Err()
			}})
			if diff := cmp.Diff([]string{"boats.sea.example/a/ketch: boats.sea.example: its definition is not established: " + tc.said}, report.Errors); diff != "" {
				t.Errorf("Errors (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"customresourcedefinitions.apiextensions.k8s.io/boats.sea.example: is not established: " + tc.said +
				": see to that, then run the restore again"}, report.Warnings); diff != "" {
				t.Errorf("Warnings (-want +got):\n%s", diff)
			}
			if passed > tc.atMost {
				t.Errorf("waited for %s, want at most %s", passed, tc.atMost)
			}
		})
	}
}
