// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
)

// flood is a store that holds forged markers beside what is really there. It makes
// them when they are asked for, and notes how much memory is in use then.
type flood struct {
	engine.Store

	storeID  string
	clusters []string
	each     int
	size     int
	peak     atomic.Uint64
}

func (f *flood) List(ctx context.Context, prefix string, folders bool) iter.Seq2[engine.Blob, error] {
	return func(yield func(engine.Blob, error) bool) {
		if prefix == "" && folders {
			for _, cluster := range f.clusters {
				if !yield(engine.Blob{Key: cluster + "/"}, nil) {
					return
				}
			}
		}
		for _, cluster := range f.clusters {
			for n := range f.each {
				if prefix != archive.MarkersPrefix(cluster) {
					break
				}
				if n%20_000 == 0 {
					f.measure()
				}
				at := time.Date(2026, time.May, 17, 0, 0, n, 0, time.UTC)
				if !yield(engine.Blob{Key: archive.MarkerKey(cluster, forged(n)), Size: int64(f.size), ModTime: at}, nil) {
					return
				}
			}
		}
		for blob, err := range f.Store.List(ctx, prefix, folders) {
			if !yield(blob, err) {
				return
			}
		}
	}
}

func (f *flood) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	cluster, name, _ := strings.Cut(strings.TrimSuffix(key, ".json"), "/markers/")
	if !slices.Contains(f.clusters, cluster) || !strings.HasPrefix(name, "forged-") {
		return f.Store.Open(ctx, key, offset, length)
	}
	f.measure()
	at := time.Date(2026, time.May, 17, 3, 4, 5, 0, time.UTC)
	template, err := json.Marshal(v1alpha1.BackupTemplate{LabelSelector: &metav1.LabelSelector{
		MatchLabels: map[string]string{"app": strings.Repeat("x", max(f.size-2_000, 1))},
	}})
	if err != nil {
		return nil, err
	}
	marker, err := archive.EncodeMarker(&archive.Marker{
		Format: archive.Format, Store: f.storeID, Cluster: archive.Cluster{UID: cluster}, Name: name, Attempt: "a1", Schedule: "shop.nightly",
		Spec: json.RawMessage(`{"policyName":"shop"}`), Template: template,
		Created: at, Started: at, Completed: at, Expires: at.AddDate(1, 0, 0), Completeness: archive.Complete,
		Files: map[string]archive.File{
			archive.ContentsFile: {SHA256: strings.Repeat("0", 64)}, archive.IndexFile: {SHA256: strings.Repeat("0", 64)},
		},
	})
	return io.NopCloser(bytes.NewReader(marker)), err
}

func (f *flood) measure() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	for was := f.peak.Load(); m.HeapAlloc > was && !f.peak.CompareAndSwap(was, m.HeapAlloc); was = f.peak.Load() {
	}
}

func forged(n int) string { return fmt.Sprintf("forged-%06d", n) }

// counting counts what is written.
type counting struct {
	client.Client

	writes *atomic.Int64
}

func (c counting) Create(ctx context.Context, o client.Object, opts ...client.CreateOption) error {
	c.writes.Add(1)
	return c.Client.Create(ctx, o, opts...)
}

func (c counting) Delete(ctx context.Context, o client.Object, opts ...client.DeleteOption) error {
	c.writes.Add(1)
	return c.Client.Delete(ctx, o, opts...)
}

func (c counting) Status() client.SubResourceWriter {
	return countingStatus{c.Client.Status(), c.writes}
}

type countingStatus struct {
	client.SubResourceWriter

	writes *atomic.Int64
}

func (c countingStatus) Patch(ctx context.Context, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
	c.writes.Add(1)
	return c.SubResourceWriter.Patch(ctx, o, p, opts...)
}

