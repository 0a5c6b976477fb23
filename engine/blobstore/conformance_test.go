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

// stores opens an empty store of each kind.
var stores = map[string]func(t *testing.T) engine.Store{
	"memory":             func(t *testing.T) engine.Store { return memory(t, "") },
	"memory with prefix": func(t *testing.T) engine.Store { return memory(t, "team-a/ark") },
	"memory with faults at hand": func(t *testing.T) engine.Store {
		return storetest.NewFaulty(memory(t, ""))
	},
	"directory": func(t *testing.T) engine.Store { return directory(t, "") },
	"directory with prefix": func(t *testing.T) engine.Store {
		return directory(t, "team-a/ark")
	},
}

func TestConformance(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) { storetest.Run(t, open) })
	}
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
