// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package manager_test

import (
	crand "crypto/rand"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	kstatus "sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// What the repository of these tests holds besides the Config.
const (
	gitNamespace = "git-orders"
	gitTarget    = "git-orders-copy"
)

// repository returns the four manifests that come and go. The Backups of the
// schedules are nobody's in Git.
func repository(now time.Time) []client.Object {
	template := &v1alpha1.BackupTemplate{IncludedNamespaces: []string{gitNamespace}}
	return []client.Object{
		&v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: "by-hand"}, Spec: v1alpha1.BackupSpec{Template: template}},
		&v1alpha1.Restore{ObjectMeta: metav1.ObjectMeta{Name: "moved"}, Spec: v1alpha1.RestoreSpec{
			BackupName: "by-hand", NamespaceMapping: map[string]v1alpha1.NamespaceName{gitNamespace: gitTarget},
		}},
		&v1alpha1.Schedule{ObjectMeta: metav1.ObjectMeta{Name: "own"}, Spec: v1alpha1.ScheduleSpec{Cron: rarely(now), Template: template}},
		&v1alpha1.BackupPolicy{ObjectMeta: metav1.ObjectMeta{Name: "shop"}, Spec: v1alpha1.BackupPolicySpec{
			Template: template, Schedules: []v1alpha1.PolicySchedule{{Name: "nightly", Cron: rarely(now)}},
		}},
	}
}

// git is a Git tool at work on a cluster.
type git struct {
	*member

	store     engine.Store
	manifests []client.Object
	// random says how far the controllers come between two acts.
	random *rand.Rand
	// passed is how much time has passed since the first act: a Restore does not wait
	// for its Backup for ever.
	passed time.Duration
}

// apply applies a manifest on the server's side, as Flux does.
func (g *git) apply(i int) {
	g.t.Helper()
	o, ok := g.manifests[i].DeepCopyObject().(client.Object)
	if !ok {
		g.t.Fatal("no object")
	}
	gvk, err := g.GroupVersionKindFor(o)
	if err != nil {
		g.t.Fatal(err)
	}
	o.GetObjectKind().SetGroupVersionKind(gvk)
	o.SetLabels(map[string]string{"kustomize.toolkit.fluxcd.io/name": "git"})
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		g.t.Fatal(err)
	}
	delete(content, "status")
	raw, err := json.Marshal(content)
	if err != nil {
		g.t.Fatal(err)
	}
	patch := client.RawPatch(types.ApplyPatchType, raw)
	if err := g.Patch(g.t.Context(), o, patch, client.FieldOwner("git"), client.ForceOwnership); err != nil {
		g.t.Fatalf("apply %s: %v", o.GetName(), err)
	}
}

// prune deletes what a manifest made. There is no garbage collector here, so what
// the policy owns is deleted with it.
func (g *git) prune(i int) {
	g.t.Helper()
	gone := []client.Object{g.manifests[i]}
	if _, ok := gone[0].(*v1alpha1.BackupPolicy); ok {
		gone = append(gone, &v1alpha1.Schedule{ObjectMeta: metav1.ObjectMeta{Name: "shop.nightly"}})
	}
	for _, o := range gone {
		o, _ = o.DeepCopyObject().(client.Object)
		if err := g.Delete(g.t.Context(), o); err != nil && !apierrors.IsNotFound(err) {
			g.t.Fatalf("prune %s: %v", o.GetName(), err)
		}
	}
	// A Git tool waits until what it pruned is gone.
	g.until(gone[0].GetName()+" to go", func() bool {
		o, _ := gone[0].DeepCopyObject().(client.Object)
		live := &metav1.PartialObjectMetadata{}
		gvk, err := g.GroupVersionKindFor(o)
		if err != nil {
			g.t.Fatal(err)
		}
		live.SetGroupVersionKind(gvk)
		if !g.have(o.GetName(), live) {
			return true
		}
		return live.Labels[v1alpha1.CreatedByLabel] != "" // sync was quicker
	})
}

// pause lets the controllers come some way, and perhaps some time pass.
func (g *git) pause() {
	g.t.Helper()
	if g.random.IntN(3) == 0 && g.passed < 90*time.Second {
		g.clock.Advance(30 * time.Second)
		g.passed += 30 * time.Second
	}
	for range g.random.IntN(4) {
		if err := g.once(g.t.Context()); err != nil {
			g.t.Fatal(err)
		}
	}
}

// settle lets the controllers work until kstatus takes everything that is there
// for done, and they change nothing any more, whatever time passes.
func (g *git) settle(after string) {
	g.t.Helper()
	g.until("everything to be current "+after, func() bool {
		_, current := g.standings()
		return current
	})
	g.clock.Advance(2 * time.Minute)
	g.passed = 0
	g.until("everything to be current again "+after, func() bool {
		before, _ := g.standings()
		if err := g.once(g.t.Context()); err != nil {
			g.t.Fatal(err)
		}
		is, current := g.standings()
		return current && cmp.Equal(before, is)
	})
}

// standings are the versions of all objects of the kinds that come and go; current
// says that kstatus takes all of them for done.
func (g *git) standings() (versions map[string]string, current bool) {
	g.t.Helper()
	versions, current = map[string]string{}, true
	note := func(kind string, o client.Object) {
		versions[kind+"/"+o.GetName()] = o.GetResourceVersion()
		current = current && controllertest.Verdict(g.t, o) == kstatus.CurrentStatus
	}
	var backups v1alpha1.BackupList
	var restores v1alpha1.RestoreList
	var schedules v1alpha1.ScheduleList
	var policies v1alpha1.BackupPolicyList
	for _, list := range []client.ObjectList{&backups, &restores, &schedules, &policies} {
		if err := g.List(g.t.Context(), list); err != nil {
			g.t.Fatal(err)
		}
	}
	for i := range backups.Items {
		note("Backup", &backups.Items[i])
	}
	for i := range restores.Items {
		note("Restore", &restores.Items[i])
	}
	for i := range schedules.Items {
		note("Schedule", &schedules.Items[i])
	}
	for i := range policies.Items {
		note("BackupPolicy", &policies.Items[i])
	}
	return versions, current
}

