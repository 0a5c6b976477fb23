// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"context"
	"crypto/ed25519"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/archive"
)

// golden is a store of format 1 as a version of Ark wrote it once. It is never
// to be written again: whatever becomes of this package, it must stay readable.
const golden = "testdata/format-1"

var writeGolden = flag.Bool("write-golden", false, "write a new golden store to "+golden+"; only for a new format")

// goldenObjects are what the golden backup holds.
func goldenObjects() []object {
	var objects []object
	for i := range 40 {
		e := configMap("app", fmt.Sprintf("settings-%d", i))
		e.UID, e.Labels = clusterUID, map[string]string{"app": "web"}
		objects = append(objects, object{e, fmt.Appendf(nil, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings-%d","namespace":"app"}}`, i)})
	}
	role := clusterRole("system:node")
	role.Needs = []archive.Ref{{Resource: "namespaces", Name: "app"}}
	long := configMap("app", strings.Repeat("n", 253))
	return append(objects, object{role, []byte(`{"kind":"ClusterRole"}`)}, object{long, []byte(`{"kind":"ConfigMap"}`)})
}

func goldenNote() archive.Entry {
	e := configMap("app", "left-out")
	e.Excluded, e.Codes = true, []string{"opt-out"}
	return e
}

// directory is a store of plain files.
type directory string

func (d directory) Create(_ context.Context, key string) (io.WriteCloser, error) {
	name := filepath.Join(string(d), key)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	return os.Create(name)
}

func (d directory) Open(_ context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	f, err := os.Open(filepath.Join(string(d), key))
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.NewSectionReader(f, offset, length), f}, nil
}

func (d directory) read(t *testing.T, key string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(string(d), key))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (d directory) write(t *testing.T, key string, b []byte) archive.File {
	t.Helper()
	f, err := archive.NewFile(t.Context(), d, key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	file, err := f.Close()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// goldenMarker is the marker of the golden backup but for its files.
func goldenMarker() *archive.Marker {
	m := marker()
	m.Files = nil
	return m
}

func TestWriteGolden(t *testing.T) {
	if !*writeGolden {
		t.Skip("the golden store is written once")
	}
	store := directory(golden)
	out := written{}
	w := archive.NewWriter(&out.contents, &out.index, mtime)
	m := w.NewMember()
	for i, o := range goldenObjects() {
		if err := m.Add(o.entry, o.raw); err != nil {
			t.Fatal(err)
		}
		if i%20 == 0 {
			if err := m.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, err := range []error{m.Flush(), w.Note(goldenNote()), w.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	mk := goldenMarker()
	key := func(file string) string { return archive.FileKey(clusterUID, mk.Name, mk.Attempt, file) }
	mk.Files = map[string]archive.File{
		archive.ContentsFile: store.write(t, key(archive.ContentsFile), out.contents.Bytes()),
		archive.IndexFile:    store.write(t, key(archive.IndexFile), out.index.Bytes()),
	}
	_, private := keys(1)
	encode := func(key string) func([]byte, error) {
		return func(b []byte, err error) {
			if err != nil {
				t.Fatal(err)
			}
			store.write(t, key, b)
		}
	}
	encode(archive.MarkerKey(clusterUID, mk.Name))(archive.EncodeMarker(mk, private))
	encode(archive.IdentityKey)(archive.EncodeIdentity(identity()))
	r := record()
	r.Name, r.Seq = mk.Name, 1
	encode(archive.RecordKey(clusterUID, mk.Name, 1))(archive.EncodeRecord(r))
	encode(archive.RestoreKey(clusterUID, "back", clusterUID, archive.RestoreFile))(archive.EncodeRestore(restoreSummary()))
	writeSigned(t, store)
}

// goldenSigned are a record and the record of a restore that are signed, as later versions
// of the same format have them.
func goldenSigned() (*archive.Record, *archive.RestoreSummary) {
	r, s := record(), restoreSummary()
	r.Name, r.Seq, r.Previous = marker().Name, 2, "sha256:"+digest
	s.Name = "signed"
	return r, s
}

func writeSigned(t *testing.T, store directory) {
	t.Helper()
	_, private := keys(1)
	r, s := goldenSigned()
	b, err := archive.EncodeRecord(r, private)
	if err != nil {
		t.Fatal(err)
	}
	store.write(t, archive.RecordKey(clusterUID, r.Name, r.Seq), b)
	if b, err = archive.EncodeRestore(s, private); err != nil {
		t.Fatal(err)
	}
	store.write(t, archive.RestoreKey(clusterUID, s.Name, s.UID, archive.RestoreFile), b)
}

func TestGoldenSignaturesStayGood(t *testing.T) {
	store := directory(golden)
	public, _ := keys(1)
	trusted := []ed25519.PublicKey{public}
	wantRecord, wantRestore := goldenSigned()
	r, seal, err := archive.DecodeRecord(store.read(t, archive.RecordKey(clusterUID, wantRecord.Name, 2)))
	if diff := cmp.Diff(wantRecord, r); err != nil || diff != "" || seal.Verify(trusted) != archive.Verified {
		t.Errorf("record: %v, mismatch (-want +got):\n%s", err, diff)
	}
	s, seal, err := archive.DecodeRestore(store.read(t, archive.RestoreKey(clusterUID, "signed", wantRestore.UID, archive.RestoreFile)))
	if diff := cmp.Diff(wantRestore, s); err != nil || diff != "" || seal.Verify(trusted) != archive.Verified {
		t.Errorf("restore: %v, mismatch (-want +got):\n%s", err, diff)
	}
}

func TestGoldenStoreStaysReadable(t *testing.T) {
	store := directory(golden)
	m, env, err := archive.DecodeMarker(store.read(t, archive.MarkerKey(clusterUID, marker().Name)))
	if err != nil {
		t.Fatal(err)
	}
	files := m.Files
	m.Files = nil
	if diff := cmp.Diff(goldenMarker(), m); diff != "" {
		t.Errorf("marker mismatch (-want +got):\n%s", diff)
	}
	public, _ := keys(1)
	if got := archive.Verify(env, []ed25519.PublicKey{public}); got != archive.Verified {
		t.Errorf("Verify() = %s", got)
	}
	id, err := archive.DecodeIdentity(store.read(t, archive.IdentityKey))
	if diff := cmp.Diff(identity(), id); err != nil || diff != "" {
		t.Errorf("identity: %v, mismatch (-want +got):\n%s", err, diff)
	}
	want := record()
	want.Name, want.Seq = m.Name, 1
	r, _, err := archive.DecodeRecord(store.read(t, archive.RecordKey(clusterUID, m.Name, 1)))
	if diff := cmp.Diff(want, r); err != nil || diff != "" {
		t.Errorf("record: %v, mismatch (-want +got):\n%s", err, diff)
	}
	s, _, err := archive.DecodeRestore(store.read(t, archive.RestoreKey(clusterUID, "back", clusterUID, archive.RestoreFile)))
	if diff := cmp.Diff(restoreSummary(), s); err != nil || diff != "" {
		t.Errorf("restore: %v, mismatch (-want +got):\n%s", err, diff)
	}
	checkGoldenObjects(t, store, m, files)
}

// checkGoldenObjects compares the contents, line by line of the index.
func checkGoldenObjects(t *testing.T, store directory, m *archive.Marker, files map[string]archive.File) {
	t.Helper()
	contents := archive.OpenContents(store, archive.FileKey(clusterUID, m.Name, m.Attempt, archive.ContentsFile), files[archive.ContentsFile])
	want := map[string]string{}
	for _, o := range goldenObjects() {
		want[o.entry.Path()] = string(o.raw)
	}
	got := map[string]string{}
	for _, e := range entries(t, store.read(t, archive.FileKey(clusterUID, m.Name, m.Attempt, archive.IndexFile))) {
		if e.Excluded {
			if diff := cmp.Diff(goldenNote(), e); diff != "" {
				t.Errorf("note mismatch (-want +got):\n%s", diff)
			}
			continue
		}
		member, err := contents.Member(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := member.Object(e)
		if err != nil {
			t.Fatal(err)
		}
		got[e.Path()] = string(raw)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects mismatch (-want +got):\n%s", diff)
	}
}
