// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/archive"
)

var mtime = time.Date(2026, 5, 17, 3, 4, 5, 0, time.UTC)

func configMap(namespace, name string) archive.Entry {
	return archive.Entry{
		Version: "v1", Resource: "configmaps", Kind: "ConfigMap",
		Namespaced: true, Namespace: namespace, Name: name,
	}
}

func clusterRole(name string) archive.Entry {
	return archive.Entry{
		Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles", Kind: "ClusterRole", Name: name,
	}
}

// text is n bytes of JSON that compress about as well as real objects do.
func text(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	var b bytes.Buffer
	b.WriteString(`{"apiVersion":"v1","kind":"ConfigMap","data":{`)
	for i := 0; b.Len() < n-20; i++ {
		fmt.Fprintf(&b, `"key-%d":"%x",`, i, r.Uint64()%100000)
	}
	b.WriteString(`"end":""}}`)
	return b.Bytes()
}

// written is a contents file and its index.
type written struct {
	contents, index bytes.Buffer
}

// object is one that goes into an archive.
type object struct {
	entry archive.Entry
	raw   []byte
}

// write archives objects with as many workers as asked for.
func write(t testing.TB, workers int, objects []object) *written {
	t.Helper()
	var out written
	w := archive.NewWriter(&out.contents, &out.index, mtime)
	work := make(chan object)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			m := w.NewMember()
			for o := range work {
				if err := m.Add(o.entry, o.raw); err != nil {
					t.Errorf("Add(%s) error = %v", o.entry.Key(), err)
				}
			}
			if err := m.Flush(); err != nil {
				t.Errorf("Flush() error = %v", err)
			}
		})
	}
	for _, o := range objects {
		work <- o
	}
	close(work)
	wg.Wait()
	if err := w.Close(); err != nil {
		t.Fatalf("Close() error = %v", err)
	}
	return &out
}

// blob serves one blob as a store does, and counts requests.
type blob struct {
	data     []byte
	requests int
	err      error
}

func (b *blob) Open(_ context.Context, _ string, offset, length int64) (io.ReadCloser, error) {
	b.requests++
	if b.err != nil {
		return nil, b.err
	}
	end := int64(len(b.data))
	if length >= 0 {
		end = min(end, offset+length)
	}
	return io.NopCloser(bytes.NewReader(b.data[min(offset, end):end])), nil
}

func (w *written) open() (*archive.Contents, *blob) {
	b := &blob{data: w.contents.Bytes()}
	return archive.OpenContents(b, "contents.tar.gz", archive.File{Size: int64(len(b.data))}), b
}

func entries(t testing.TB, index []byte) []archive.Entry {
	t.Helper()
	var all []archive.Entry
	for e, err := range archive.ReadIndex(bytes.NewReader(index)) {
		if err != nil {
			t.Fatalf("ReadIndex() error = %v", err)
		}
		all = append(all, e)
	}
	return all
}

func TestWhatWasWrittenIsRead(t *testing.T) {
	for _, workers := range []int{1, 4} {
		t.Run(fmt.Sprintf("by %d workers", workers), func(t *testing.T) {
			var objects []object
			want := map[string]string{}
			for i := range 2000 {
				o := object{configMap("app", fmt.Sprintf("c-%d", i)), text(uint64(i), 500+i%5000)}
				objects, want[o.entry.Key().String()] = append(objects, o), string(o.raw)
			}
			for i, size := range []int{archive.MemberBytes - 1, archive.MemberBytes, 3 << 20} {
				o := object{clusterRole(fmt.Sprintf("system:big-%d", i)), text(uint64(i), size)}
				objects, want[o.entry.Key().String()] = append(objects, o), string(o.raw)
			}
			out := write(t, workers, objects)
			contents, store := out.open()
			got := map[string]string{}
			members := map[int64]*archive.MemberData{}
			for _, e := range entries(t, out.index.Bytes()) {
				m := members[e.Member]
				if m == nil {
					var err error
					if m, err = contents.Member(t.Context(), e); err != nil {
						t.Fatal(err)
					}
					members[e.Member] = m
				}
				raw, err := m.Object(e)
				if err != nil {
					t.Fatal(err)
				}
				got[e.Key().String()] = string(raw)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("objects mismatch (-want +got):\n%s", diff)
			}
			if store.requests != len(members) {
				t.Errorf("%d requests for %d members", store.requests, len(members))
			}
		})
	}
}

