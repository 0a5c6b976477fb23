// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/gopherwood/ark/engine"
)

var reading = map[string]check{
	"a blob is read as it was written": func(t *testing.T, s engine.Store) {
		mustPut(t, s, "a/b")
		wantContent(t, s, "a/b", []byte("a/b"))
	},
	"an empty blob is a blob": func(t *testing.T, s engine.Store) {
		if err := put(t.Context(), s, "empty", nil); err != nil {
			t.Fatal(err)
		}
		wantContent(t, s, "empty", nil)
		wantKeys(t, s, "", false, "empty")
	},
	"a blob of 8 MiB is read as it was written": func(t *testing.T, s engine.Store) {
		large := bytes.Repeat([]byte("0123456789abcde\n"), 8<<20/16)
		if err := put(t.Context(), s, "large", large); err != nil {
			t.Fatal(err)
		}
		wantContent(t, s, "large", large)
		middle, err := get(t.Context(), s, "large", 5<<20, 32)
		if err != nil || !bytes.Equal(middle, large[:32]) {
			t.Errorf("a range in the middle is %q, %v", middle, err)
		}
	},
	"a missing blob is not found": func(t *testing.T, s engine.Store) {
		mustPut(t, s, "folder/blob")
		for _, key := range []string{"none", "folder", "folder/none", "folder/blob/none"} {
			_, err := get(t.Context(), s, key, 0, -1)
			wantError(t, "Open "+key, err, engine.ErrNotFound)
		}
	},
	"a range is a part of the blob": checkRanges,
	"nothing is read once the context ended": func(t *testing.T, s engine.Store) {
		mustPut(t, s, "a")
		ctx, cancel := context.WithCancel(t.Context())
		r, err := s.Open(ctx, "a", 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		_, err = r.Read(make([]byte, 1))
		wantError(t, "Read", err, context.Canceled)
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		_, err = s.Open(ctx, "a", 0, -1)
		wantError(t, "Open", err, context.Canceled)
	},
}

func checkRanges(t *testing.T, s engine.Store) {
	if err := put(t.Context(), s, "digits", []byte("0123456789")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		offset, length int64
		want           string
	}{
		"all":                      {0, -1, "0123456789"},
		"to the end":               {7, -1, "789"},
		"the beginning":            {0, 3, "012"},
		"one byte":                 {4, 1, "4"},
		"no byte":                  {4, 0, ""},
		"past the end":             {8, 100, "89"},
		"from the end on":          {10, -1, ""},
		"from behind the end on":   {11, -1, ""},
		"a length behind the end":  {11, 5, ""},
		"a length far behind it":   {1 << 40, 5, ""},
		"the largest length":       {5, 1<<63 - 1, "56789"},
		"another negative length":  {9, -7, "9"},
		"exactly all of its bytes": {0, 10, "0123456789"},
	} {
		got, err := get(t.Context(), s, "digits", c.offset, c.length)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: Open(offset %d, length %d) gives %q, %v, want %q", name, c.offset, c.length, got, err, c.want)
		}
	}
	if _, err := get(t.Context(), s, "digits", -1, 1); err == nil {
		t.Error("a negative offset is accepted")
	}
}

