// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
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
		"versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}}}]}}`)
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

// decidedAnew are the fields in which what comes back of the shop differs.
var decidedAnew = map[string][]string{
	"persistentvolumes/disk":           {"spec.claimRef.resourceVersion", "spec.claimRef.uid"},
	"persistentvolumeclaims/shop/data": {"metadata.annotations"},
	"services/shop/web":                {"spec.clusterIP"},
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

// keepIn keeps what Recreate deletes, a line each.
func keepIn(w io.Writer) func(context.Context, engine.Object) error {
	var mu sync.Mutex
	return func(_ context.Context, live engine.Object) error {
		mu.Lock()
		defer mu.Unlock()
		_, err := w.Write(append(bytes.Clone(live.Raw), '\n'))
		return err
	}
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
		diff := transform.Compare(want, got, transform.Status, transform.OwnerReferences)
		if d := cmp.Diff(decidedAnew[key], diff.Fields); d != "" {
			t.Errorf("%s differs (-want +got):\n%s", key, d)
		}
	}
	owner := target.object("configmaps/shop/a-cart-config")["metadata"].(map[string]any)["ownerReferences"].([]any)[0].(map[string]any)
	if want := transform.Text(target.object("carts.shop.example/shop/main"), "metadata", "uid"); owner["uid"] != want {
		t.Errorf("owner's UID = %v, want that of the restored Cart, %s", owner["uid"], want)
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

func TestAMappedRestoreLeavesTheOriginalAlone(t *testing.T) {
	for _, existing := range []restore.Existing{restore.ExistingNone, restore.ExistingUpdate, restore.ExistingRecreate} {
		t.Run(string(existing), func(t *testing.T) { testMapped(t, existing) })
	}
}

func testMapped(t *testing.T, existing restore.Existing) {
	t.Helper()
	c := shop(t)
	// Bindings of the original's accounts in a namespace that stays where it is.
	c.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"stays"}}`)
	for name, subject := range map[string]string{
		"account": `{"kind":"ServiceAccount","namespace":"shop","name":"web"}`,
		"user":    `{"kind":"User","name":"system:serviceaccount:shop:web"}`,
		"group":   `{"kind":"Group","name":"system:serviceaccounts:shop"}`,
	} {
		c.add(fmt.Sprintf(`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"namespace":"stays","name":%q},
			"roleRef":{"kind":"ClusterRole","name":"web-reader"},"subjects":[%s]}`, name, subject))
	}
	c.add(`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"RoleBinding","metadata":{"namespace":"stays","name":"other"},
		"roleRef":{"kind":"ClusterRole","name":"web-reader"},"subjects":[{"kind":"User","name":"somebody"}]}`)
	// A policy there lets the original in.
	c.add(`{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"namespace":"stays","name":"from-shop"},"spec":{"ingress":[
		{"from":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"shop"}}}]}]}}`)
	src := backup(t, c)
	// Since then, that one gives the original its rights.
	change(c, "rolebindings.rbac.authorization.k8s.io/stays/other", func(m transform.Manifest) {
		m["subjects"] = []any{map[string]any{"kind": "Group", "name": "system:serviceaccounts:shop"}}
	})
	before := map[string]string{}
	for _, key := range c.keys() {
		before[key] = transform.Text(c.object(key), "metadata", "resourceVersion")
	}
	req := request()
	req.Existing = existing
	req.Selection.IncludedNamespaces = []string{"shop", "stays"}
	req.NamespaceMapping = map[string]string{"shop": "shop-copy"}
	report := mustRun(t, c, req, src, restore.Options{Replaced: keepIn(&bytes.Buffer{})})
	if report.Results.Failed > 0 {
		t.Errorf("report: %+v", report)
	}
	for name, want := range map[string]string{
		"account": "shop-copy", "user": "system:serviceaccount:shop-copy:web", "group": "system:serviceaccounts:shop-copy",
	} {
		key := "rolebindings.rbac.authorization.k8s.io/stays/" + name + "-shop-copy"
		subjects, _ := c.object(key)["subjects"].([]any)
		if len(subjects) != 1 || !slices.Contains(slices.Collect(maps.Values(subjects[0].(map[string]any))), any(want)) {
			t.Errorf("subjects of %s = %v, want %s", key, subjects, want)
		}
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
	if n := counted.requests.Load(); n > 2 { // a layer each, of members that lie side by side
		t.Errorf("%d requests for two layers", n)
	}
}

type countingContents struct {
	restore.Contents

	reads, requests atomic.Int64
}

// Members implements restore.Contents.
func (c *countingContents) Members(ctx context.Context, entries []archive.Entry) iter.Seq2[*archive.MemberData, error] {
	c.requests.Add(1)
	c.reads.Add(int64(len(entries)))
	return c.Contents.Members(ctx, entries)
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
