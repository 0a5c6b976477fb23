// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// zip is lines as an index file holds them.
func zip(t testing.TB, lines string) []byte {
	t.Helper()
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	if _, err := io.WriteString(gz, lines); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

const goodLine = `{"version":"v1","resource":"configmaps","kind":"ConfigMap","namespaced":true,"namespace":"app","name":"a"}` + "\n"

func TestReadIndexRefuses(t *testing.T) {
	line := func(fields string) string {
		return goodLine + `{"version":"v1","resource":"nodes","kind":"Node","name":"n",` + fields + "}\n"
	}
	tests := map[string]struct {
		index []byte
		says  string
	}{
		"what is not gzip":          {[]byte("hello"), "read index"},
		"nothing at all":            {nil, "read index"},
		"what is not JSON":          {zip(t, goodLine+"{\n"), "line 2"},
		"an empty line":             {zip(t, goodLine+"\n"), "line 2"},
		"a line without end":        {zip(t, goodLine+strings.Repeat(" ", 5<<20)), "line 2"},
		"a name that climbs":        {zip(t, line(`"name":".."`)), `line 2: corrupt: name ".."`},
		"a negative size":           {zip(t, line(`"size":-1`)), "size -1"},
		"a size beyond all objects": {zip(t, line(`"size":99999999999`)), "size 99999999999"},
		"a size without digest":     {zip(t, line(`"size":1`)), "sha256"},
		"a digest that is none":     {zip(t, line(`"size":1,"sha256":"xyz"`)), "sha256"},
		"a negative offset":         {zip(t, line(`"offset":-1`)), "offset -1"},
		"a negative member":         {zip(t, line(`"member":-1`)), "member at -1"},
		"a member without end":      {zip(t, line(`"memberSize":99999999999`)), "member size"},
		"an error for a terminal":   {zip(t, line(`"error":"\u001b[2J"`)), "error"},
		"a uid for a terminal":      {zip(t, line(`"uid":"\u001b[2J"`)), "uid"},
		"a number beyond integers":  {zip(t, line(`"size":1e99`)), "line 2"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var last error
			for _, err := range archive.ReadIndex(bytes.NewReader(tc.index)) {
				if last != nil {
					t.Error("the sequence goes on after an error")
				}
				last = err
			}
			if !errors.Is(last, engine.ErrCorrupt) || !strings.Contains(last.Error(), tc.says) {
				t.Errorf("ReadIndex() error = %v, want ErrCorrupt saying %q", last, tc.says)
			}
		})
	}
}

func TestReadIndexOfALaterMinorToleratesItsFields(t *testing.T) {
	line := strings.Replace(goodLine, "{", `{"future":{"x":[1]},`, 1)
	want := []archive.Entry{configMap("app", "a")}
	if diff := cmp.Diff(want, entries(t, zip(t, line))); diff != "" {
		t.Errorf("ReadIndex() mismatch (-want +got):\n%s", diff)
	}
}

func TestReadIndexCutShortAnywhereIsCorrupt(t *testing.T) {
	index := zip(t, strings.Repeat(goodLine, 3))
	for cut := range len(index) {
		var last error
		for _, err := range archive.ReadIndex(bytes.NewReader(index[:cut])) {
			last = err
		}
		if !errors.Is(last, engine.ErrCorrupt) {
			t.Fatalf("cut at %d of %d: error = %v, want ErrCorrupt", cut, len(index), last)
		}
	}
}

func TestReadIndexPassesTheStoresErrorOn(t *testing.T) {
	errBroken := errors.New("connection reset")
	index := zip(t, strings.Repeat(goodLine, 3))
	var last error
	for _, err := range archive.ReadIndex(io.MultiReader(bytes.NewReader(index[:20]), broken{errBroken})) {
		last = err
	}
	if !errors.Is(last, errBroken) || errors.Is(last, engine.ErrCorrupt) {
		t.Errorf("ReadIndex() error = %v, want only %v", last, errBroken)
	}
}

// broken fails every Read.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func TestReadIndexStopsWhenAsked(t *testing.T) {
	n := 0
	for _, err := range archive.ReadIndex(bytes.NewReader(zip(t, goodLine+"{"))) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d lines", n)
	}
}

func TestAChangedByteIsFound(t *testing.T) {
	objects := []object{{configMap("app", "a"), text(1, 300)}, {configMap("app", "b"), text(2, 300)}}
	out := write(t, 1, objects)
	all := entries(t, out.index.Bytes())
	for at := range int(all[0].MemberSize) {
		contents, store := out.open()
		store.data = bytes.Clone(store.data)
		store.data[at] ^= 0x10
		for i, e := range all {
			m, err := contents.Member(t.Context(), e)
			if err != nil {
				if !errors.Is(err, engine.ErrCorrupt) || !strings.Contains(err.Error(), e.Key().String()) {
					t.Fatalf("byte %d: Member() error = %v, want ErrCorrupt naming the object", at, err)
				}
				continue
			}
			raw, err := m.Object(e)
			if err == nil && !bytes.Equal(raw, objects[i].raw) {
				t.Fatalf("byte %d: Object() = %q", at, raw)
			}
			if err != nil && (!errors.Is(err, engine.ErrCorrupt) || !strings.Contains(err.Error(), e.Key().String())) {
				t.Fatalf("byte %d: Object() error = %v, want ErrCorrupt naming the object", at, err)
			}
		}
	}
}

