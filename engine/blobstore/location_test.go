// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/blobstore"
)

func TestOpenRefuses(t *testing.T) {
	root := t.TempDir()
	outside := t.TempDir()
	for name, target := range map[string]string{"escape": outside, "nowhere": filepath.Join(root, "none")} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	files := blobstore.Options{FileRoot: root}
	for name, c := range map[string]struct {
		url, prefix string
		readOnly    bool
		opts        blobstore.Options
		want        string
	}{
		"an unknown scheme":                     {url: "ftp://host/dir", want: `scheme "ftp" of the url is unknown: use one of file, mem`},
		"no scheme":                             {url: "/srv/backups", want: `scheme "" of the url is unknown`},
		"a scheme of a later version":           {url: "s3://bucket?region=eu", want: "scheme s3 is not supported by this version: use file:///directory"},
		"a url that is none":                    {url: "file://%zz:hunter2@host", want: "the url cannot be read"},
		"a password":                            {url: "file://me:hunter2@host/dir", want: "credentialsSecretName"},
		"a fragment":                            {url: "mem://a#hunter2", want: "no # in it"},
		"a path without slashes":                {url: "file:dir", want: "write file://"},
		"a parameter":                           {url: "file:///dir?metadata=skip&base_url=hunter2", opts: files, want: `parameter "base_url" of the url is not allowed: scheme file takes no parameters`},
		"parameters that cannot be read":        {url: "mem://a?x=%zz", want: "remove what follows the ?"},
		"a host before a directory":             {url: "file://srv/backups", opts: files, want: "with three slashes"},
		"no directory":                          {url: "file://", opts: files, want: "with three slashes"},
		"a directory without a root":            {url: "file:///srv", want: "start Ark with --file-store-root"},
		"a directory with a missing root":       {url: "file:///srv", opts: blobstore.Options{FileRoot: root + "/none"}, want: "that --file-store-root names"},
		"a directory outside the root":          {url: "file://" + outside, opts: files, want: "the flag --file-store-root"},
		"a directory beside the root":           {url: "file://" + root + "-2", opts: files, want: "the flag --file-store-root"},
		"a way out of the root":                 {url: "file://" + root + "/../" + filepath.Base(outside) + "x", opts: files, want: "the flag --file-store-root"},
		"a link out of the root":                {url: "file://" + root + "/escape/dir", opts: files, want: "the flag --file-store-root"},
		"a link that leads nowhere":             {url: "file://" + root + "/nowhere", opts: files, want: "leads nowhere"},
		"a file in place of a directory":        {url: "file://" + root + "/file", opts: files, want: "is a file: change the url"},
		"a missing directory that is only read": {url: "file://" + root + "/missing", readOnly: true, opts: files, want: "does not exist: create or mount it"},
		"credentials for a directory": {url: "file://" + root, want: "remove credentialsSecretName",
			opts: blobstore.Options{FileRoot: root, Credentials: map[string][]byte{"key": []byte("hunter2")}}},
		"certificates for memory": {url: "mem://a", want: "remove caSecretName", opts: blobstore.Options{CA: []byte("hunter2")}},
		"memory without a name":   {url: "mem://", want: "write mem://name"},
		"memory with a path":      {url: "mem://a/b", want: "write mem://name"},
		"a prefix that is no key": {url: "mem://a", prefix: "/a", want: "check prefix"},
		"a prefix that leads out": {url: "file://" + root, prefix: "../x", opts: files, want: "check prefix"},
	} {
		t.Run(name, func(t *testing.T) {
			loc := blobstore.Location{Name: "main", URL: c.url, Prefix: c.prefix, ReadOnly: c.readOnly}
			_, err := blobstore.Open(t.Context(), loc, c.opts)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `"main"`) {
				t.Fatalf("error %v, want one about %q", err, c.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func TestOpenFollowsLinksWithinTheRoot(t *testing.T) {
	real := t.TempDir()
	root := filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.Symlink(real, root), os.Symlink(filepath.Join(real, "b"), filepath.Join(real, "a")),
		os.Mkdir(filepath.Join(real, "b"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"file://" + root + "/a", "file://" + real + "/b", "file://" + root + "/./x/../b/"} {
		s := open(t, blobstore.Location{Name: "main", URL: url}, blobstore.Options{FileRoot: root})
		w, err := s.Create(t.Context(), "blob")
		if err == nil {
			err = w.Close()
		}
		if err != nil && !errors.Is(err, engine.ErrExists) {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(real, "b", "blob")); err != nil {
		t.Error(err)
	}
}

func TestMemoryOfOneNameIsOneBucket(t *testing.T) {
	loc := blobstore.Location{Name: "main", URL: "mem://" + t.Name()}
	w, err := open(t, loc, blobstore.Options{}).Create(t.Context(), "a")
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	loc.ReadOnly = true
	again := open(t, loc, blobstore.Options{})
	if r, err := again.Open(t.Context(), "a", 0, -1); err != nil {
		t.Error(err)
	} else if err := r.Close(); err != nil {
		t.Error(err)
	}
	loc.Prefix = "a"
	for b, err := range open(t, loc, blobstore.Options{}).List(t.Context(), "", false) {
		t.Errorf("below prefix a lies %v, %v", b, err)
	}
}

func TestAReadOnlyLocationIsNeverWritten(t *testing.T) {
	root := t.TempDir()
	s := open(t, blobstore.Location{Name: "main", URL: "file://" + root, ReadOnly: true}, blobstore.Options{FileRoot: root})
	if _, err := s.Create(t.Context(), "a"); !errors.Is(err, engine.ErrReadOnly) {
		t.Errorf("Create: %v", err)
	}
	if err := s.Delete(t.Context(), "a"); !errors.Is(err, engine.ErrReadOnly) {
		t.Errorf("Delete: %v", err)
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) > 0 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
}

func TestAPrefixCountsTowardsTheLengthOfAKey(t *testing.T) {
	s := open(t, blobstore.Location{Name: "main", URL: "mem://" + t.Name(), Prefix: "prefix"}, blobstore.Options{})
	key := strings.Repeat("a/", 510) + "a"
	if _, err := s.Create(t.Context(), key); err == nil || !strings.Contains(err.Error(), "with its prefix") {
		t.Errorf("Create: %v", err)
	}
}

func TestOpenIsNotTiedToItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := blobstore.Open(ctx, blobstore.Location{Name: "main", URL: "mem://" + t.Name()}, blobstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	w, err := s.Create(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}
