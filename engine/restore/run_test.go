// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// shop is a small application with everything that a restore has to think about.
func shop(t *testing.T) *fakeCluster {
	t.Helper()
	c := newFakeCluster(t)
	c.add(`{"apiVersion":"v1","kind":"Node","metadata":{"name":"n1"}}`)
	c.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","labels":{"team":"sales"}}}`)
	c.add(`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"carts.shop.example"},
		"spec":{"group":"shop.example","scope":"Namespaced","names":{"plural":"carts","kind":"Cart"},
		"versions":[{"name":"v1","subresources":{"status":{}}}]}}`)
	cart := c.add(`{"apiVersion":"shop.example/v1","kind":"Cart","metadata":{"namespace":"shop","name":"main"},
		"spec":{"max":9223372036854775807,"min":-9223372036854775808,"price":0.5,"nothing":null},"status":{"open":3}}`)
	c.add(fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"shop","name":"a-cart-config",
		"ownerReferences":[{"apiVersion":"shop.example/v1","kind":"Cart","name":"main","uid":%q,"controller":true}]},"data":{"k":"v"}}`, cart))
	c.add(`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"namespace":"shop","name":"web"}}`)
	c.add(`{"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"shop","name":"web-key"},"type":"Opaque","data":{"k":"dg=="}}`)
	c.add(`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"web-reader"},"rules":[]}`)
	c.add(`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"unrelated"},"rules":[]}`)
	c.add(`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"web-reads"},
		"roleRef":{"kind":"ClusterRole","name":"web-reader"},"subjects":[{"kind":"ServiceAccount","namespace":"shop","name":"web"}]}`)
	c.add(`{"apiVersion":"v1","kind":"Service","metadata":{"namespace":"shop","name":"web"},
		"spec":{"type":"ClusterIP","selector":{"app":"web"},"ports":[{"port":80}]}}`)
	deployment := c.add(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"namespace":"shop","name":"web"},"spec":{"replicas":2},
		"status":{"replicas":2}}`)
	replicaSet := c.add(fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"namespace":"shop","name":"web-1",
		"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"web","uid":%q,"controller":true}]}}`, deployment))
	c.add(fmt.Sprintf(`{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"shop","name":"web-1-x",
		"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-1","uid":%q,"controller":true}]},"spec":{}}`, replicaSet))
	c.add(`{"apiVersion":"v1","kind":"PersistentVolume","metadata":{"name":"disk"},
		"spec":{"claimRef":{"namespace":"shop","name":"data","uid":"old","resourceVersion":"1"}}}`)
	c.add(`{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"namespace":"shop","name":"data",
		"annotations":{"pv.kubernetes.io/bind-completed":"yes"}},"spec":{"volumeName":"disk"}}`)
	c.add(`{"apiVersion":"v1","kind":"Event","metadata":{"namespace":"shop","name":"e"}}`)
	c.writes()
	return c
}

// shopObjects are those of the shop that come back, without what the cluster has
// of its own.
var shopObjects = []string{
	"carts.shop.example/shop/main",
	"clusterrolebindings.rbac.authorization.k8s.io/web-reads",
	"clusterroles.rbac.authorization.k8s.io/web-reader",
	"configmaps/shop/a-cart-config",
	"configmaps/shop/kube-root-ca.crt", // the controllers made it
	"customresourcedefinitions.apiextensions.k8s.io/carts.shop.example",
	"deployments.apps/shop/web",
	"namespaces/shop",
	"persistentvolumeclaims/shop/data",
	"persistentvolumes/disk",
	"secrets/shop/web-key",
	"serviceaccounts/shop/default",
	"serviceaccounts/shop/web",
	"services/shop/web",
}

func request() restore.Request { return restore.Request{Label: "r1", Workers: 3} }

// noSleep lets time pass at once.
func noSleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func run(t *testing.T, c *fakeCluster, req restore.Request, src restore.Source, opts restore.Options) (*restore.Report, error) {
	t.Helper()
	if opts.Sleep == nil {
		opts.Sleep = noSleep
	}
	return restore.Run(t.Context(), restore.Target{Discoverer: c, Getter: c, Writer: c}, req, src, opts)
}

func mustRun(t *testing.T, c *fakeCluster, req restore.Request, src restore.Source, opts restore.Options) *restore.Report {
	t.Helper()
	report, err := run(t, c, req, src, opts)
	must(t, err)
	return report
}

