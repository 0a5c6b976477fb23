// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/restore"
)

func TestFailuresOfSingleRequests(t *testing.T) {
	passing := &engine.RetryableError{After: time.Second, Err: errors.New("too many requests")}
	tests := map[string]struct {
		fault func(n int64, verb string, key engine.Key) (before, after error)
		want  restore.Counts
		text  string
	}{
		"throttling is waited out": {
			func(n int64, _ string, _ engine.Key) (error, error) { return when(n%2 == 1, passing), nil },
			restore.Counts{Created: 3}, "",
		},
		"a request that failed after it was carried out is not repeated": {
			func(n int64, verb string, _ engine.Key) (error, error) {
				return nil, when(n == 2 && verb == "POST", passing)
			},
			restore.Counts{Created: 2, Unchanged: 1}, "",
		},
		"what exists is found behind another complaint": {
			func(n int64, verb string, key engine.Key) (error, error) {
				if key.Name != "c" || verb != "POST" {
					return nil, nil
				}
				return when(n > 3, engine.ErrInvalid), when(n == 3, passing)
			},
			restore.Counts{Created: 2, Unchanged: 1}, "",
		},
		"what fails for long gets another round in the end": {
			func(n int64, _ string, key engine.Key) (error, error) {
				return when(key.Name == "c" && n < 8, passing), nil
			},
			restore.Counts{Created: 3}, "",
		},
		"a namespace that is put off puts off what lies in it": {
			func(n int64, _ string, key engine.Key) (error, error) {
				return when(key.Resource == "namespaces" && n < 8, passing), nil
			},
			restore.Counts{Created: 3}, "",
		},
		"what fails for good is named, and the rest comes back": {
			func(_ int64, _ string, key engine.Key) (error, error) {
				return when(key.Name == "c", fmt.Errorf("data: too long: %w", engine.ErrInvalid)), nil
			},
			restore.Counts{Created: 2, Failed: 1}, "configmaps/a/c: data: too long: invalid",
		},
		"what is throttled for ever fails": {
			func(_ int64, _ string, key engine.Key) (error, error) { return when(key.Name == "c", passing), nil },
			restore.Counts{Created: 2, Failed: 1}, "configmaps/a/c: too many requests (retry after 1s)",
		},
		"without its namespace, nothing in it is tried": {
			func(_ int64, _ string, key engine.Key) (error, error) {
				return when(key.Resource == "namespaces", engine.ErrForbidden), nil
			},
			restore.Counts{Failed: 3}, "configmaps/a/c: namespace a cannot be used: forbidden",
		},
		"a terminating namespace is named with the cure": {
			func(_ int64, _ string, key engine.Key) (error, error) {
				return when(key.Namespace != "", engine.ErrTerminating), nil
			},
			restore.Counts{Created: 1, Failed: 2},
			"configmaps/a/c: namespace a is being deleted: wait until it is gone, then run the restore again",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			source, target := newFakeCluster(t), newFakeCluster(t)
			source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
			source.add(configMap("v", ""))
			source.add(`{"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"a","name":"s"}}`)
			var n atomic.Int64
			target.fault = func(verb string, key engine.Key) (error, error) { return tc.fault(n.Add(1), verb, key) }
			req := request()
			req.Workers = 1
			req.Selection.ExcludedResources = []string{"serviceaccounts"}
			report := mustRun(t, target, req, backup(t, source), restore.Options{})
			report.Results.Skipped = 0
			if report.Results != tc.want {
				t.Errorf("Results = %+v, want %+v: %v", report.Results, tc.want, report.Errors)
			}
			if tc.text != "" && !slices.Contains(report.Errors, tc.text) {
				t.Errorf("Errors = %q, want %q", report.Errors, tc.text)
			}
		})
	}
}

