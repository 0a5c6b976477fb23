// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
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

func entries(t *testing.T, index []byte) []archive.Entry {
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

func TestContentsAreAnOrdinaryTarball(t *testing.T) {
	long := strings.Repeat("n", 253)
	objects := []object{
		{configMap("app", "settings"), []byte(`{"kind":"ConfigMap"}`)},
		{configMap("app", long), text(7, 2<<20)},
		{clusterRole("system:node"), []byte(`{"kind":"ClusterRole"}`)},
		{clusterRole("größe"), []byte(`{}`)},
	}
	out := write(t, 2, objects)
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "tar", "xzf", "-", "-C", dir)
	cmd.Stdin = &out.contents
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("tar xzf: %v: %s", err, msg)
	}
	want := map[string]string{"metadata/version": "1\n"}
	for _, o := range objects {
		want[o.entry.Path()] = string(o.raw)
	}
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !info.ModTime().Equal(mtime) || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: modified %v with mode %v", path, info.ModTime(), info.Mode())
		}
		rel, err := filepath.Rel(dir, path)
		got[rel] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tarball mismatch (-want +got):\n%s", diff)
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
