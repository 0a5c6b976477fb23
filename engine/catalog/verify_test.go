// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// zipped is text as a gzip member.
func zipped(t *testing.T, text string) string {
	t.Helper()
	var buf bytes.Buffer
	gz := gzip.NewWriter(&buf)
	if _, err := io.WriteString(gz, text); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

// unzipped is the text of gzip members.
func unzipped(t *testing.T, members string) string {
	t.Helper()
	gz, err := gzip.NewReader(strings.NewReader(members))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(gz)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tarEntry is a tarball's entry, without the end of a tarball.
func tarEntry(t *testing.T, name, content string) string {
	t.Helper()
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	if err := tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(content)), Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(tw, content); err != nil {
		t.Fatal(err)
	}
	if err := tw.Flush(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func TestVerifyObjectsFindsWhatTheIndexDoesNotName(t *testing.T) {
	var contents, index bytes.Buffer
	w := archive.NewWriter(&contents, &index, start)
	m := w.NewMember()
	for _, name := range []string{"one", "two"} {
		e := archive.Entry{Version: "v1", Resource: "configmaps", Kind: "ConfigMap", Namespaced: true, Namespace: "app", Name: name}
		if err := m.Add(e, []byte(`{"name":"`+name+`"}`)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(m.Flush(), w.Close()); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(unzipped(t, index.String()), "\n")
	stranger := zipped(t, tarEntry(t, "resources/secrets/namespaces/app/stranger.json", `{}`))
	// The object's member comes first, and one with the end of the tarball behind it.
	second := strings.LastIndex(contents.String(), contents.String()[:4])
	for name, tc := range map[string]struct {
		contents, index, results, decisions string
		objects                             int64
		says                                string
	}{
		"nothing":                                 {objects: 2},
		"results and decisions that can be read":  {objects: 2, results: zipped(t, `{}`), decisions: zipped(t, "{}\n{}\n")},
		"an entry of a member without a line":     {objects: 1, index: zipped(t, lines[0]), says: `has "resources/`},
		"a gzip member without a line at the end": {objects: 2, contents: contents.String() + stranger, says: "more or other than the format"},
		"a gzip member without a line before the end": {
			objects: 2, contents: contents.String()[:second] + stranger + contents.String()[second:], says: "more or other than the format",
		},
		"no end":                   {objects: 2, contents: contents.String()[:second], says: "read end of contents"},
		"results of another kind":  {objects: 2, results: zipped(t, `{"warnings":1}`), says: "read results"},
		"decisions that are none":  {objects: 2, decisions: zipped(t, "{}\nnone\n"), says: "read decisions: line 2"},
		"decisions that are cut":   {objects: 2, decisions: zipped(t, "{}\n{}\n")[:20], says: "read decisions"},
		"results that are no gzip": {objects: 2, results: "none", says: "read results"},
	} {
		t.Run(name, func(t *testing.T) {
			store := newMemory()
			c := attach(t, store, store.clock)
			a, err := c.NewAttempt(clusterA, "app.nightly-20260517030405", "one")
			if err != nil {
				t.Fatal(err)
			}
			for file, content := range map[string]string{
				archive.ContentsFile: cmp.Or(tc.contents, contents.String()), archive.IndexFile: cmp.Or(tc.index, index.String()),
				archive.ResultsFile: tc.results, archive.DecisionsFile: tc.decisions,
			} {
				if content == "" {
					continue
				}
				if err := writeFile(t.Context(), a, file, content); err != nil {
					t.Fatal(err)
				}
			}
			mark := marker()
			mark.Objects.Included = tc.objects
			s, err := a.Commit(t.Context(), mark)
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.VerifyObjects(t.Context(), s, func(int64) {})
			if tc.says == "" && (err != nil || got != tc.objects) {
				t.Errorf("VerifyObjects() = %d, %v, want %d", got, err, tc.objects)
			}
			if tc.says != "" && (!errors.Is(err, engine.ErrCorrupt) || !strings.Contains(err.Error(), tc.says)) {
				t.Errorf("VerifyObjects() error = %v, want it to say %q", err, tc.says)
			}
		})
	}
}

func TestVerifyObjectsOfSeveralWorkers(t *testing.T) {
	store := newMemory()
	c := attach(t, store, store.clock)
	a, err := c.NewAttempt(clusterA, "app.nightly-20260517030405", "one")
	if err != nil {
		t.Fatal(err)
	}
	var contents, index, directory bytes.Buffer
	w := archive.NewWriter(&contents, &index, start)
	workers := []*archive.Member{w.NewMember(), w.NewMember(), w.NewMember()}
	noise := rand.NewChaCha8([32]byte{1})
	mark := marker()
	for i := range 300 {
		e := archive.Entry{
			Version: "v1", Resource: "configmaps", Kind: "ConfigMap", Namespaced: true, Namespace: "app",
			Name: fmt.Sprintf("%03d-%s", i, strings.Repeat("n", i%200)),
		}
		if i%10 == 0 {
			e.Codes = []string{"opted-out"}
			if err := w.Note(e); err != nil {
				t.Fatal(err)
			}
			mark.Objects.Excluded++
			continue
		}
		raw := bytes.Repeat([]byte("{}"), 1000*(i%40))
		if i%3 == 0 {
			_, _ = noise.Read(raw) // it never fails
		}
		if err := workers[i%len(workers)].Add(e, raw); err != nil {
			t.Fatal(err)
		}
		mark.Objects.Included++
	}
	for _, m := range workers {
		if err := m.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), w.WriteDirectory(&directory)); err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string]string{
		archive.ContentsFile: contents.String(), archive.IndexFile: index.String(), archive.DirectoryFile: directory.String(),
	} {
		if err := writeFile(t.Context(), a, file, content); err != nil {
			t.Fatal(err)
		}
	}
	s, err := a.Commit(t.Context(), mark)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.VerifyObjects(t.Context(), s, func(int64) {}); err != nil || got != mark.Objects.Included {
		t.Errorf("VerifyObjects() = %d, %v, want %d", got, err, mark.Objects.Included)
	}
}