// A webhook answers when its pod runs, which takes a while after its Deployment was
// restored. Where nothing was started, nothing is waited for.
func TestWhatAPodHasToAnswerIsWaitedFor(t *testing.T) {
	passing := &engine.RetryableError{Err: errors.New("failed calling webhook: connection refused")}
	for name, tc := range map[string]struct {
		deployment bool
		// resumed says that an earlier attempt had made the Deployment.
		resumed  bool
		answers  time.Duration
		want     restore.Counts
		patience time.Duration
	}{
		"a pod that starts in time":                  {true, false, 90 * time.Second, restore.Counts{Created: 4}, 100 * time.Second},
		"a pod that an earlier attempt was to start": {true, true, 90 * time.Second, restore.Counts{Created: 2, Unchanged: 2}, 100 * time.Second},
		"a pod that never starts":                    {true, false, time.Hour, restore.Counts{Created: 3, Failed: 1}, 3 * time.Minute},
		"nothing that could answer":                  {false, false, time.Minute, restore.Counts{Created: 2, Failed: 1}, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			source, target := newFakeCluster(t), newFakeCluster(t)
			source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
			source.add(configMap("v", ""))
			source.add(`{"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"a","name":"s"}}`)
			if tc.deployment {
				source.add(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"namespace":"a","name":"webhook"},"spec":{}}`)
			}
			if tc.resumed {
				target.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a","labels":{"ark-restore":"r1"}}}`)
				target.add(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"namespace":"a","name":"webhook","labels":{"ark-restore":"r1"}},"spec":{}}`)
			}
			var passed time.Duration
			target.fault = func(verb string, key engine.Key) (error, error) {
				return when(key.Resource == "configmaps" && verb == "POST" && passed < tc.answers, passing), nil
			}
			req := request()
			req.Workers = 1
			req.Selection.ExcludedResources = []string{"serviceaccounts"}
			report := mustRun(t, target, req, backup(t, source), restore.Options{Sleep: func(ctx context.Context, d time.Duration) error {
				passed += d
				return ctx.Err()
			}})
			report.Results.Skipped = 0
			if report.Results != tc.want {
				t.Errorf("Results = %+v, want %+v: %v", report.Results, tc.want, report.Errors)
			}
			if passed > tc.patience {
				t.Errorf("waited for %s, want at most %s", passed, tc.patience)
			}
		})
	}
}

// An API server that restarts takes no connections for a while. No object is to fail
// of that, whatever it was just sent, and whether something follows that may be tried
// meanwhile.
func TestAnAPIServerThatIsAwayIsWaitedFor(t *testing.T) {
	away := &engine.RetryableError{Away: true, Err: errors.New("connection refused")}
	for name, tc := range map[string]struct {
		// after is how many requests are answered before it goes away.
		after int64
		is    time.Duration
		want  restore.Counts
	}{
		"from the beginning": {0, 90 * time.Second, restore.Counts{Created: 3}},
		"in the middle":      {1, 90 * time.Second, restore.Counts{Created: 3}},
		"at the last object": {2, 90 * time.Second, restore.Counts{Created: 3}},
		"for good":           {1, time.Hour, restore.Counts{Created: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			source, target := newFakeCluster(t), newFakeCluster(t)
			source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
			source.add(configMap("v", ""))
			source.add(`{"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"a","name":"s"}}`)
			var passed time.Duration
			var n atomic.Int64
			target.fault = func(string, engine.Key) (error, error) { return when(n.Add(1) > tc.after && passed < tc.is, away), nil }
			req := request()
			req.Workers = 1
			req.Selection.ExcludedResources = []string{"serviceaccounts"}
			src := backup(t, source)
			report, err := run(t, target, req, src, restore.Options{Sleep: func(ctx context.Context, d time.Duration) error {
				passed += d
				return ctx.Err()
			}})
			if ends := tc.is == time.Hour; ends != (err != nil) || ends && !strings.Contains(err.Error(), "cannot be connected to: connection refused") {
				t.Errorf("error %v", err)
			}
			report.Results.Skipped = 0
			if report.Results != tc.want || passed > 2*time.Minute {
				t.Errorf("Results = %+v after %s, want %+v: %v", report.Results, passed, tc.want, report.Errors)
			}
			target.fault = nil
			again := mustRun(t, target, req, src, restore.Options{})
			if done := again.Results.Created + again.Results.Unchanged; done != 3 || again.Results.Failed > 0 {
				t.Errorf("the next attempt: %+v, %v", again.Results, again.Errors)
			}
		})
	}
}

