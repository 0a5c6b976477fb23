// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore_test

import (
	"crypto/rand"
	"path/filepath"
	"testing"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
)

func TestConformance(t *testing.T) {
	for name, open := range map[string]func(*testing.T, string) *blobstore.Store{"memory": memory, "directory": directory} {
		for _, prefix := range []string{"", "team-a/ark"} {
			t.Run(name+" with prefix "+prefix, func(t *testing.T) {
				storetest.Run(t, func(t *testing.T) engine.Store { t.Helper(); return open(t, prefix) })
			})
		}
	}
	t.Run("memory with faults at hand", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) engine.Store { t.Helper(); return storetest.NewFaulty(memory(t, "")) })
	})
}

// open opens a location, which must succeed.
func open(t *testing.T, loc blobstore.Location, opts blobstore.Options) *blobstore.Store {
	t.Helper()
	s, err := blobstore.Open(t.Context(), loc, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// memory opens a bucket of its own for each test.
func memory(t *testing.T, prefix string) *blobstore.Store {
	t.Helper()
	return open(t, blobstore.Location{Name: "main", URL: "mem://" + rand.Text(), Prefix: prefix}, blobstore.Options{})
}

// directory opens a directory of its own for each test.
func directory(t *testing.T, prefix string) *blobstore.Store {
	t.Helper()
	root := t.TempDir()
	loc := blobstore.Location{Name: "main", URL: "file://" + filepath.Join(root, "new", "bucket"), Prefix: prefix}
	return open(t, loc, blobstore.Options{FileRoot: root})
}
