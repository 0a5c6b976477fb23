// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/selection"
)

// randomCluster has objects of every type in a handful of namespaces.
func randomCluster(t testing.TB, r *rand.Rand) *cluster {
	t.Helper()
	c := newCluster(t, nil)
	for i := range 1 + r.IntN(5) {
		c.add(t, fmt.Sprintf("namespaces/ns-%d", i), "")
		for range r.IntN(30) {
			namespaced := slices.DeleteFunc(slices.Clone(c.resources), func(r engine.Resource) bool { return !r.Namespaced || r.Group == "events.k8s.io" })
			of := namespaced[r.IntN(len(namespaced))]
			fields := fmt.Sprintf(`{"metadata":{"labels":{"app":"%d"}},"data":"%d"}`, r.IntN(3), r.Uint64())
			c.add(t, fmt.Sprintf("%s/ns-%d/o-%d", of.GroupResource(), i, r.IntN(20)), fields)
		}
	}
	for range r.IntN(10) {
		c.add(t, fmt.Sprintf("nodes/n-%d", r.IntN(20)), fmt.Sprintf(`{"metadata":{"labels":{"app":"%d"}}}`, r.IntN(3)))
	}
	return c
}

func randomTemplate(t *testing.T, r *rand.Rand) selection.Template {
	t.Helper()
	var template selection.Template
	pick := func(from ...string) []string {
		r.Shuffle(len(from), func(i, j int) { from[i], from[j] = from[j], from[i] })
		return from[:r.IntN(3)]
	}
	template.IncludedNamespaces = pick("ns-0", "ns-1", "ns-*", "*", "ns-?")
	template.ExcludedNamespaces = pick("ns-2", "*-3", "none")
	template.IncludedResources = pick("*", "configmaps", "secrets", "*.example.org", "nodes", "Deployment.apps")
	template.ExcludedResources = pick("secret", "*.apps", "widgets", "none")
	if r.IntN(3) == 0 {
		template.Selectors = selector(t, "app=1")
	}
	if r.IntN(2) == 0 {
		template.ClusterResources = new(r.IntN(2) == 0)
	}
	return template
}

// TestWhatIsCoveredAndNotExcludedIsArchivedOnce works out from the cluster's
// objects one by one what a backup must hold. None of them needs another but
// its namespace.
func TestWhatIsCoveredAndNotExcludedIsArchivedOnce(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		c, template := randomCluster(t, r), randomTemplate(t, r)
		selected, err := selection.New(template, c.resources)
		if err != nil {
			t.Fatal(err)
		}
		d := rules(func(o engine.Object, _ *collect.Namespace) (collect.Ruling, error) {
			if strings.HasSuffix(o.Meta.Name, "7") {
				return collect.Ruling{Exclude: []string{"seven"}}, nil
			}
			return collect.Ruling{}, nil
		})
		s := newSink()
		report := run(t, c, d, s, collect.Options{Template: template, Lists: 1 + r.IntN(6), AllowEmpty: true})
		want := expected(c, selected)
		if diff := cmp.Diff(want, s.archived()); diff != "" {
			t.Fatalf("seed %d, template %+v: archived (-want +got):\n%s", seed, template, diff)
		}
		if report.Objects.Included != int64(len(want)) || report.Objects.Excluded != int64(len(s.left())) || !report.Complete() {
			t.Fatalf("seed %d: report %+v, want %d included, %d excluded", seed, report.Objects, len(want), len(s.left()))
		}
	}
}

func expected(c *cluster, selected *selection.Selection) []string {
	var want []string
	namespaces := map[string]bool{}
	for _, o := range c.objects {
		if !selected.CoversResource(o.Resource) || !selected.MatchesLabels(o.Meta.Labels) || strings.HasSuffix(o.Meta.Name, "7") {
			continue
		}
		switch {
		case o.Resource.Namespaced && selected.CoversNamespace(o.Meta.Namespace):
			namespaces["namespaces/"+o.Meta.Namespace] = true
		case o.Resource.Name == "namespaces" && selected.CoversNamespace(o.Meta.Name):
			namespaces["namespaces/"+o.Meta.Name] = true
			continue
		case !o.Resource.Namespaced && o.Resource.Name != "namespaces" && selected.ClusterScope() == selection.ClusterScopeAll:
		default:
			continue
		}
		want = append(want, o.Key().String())
	}
	for name := range namespaces {
		want = append(want, name)
	}
	slices.Sort(want)
	return want
}

// memory serves one file of an archive.
type memory []byte

func (m memory) Open(_ context.Context, _ string, offset, length int64) (io.ReadCloser, error) {
	if length < 0 {
		length = int64(len(m)) - offset
	}
	return io.NopCloser(bytes.NewReader(m[offset : offset+length])), nil
}

func TestArchiveHoldsWhatTheClusterHeld(t *testing.T) {
	c := randomCluster(t, rand.New(rand.NewPCG(7, 7)))
	var contents, index bytes.Buffer
	w := archive.NewWriter(&contents, &index, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	_, err := collect.Collect(t.Context(), collect.Source{Discoverer: c, Lister: c, Historian: c}, excludesOut, collect.Archive(w), collect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	reader := archive.OpenContents(memory(contents.Bytes()), "contents", archive.File{Size: int64(contents.Len())})
	found := 0
	for e, err := range archive.ReadIndex(&index) {
		if err != nil {
			t.Fatal(err)
		}
		m, err := reader.Member(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := m.Object(e)
		if err != nil {
			t.Fatal(err)
		}
		if want := c.objects[e.Key()].Raw; !bytes.Equal(raw, want) {
			t.Errorf("%s is archived as\n%s, want\n%s", e.Key(), raw, want)
		}
		found++
	}
	if found != len(c.objects) {
		t.Errorf("the archive holds %d objects, want %d", found, len(c.objects))
	}
}

// nothing is a sink that drops everything, so that only collecting is measured.
type nothing struct{}

func (nothing) NewMember() collect.Member       { return nothing{} }
func (nothing) Note(archive.Entry) error        { return nil }
func (nothing) Add(archive.Entry, []byte) error { return nil }
func (nothing) Flush() error                    { return nil }

// steady lists the same objects again and again without copying them.
type steady struct {
	*cluster
	lists map[string][]engine.Object
}

func (s steady) List(_ context.Context, r engine.Resource, _ engine.ListOptions) iter.Seq2[engine.Object, error] {
	return func(yield func(engine.Object, error) bool) {
		for _, o := range s.lists[r.GroupResource().String()] {
			if !yield(o, nil) {
				return
			}
		}
	}
}

// BenchmarkCollect tells what deciding costs, per object: 10,000 ConfigMaps with
// labels and a long annotation, no rules, no compression.
func BenchmarkCollect(b *testing.B) {
	const objects = 10_000
	c := newCluster(b, map[string]string{
		"namespaces/a": "", "configmaps/a/c": `{"metadata":{"labels":{"app":"x"},"annotations":{"long":"` + strings.Repeat("x", 300) + `","short":"s"}}}`,
	})
	s := steady{c, map[string][]engine.Object{}}
	for _, o := range c.objects {
		n := 1
		if o.Resource.Name == "configmaps" {
			n = objects
		}
		s.lists[o.Resource.GroupResource().String()] = slices.Repeat([]engine.Object{o}, n)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := collect.Collect(b.Context(), collect.Source{Discoverer: c, Lister: s, Historian: c}, nil, nothing{}, collect.Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/objects, "ns/object")
}
