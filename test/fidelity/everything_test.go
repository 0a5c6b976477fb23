// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/selection"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// statusAsked are the types whose status the restore is asked for.
var statusAsked = []string{"orders.asked.example"}

// disaster is the story of all cases: they are set up, backed up together,
// deleted together, restored together, and compared one by one.
type disaster struct {
	*stage

	mu      sync.Mutex
	objects map[string][]*object
	before  map[string][]*object
}

// All cases share one cluster, one backup and one restore: what is restored well
// alone may still stand in the way of others.
func TestEverythingComesBackInOneGo(t *testing.T) {
	d := &disaster{
		stage:   newStage(t, labtest.Start(t, lab.Options{ControllerManager: true})),
		objects: map[string][]*object{}, before: map[string][]*object{},
	}
	cases := allCases()
	if !d.each(t, "set up", cases, func(t *testing.T, c fidelityCase) { t.Helper(); d.setUp(t, c) }) {
		return
	}
	backup := d.take(t, selection.Template{})
	d.named(t, backup, cases)
	d.each(t, "remember", cases, func(t *testing.T, c fidelityCase) { t.Helper(); d.remember(t, c) })
	d.remove(t, slices.Concat(slices.Collect(maps.Values(d.objects))...)...)

	req := restore.Request{Label: "after-the-disaster", RestoreStatus: statusAsked}
	r := d.restore(t, backup, req)
	for _, failure := range r.failures() {
		t.Error("failed:", failure)
	}
	for _, key := range slices.Sorted(maps.Keys(r.lines)) {
		if said := strings.Join(r.lines[key].Messages, "; "); strings.Contains(said, "the cluster changed it") {
			t.Errorf("%s: %s", key, said)
		}
	}
	apart := d.statusApart(t, statusAsked...)
	ok := d.each(t, "compare", cases, func(t *testing.T, c fidelityCase) { t.Helper(); d.compare(t, c, r, apart) })
	t.Run("the garbage collector takes nothing", func(t *testing.T) { d.surviveCollection(t) })
	t.Run("the same restore again changes nothing", func(t *testing.T) { d.again(t, backup, req) })
	if ok {
		content := preamble
		for i := range cases {
			content += cases[i].row()
		}
		document(t, everythingSection, content)
	}
}

// each runs a step for all cases at once, except those that come last.
func (d *disaster) each(t *testing.T, step string, cases []fidelityCase, do func(*testing.T, fidelityCase)) bool {
	return t.Run(step, func(t *testing.T) {
		t.Run("all", func(t *testing.T) {
			for _, c := range cases {
				if c.last {
					continue
				}
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					do(t, c)
				})
			}
		})
		for _, c := range cases {
			if c.last {
				t.Run(c.name, func(t *testing.T) { do(t, c) })
			}
		}
	})
}

// named checks that the backup names what is not in it, and nothing else.
func (d *disaster) named(t *testing.T, backup *taken, cases []fidelityCase) {
	t.Helper()
	said := slices.Concat(backup.snapshot.Marker.Errors, backup.snapshot.Marker.Warnings)
	for _, c := range cases {
		for _, text := range c.named {
			i := slices.IndexFunc(said, func(s string) bool { return strings.Contains(s, text) })
			if i < 0 {
				t.Errorf("the backup does not say %q", text)
				continue
			}
			said = slices.Delete(said, i, i+1)
		}
	}
	if len(said) > 0 {
		t.Errorf("the backup says more than the cases explain: %q", said)
	}
}