var errFull = errors.New("no space left")

// full takes n writes, then no more.
type full struct{ n int }

func (f *full) Write(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestAFullDiskIsFinal(t *testing.T) {
	tests := map[string]struct {
		contents, index int
		fail            func(*archive.Writer) error
	}{
		"when contents are flushed": {index: 9, fail: func(w *archive.Writer) error {
			m := w.NewMember()
			return errors.Join(m.Add(configMap("app", "a"), []byte(`{}`)), m.Flush())
		}},
		"when a big object is added": {index: 9, fail: func(w *archive.Writer) error {
			return w.NewMember().Add(configMap("app", "a"), text(1, archive.MemberBytes))
		}},
		"when the index is flushed": {contents: 9, fail: func(w *archive.Writer) error {
			m := w.NewMember()
			return errors.Join(m.Add(configMap("app", "a"), []byte(`{}`)), m.Flush())
		}},
		"when notes fill a block": {contents: 9, fail: func(w *archive.Writer) error {
			for i := range 10_000 {
				if err := w.Note(configMap("app", fmt.Sprintf("n-%d", i))); err != nil {
					return err
				}
			}
			return nil
		}},
		"when the end is written": {index: 9, fail: (*archive.Writer).Close},
		"when notes are written at the end": {contents: 9, fail: func(w *archive.Writer) error {
			return errors.Join(w.Note(configMap("app", "a")), w.Close())
		}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			w := archive.NewWriter(&full{tc.contents}, &full{tc.index}, mtime)
			if err := tc.fail(w); !errors.Is(err, errFull) {
				t.Fatalf("error = %v, want %v", err, errFull)
			}
			m := w.NewMember()
			if err := errors.Join(m.Add(configMap("app", "b"), []byte(`{}`)), m.Flush()); !errors.Is(err, errFull) {
				t.Errorf("Flush() afterwards: error = %v, want %v", err, errFull)
			}
			if err := w.Close(); !errors.Is(err, errFull) {
				t.Errorf("Close() afterwards: error = %v, want %v", err, errFull)
			}
		})
	}
}

func TestAClosedArchiveTakesNothing(t *testing.T) {
	var out written
	w := archive.NewWriter(&out.contents, &out.index, mtime)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	size := out.contents.Len()
	m := w.NewMember()
	if err := errors.Join(m.Add(configMap("app", "a"), []byte(`{}`)), m.Flush()); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("Flush() error = %v", err)
	}
	if out.contents.Len() != size {
		t.Error("something was appended behind the end")
	}
	if got := entries(t, out.index.Bytes()); len(got) > 0 {
		t.Errorf("index = %v, want none", got)
	}
}