// flooded makes a bench whose store main holds forged markers, and counts what is written.
func flooded(t *testing.T, size, each int, clusters ...string) (*bench, *flood, *atomic.Int64) {
	t.Helper()
	b := newBench(t, "main")
	f := &flood{Store: b.stores["main"], storeID: b.catalogs["main"].Identity().ID, clusters: clusters, each: each, size: size}
	b.r.Locations.OpenStore = func(context.Context, blobstore.Location, blobstore.Options) (engine.Store, error) { return f, nil }
	writes := &atomic.Int64{}
	b.r.Client = counting{b.r.Client, writes}
	return b, f, writes
}

// shownOf are the names of all Backups, by the cluster that they are said to be of.
func (b *bench) shownOf() map[string]int {
	b.Helper()
	var list v1alpha1.BackupList
	if err := b.Client.List(b.Context(), &list); err != nil {
		b.Fatal(err)
	}
	n := map[string]int{}
	for i := range list.Items {
		n[ptr.Deref(list.Items[i].Status.Origin, v1alpha1.BackupOrigin{}).ClusterUID]++
	}
	return n
}

// foreign changes what the Config says of the backups of other clusters.
func (b *bench) foreign(f v1alpha1.ForeignBackups) {
	b.Helper()
	cfg := b.config()
	cfg.Spec.Storage[0].Foreign = &f
	if err := b.Update(b.Context(), cfg); err != nil {
		b.Fatal(err)
	}
}

func cluster(n int) string { return fmt.Sprintf("%08d-0000-4000-8000-000000000000", n) }

// 200,000 markers of nearly 1 MiB. Max is below its default here, which takes minutes.
func TestAFloodOfForgedMarkersIsBounded(t *testing.T) {
	const most = 60
	for when, of := range map[string]string{"of another cluster": there, "of this cluster": here} {
		t.Run(when, func(t *testing.T) {
			b, f, writes := flooded(t, 1_000_000, 200_000-1, of)
			b.foreign(v1alpha1.ForeignBackups{Max: most})
			runtime.GC()
			f.measure()
			before := f.peak.Load()
			l := b.sync()["main"]
			b.sync()
			if used := f.peak.Load() - before; used > 200<<20 {
				t.Errorf("the listing took %d MiB of memory, want no more than 200", used>>20)
			}
			if n := writes.Load(); n > 2*most+4 {
				t.Errorf("%d objects were written, want two for each of %d, and the Config's status", n, most)
			}
			if diff := cmp.Diff(map[string]int{of: most}, b.shownOf()); diff != "" {
				t.Errorf("shown (-want +got):\n%s", diff)
			}
			want := &v1alpha1.ForeignBackupsStatus{Show: v1alpha1.ForeignShowAll, Max: most, Hidden: 200_000 - 1 - most}
			if diff := cmp.Diff(want, l.Foreign); diff != "" || l.SyncMessage != "" {
				t.Errorf("location = %+v, foreign (-want +got):\n%s", l, diff)
			}
		})
	}
}

// One listing changes a bounded number of objects, and the next ones the others.
func TestAFloodIsShownAtABoundedRate(t *testing.T) {
	b, _, _ := flooded(t, 3_000, 700, there)
	b.sync()
	if diff := cmp.Diff(map[string]int{there: 500}, b.shownOf()); diff != "" {
		t.Errorf("after the first listing (-want +got):\n%s", diff)
	}
	b.sync()
	if diff := cmp.Diff(map[string]int{there: 700}, b.shownOf()); diff != "" {
		t.Errorf("after the second listing (-want +got):\n%s", diff)
	}
}

func TestWhatTheAPIServerRefusesOfAnotherClusterLeavesNoObject(t *testing.T) {
	b := newBench(t, "main")
	b.commit("main", there, name(1), func(m *archive.Marker) {
		m.Template = json.RawMessage(`{"includedNamespaces":["UPPER CASE"]}`)
	})
	b.commit("main", there, name(2), func(m *archive.Marker) { m.Warnings, m.Attempt = []string{"w"}, "a1" })
	l := b.sync()["main"]
	if l.Problems != 1 || b.backup(name(1)+"-99999999") != nil || b.backup(name(2)+"-99999999") == nil {
		t.Errorf("location = %+v, backup = %+v", l, b.backup(name(1)+"-99999999"))
	}
}

