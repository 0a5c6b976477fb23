// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/gopherwood/ark/engine"
)

// check is one promise of the contract.
type check func(t *testing.T, s engine.Store)

// Run holds the stores that open returns to the contract of engine.Store, that
// they tell of a key that exists included. Every call of open gives an empty one.
func Run(t *testing.T, open func(t *testing.T) engine.Store) {
	t.Helper()
	for _, checks := range []map[string]check{reading, writing, deleting, listing, refusing} {
		for name, c := range checks {
			t.Run(name, func(t *testing.T) { c(t, open(t)) })
		}
	}
}

// parallel is how many requests the checks make at a time: as many as a backup.
const parallel = 16

// put writes a blob.
func put(ctx context.Context, s engine.Store, key string, content []byte) error {
	w, err := s.Create(ctx, key)
	if err != nil {
		return err
	}
	if _, err := w.Write(content); err != nil {
		return errors.Join(err, w.Close())
	}
	return w.Close()
}

// Put writes a blob, as somebody does who can write into the bucket behind Ark's back.
func Put(t testing.TB, s engine.Store, key, content string) {
	t.Helper()
	if err := put(t.Context(), s, key, []byte(content)); err != nil {
		t.Fatal(err)
	}
}

// mustPut writes a blob for each key, with the key as content.
func mustPut(t *testing.T, s engine.Store, keys ...string) {
	t.Helper()
	g, ctx := errgroup.WithContext(t.Context())
	g.SetLimit(parallel)
	for _, key := range keys {
		g.Go(func() error { return put(ctx, s, key, []byte(key)) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// get reads a part of a blob.
func get(ctx context.Context, s engine.Store, key string, offset, length int64) ([]byte, error) {
	r, err := s.Open(ctx, key, offset, length)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(r)
	return content, errors.Join(err, r.Close())
}

// keys lists.
func keys(ctx context.Context, s engine.Store, prefix string, folders bool) ([]string, error) {
	var found []string
	for b, err := range s.List(ctx, prefix, folders) {
		if err != nil {
			return found, err
		}
		found = append(found, b.Key)
	}
	return found, nil
}

// wantKeys checks what a listing holds, and its order.
func wantKeys(t *testing.T, s engine.Store, prefix string, folders bool, want ...string) {
	t.Helper()
	got, err := keys(t.Context(), s, prefix, folders)
	if err != nil {
		t.Errorf("List(%q): %v", prefix, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("List(%q, folders %v) (-want +got):\n%s", prefix, folders, diff)
	}
}

// wantContent checks what a blob holds.
func wantContent(t *testing.T, s engine.Store, key string, want []byte) {
	t.Helper()
	got, err := get(t.Context(), s, key, 0, -1)
	if err != nil {
		t.Errorf("Open(%q): %v", key, err)
	} else if !bytes.Equal(got, want) {
		t.Errorf("Open(%q) gives %d bytes %.40q, want %d bytes %.40q", key, len(got), got, len(want), want)
	}
}

// wantError checks that err is of a kind.
func wantError(t *testing.T, doing string, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: error %v, want %v", doing, err, kind)
	}
}

// numbered returns n keys in order.
func numbered(prefix string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%s%05d", prefix, i)
	}
	return all
}
