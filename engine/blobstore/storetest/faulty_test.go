// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package storetest_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
)

var errBroken = errors.New("broken")

// faulty holds the blob "a/digits" with the content 0123456789.
func faulty(t *testing.T, faults ...storetest.Fault) *storetest.Faulty {
	t.Helper()
	inner, err := blobstore.Open(t.Context(), blobstore.Location{Name: "main", URL: "mem://" + rand.Text()}, blobstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := storetest.NewFaulty(inner)
	if err := write(t.Context(), s, "a/digits", "0123456789"); err != nil {
		t.Fatal(err)
	}
	s.Inject(faults...)
	return s
}

func write(ctx context.Context, s engine.Store, key, content string) error {
	w, err := s.Create(ctx, key)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, content)
	return errors.Join(err, w.Close())
}

func read(ctx context.Context, s engine.Store, key string, offset, length int64) (string, error) {
	r, err := s.Open(ctx, key, offset, length)
	if err != nil {
		return "", err
	}
	content, err := io.ReadAll(r)
	return string(content), errors.Join(err, r.Close())
}

func listed(t *testing.T, s engine.Store) string {
	t.Helper()
	var found []string
	for b, err := range s.List(t.Context(), "", false) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, b.Key)
	}
	return strings.Join(found, " ")
}

func TestFaultsOfWriting(t *testing.T) {
	for name, c := range map[string]struct {
		fault storetest.Fault
		want  error
		list  string
	}{
		"create fails": {storetest.Fault{Op: storetest.OpCreate, Effect: storetest.Fail(errBroken)}, errBroken, "a/digits"},
		"write fails":  {storetest.Fault{Op: storetest.OpWrite, Effect: storetest.Fail(errBroken)}, errBroken, "a/digits"},
		"close fails":  {storetest.Fault{Op: storetest.OpClose, Effect: storetest.Fail(errBroken)}, errBroken, "a/digits"},
		"the answer is lost": {
			storetest.Fault{Op: storetest.OpClose, Effect: storetest.LoseReply(errBroken)}, errBroken, "a/digits new",
		},
		"the blob is lost":  {storetest.Fault{Op: storetest.OpClose, Effect: storetest.Lose()}, nil, "a/digits"},
		"another key":       {storetest.Fault{Op: storetest.OpClose, Key: "x", Effect: storetest.Fail(errBroken)}, nil, "a/digits new"},
		"another time":      {storetest.Fault{Op: storetest.OpClose, Nth: 2, Effect: storetest.Fail(errBroken)}, nil, "a/digits new"},
		"hidden from lists": {storetest.Fault{Op: storetest.OpList, Key: "digits", Effect: storetest.Lose()}, nil, "new"},
	} {
		t.Run(name, func(t *testing.T) {
			s := faulty(t, c.fault)
			if err := write(t.Context(), s, "new", "content"); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if got := listed(t, s); got != c.list {
				t.Errorf("the store holds %q, want %q", got, c.list)
			}
			s.Heal()
			if got := listed(t, s); c.fault.Op == storetest.OpList && got != "a/digits new" {
				t.Errorf("healed, the store lists %q", got)
			}
		})
	}
}

func TestFaultsOfReading(t *testing.T) {
	for name, c := range map[string]struct {
		fault          storetest.Fault
		offset, length int64
		want           string
		err            error
	}{
		"open fails":                  {storetest.Fault{Op: storetest.OpOpen, Effect: storetest.Fail(errBroken)}, 0, -1, "", errBroken},
		"read fails":                  {storetest.Fault{Op: storetest.OpRead, Effect: storetest.Fail(errBroken)}, 0, -1, "", errBroken},
		"cut short":                   {storetest.Fault{Op: storetest.OpOpen, Effect: storetest.CutShort(4)}, 0, -1, "0123", nil},
		"cut short within a range":    {storetest.Fault{Op: storetest.OpOpen, Effect: storetest.CutShort(4)}, 2, 5, "23", nil},
		"cut short before a range":    {storetest.Fault{Op: storetest.OpOpen, Effect: storetest.CutShort(4)}, 6, 2, "", nil},
		"cut short behind a range":    {storetest.Fault{Op: storetest.OpOpen, Effect: storetest.CutShort(9)}, 6, 2, "67", nil},
		"broken off":                  {storetest.Fault{Op: storetest.OpOpen, Effect: storetest.BreakOff(4, errBroken)}, 0, -1, "0123", errBroken},
		"a byte changed":              {storetest.Fault{Op: storetest.OpOpen, Effect: storetest.FlipByte(4)}, 0, -1, "0123\x1456789", nil},
		"a byte changed in a range":   {storetest.Fault{Op: storetest.OpOpen, Effect: storetest.FlipByte(4)}, 3, 3, "3\x145", nil},
		"a byte changed out of range": {storetest.Fault{Op: storetest.OpOpen, Effect: storetest.FlipByte(4)}, 5, 3, "567", nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := read(t.Context(), faulty(t, c.fault), "a/digits", c.offset, c.length)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("read %q, %v, want %q, %v", got, err, c.want, c.err)
			}
		})
	}
}

func TestFaultsOfDeletingAndListing(t *testing.T) {
	s := faulty(t, storetest.Fault{Op: storetest.OpDelete, Nth: 1, Effect: storetest.Fail(errBroken)},
		storetest.Fault{Op: storetest.OpDelete, Nth: 2, Effect: storetest.LoseReply(errBroken)},
		storetest.Fault{Op: storetest.OpList, Key: "x/", Effect: storetest.Fail(errBroken)})
	for b, err := range s.List(t.Context(), "x/y", false) {
		if !errors.Is(err, errBroken) {
			t.Errorf("listed %v, %v", b, err)
		}
	}
	for _, want := range []string{"a/digits", ""} {
		if err := s.Delete(t.Context(), "a/digits"); !errors.Is(err, errBroken) {
			t.Errorf("Delete: %v", err)
		}
		if got := listed(t, s); got != want {
			t.Errorf("the store holds %q, want %q", got, want)
		}
	}
	want := []storetest.Call{
		{Op: storetest.OpCreate, Key: "a/digits"}, {Op: storetest.OpClose, Key: "a/digits"}, {Op: storetest.OpList, Key: "x/y"},
		{Op: storetest.OpDelete, Key: "a/digits"}, {Op: storetest.OpList}, {Op: storetest.OpDelete, Key: "a/digits"}, {Op: storetest.OpList},
	}
	if diff := cmp.Diff(want, s.Calls()); diff != "" {
		t.Error(diff)
	}
}

func TestAStallLastsUntilTheContextEnds(t *testing.T) {
	for _, op := range []storetest.Op{
		storetest.OpCreate, storetest.OpWrite, storetest.OpClose, storetest.OpOpen, storetest.OpRead, storetest.OpList, storetest.OpDelete,
	} {
		t.Run(string(op), func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			s := faulty(t, storetest.Fault{Op: op, Effect: storetest.Stall(cancel)})
			var err error
			switch op {
			case storetest.OpOpen, storetest.OpRead:
				_, err = read(ctx, s, "a/digits", 0, -1)
			case storetest.OpDelete:
				err = s.Delete(ctx, "a/digits")
			case storetest.OpList:
				for _, err = range s.List(ctx, "", false) {
				}
			default:
				err = write(ctx, s, "new", "content")
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			s.Heal()
			if got := listed(t, s); got != "a/digits" {
				t.Errorf("the store holds %q", got)
			}
		})
	}
}
