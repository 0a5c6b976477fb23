// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
)

// listOf serves a list of config maps of the given sizes, as large a page as is
// asked for and deliver allows; further objects of a page break it off.
func listOf(sizes []int, deliver func(request int) int) http.HandlerFunc {
	requests := 0
	return func(w http.ResponseWriter, r *http.Request) {
		requests++
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		from, _ := strconv.Atoi(r.URL.Query().Get("continue"))
		to := min(from+limit, len(sizes))
		token := strconv.Itoa(to)
		if to == len(sizes) {
			token = ""
		}
		_, _ = fmt.Fprintf(w, `{%s,"items":[`, listMetaJSON("7", token))
		for i := from; i < to; i++ {
			if i-from >= deliver(requests) {
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}
			if i > from {
				_, _ = fmt.Fprint(w, ",")
			}
			_, _ = fmt.Fprintf(w, `{"metadata":{"name":"o%04d"},"data":{"k":"%s"}}`, i, strings.Repeat("x", sizes[i]))
		}
		_, _ = fmt.Fprint(w, "]}")
	}
}

func TestPagesAreAsLargeAsTheirObjectsAllow(t *testing.T) {
	const all = 1 << 20
	everything := func(int) int { return all }
	sizes := func(runs ...int) []int {
		var sizes []int
		for i := 0; i < len(runs); i += 2 {
			for range runs[i] {
				sizes = append(sizes, runs[i+1])
			}
		}
		return sizes
	}
	for name, c := range map[string]struct {
		sizes   []int
		deliver func(request int) int
		// limits are those of the requests, one after the other.
		limits []int
	}{
		"small objects": {
			sizes: sizes(1200, 10), deliver: everything, limits: []int{100, 500, 500, 500},
		},
		"large objects": {
			sizes: sizes(150, 1<<20-512), deliver: everything, limits: []int{100, 16, 16, 16, 16},
		},
		"large objects behind small ones": {
			sizes: sizes(600, 10, 40, 1<<20-512), deliver: everything, limits: []int{100, 500, 500},
		},
		"small objects behind large ones": {
			sizes: sizes(100, 1<<20-512, 700, 10), deliver: everything, limits: []int{100, 16, 500, 500},
		},
		"pages that never arrive whole": {
			sizes: sizes(30, 10), deliver: func(int) int { return 7 },
			limits: []int{100, 50, 25, 12, 6, 6, 6, 6, 6},
		},
		"a page that breaks off once": {
			sizes: sizes(700, 10), deliver: func(request int) int {
				if request == 2 {
					return 300
				}
				return all
			},
			// What the second request brought beyond 250 objects comes again with the
			// fourth.
			limits: []int{100, 500, 250, 250, 250},
		},
		"a page that breaks off early in a long list": {
			sizes: sizes(4800, 10), deliver: func(request int) int {
				if request == 2 {
					return 300
				}
				return all
			},
			limits: slices.Concat([]int{100, 500}, slices.Repeat([]int{250}, calmPages), []int{500, 500}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			var script []http.HandlerFunc
			serveList := listOf(c.sizes, c.deliver)
			for range c.limits {
				script = append(script, serveList)
			}
			s := serve(t, script...)
			var got []string
			for o, err := range s.List(t.Context(), configMaps, engine.ListOptions{}) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, o.Meta.Name)
			}
			var want []string
			for i := range c.sizes {
				want = append(want, fmt.Sprintf("o%04d", i))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			var limits []int
			for _, request := range s.requests {
				_, after, _ := strings.Cut(request, "limit=")
				limit, _, _ := strings.Cut(after, "&")
				n, _ := strconv.Atoi(limit)
				limits = append(limits, n)
			}
			if diff := cmp.Diff(c.limits, limits); diff != "" {
				t.Errorf("limits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPageHasAtLeastOneObject(t *testing.T) {
	p := newPaging(500)
	saw := func() {
		if _, err := p.saw(objectName{name: "huge"}, 2*pageBytes); err != nil {
			t.Fatal(err)
		}
	}
	saw()
	if err := p.arrived(true); err != nil || p.limit != 1 {
		t.Errorf("limit %d behind a huge object, want 1; error %v", p.limit, err)
	}
	for range 3 {
		saw()
		p.broke(errSilent)
	}
	if p.limit != 1 {
		t.Errorf("limit %d after failures, want 1", p.limit)
	}
}

func TestAPageThatTheServerCannotListInTimeIsMadeSmaller(t *testing.T) {
	s := serve(t, status(504, "Timeout", ""), status(503, "", ""), answer("%s", metaFirst("7", "", item("a"))))
	got, err := list(t.Context(), s.Cluster, engine.ListOptions{})
	if got != "p7/1 a" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if diff := cmp.Diff([]string{first, with(50, first), with(50, first)}, s.requests); diff != "" {
		t.Error(diff)
	}
}