func TestAnApplicationComesBackIntoAnEmptyCluster(t *testing.T) {
	source, target := shop(t), newFakeCluster(t)
	req := request()
	req.Selection.IncludedNamespaces = []string{"shop"}
	report := mustRun(t, target, req, backup(t, source), restore.Options{})

	if diff := cmp.Diff(shopObjects, target.keys()); diff != "" {
		t.Errorf("restored objects (-want +got):\n%s", diff)
	}
	if len(report.Errors) > 0 || report.Results.Failed > 0 {
		t.Errorf("report has errors: %+v", report)
	}
	wantSkipped := map[string]int64{restore.CodeRemade: 3, restore.CodeNeverRestored: 1}
	if diff := cmp.Diff(wantSkipped, report.SkippedBy); diff != "" {
		t.Errorf("SkippedBy (-want +got):\n%s", diff)
	}
	// The service account "default" was made by a controller, and is as archived.
	if want := (restore.Counts{Created: 12, Unchanged: 1, Skipped: 4}); report.Results != want {
		t.Errorf("Results = %+v, want %+v", report.Results, want)
	}
	for _, key := range shopObjects {
		want, got := source.object(key), target.object(key)
		transform.Adopt(groupResource(strings.SplitN(key, "/", 2)[0]), want, got)
		if diff := transform.Compare(want, got, "status", "ownerReferences", "spec.claimRef"); !diff.Equal() &&
			key != "persistentvolumes/disk" && key != "persistentvolumeclaims/shop/data" && key != "services/shop/web" {
			t.Errorf("%s differs in %v", key, diff.Fields)
		}
	}
	owner := target.object("configmaps/shop/a-cart-config")["metadata"].(map[string]any)["ownerReferences"].([]any)[0].(map[string]any)
	if want := transform.Text(target.object("carts.shop.example/shop/main"), "metadata", "uid"); owner["uid"] != want {
		t.Errorf("owner's UID = %v, want that of the restored Cart, %s", owner["uid"], want)
	}
}

func TestTheSameRestoreTwiceChangesNothing(t *testing.T) {
	for _, existing := range []restore.Existing{restore.ExistingNone, restore.ExistingUpdate, restore.ExistingRecreate} {
		for _, label := range []string{"r1", "r2"} {
			t.Run(fmt.Sprintf("with %s, as %s", existing, label), func(t *testing.T) {
				source, target := shop(t), newFakeCluster(t)
				req := request()
				req.Existing = existing
				opts := restore.Options{Replaced: &bytes.Buffer{}}
				mustRun(t, target, req, backup(t, source), opts)
				target.writes()
				before := target.sequence

				req.Label = label
				report := mustRun(t, target, req, backup(t, source), opts)
				if target.sequence != before {
					t.Errorf("the second run changed objects: %v", target.writes())
				}
				if r := report.Results; r.Created+r.Updated+r.Existing+r.Failed != 0 {
					t.Errorf("Results = %+v, want all unchanged; warnings %v", r, report.Warnings)
				}
			})
		}
	}
}

func TestARestoreIsOneRequestForEachObject(t *testing.T) {
	source, target := shop(t), newFakeCluster(t)
	req := request()
	req.Selection.IncludedNamespaces = []string{"shop"}
	req.Selection.ExcludedResources = []string{"carts", "customresourcedefinitions", "serviceaccounts", "clusterrolebindings"}
	report := mustRun(t, target, req, backup(t, source), restore.Options{})
	if got, want := int64(len(target.requests)), report.Results.Created; got != want {
		// One ConfigMap's owner is looked for, and its type is not served.
		t.Errorf("%d requests for %d objects: %v", got, want, target.requests)
	}
}