func TestMemberRefuses(t *testing.T) {
	good := write(t, 1, []object{{configMap("app", "a"), text(1, 300)}})
	entry := entries(t, good.index.Bytes())[0]
	bomb := zip(t, strings.Repeat("\x00", archive.MaxObjectBytes+3*archive.MemberBytes))
	errBroken := errors.New("connection reset")
	tests := map[string]struct {
		data   []byte
		change func(*archive.Entry)
		err    error
		want   error
		says   string
	}{
		"an object that was only noted": {
			change: func(e *archive.Entry) { e.SHA256 = "" }, want: engine.ErrNotFound, says: "not in the archive",
		},
		"a member behind the end": {
			change: func(e *archive.Entry) { e.Member = 1 << 40 }, want: engine.ErrCorrupt, says: "not within",
		},
		"a member that reaches behind the end": {
			change: func(e *archive.Entry) { e.MemberSize = 1 << 20 }, want: engine.ErrCorrupt, says: "not within",
		},
		"a member that overflows": {
			change: func(e *archive.Entry) { e.Member = 1<<63 - 1 }, want: engine.ErrCorrupt, says: "not within",
		},
		"no member at all": {
			change: func(e *archive.Entry) { e.MemberSize = 0 }, want: engine.ErrCorrupt, says: "not within",
		},
		"a member that explodes": {
			data: bomb, change: func(e *archive.Entry) { e.MemberSize = int64(len(bomb)) }, want: engine.ErrCorrupt, says: "too long",
		},
		"a store that fails": {err: errBroken, want: errBroken, says: "configmaps/app/a"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			contents, store := good.open()
			if tc.data != nil {
				store.data = tc.data
				contents = archive.OpenContents(store, "contents.tar.gz", archive.File{Size: int64(len(tc.data))})
			}
			store.err = tc.err
			e := entry
			if tc.change != nil {
				tc.change(&e)
			}
			_, err := contents.Member(t.Context(), e)
			if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("Member() error = %v, want %v saying %q", err, tc.want, tc.says)
			}
		})
	}
}

func TestObjectRefuses(t *testing.T) {
	out := write(t, 1, []object{{configMap("app", "a"), text(1, 300)}})
	contents, _ := out.open()
	entry := entries(t, out.index.Bytes())[0]
	m, err := contents.Member(t.Context(), entry)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*archive.Entry){
		"another member":           func(e *archive.Entry) { e.Member++ },
		"an offset behind it":      func(e *archive.Entry) { e.Offset = 1 << 30 },
		"a negative offset":        func(e *archive.Entry) { e.Offset = -1 },
		"a size that overflows":    func(e *archive.Entry) { e.Size = 1<<63 - 1 },
		"a negative size":          func(e *archive.Entry) { e.Size = -1 },
		"the bytes of a neighbour": func(e *archive.Entry) { e.Offset-- },
	} {
		t.Run(name, func(t *testing.T) {
			e := entry
			change(&e)
			if raw, err := m.Object(e); !errors.Is(err, engine.ErrCorrupt) || !strings.Contains(err.Error(), "configmaps/app/a") {
				t.Errorf("Object() = %q, %v, want ErrCorrupt naming the object", raw, err)
			}
		})
	}
}

func TestPaths(t *testing.T) {
	long := strings.Repeat("n", 201)
	tests := map[string]struct {
		entry archive.Entry
		want  string
	}{
		"a namespaced object of the core": {configMap("app", "a"), "resources/configmaps/namespaces/app/a.json"},
		"a cluster-scoped object of a group": {
			clusterRole("system:node"), "resources/clusterroles.rbac.authorization.k8s.io/cluster/system:node.json",
		},
		"a name of 200 bytes": {configMap("app", long[:200]), "resources/configmaps/namespaces/app/" + long[:200] + ".json"},
		"a name of 201 bytes": {
			configMap("app", long),
			"resources/configmaps/namespaces/app/" + long[:167] + "~291c4194382c6bd5c12b872660b0fb6d.json",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tc.entry.Path(); got != tc.want {
				t.Errorf("Path() = %s, want %s", got, tc.want)
			}
		})
	}
}

func TestDifferentNamesHaveDifferentPaths(t *testing.T) {
	long := strings.Repeat("n", 250)
	cut := clusterRole(long + "a")
	path := cut.Path()
	imitation := strings.TrimSuffix(path[strings.LastIndexByte(path, '/')+1:], ".json")
	seen := map[string]string{}
	for _, name := range []string{
		long, long + "a", long + "b", long[:200], imitation, "a~" + strings.Repeat("0", 32), "a", "A",
		strings.Repeat("ü", 120), strings.Repeat("ü", 121), strings.Repeat("ü", 119) + "u",
	} {
		e := clusterRole(name)
		p := e.Path()
		if other, ok := seen[p]; ok {
			t.Errorf("%q and %q share the path %s", name, other, p)
		}
		seen[p] = name
		if !utf8.ValidString(p) {
			t.Errorf("%q has a path that is no UTF-8: %q", name, p)
		}
		if base := p[strings.LastIndexByte(p, '/')+1:]; len(base) > 205 {
			t.Errorf("%q has a path of %d bytes", name, len(base))
		}
	}
}

func TestText(t *testing.T) {
	long := strings.Repeat("ü", 5000)
	for in, want := range map[string]string{
		"plain\tand\nlines": "plain\tand\nlines",
		"\x1b[2Jclear":      "\uFFFD[2Jclear",
		"cut \xff":          "cut \uFFFD",
		long:                strings.Repeat("ü", 2046) + "…",
	} {
		if got := archive.Text(in); got != want {
			t.Errorf("Text(%.20q) = %.20q of %d bytes, want %d", in, got, len(got), len(want))
		}
	}
}