func TestAnObjectThatCannotBeArchivedLeavesTheOthers(t *testing.T) {
	tests := map[string]struct {
		entry archive.Entry
		size  int
		says  string
	}{
		"a name with a slash":      {entry: configMap("app", "a/b"), says: `name "a/b" is not a name`},
		"a name that climbs":       {entry: configMap("app", ".."), says: "is not a name"},
		"a name of one dot":        {entry: configMap("app", "."), says: "is not a name"},
		"no name":                  {entry: configMap("app", ""), says: "is not a name"},
		"a name with a bell":       {entry: clusterRole("ding\a"), says: "is not a name"},
		"a name that is no UTF-8":  {entry: clusterRole("\xff"), says: "is not a name"},
		"a namespace that climbs":  {entry: configMap("..", "a"), says: `namespace ".."`},
		"no namespace":             {entry: configMap("", "a"), says: `namespace ""`},
		"a namespace without need": {entry: archive.Entry{Version: "v1", Resource: "nodes", Kind: "Node", Namespace: "a", Name: "a"}, says: "not namespaced"},
		"a strange group":          {entry: archive.Entry{Group: "a..b", Version: "v1", Resource: "nodes", Kind: "Node", Name: "a"}, says: `group "a..b"`},
		"a strange resource":       {entry: archive.Entry{Version: "v1", Resource: "nodes/x", Kind: "Node", Name: "a"}, says: `resource "nodes/x"`},
		"a strange version":        {entry: archive.Entry{Version: "", Resource: "nodes", Kind: "Node", Name: "a"}, says: "version"},
		"a strange kind":           {entry: archive.Entry{Version: "v1", Resource: "nodes", Kind: "1", Name: "a"}, says: "kind"},
		"too many labels": {
			entry: with(func(e *archive.Entry) { e.Labels = map[string]string{"a": strings.Repeat("x", 1<<20)} }), says: "metadata of",
		},
		"a strange code":           {entry: with(func(e *archive.Entry) { e.Codes = []string{"Not A Code"} }), says: "code"},
		"a strange need":           {entry: with(func(e *archive.Entry) { e.Needs = []archive.Ref{{Resource: "pods", Name: "../x"}} }), says: "needs: name"},
		"an object without an end": {entry: configMap("app", "big"), size: archive.MaxObjectBytes + 1, says: "size"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var out written
			w := archive.NewWriter(&out.contents, &out.index, mtime)
			m := w.NewMember()
			good := configMap("app", "good")
			if err := m.Add(good, []byte(`{}`)); err != nil {
				t.Fatal(err)
			}
			for what, err := range map[string]error{"Add": m.Add(tc.entry, make([]byte, tc.size)), "Note": w.Note(tc.entry)} {
				if what == "Note" && tc.size > 0 {
					continue // a note has no size
				}
				if !errors.Is(err, archive.ErrInvalidEntry) || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("%s() error = %v, want ErrInvalidEntry saying %q", what, err, tc.says)
				}
			}
			if err := errors.Join(m.Flush(), w.Close()); err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, e := range entries(t, out.index.Bytes()) {
				names = append(names, e.Key().String())
			}
			if len(names) == 0 || names[0] != good.Key().String() {
				t.Errorf("index = %v, want the good object", names)
			}
		})
	}
}

// with is a good entry that was changed.
func with(change func(*archive.Entry)) archive.Entry {
	e := configMap("app", "settings")
	change(&e)
	return e
}

func TestNotesAreLinesWithoutContents(t *testing.T) {
	var out written
	w := archive.NewWriter(&out.contents, &out.index, mtime)
	for i := range 5000 {
		e := configMap("app", fmt.Sprintf("n-%d", i))
		e.Excluded, e.Codes, e.Error = true, []string{"opt-out"}, "bad\x1b[31m"
		e.Size, e.SHA256, e.Offset = 7, "stale", 9
		if err := w.Note(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got := entries(t, out.index.Bytes())
	want := configMap("app", "n-4999")
	want.Excluded, want.Codes, want.Error = true, []string{"opt-out"}, "bad\uFFFD[31m"
	if len(got) != 5000 {
		t.Fatalf("%d lines, want 5000", len(got))
	}
	if diff := cmp.Diff(want, got[4999]); diff != "" {
		t.Errorf("line mismatch (-want +got):\n%s", diff)
	}
}

func TestEqualObjectsMakeEqualBytes(t *testing.T) {
	objects := []object{{configMap("app", "a"), text(1, 5000)}, {clusterRole("system:node"), text(2, 3<<20)}}
	first, again := write(t, 1, objects), write(t, 1, objects)
	if !bytes.Equal(first.contents.Bytes(), again.contents.Bytes()) || !bytes.Equal(first.index.Bytes(), again.index.Bytes()) {
		t.Error("two archives of the same objects differ")
	}
}

func TestABigObjectHasAMemberOfItsOwn(t *testing.T) {
	out := write(t, 1, []object{
		{configMap("app", "small"), text(1, 100)},
		{configMap("app", "big"), text(2, archive.MemberBytes)},
		{configMap("app", "last"), text(3, 100)},
	})
	members := map[int64][]string{}
	for _, e := range entries(t, out.index.Bytes()) {
		members[e.Member] = append(members[e.Member], e.Name)
	}
	if got := slices.Collect(maps.Values(members)); len(got) != 2 || len(got[0])+len(got[1]) != 3 || slices.ContainsFunc(got, func(names []string) bool {
		return len(names) > 1 && slices.Contains(names, "big")
	}) {
		t.Errorf("objects lie in members as %v, want the big one alone", got)
	}
}