func TestARestoreThatIsBrokenOffAnywhereConverges(t *testing.T) {
	source := shop(t)
	whole := newFakeCluster(t)
	mustRun(t, whole, request(), backup(t, source), restore.Options{})
	writes := len(whole.writes())
	if writes < 10 {
		t.Fatalf("only %d writes: the test would prove nothing", writes)
	}
	for n := range writes {
		for _, carriedOut := range []bool{false, true} {
			t.Run(fmt.Sprintf("after write %d, which was carried out: %v", n, carriedOut), func(t *testing.T) {
				target := newFakeCluster(t)
				ctx, kill := context.WithCancel(t.Context())
				defer kill()
				var count atomic.Int64
				target.fault = func(verb string, _ engine.Key) (before, after error) {
					if verb == "GET" || count.Add(1) <= int64(n) {
						return nil, nil
					}
					kill()
					if carriedOut {
						return nil, context.Canceled
					}
					return context.Canceled, nil
				}
				_, err := restore.Run(ctx, restore.Target{Discoverer: target, Getter: target, Writer: target},
					request(), backup(t, source), restore.Options{Sleep: noSleep})
				if !errors.Is(err, context.Canceled) {
					t.Fatalf("Run() error = %v, want the cancellation", err)
				}
				target.fault = nil
				report := mustRun(t, target, request(), backup(t, source), restore.Options{})
				if report.Results.Failed+report.Results.Existing > 0 || len(report.Errors) > 0 {
					t.Errorf("the second run: %+v", report)
				}
				if diff := cmp.Diff(whole.keys(), target.keys()); diff != "" {
					t.Errorf("objects (-want +got):\n%s", diff)
				}
				for _, key := range whole.keys() {
					if diff := transform.Compare(whole.object(key), target.object(key), "ownerReferences", "clusterIP"); !diff.Equal() && key != "services/shop/web" {
						t.Errorf("%s differs in %v", key, diff.Fields)
					}
					if a, b := owners(whole.object(key)), owners(target.object(key)); a != b {
						t.Errorf("%s has %d owners, want %d", key, b, a)
					}
				}
			})
		}
	}
}

func owners(m transform.Manifest) int {
	refs, _ := m["metadata"].(map[string]any)["ownerReferences"].([]any)
	return len(refs)
}

func TestAMappedRestoreLeavesTheOriginalAlone(t *testing.T) {
	c := shop(t)
	before := map[string]string{}
	for _, key := range c.keys() {
		before[key] = transform.Text(c.object(key), "metadata", "resourceVersion")
	}
	req := request()
	req.Selection.IncludedNamespaces = []string{"shop"}
	req.NamespaceMapping = map[string]string{"shop": "shop-copy"}
	report := mustRun(t, c, req, backup(t, c), restore.Options{})
	if report.Results.Failed > 0 {
		t.Errorf("report: %+v", report)
	}
	for key, version := range before {
		if got := transform.Text(c.object(key), "metadata", "resourceVersion"); got != version {
			t.Errorf("%s was changed", key)
		}
	}
	if c.object("deployments.apps/shop-copy/web") == nil {
		t.Errorf("the copy is not there: %v", c.keys())
	}
	labels := c.object("namespaces/shop-copy")["metadata"].(map[string]any)["labels"]
	want := map[string]any{"team": "sales", "ark-restore": "r1", "kubernetes.io/metadata.name": "shop-copy"}
	if diff := cmp.Diff(want, labels); diff != "" {
		t.Errorf("labels of the new namespace (-want +got):\n%s", diff)
	}
	owner := c.object("configmaps/shop-copy/a-cart-config")["metadata"].(map[string]any)["ownerReferences"].([]any)[0].(map[string]any)
	if want := transform.Text(c.object("carts.shop.example/shop-copy/main"), "metadata", "uid"); owner["uid"] != want {
		t.Errorf("owner's UID = %v, want that of the copy, %s", owner["uid"], want)
	}
}

