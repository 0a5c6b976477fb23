// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// library is a store of blobs that counts what is read of it.
type library struct {
	blobs    map[string][]byte
	requests int
	read     int64
	err      error
}

func (l *library) Open(_ context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	l.requests++
	data, ok := l.blobs[key]
	switch {
	case l.err != nil:
		return nil, l.err
	case !ok:
		return nil, fmt.Errorf("open %s: %w", key, engine.ErrNotFound)
	case length < 0:
		length = int64(len(data))
	}
	part := data[min(offset, int64(len(data))):min(offset+length, int64(len(data)))]
	l.read += int64(len(part))
	return io.NopCloser(bytes.NewReader(part)), nil
}

// files describes the blobs as a marker does.
func (l *library) files() map[string]archive.File {
	files := map[string]archive.File{}
	for name, data := range l.blobs {
		sum := sha256.Sum256(data)
		files[name] = archive.File{Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
	}
	return files
}

// indexed writes an index of some types with many objects in many namespaces, and
// one namespace of which all is left out.
func indexed(t testing.TB) *library {
	t.Helper()
	var contents, index, directory bytes.Buffer
	w := archive.NewWriter(&contents, &index, mtime)
	m := w.NewMember()
	for _, resource := range []string{"configmaps", "secrets"} {
		for i := range 12_000 {
			e := configMap(fmt.Sprintf("team-%02d", i/240), fmt.Sprintf("c-%03d", i%240))
			e.Resource = resource
			if err := m.Add(e, []byte("{}")); err != nil {
				t.Fatal(err)
			}
		}
	}
	left := configMap("left-out", "c")
	left.Excluded, left.Codes = true, []string{"opt-out"}
	for _, err := range []error{m.Add(clusterRole("admin"), []byte("{}")), m.Flush(), w.Note(left), w.Close(), w.WriteDirectory(&directory)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return &library{blobs: map[string][]byte{archive.IndexFile: index.Bytes(), archive.DirectoryFile: directory.Bytes()}}
}

func openIndex(t testing.TB, l *library) *archive.Index {
	t.Helper()
	x, err := archive.OpenIndex(t.Context(), l, "", l.files())
	if err != nil {
		t.Fatalf("OpenIndex() error = %v", err)
	}
	return x
}

// keysOf reads lines until their end or an error.
func keysOf(t testing.TB, x *archive.Index, wanted func(archive.Part) bool) ([]string, error) {
	t.Helper()
	var all []string
	for e, err := range x.Lines(t.Context(), wanted) {
		if err != nil {
			return all, err
		}
		all = append(all, e.Key().String())
	}
	return all, nil
}

func TestAnIndexIsReadAsAWholeInTheOrderItWasWritten(t *testing.T) {
	l := indexed(t)
	var want []string
	for _, e := range entries(t, l.blobs[archive.IndexFile]) {
		want = append(want, e.Key().String())
	}
	for name, without := range map[string]bool{"with its directory": false, "without one": true} {
		t.Run(name, func(t *testing.T) {
			l := indexed(t)
			if without {
				delete(l.blobs, archive.DirectoryFile)
			}
			got, err := keysOf(t, openIndex(t, l), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

func TestADirectoryKnowsTheNamespaces(t *testing.T) {
	l := indexed(t)
	archived, leftOut, known := openIndex(t, l).Namespaces()
	if !known || len(archived) != 50 || archived[7] != "team-07" || !slices.Equal(leftOut, []string{"left-out"}) {
		t.Errorf("Namespaces() = %v, %v, %v", archived, leftOut, known)
	}
	delete(l.blobs, archive.DirectoryFile)
	if archived, _, known := openIndex(t, l).Namespaces(); known || archived != nil {
		t.Errorf("without a directory: Namespaces() = %v, %v", archived, known)
	}
}

func TestOneObjectCostsItsBlock(t *testing.T) {
	l := indexed(t)
	x := openIndex(t, l)
	l.requests, l.read = 0, 0
	got, err := keysOf(t, x, func(p archive.Part) bool {
		return p.Type().Resource == "secrets" && p.MayHold("team-31", "c-100")
	})
	if err != nil || !slices.Contains(got, "secrets/team-31/c-100") {
		t.Errorf("the object's line is not among %d lines: %v", len(got), err)
	}
	if whole := int64(len(l.blobs[archive.IndexFile])); l.requests != 1 || l.read > whole/5 {
		t.Errorf("took %d requests and %d of %d bytes", l.requests, l.read, whole)
	}
}

func TestANamespaceIsFoundAndItsNeighboursAreNotMissed(t *testing.T) {
	x := openIndex(t, indexed(t))
	for _, ns := range []string{"team-00", "team-31", "team-49", "left-out"} {
		got, err := keysOf(t, x, func(p archive.Part) bool { return p.MayHoldNamespace(ns) })
		n := 0
		for _, key := range got {
			if strings.Contains(key, "/"+ns+"/") {
				n++
			}
		}
		if want := 480; err != nil || (n != want && ns != "left-out") || n == 0 {
			t.Errorf("namespace %s: %d of %d lines, %v", ns, n, len(got), err)
		}
	}
	if got, err := keysOf(t, x, func(p archive.Part) bool { return p.MayHoldNamespace("team") }); err != nil || len(got) > 0 {
		t.Errorf("a namespace that does not exist: %d lines, %v", len(got), err)
	}
}

func TestADamagedIndexIsCorrupt(t *testing.T) {
	for name, damage := range map[string]func(l *library){
		"a byte of a block is changed":     func(l *library) { l.blobs[archive.IndexFile][300] ^= 1 },
		"the index is cut short":           func(l *library) { l.blobs[archive.IndexFile] = l.blobs[archive.IndexFile][:300] },
		"the index is missing":             func(l *library) { delete(l.blobs, archive.IndexFile) },
		"a byte of the directory changed":  func(l *library) { l.blobs[archive.DirectoryFile][100] ^= 1 },
		"the directory is cut short":       func(l *library) { l.blobs[archive.DirectoryFile] = l.blobs[archive.DirectoryFile][:50] },
		"the directory is missing":         func(l *library) { delete(l.blobs, archive.DirectoryFile) },
		"something follows the directory":  func(l *library) { l.blobs[archive.DirectoryFile] = append(l.blobs[archive.DirectoryFile], 'x') },
		"the directory is another index's": func(l *library) { l.blobs[archive.DirectoryFile] = nil },
	} {
		t.Run(name, func(t *testing.T) {
			l := indexed(t)
			for name := range l.blobs {
				l.blobs[name] = slices.Clone(l.blobs[name])
			}
			files := l.files()
			damage(l)
			x, err := archive.OpenIndex(t.Context(), l, "", files)
			if err == nil {
				_, err = keysOf(t, x, nil)
			}
			if !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("error = %v, want ErrCorrupt", err)
			}
		})
	}
}

// What a block unpacks to is in memory at a time, and whoever can write the index can
// write its directory, too.
func TestABlockThatUnpacksToTooMuchIsCorrupt(t *testing.T) {
	line := `{"version":"v1","resource":"configmaps","kind":"ConfigMap","namespaced":true,"namespace":"app","name":"a"`
	short, long := line+"}\n", line+`,"labels":{"a":"`+strings.Repeat("x", 400<<10)+`"}}`+"\n"
	for name, c := range map[string]struct {
		lines string
		ok    bool
	}{
		"a large block":           {strings.Repeat(long, 20) + strings.Repeat(short, 10_000), true},
		"very many lines":         {strings.Repeat(short, 100_000), false},
		"lines of many megabytes": {strings.Repeat(long, 100), false},
	} {
		t.Run(name, func(t *testing.T) {
			index := zip(t, c.lines)
			sum := sha256.Sum256(index)
			directory := fmt.Sprintf(`{"format":1}`+"\n"+`{"offset":0,"size":%d,"sha256":"%x","parts":[{"resource":"configmaps","first":"app/a","last":"app/a","lines":%d}]}`, len(index), sum, strings.Count(c.lines, "\n"))
			l := &library{blobs: map[string][]byte{archive.IndexFile: index, archive.DirectoryFile: zip(t, directory)}}
			n := 0
			var err error
			for _, err = range openIndex(t, l).Lines(t.Context(), nil) {
				n++
			}
			if (err == nil) != c.ok || err != nil && !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("error = %v", err)
			}
			if n > 70_000 {
				t.Errorf("%d lines were held", n)
			}
		})
	}
}

func TestAnIndexPassesTheStoresErrorOn(t *testing.T) {
	cause := errors.New("connection reset")
	l := indexed(t)
	x := openIndex(t, l)
	files := l.files()
	l.err = cause
	if _, err := keysOf(t, x, nil); !errors.Is(err, cause) {
		t.Errorf("Lines: error = %v", err)
	}
	if _, err := archive.OpenIndex(t.Context(), l, "", files); !errors.Is(err, cause) || errors.Is(err, engine.ErrCorrupt) {
		t.Errorf("OpenIndex: error = %v", err)
	}
}

func TestReadingAnIndexStopsWhenAsked(t *testing.T) {
	x := openIndex(t, indexed(t))
	for _, err := range x.Lines(t.Context(), nil) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range x.Lines(ctx, nil) {
		if n++; n == 10 {
			cancel()
		}
		last = err
	}
	if !errors.Is(last, context.Canceled) || n >= 24_000 {
		t.Errorf("after %d lines: %v", n, last)
	}
}

func TestADirectoryIsWrittenLast(t *testing.T) {
	w := archive.NewWriter(io.Discard, io.Discard, mtime)
	if err := w.WriteDirectory(io.Discard); err == nil {
		t.Error("an archive that is still open has a directory")
	}
}

// A line that is repeated costs a bucket nothing, and those who read it very much.
func TestNoMoreLinesAreReadThanTheMarkerCounts(t *testing.T) {
	const there = 24_002
	for name, tc := range map[string]struct {
		objects   archive.Counts
		directory bool
		opens, ok bool
	}{
		"as many as there are":              {archive.Counts{Included: there - 2, Excluded: 1, Failed: 1}, true, true, true},
		"without a directory":               {archive.Counts{Included: there - 1, Excluded: 1}, false, true, true},
		"fewer than the directory tells of": {archive.Counts{Included: 20}, true, false, false},
		"fewer than are read":               {archive.Counts{Included: 20}, false, true, false},
		"more than can be counted":          {archive.Counts{Included: 1 << 62, Excluded: 1 << 62, Failed: 1 << 62}, true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			l := indexed(t)
			if !tc.directory {
				delete(l.blobs, archive.DirectoryFile)
			}
			x := openIndex(t, l)
			if err := x.Within(tc.objects); (err == nil) != tc.opens || err != nil && !errors.Is(err, engine.ErrCorrupt) {
				t.Fatalf("Within() error = %v", err)
			}
			got, err := keysOf(t, x, nil)
			if (err == nil) != tc.ok || err != nil && !errors.Is(err, engine.ErrCorrupt) {
				t.Errorf("error = %v", err)
			}
			if most := tc.objects.Included + tc.objects.Excluded + tc.objects.Failed; most > 0 && int64(len(got)) > most {
				t.Errorf("%d lines were read", len(got))
			}
		})
	}
}

// FuzzDirectory opens indexes whose directory was tampered with.
func FuzzDirectory(f *testing.F) {
	block := `{"offset":0,"size":10,"sha256":"` + strings.Repeat("0", 64) +
		`","parts":[{"resource":"configmaps","first":"a/b","last":"a/c","lines":1}]}`
	f.Add(`{"format":1,"namespaces":["a"]}` + "\n" + block + "\n")
	f.Add(`{"format":2}`)
	f.Add(`{"format":1}` + "\n" + strings.Replace(block, `"a/b"`, `"b"`, 1))
	f.Add(`{"format":1}` + "\n" + strings.Replace(block, "10", "-10", 1))
	index := zip(f, goodLine)
	f.Fuzz(func(t *testing.T, lines string) {
		l := &library{blobs: map[string][]byte{archive.IndexFile: index, archive.DirectoryFile: zip(t, lines)}}
		x, err := archive.OpenIndex(t.Context(), l, "", l.files())
		if err == nil {
			err = x.Within(archive.Counts{Included: 1})
		}
		if err == nil {
			var got []string
			got, err = keysOf(t, x, nil)
			if len(got) > 1 {
				t.Fatalf("%d lines where the marker counts one", len(got))
			}
		}
		if err == nil {
			_, err = keysOf(t, x, func(p archive.Part) bool { return p.MayHoldNamespace("app") || p.MayHold("", "x") || p.Namespaced() })
		}
		if err != nil && !blamed(err) {
			t.Fatalf("error = %v", err)
		}
	})
}
