// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// memory is a store of one blob.
type memory struct {
	data []byte
	err  error
}

// Open implements archive.Opener.
func (m *memory) Open(_ context.Context, _ string, offset, length int64) (io.ReadCloser, error) {
	if m.err != nil {
		return nil, m.err
	}
	if length < 0 {
		length = int64(len(m.data)) - offset
	}
	return io.NopCloser(bytes.NewReader(m.data[offset : offset+length])), nil
}

// file describes the blob as a marker does.
func (m *memory) file() archive.File {
	sum := sha256.Sum256(m.data)
	return archive.File{Size: int64(len(m.data)), SHA256: hex.EncodeToString(sum[:])}
}

// shelf is a store of several blobs.
type shelf map[string]*memory

// Open implements archive.Opener.
func (s shelf) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	return s[key].Open(ctx, key, offset, length)
}

// backup archives all objects of a cluster, as a backup does. The edits change
// index lines on their way.
func backup(t *testing.T, c *fakeCluster, edits ...func(*archive.Entry)) restore.Source {
	t.Helper()
	var contents, index bytes.Buffer
	w := archive.NewWriter(&contents, &index, time.Unix(0, 0))
	keys := make([]engine.Key, 0, len(c.objects))
	for k := range c.objects {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b engine.Key) int { return strings.Compare(a.String(), b.String()) })
	member, n := w.NewMember(), 0
	for _, k := range keys {
		i := slices.IndexFunc(c.types, func(r engine.Resource) bool { return r.GroupResource() == k.GroupResource })
		o := objectOf(c.types[i], c.objects[k])
		e := entryOf(o, c.objects[k])
		for _, edit := range edits {
			edit(&e)
		}
		if e.Excluded {
			must(t, w.Note(e))
			continue
		}
		must(t, member.Add(e, o.Raw))
		if n++; n%3 == 0 { // several members
			must(t, member.Flush())
		}
	}
	must(t, member.Flush())
	must(t, w.Close())
	return sourceOf(t, w, &contents, &index, c.types)
}

// sourceOf opens what w wrote, with the directory of the index.
func sourceOf(t *testing.T, w *archive.Writer, contents, index *bytes.Buffer, types []engine.Resource) restore.Source {
	t.Helper()
	var directory bytes.Buffer
	must(t, w.WriteDirectory(&directory))
	store := &memory{data: contents.Bytes()}
	return restore.Source{
		Types:    types,
		Index:    indexOf(t, index.Bytes(), directory.Bytes()),
		Contents: archive.OpenContents(store, archive.ContentsFile, store.file()),
	}
}

// indexOf opens an index with its directory, of which plans read what they need.
func indexOf(t *testing.T, index, directory []byte) *archive.Index {
	t.Helper()
	store := shelf{archive.IndexFile: {data: index}, archive.DirectoryFile: {data: directory}}
	x, err := archive.OpenIndex(t.Context(), store, "", map[string]archive.File{
		archive.IndexFile: store[archive.IndexFile].file(), archive.DirectoryFile: store[archive.DirectoryFile].file(),
	})
	must(t, err)
	return x
}

func entryOf(o engine.Object, m transform.Manifest) archive.Entry {
	e := archive.Entry{
		Group: o.Resource.Group, Version: o.Resource.Version, Resource: o.Resource.Name, Kind: o.Resource.Kind,
		Namespaced: o.Resource.Namespaced, Namespace: o.Meta.Namespace, Name: o.Meta.Name, UID: o.Meta.UID,
		Labels: o.Meta.Labels, Annotations: o.Meta.Annotations, Owners: o.Meta.OwnerReferences,
	}
	if volume := transform.Text(m, "spec", "volumeName"); volume != "" {
		e.Needs = append(e.Needs, archive.Ref{Resource: "persistentvolumes", Name: volume})
	}
	subjects, _ := m["subjects"].([]any)
	for _, s := range subjects {
		s := s.(transform.Manifest)
		e.Needs = append(e.Needs, archive.Ref{
			Resource: "serviceaccounts", Namespace: transform.Text(s, "namespace"), Name: transform.Text(s, "name"),
		})
	}
	if role := transform.Text(m, "roleRef", "name"); role != "" && transform.Text(m, "roleRef", "kind") == "ClusterRole" {
		e.Needs = append(e.Needs, archive.Ref{Group: "rbac.authorization.k8s.io", Resource: "clusterroles", Name: role})
	}
	return e
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func groupResource(s string) schema.GroupResource {
	resource, group, _ := strings.Cut(s, ".")
	return schema.GroupResource{Group: group, Resource: resource}
}