var writing = map[string]check{
	"a second blob of a key changes nothing and is told of the first": func(t *testing.T, s engine.Store) {
		mustPut(t, s, "a/b")
		wantError(t, "second Create", put(t.Context(), s, "a/b", []byte("other")), engine.ErrExists)
		wantContent(t, s, "a/b", []byte("a/b"))
	},
	"of many who write one key at most one is told that it did": checkWriters,
	"writers of one folder do not disturb each other": func(t *testing.T, s engine.Store) {
		all := numbered("deep/er/and/deeper/", 64)
		mustPut(t, s, all...)
		wantKeys(t, s, "", false, all...)
	},
	"a blob that is not closed does not exist": func(t *testing.T, s engine.Store) {
		w, err := s.Create(t.Context(), "a/b")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte("half")); err != nil {
			t.Fatal(err)
		}
		_, err = get(t.Context(), s, "a/b", 0, -1)
		wantError(t, "Open", err, engine.ErrNotFound)
		wantKeys(t, s, "", false)
		wantKeys(t, s, "", true)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		wantContent(t, s, "a/b", []byte("half"))
	},
	"a blob whose context ended before Close never exists": func(t *testing.T, s engine.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		w, err := s.Create(ctx, "a/b")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := w.Write([]byte("more")); err == nil {
			t.Error("Write after the end of the context succeeded")
		}
		wantError(t, "Close", w.Close(), context.Canceled)
		_, err = get(t.Context(), s, "a/b", 0, -1)
		wantError(t, "Open", err, engine.ErrNotFound)
		wantKeys(t, s, "", false)
		mustPut(t, s, "a/b") // nor is the key taken
	},
	"nothing is begun once the context ended": func(t *testing.T, s engine.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.Create(ctx, "a")
		wantError(t, "Create", err, context.Canceled)
		wantError(t, "Delete", s.Delete(ctx, "a"), context.Canceled)
	},
	"the longest names and all characters of a key are taken as they are": func(t *testing.T, s engine.Store) {
		name := strings.Repeat("n", 255)
		all := []string{
			"ABC.xyz_0-9~", "a~", "a~deadbeef.json", "f/" + name, name + "/" + name + "/" + name + "/x", "x/..y", "x/.y", "x/y..",
		}
		mustPut(t, s, all...)
		for _, key := range all {
			wantContent(t, s, key, []byte(key))
		}
		wantKeys(t, s, "", false, all...)
	},
}

// checkWriters lets many write one key: one wins, and its content stays.
func checkWriters(t *testing.T, s engine.Store) {
	var winners, told atomic.Int32
	var winner atomic.Pointer[string]
	g, ctx := errgroup.WithContext(t.Context())
	for i := range parallel {
		g.Go(func() error {
			content := fmt.Sprintf("writer %d", i)
			err := put(ctx, s, "commit", []byte(content))
			switch {
			case err == nil:
				winners.Add(1)
				winner.Store(&content)
			case errors.Is(err, engine.ErrExists):
				told.Add(1)
			default:
				return err
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if winners.Load() != 1 || told.Load() != parallel-1 {
		t.Fatalf("%d writers succeeded and %d were told ErrExists, want 1 and %d", winners.Load(), told.Load(), parallel-1)
	}
	wantContent(t, s, "commit", []byte(*winner.Load()))
}

var deleting = map[string]check{
	"a deleted blob is gone and its key free": func(t *testing.T, s engine.Store) {
		mustPut(t, s, "a/b", "a/c")
		if err := s.Delete(t.Context(), "a/b"); err != nil {
			t.Fatal(err)
		}
		_, err := get(t.Context(), s, "a/b", 0, -1)
		wantError(t, "Open", err, engine.ErrNotFound)
		wantKeys(t, s, "", false, "a/c")
		mustPut(t, s, "a/b")
	},
	"deleting what does not exist is no error": func(t *testing.T, s engine.Store) {
		mustPut(t, s, "folder/blob")
		for _, key := range []string{"none", "none/none", "folder", "folder/none", "folder/blob/none"} {
			if err := s.Delete(t.Context(), key); err != nil {
				t.Errorf("Delete(%q): %v", key, err)
			}
		}
		wantKeys(t, s, "", false, "folder/blob")
	},
	"a folder goes with its last blob": func(t *testing.T, s engine.Store) {
		mustPut(t, s, "a/b/c/d", "a/e")
		if err := s.Delete(t.Context(), "a/b/c/d"); err != nil {
			t.Fatal(err)
		}
		wantKeys(t, s, "a/", true, "a/e")
	},
	"folders come and go while others write into them": func(t *testing.T, s engine.Store) {
		g, ctx := errgroup.WithContext(t.Context())
		for i := range parallel {
			g.Go(func() error {
				key := fmt.Sprintf("come/and/go/%d", i)
				for range 10 {
					if err := errors.Join(put(ctx, s, key, nil), s.Delete(ctx, key)); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		wantKeys(t, s, "", true)
	},
}