func (d *disaster) setUp(t *testing.T, c fidelityCase) {
	t.Helper()
	var objects []*object
	if c.file != "" {
		objects = read(t, c.file)
	}
	if c.generate != nil {
		objects = append(objects, c.generate()...)
	}
	d.create(t, objects...)
	if c.prepare != nil {
		objects = append(objects, c.prepare(t, d.stage)...)
	}
	if c.settled != nil {
		eventually(t, "settle", func(ctx context.Context) error { return c.settled(ctx, d.stage) })
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.objects[c.name] = objects
}

// remember reads the objects of a case as they are.
func (d *disaster) remember(t *testing.T, c fidelityCase) {
	t.Helper()
	var found []*object
	for _, o := range d.objects[c.name] {
		found = append(found, d.get(t, o))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.before[c.name] = found
}

func (d *disaster) compare(t *testing.T, c fidelityCase, r *restored, apart map[schema.GroupVersionKind]bool) {
	t.Helper()
	if c.settled != nil {
		eventually(t, "settle again", func(ctx context.Context) error { return c.settled(ctx, d.stage) })
	}
	for _, was := range d.before[c.name] {
		if c.leavesOut(was) {
			if _, err := d.fetch(t.Context(), was); !gone(err) {
				t.Errorf("%s came back: %v", name(was), err)
			}
			continue
		}
		looked := comparison{statusApart: apart, except: c.exceptions(was)}
		eventually(t, "compare "+name(was), func(ctx context.Context) error { return d.cameBack(ctx, was, looked) })
	}
	for _, out := range c.leftOut {
		if err := out.saidBy(r); err != nil {
			t.Error(err)
		}
	}
	if c.check != nil {
		c.check(t, d.stage, r)
	}
}

// cameBack tells in what an object is not what it was.
func (d *disaster) cameBack(ctx context.Context, was *object, looked comparison) error {
	is, err := d.fetch(ctx, was)
	if err != nil {
		return err
	}
	if is.GetUID() == was.GetUID() {
		return errors.New("it was never deleted")
	}
	if diff := looked.diff(was, is); diff != "" {
		return fmt.Errorf("it differs (-before +after):\n%s", diff)
	}
	return d.ownersAre(ctx, is)
}

// leavesOut reports whether an object of the case is not to come back.
func (c *fidelityCase) leavesOut(o *object) bool {
	return slices.ContainsFunc(c.leftOut, func(out leftOut) bool {
		resource, rest, _ := strings.Cut(out.key, "/")
		plural, group, _ := strings.Cut(resource, ".")
		wanted := strings.TrimPrefix(o.GetNamespace()+"/"+o.GetName(), "/")
		return rest == wanted && group == o.GroupVersionKind().Group && strings.HasPrefix(plural, strings.ToLower(o.GetKind()))
	})
}

// saidBy checks that the results say that the object was left out, and why.
func (l leftOut) saidBy(r *restored) error {
	prefix, any := strings.CutSuffix(l.key, "*")
	found := false
	for key, line := range r.lines {
		if key != l.key && (!any || !strings.HasPrefix(key, prefix)) {
			continue
		}
		found = true
		if line.Code != l.code || line.Outcome != restore.Skipped {
			return fmt.Errorf("%s: outcome = %s, code = %q, want it skipped for %s", key, line.Outcome, line.Code, l.code)
		}
	}
	if !found {
		return fmt.Errorf("the results do not tell of %s", l.key)
	}
	return nil
}

// surviveCollection waits until the garbage collector has looked at everything,
// and checks that all objects are there.
func (d *disaster) surviveCollection(t *testing.T) {
	t.Helper()
	stale := parse(t, `{apiVersion: v1, kind: ConfigMap, metadata: {namespace: default, name: stale, ownerReferences: [
		{apiVersion: v1, kind: ConfigMap, name: nobody, uid: 00000000-0000-0000-0000-000000000000}]}}`)[0]
	d.create(t, stale)
	eventually(t, "collect an object whose owner is not there", func(ctx context.Context) error {
		if _, err := d.fetch(ctx, stale); !apierrors.IsNotFound(err) {
			return fmt.Errorf("it is there: %w", err)
		}
		return nil
	})
	for _, o := range d.before["Owner chains"] {
		if is := d.get(t, o); is.GetDeletionTimestamp() != nil {
			t.Errorf("%s is being collected", name(o))
		}
	}
}

// again restores once more, under the same name and under another.
func (d *disaster) again(t *testing.T, from *taken, req restore.Request) {
	t.Helper()
	for _, label := range []string{req.Label, "another"} {
		req.Label = label
		r := d.restore(t, from, req)
		for _, key := range slices.Sorted(maps.Keys(r.lines)) {
			line := r.lines[key]
			if line.Outcome == restore.Unchanged || line.Outcome == restore.Skipped || isBusy(key) {
				continue
			}
			t.Errorf("as %s, %s was %s: %s", label, key, line.Outcome, strings.Join(line.Messages, "; "))
		}
	}
}

// isBusy names what the control plane changes all the time.
func isBusy(key string) bool {
	return strings.HasPrefix(key, "leases.coordination.k8s.io/kube-system/")
}