func when(is bool, err error) error {
	if is {
		return err
	}
	return nil
}

func TestHostileArchives(t *testing.T) {
	tests := map[string]struct {
		edit func(*archive.Entry)
		want string
	}{
		"an object of another name than its index line says": {
			func(e *archive.Entry) {
				if e.Resource == "configmaps" {
					e.Name = "other"
				}
			},
			`configmaps/a/other: corrupt: the object's metadata.name is "c", but the index says "other"`,
		},
		"an object of another namespace": {
			func(e *archive.Entry) {
				if e.Resource == "configmaps" {
					e.Namespace = "kube-system"
				}
			},
			`configmaps/kube-system/c: corrupt: the object's metadata.namespace is "a", but the index says "kube-system"`,
		},
		"an object of another kind": {
			func(e *archive.Entry) {
				if e.Resource == "configmaps" {
					e.Resource, e.Kind = "secrets", "Secret"
				}
			},
			`secrets/a/c: corrupt: the object's kind is "ConfigMap", but the index says "Secret"`,
		},
		"a kind that the resource does not have": {
			func(e *archive.Entry) {
				if e.Resource == "configmaps" {
					e.Kind = "Secret"
				}
			},
			"configmaps/a/c: configmaps: is the namespaced kind Secret in the backup, but the namespaced kind ConfigMap in the cluster: only the definition of the backup takes the object",
		},
		"another version than the object has": {
			func(e *archive.Entry) {
				if e.Resource == "configmaps" {
					e.Version = "v0"
				}
			},
			`configmaps/a/c: corrupt: the object's apiVersion is "v1", but the index says "v0"`,
		},
		"a type that is not served": {
			func(e *archive.Entry) {
				if e.Resource == "configmaps" {
					e.Resource = "gadgets"
				}
			},
			"gadgets/a/c: gadgets: the cluster does not serve this type: install what defines it, then run the restore again",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			source, target := newFakeCluster(t), newFakeCluster(t)
			source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
			delete(source.objects, engine.Key{GroupResource: groupResource("configmaps"), Namespace: "a", Name: "kube-root-ca.crt"})
			source.add(configMap("v", ""))
			report := mustRun(t, target, request(), backup(t, source, tc.edit), restore.Options{})
			if diff := cmp.Diff([]string{tc.want}, report.Errors); diff != "" {
				t.Errorf("Errors (-want +got):\n%s", diff)
			}
			if target.object("configmaps/a/c") != nil || target.object("configmaps/kube-system/c") != nil {
				t.Error("the object was written")
			}
		})
	}
}

func TestAStoreThatFailsEndsTheRestore(t *testing.T) {
	source, target := shop(t), newFakeCluster(t)
	src := backup(t, source)
	src.Contents = archive.OpenContents(&memory{err: errors.New("connection reset")}, "contents.tar.gz", archive.File{Size: 1 << 20})
	_, err := run(t, target, request(), src, restore.Options{})
	if err == nil || !strings.Contains(err.Error(), "connection reset") {
		t.Errorf("Run() error = %v, want the store's", err)
	}
}

func TestOwnersThatCannotBeSetAreAFailure(t *testing.T) {
	source, target := shop(t), newFakeCluster(t)
	target.fault = func(verb string, _ engine.Key) (before, after error) {
		return when(verb == "PATCH", engine.ErrForbidden), nil
	}
	report := mustRun(t, target, request(), backup(t, source), restore.Options{})
	if diff := cmp.Diff([]string{"configmaps/shop/a-cart-config: its owners could not be set: forbidden"}, report.Errors); diff != "" {
		t.Errorf("Errors (-want +got):\n%s", diff)
	}
	if report.Results.Failed != 1 {
		t.Errorf("Results = %+v, want one failure", report.Results)
	}
}