// check holds storage to what one run of everything leaves, however often it was
// applied: three backups of one attempt each, one restore, and no removal.
func (g *git) check() {
	g.t.Helper()
	found := map[string][]string{}
	for blob, err := range g.store.List(g.t.Context(), g.uid+"/", false) {
		if err != nil {
			g.t.Fatal(err)
		}
		parts := strings.Split(strings.TrimPrefix(blob.Key, g.uid+"/"), "/")
		switch kind := parts[0]; {
		case kind == "markers", kind == "records":
			found[kind] = append(found[kind], anyTime(strings.TrimSuffix(parts[1], ".json")))
		case kind == "data":
			found[kind] = append(found[kind], anyTime(parts[1])+" "+parts[2])
		case kind == "restores" && parts[3] == archive.RestoreFile:
			found[kind] = append(found[kind], parts[1])
		}
	}
	attempts := slices.Compact(found["data"])
	for i, a := range attempts {
		attempts[i], _, _ = strings.Cut(a, " ")
	}
	found["data"] = attempts
	backups := []string{"by-hand", "own-<time>", "shop.nightly-<time>"}
	want := map[string][]string{"markers": backups, "data": backups, "restores": {"moved"}}
	if diff := cmp.Diff(want, found); diff != "" {
		g.t.Errorf("storage mismatch (-want +got):\n%s\n%s", diff, g.all())
	}
}

// anyTime takes the time of a firing out of the name of its backup.
func anyTime(name string) string {
	if i := strings.LastIndex(name, "-2"); i >= 0 {
		return name[:i] + "-<time>"
	}
	return name
}

// permutations are all orders of n things.
func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for _, shorter := range permutations(n - 1) {
		for at := range n {
			all = append(all, slices.Insert(slices.Clone(shorter), at, n-1))
		}
	}
	return all
}

// newGit makes a cluster with a Config, and a Git tool.
func newGit(t *testing.T, seed uint64) *git {
	t.Helper()
	clock := controllertest.NewClock(time.Now().UTC().Truncate(time.Second)) //nolint:forbidigo // the API server's creation times are the machine's
	store := bucket(t, crand.Text(), clock)
	c := controllertest.Cluster(t)
	for _, o := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: gitNamespace}},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: gitNamespace, Name: "settings"}},
	} {
		if err := c.Create(t.Context(), o); err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	controllertest.Create(t, c, &v1alpha1.Config{
		ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.ConfigName},
		Spec:       v1alpha1.ConfigSpec{Storage: []v1alpha1.StorageLocation{{Name: "main", URL: "mem://main"}}},
	})
	g := &git{
		member: newMember(t, labtest.Shared(t), store, clock), store: store,
		manifests: repository(clock.Now()), random: rand.New(rand.NewPCG(seed, seed)),
	}
	g.until("the location", func() bool { return g.counts() == [2]int32{0, 0} })
	return g
}

// restored deletes what the restore wrote, and reports whether it was there.
func (g *git) restored() bool {
	g.t.Helper()
	err := g.Delete(g.t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: gitTarget, Name: "settings"}})
	if client.IgnoreNotFound(err) != nil {
		g.t.Fatal(err)
	}
	return err == nil
}

// TestAnyOrderOfAGitTool applies four manifests in every order, prunes them in
// another, and applies them again in a third.
func TestAnyOrderOfAGitTool(t *testing.T) {
	orders := permutations(4)
	for i, applied := range orders {
		pruned, again := orders[(7*i+5)%len(orders)], orders[(11*i+13)%len(orders)]
		t.Run(fmt.Sprintf("applied %v, pruned %v, again %v", applied, pruned, again), func(t *testing.T) {
			g := newGit(t, uint64(i))
			for _, k := range applied {
				g.apply(k)
				g.pause()
			}
			g.settle("once applied")
			if !g.restored() {
				t.Error("nothing was restored")
			}
			for _, k := range pruned {
				g.prune(k)
				g.pause()
			}
			g.settle("once pruned")
			for _, k := range again {
				g.apply(k)
				g.pause()
			}
			g.settle("once applied again")
			if g.restored() {
				t.Error("the restore ran again")
			}
			g.check()
		})
	}
}

// TestAGitToolThatDoesNotWait mixes the three acts on the four manifests in orders
// made at random: everything is pruned while it runs, before or after what it needs.
func TestAGitToolThatDoesNotWait(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprintf("order %d", seed), func(t *testing.T) {
			g := newGit(t, seed)
			var acts []int
			for k := range g.manifests {
				acts = append(acts, k, k, k)
			}
			g.random.Shuffle(len(acts), func(i, j int) { acts[i], acts[j] = acts[j], acts[i] })
			t.Logf("acts: %v", acts)
			times := map[int]int{}
			for _, k := range acts {
				if times[k]++; times[k] == 2 {
					g.prune(k)
				} else {
					g.apply(k)
				}
				g.pause()
			}
			g.settle("in the end")
			g.restored()
			g.clock.Advance(2 * time.Minute)
			g.settle("later")
			if g.restored() {
				t.Error("the restore ran again")
			}
			g.check()
		})
	}
}