func TestExistingObjectsThatDiffer(t *testing.T) {
	const was, is = "archived", "live"
	tests := map[string]struct {
		existing restore.Existing
		archived string // one object
		live     string
		want     restore.Counts
		warning  string
		value    string // of data.k, afterwards
	}{
		"None leaves it and names what differs": {
			restore.ExistingNone, configMap(was, ""), configMap(is, ""),
			restore.Counts{Existing: 1, Unchanged: 1}, "configmaps/a/c: exists and differs in data.k", is,
		},
		"Update writes over it": {
			restore.ExistingUpdate, configMap(was, ""), configMap(is, ""),
			restore.Counts{Updated: 1, Unchanged: 1}, "", was,
		},
		"Recreate deletes it first": {
			restore.ExistingRecreate, configMap(was, ""), configMap(is, ""),
			restore.Counts{Updated: 1, Unchanged: 1}, "", was,
		},
		"Recreate of what a finalizer keeps fails with the cure": {
			restore.ExistingRecreate, configMap(was, ""), configMap(is, `,"finalizers":["example/keep"]`),
			restore.Counts{Failed: 1, Unchanged: 1}, "", is,
		},
		"What this restore made and somebody changed is left alone": {
			restore.ExistingUpdate, configMap(was, ""), configMap(is, `,"labels":{"ark-restore":"r1"}`),
			restore.Counts{Existing: 1, Unchanged: 1}, "configmaps/a/c: exists and differs in data.k: changed since this restore made it", is,
		},
		"What this restore made and somebody added to is unchanged": {
			restore.ExistingUpdate, configMap("same", ""), configMap("same", `,"labels":{"ark-restore":"r1","more":"1"}`),
			restore.Counts{Unchanged: 2}, "", "same",
		},
		"An annotation that only the live object has is a difference": {
			restore.ExistingNone, configMap("same", ""), configMap("same", `,"annotations":{"x":"y"}`),
			restore.Counts{Existing: 1, Unchanged: 1}, "configmaps/a/c: exists and differs in metadata.annotations", "same",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			source, target := newFakeCluster(t), newFakeCluster(t)
			for c, doc := range map[*fakeCluster]string{source: tc.archived, target: tc.live} {
				c.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
				c.add(doc)
			}
			req := request()
			req.Existing = tc.existing
			req.Selection.IncludedResources = []string{"configmaps", "namespaces"}
			var replaced bytes.Buffer
			report := mustRun(t, target, req, backup(t, source), restore.Options{Replaced: &replaced})
			report.Results.Skipped = 0
			if report.Results != tc.want {
				t.Errorf("Results = %+v, want %+v: %v %v", report.Results, tc.want, report.Warnings, report.Errors)
			}
			if tc.warning != "" && !slices.Contains(report.Warnings, tc.warning) {
				t.Errorf("Warnings = %v, want %q", report.Warnings, tc.warning)
			}
			data, _ := target.object("configmaps/a/c")["data"].(map[string]any)
			if data["k"] != tc.value {
				t.Errorf("data.k = %v, want %q", data["k"], tc.value)
			}
			if deleted := strings.Contains(replaced.String(), `"live"`); deleted != (tc.existing == restore.ExistingRecreate) {
				t.Errorf("recorded before deleting: %v", deleted)
			}
		})
	}
}

func configMap(value, metadata string) string {
	return fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"a","name":"c"%s},"data":{"k":%q}}`, metadata, value)
}

func TestWhatIsNeverRecreated(t *testing.T) {
	source, target := shop(t), shop(t)
	for key, m := range target.objects { // everything differs
		meta := m["metadata"].(map[string]any)
		meta["annotations"] = map[string]any{"changed": key.Name}
	}
	uids := map[string]string{}
	for _, key := range target.keys() {
		uids[key] = transform.Text(target.object(key), "metadata", "uid")
	}
	req := request()
	req.Existing = restore.ExistingRecreate
	report := mustRun(t, target, req, backup(t, source), restore.Options{Replaced: &bytes.Buffer{}})
	kept := map[string]bool{}
	for _, key := range target.keys() {
		kept[key] = uids[key] == transform.Text(target.object(key), "metadata", "uid")
	}
	for key, want := range map[string]bool{
		"namespaces/shop": true, "persistentvolumes/disk": true, "persistentvolumeclaims/shop/data": true,
		"customresourcedefinitions.apiextensions.k8s.io/carts.shop.example": true,
		"carts.shop.example/shop/main":                                      true,  // it owns a ConfigMap
		"deployments.apps/shop/web":                                         false, // what it owns is remade
		"secrets/shop/web-key":                                              false,
	} {
		if kept[key] != want {
			t.Errorf("%s was kept: %v, want %v", key, kept[key], want)
		}
	}
	if report.Results.Existing != 5 {
		t.Errorf("Results = %+v, want the 5 kept ones as existing; %v", report.Results, report.Warnings)
	}
}

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

func when(is bool, err error) error {
	if is {
		return err
	}
	return nil
}

func TestTheResultsHaveALineForEveryObject(t *testing.T) {
	source, target := shop(t), newFakeCluster(t)
	var lines bytes.Buffer
	req := request()
	req.Selection.IncludedNamespaces = []string{"shop"}
	req.NamespaceMapping = map[string]string{"shop": "two"}
	req.Selection.IncludedResources = []string{"deployments", "replicasets.apps", "events", "secrets"}
	req.Selection.Selectors = []labels.Selector{labels.Everything()}
	var last restore.Progress
	mustRun(t, target, req, backup(t, source), restore.Options{Results: &lines, Progress: func(p restore.Progress) { last = p }})
	var got []restore.Line
	for line := range strings.Lines(lines.String()) {
		var l restore.Line
		must(t, json.Unmarshal([]byte(line), &l))
		l.Messages = nil
		got = append(got, l)
	}
	slices.SortFunc(got, func(a, b restore.Line) int { return strings.Compare(a.Object, b.Object) })
	want := []restore.Line{
		{Object: "deployments.apps/shop/web", Target: "deployments.apps/two/web", Action: restore.ActionCreate, Outcome: restore.Created},
		{Object: "events/shop/e", Target: "events/two/e", Action: restore.ActionCreate, Outcome: restore.Created},
		{Object: "namespaces/shop", Target: "namespaces/two", Action: restore.ActionCreate, Outcome: restore.Created},
		{Object: "replicasets.apps/shop/web-1", Target: "replicasets.apps/two/web-1", Action: restore.ActionCreate, Outcome: restore.Created},
		{Object: "secrets/shop/web-key", Target: "secrets/two/web-key", Action: restore.ActionCreate, Outcome: restore.Created},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	if wantLast := (restore.Progress{Total: 5, Results: restore.Counts{Created: 5}}); last != wantLast {
		t.Errorf("last progress = %+v, want %+v", last, wantLast)
	}
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
			"configmaps/a/c: configmaps: is the namespaced kind Secret in the backup, but the namespaced kind ConfigMap in the cluster",
		},
		"a version that is not served": {
			func(e *archive.Entry) {
				if e.Resource == "configmaps" {
					e.Version = "v0"
				}
			},
			"configmaps/a/c: configmaps: version v0 is not served; served: v1",
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

func TestNothingIsReadTwiceWithinALayer(t *testing.T) {
	source, target := newFakeCluster(t), newFakeCluster(t)
	source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
	for n := range 30 {
		source.add(fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"a","name":"c%d"}}`, n))
	}
	req := request()
	req.Selection.IncludedResources = []string{"configmaps"}
	src := backup(t, source)
	counted := &countingContents{Contents: src.Contents}
	src.Contents = counted
	mustRun(t, target, req, src, restore.Options{})
	if n := counted.reads.Load(); n > 12 { // 30 objects, 3 to a member, and the Namespace
		t.Errorf("%d members were read for 30 objects, 3 to a member", n)
	}
}

