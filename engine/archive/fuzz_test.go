// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// blamed reports whether err says whose fault it is, as every reader promises.
func blamed(err error) bool {
	return errors.Is(err, engine.ErrCorrupt) || errors.Is(err, archive.ErrUnknownFormat)
}

// fuzzDocument holds a decoder to two promises: an error says whose fault it is,
// and what was accepted is encoded and decoded to the same again.
func fuzzDocument[T any](f *testing.F, good *T, encode func(*T) ([]byte, error), decode func([]byte) (*T, error)) {
	f.Helper()
	b, err := encode(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decode(b)
		if err != nil {
			if !blamed(err) {
				t.Fatalf("error = %v", err)
			}
			return
		}
		encoded, err := encode(got)
		if err != nil {
			t.Fatalf("encode what was decoded: %v", err)
		}
		again, err := decode(encoded)
		if err != nil {
			t.Fatalf("decode what was encoded: %v", err)
		}
		reencoded, err := encode(again)
		if err != nil || !bytes.Equal(encoded, reencoded) {
			t.Fatalf("encoded differently, %v:\n%s\n%s", err, encoded, reencoded)
		}
	})
}

func FuzzDecodeMarker(f *testing.F) {
	fuzzDocument(f, marker(),
		func(m *archive.Marker) ([]byte, error) { return archive.EncodeMarker(m) },
		func(b []byte) (*archive.Marker, error) { m, _, err := archive.DecodeMarker(b); return m, err })
}

func FuzzDecodeRecord(f *testing.F) {
	fuzzDocument(f, record(), encodeRecord, decodeRecord)
}

func FuzzDecodeIdentity(f *testing.F) {
	fuzzDocument(f, identity(), archive.EncodeIdentity, archive.DecodeIdentity)
}

func FuzzDecodeRestore(f *testing.F) {
	fuzzDocument(f, restoreSummary(), encodeRestore, decodeRestore)
}

// FuzzReadIndex reads lines that are well compressed and hostile otherwise.
func FuzzReadIndex(f *testing.F) {
	f.Add([]byte(goodLine))
	f.Add([]byte(strings.Replace(goodLine, "{", `{"size":2,"sha256":"`+digest+`","member":1,"memberSize":9,"offset":512,`, 1)))
	f.Fuzz(func(t *testing.T, lines []byte) {
		for e, err := range archive.ReadIndex(bytes.NewReader(zip(t, string(lines)))) {
			if err != nil {
				if !blamed(err) {
					t.Fatalf("error = %v", err)
				}
				return
			}
			checkEntry(t, e)
		}
	})
}

// checkEntry wants an entry that a restore can rely on.
func checkEntry(t *testing.T, e archive.Entry) {
	t.Helper()
	path := e.Path()
	if strings.Contains(path, "//") || strings.Contains(path, "/../") || strings.ContainsRune(path, 0) {
		t.Fatalf("Path() = %q", path)
	}
	if e.Size < 0 || e.Offset < 0 || e.Member < 0 || e.MemberSize < 0 || e.Size > archive.MaxObjectBytes {
		t.Fatalf("entry lies out of bounds: %+v", e)
	}
}

// FuzzReadIndexBytes reads what may not even be gzip.
func FuzzReadIndexBytes(f *testing.F) {
	f.Add(zip(f, goodLine))
	f.Add(append(zip(f, goodLine), zip(f, goodLine)...))
	f.Fuzz(func(t *testing.T, index []byte) {
		for _, err := range archive.ReadIndex(bytes.NewReader(index)) {
			if err != nil && !blamed(err) {
				t.Fatalf("error = %v", err)
			}
		}
	})
}

// FuzzMember reads an object from a member that was tampered with, as an index
// that was too describes it.
func FuzzMember(f *testing.F) {
	out := write(f, 1, []object{{configMap("app", "a"), []byte(`{"kind":"ConfigMap"}`)}})
	good := entries(f, out.index.Bytes())[0]
	f.Add(out.contents.Bytes(), good.Member, good.MemberSize, good.Offset, good.Size, []byte(`{"kind":"ConfigMap"}`))
	f.Add(out.contents.Bytes(), int64(0), int64(100), int64(512), int64(20), []byte(`{"kind":"ConfigMap"}`))
	f.Fuzz(func(t *testing.T, contents []byte, member, memberSize, offset, size int64, want []byte) {
		e := configMap("app", "a")
		e.Member, e.MemberSize, e.Offset, e.Size = member, memberSize, offset, size
		e.SHA256 = strings.TrimPrefix(archive.Digest(want), "sha256:")
		store := &blob{data: contents}
		m, err := archive.OpenContents(store, "contents.tar.gz", archive.File{Size: int64(len(contents))}).Member(t.Context(), e)
		if err != nil {
			if !blamed(err) {
				t.Fatalf("Member() error = %v", err)
			}
			return
		}
		raw, err := m.Object(e)
		if err != nil {
			if !blamed(err) {
				t.Fatalf("Object() error = %v", err)
			}
			return
		}
		if diff := cmp.Diff(want, raw); diff != "" {
			t.Fatalf("Object() is not what the index names (-want +got):\n%s", diff)
		}
	})
}

// FuzzMembers reads two members with one request, where an index that was tampered
// with says that they lie.
func FuzzMembers(f *testing.F) {
	var out, index bytes.Buffer
	w := archive.NewWriter(&out, &index, mtime)
	for _, name := range []string{"a", "b"} {
		m := w.NewMember()
		if err := errors.Join(m.Add(configMap("app", name), []byte(`{"kind":"ConfigMap"}`)), m.Flush()); err != nil {
			f.Fatal(err)
		}
	}
	all := entries(f, index.Bytes())
	f.Add(out.Bytes(), all[0].Member, all[0].MemberSize, all[1].Member, all[1].MemberSize)
	f.Add(out.Bytes(), all[0].Member, all[0].MemberSize, all[0].MemberSize-1, int64(1)<<62)
	f.Fuzz(func(t *testing.T, contents []byte, first, firstSize, next, nextSize int64) {
		a, b := all[0], all[1]
		a.Member, a.MemberSize, b.Member, b.MemberSize = first, firstSize, next, nextSize
		if !archive.InReach(a, a, b) {
			return
		}
		opened := archive.OpenContents(&blob{data: contents}, "contents.tar.gz", archive.File{Size: int64(len(contents))})
		n := 0
		for m, err := range opened.Members(t.Context(), []archive.Entry{a, b}) {
			if err == nil {
				_, err = m.Object([]archive.Entry{a, b}[n])
			}
			if err != nil && !blamed(err) {
				t.Fatalf("error = %v", err)
			}
			n++
		}
		if n != 2 {
			t.Fatalf("%d members", n)
		}
	})
}

func FuzzReadResults(f *testing.F) {
	f.Add([]byte(`{"warnings":[{"message":"m"}],"moreErrors":3,"resources":{"pods":{"failed":3}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := archive.ReadResults(bytes.NewReader(zip(t, string(b)))); err != nil && !blamed(err) {
			t.Fatalf("error = %v", err)
		}
	})
}