func TestWhatIsShownOfAFloodIsChosen(t *testing.T) {
	b, _, _ := flooded(t, 3_000, 10, cluster(1), cluster(2), cluster(3))
	b.foreign(v1alpha1.ForeignBackups{Max: 9})
	b.sync()
	if diff := cmp.Diff(map[string]int{cluster(1): 3, cluster(2): 3, cluster(3): 3}, b.shownOf()); diff != "" {
		t.Errorf("as many of each cluster (-want +got):\n%s", diff)
	}
	for _, n := range []int{7, 8, 9} {
		if b.backup(forged(n)+"-00000001") == nil {
			t.Errorf("%s is not shown, which is one of the newest", forged(n))
		}
	}
	b.foreign(v1alpha1.ForeignBackups{Max: 9, Clusters: []string{cluster(3)}})
	b.sync()
	if diff := cmp.Diff(map[string]int{cluster(3): 9}, b.shownOf()); diff != "" {
		t.Errorf("the cluster that is listed first (-want +got):\n%s", diff)
	}
	b.foreign(v1alpha1.ForeignBackups{Show: v1alpha1.ForeignShowListed, Clusters: []string{cluster(2)}})
	b.sync()
	if diff := cmp.Diff(map[string]int{cluster(2): 10}, b.shownOf()); diff != "" {
		t.Errorf("only the cluster that is listed (-want +got):\n%s", diff)
	}
	restore := &v1alpha1.Restore{ObjectMeta: metav1.ObjectMeta{Name: "uses-it"}, Spec: v1alpha1.RestoreSpec{BackupName: forged(4) + "-00000002"}}
	controllertest.Create(t, b, restore)
	b.foreign(v1alpha1.ForeignBackups{Show: v1alpha1.ForeignShowNone})
	l := b.sync()["main"]
	if diff := cmp.Diff(map[string]int{cluster(2): 1}, b.shownOf()); diff != "" {
		t.Errorf("none, but for the one that a restore waits for (-want +got):\n%s", diff)
	}
	if got := b.told("gone"); got != nil {
		t.Errorf("events = %q, although nothing is gone", got)
	}
	if l.Foreign.Show != v1alpha1.ForeignShowNone {
		t.Errorf("location = %+v", l)
	}
}

func TestMoreClustersThanAreListedRemoveNothing(t *testing.T) {
	var many []string
	for n := range 1_100 {
		many = append(many, cluster(n))
	}
	b, f, _ := flooded(t, 3_000, 1)
	b.commit("main", there, name(1))
	b.sync()
	if b.backup(name(1)+"-99999999") == nil {
		t.Fatal("the backup of another cluster is not shown")
	}
	f.clusters = many // all of which come before it
	b.foreign(v1alpha1.ForeignBackups{Max: 20, Clusters: []string{there}})
	l := b.sync()["main"]
	b.sync()
	if b.backup(name(1)+"-99999999") == nil {
		t.Error("the flood took the place of a cluster that is listed")
	}
	if !strings.Contains(l.SyncMessage, "more than 1000 other clusters") {
		t.Errorf("syncMessage = %q", l.SyncMessage)
	}
	b.foreign(v1alpha1.ForeignBackups{Max: 20})
	b.sync()
	b.sync()
	b.sync()
	if b.backup(name(1)+"-99999999") == nil {
		t.Error("an object was removed although its cluster was not listed")
	}
}

func TestWhatIsTooLargeIsShownWithoutItsTemplate(t *testing.T) {
	b, _, _ := flooded(t, 30_000, 1, there)
	b.sync()
	b.sync()
	got := b.backup(forged(0) + "-99999999")
	if got == nil {
		t.Fatal("it is not shown")
	}
	raw, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if got.Spec.Template != nil || got.Status.Template != nil || len(raw) > 16<<10 ||
		!strings.Contains(strings.Join(got.Status.Warnings, " "), "its template is not shown here") {
		t.Errorf("it takes %d bytes: %s", len(raw), raw[:min(len(raw), 2_000)])
	}
}
