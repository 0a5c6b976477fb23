// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
)

func TestNamesAreInTheOrderOfEtcdsKeys(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const letters = "ab-./"
	text := func() string {
		var s []byte
		for range r.IntN(4) {
			s = append(s, letters[r.IntN(len(letters))])
		}
		return string(s)
	}
	for range 100_000 {
		a, b := objectName{text(), text()}, objectName{text(), text()}
		if want := a.namespace+"/"+a.name > b.namespace+"/"+b.name; a.after(b) != want {
			t.Fatalf("%q is behind %q: %v, want %v", a, b, !want, want)
		}
	}
}

// TestWhatWasSeenIsKnown compares with a set of all names, in lists of any order.
func TestWhatWasSeenIsKnown(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		s, want := newSeen(), map[objectName]bool{}
		for range 200 {
			o := objectName{strconv.Itoa(r.IntN(4)), strconv.Itoa(r.IntN(60))}
			fresh, err := s.add(o, false)
			if fresh == want[o] || err != nil {
				t.Fatalf("seed %d: %v is new: %v, %v, want %v", seed, o, fresh, err, !want[o])
			}
			want[o] = true
			s.trim()
		}
	}
}

func TestAListThatIsTooLongToBeRememberedHasToBeInOrder(t *testing.T) {
	name := func(i int) objectName { return objectName{"n", fmt.Sprintf("%08d", i)} }
	s := newSeen()
	for i := range 4 * maxRecent {
		if fresh, err := s.add(name(2*i), false); !fresh || err != nil {
			t.Fatalf("object %d is new: %v, %v", i, fresh, err)
		}
		s.trim()
		if s.set != nil || cap(s.recent) > 2*maxRecent {
			t.Fatalf("object %d: %d are remembered, with a set: %v", i, cap(s.recent), s.set != nil)
		}
	}
	if fresh, err := s.add(name(2*(4*maxRecent-1)), false); fresh || err != nil {
		t.Errorf("an object that comes twice is new: %v, %v", fresh, err)
	}
	if _, err := s.add(name(0), false); !errors.Is(err, errOutOfOrder) {
		t.Errorf("one that may have come before: error %v", err)
	}
	// Where a page is asked for again at a later revision, it is one that was made since.
	if fresh, err := s.add(name(1), true); !fresh || err != nil {
		t.Errorf("one among those that come again is new: %v, %v", fresh, err)
	}
}

func TestListsComeToAnEnd(t *testing.T) {
	page := func(token string, items ...string) http.HandlerFunc {
		return answer("%s", metaFirst("7", token, items...))
	}
	pages := func(n int, all ...http.HandlerFunc) (script []http.HandlerFunc) {
		for i := range n {
			script = append(script, all[i%len(all)])
		}
		return script
	}
	for name, c := range map[string]struct {
		script []http.HandlerFunc
		want   string // without the pages
		err    error
	}{
		"pages that overlap": {
			script: []http.HandlerFunc{page("t1", item("a"), item("b")), page("t2", item("b"), item("c")), page("", item("c"), item("d"))},
			want:   "a b c d",
		},
		"pages in no order": {
			script: []http.HandlerFunc{page("t1", item("d"), item("b")), page("t2", item("c"), item("b")), page("", item("a"), item("d"))},
			want:   "d b c a",
		},
		"tokens that take turns": {
			script: pages(3, page("t1", item("a")), page("t2", item("b"))), want: "a b", err: errCircle,
		},
		"empty pages without an end": {
			script: pages(maxEmpty+1, page("t1"), page("t2")), err: errCircle,
		},
		"many empty pages": {
			script: append(pages(maxEmpty, page("t1"), page("t2")), page("", item("a"))), want: "a",
		},
		"more in a page than any limit allows": {
			script: []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
				_, _ = fmt.Fprintf(w, `{%s,"items":[%s`, listMetaJSON("7", ""), item("a"))
				more := []byte("," + item("a"))
				for range maxPage {
					_, _ = w.Write(more)
				}
				_, _ = fmt.Fprint(w, "]}")
			}}, want: "a", err: errAny,
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.script...)
			var got []string
			var failed error
			for o, err := range s.List(t.Context(), configMaps, engine.ListOptions{}) {
				if failed = err; err == nil {
					got = append(got, o.Meta.Name)
				}
			}
			if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("objects (-want +got):\n%s", diff)
			}
			if (failed != nil) != (c.err != nil) || c.err != nil && !errors.Is(c.err, errAny) && !errors.Is(failed, c.err) {
				t.Errorf("error %v, want %v", failed, c.err)
			}
		})
	}
}

// TestALimitThatIsOfNoAccountCostsLittle has an API that sends all it has.
func TestALimitThatIsOfNoAccountCostsLittle(t *testing.T) {
	const objects = 100_000
	p := newPaging(500)
	for i := range objects {
		if fresh, err := p.saw(objectName{"n", fmt.Sprintf("%08d", i)}, 10); !fresh || err != nil {
			t.Fatalf("object %d is new: %v, %v", i, fresh, err)
		}
	}
	if p.seen.set != nil || cap(p.seen.recent) > 2*objects {
		t.Errorf("%d are remembered, with a set: %v", cap(p.seen.recent), p.seen.set != nil)
	}
}

// BenchmarkSaw tells what it costs to know an object that was yielded before.
func BenchmarkSaw(b *testing.B) {
	var page []objectName
	for i := range 500 {
		page = append(page, objectName{"shop", fmt.Sprintf("web-7d4b9c6f5-%05d", i)})
	}
	b.ReportAllocs()
	for b.Loop() {
		p := newPaging(500)
		for _, o := range page {
			if _, err := p.saw(o, 100); err != nil {
				b.Fatal(err)
			}
		}
	}
}