type countingContents struct {
	restore.Contents

	reads atomic.Int64
}

// Member implements restore.Contents.
func (c *countingContents) Member(ctx context.Context, e archive.Entry) (*archive.MemberData, error) {
	c.reads.Add(1)
	return c.Contents.Member(ctx, e)
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

func TestStatusIsRestoredWhereAsked(t *testing.T) {
	source, target := shop(t), newFakeCluster(t)
	req := request()
	req.RestoreStatus = []string{"carts"}
	mustRun(t, target, req, backup(t, source), restore.Options{})
	if got := target.object("carts.shop.example/shop/main")["status"]; !cmp.Equal(got, map[string]any{"open": int64(3)}) {
		t.Errorf("status of the Cart = %v", got)
	}
	if got := target.object("deployments.apps/shop/web")["status"]; got != nil {
		t.Errorf("status of the Deployment = %v, want none", got)
	}
	target.writes()
	mustRun(t, target, req, backup(t, source), restore.Options{})
	if w := target.writes(); !slices.Equal(w, attempts(w)) {
		t.Errorf("the second run wrote %v", w)
	}
}

// attempts are the requests that were refused because the object is there.
func attempts(writes []string) []string {
	return slices.DeleteFunc(slices.Clone(writes), func(w string) bool { return !strings.HasPrefix(w, "POST ") })
}

func TestFieldManagersThatAppliedComeBack(t *testing.T) {
	source, target := newFakeCluster(t), newFakeCluster(t)
	source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
	source.add(configMap("v", `,"managedFields":[{"manager":"argocd","operation":"Apply","fieldsV1":{}}]`))
	for range 2 {
		mustRun(t, target, request(), backup(t, source), restore.Options{})
	}
	got := target.object("configmaps/a/c")["metadata"].(map[string]any)["managedFields"]
	want := []any{map[string]any{"manager": "argocd", "operation": "Apply", "fieldsV1": map[string]any{}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("managedFields (-want +got):\n%s", diff)
	}
	var patches int
	for _, w := range target.writes() {
		if strings.HasPrefix(w, "PATCH ") {
			patches++
		}
	}
	if patches != 1 {
		t.Errorf("%d patches, want 1 in both runs together", patches)
	}
}
