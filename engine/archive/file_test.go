// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// shelf takes one blob, and can refuse each step.
type shelf struct {
	create, write, close error

	ctx     context.Context //nolint:containedctx // a store ties the blob to the context of Create
	pending bytes.Buffer
	stored  []byte
}

func (s *shelf) Create(ctx context.Context, _ string) (io.WriteCloser, error) {
	s.ctx = ctx
	return s, s.create
}

func (s *shelf) Write(p []byte) (int, error) {
	if s.write != nil {
		return 0, s.write
	}
	return s.pending.Write(p)
}

func (s *shelf) Close() error {
	if err := errors.Join(s.ctx.Err(), s.close); err != nil {
		return err
	}
	s.stored = s.pending.Bytes()
	return nil
}

func TestFileWriterLearnsWhatItStores(t *testing.T) {
	var store shelf
	f, err := archive.NewFile(t.Context(), &store, "a/b")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"hello, ", "store"} {
		if _, err := io.WriteString(f, part); err != nil {
			t.Fatal(err)
		}
	}
	got, err := f.Close()
	want := archive.File{Size: 12, SHA256: strings.TrimPrefix(archive.Digest([]byte("hello, store")), "sha256:")}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Close() error = %v, mismatch (-want +got):\n%s", err, diff)
	}
	if string(store.stored) != "hello, store" {
		t.Errorf("stored %q", store.stored)
	}
	f.Abort()
	if string(store.stored) != "hello, store" {
		t.Error("Abort after Close took the file back")
	}
}

func TestFileWriterStoresNothingWhen(t *testing.T) {
	errBroken := errors.New("connection reset")
	tests := map[string]struct {
		store shelf
		abort bool
	}{
		"it cannot be created": {store: shelf{create: errBroken}},
		"a write fails":        {store: shelf{write: errBroken}},
		"it cannot be closed":  {store: shelf{close: errBroken}},
		"it is aborted":        {abort: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := archive.NewFile(t.Context(), &tc.store, "a/b")
			if err == nil {
				_, err = io.WriteString(f, "hello")
				if _, again := io.WriteString(f, "hello"); !errors.Is(again, err) {
					t.Errorf("second Write() error = %v, want %v", again, err)
				}
				if tc.abort {
					f.Abort()
				} else {
					_, err = f.Close()
				}
			}
			if !tc.abort && (!errors.Is(err, errBroken) || !strings.Contains(err.Error(), "a/b")) {
				t.Errorf("error = %v, want %v naming the key", err, errBroken)
			}
			if tc.store.stored != nil {
				t.Errorf("stored %q", tc.store.stored)
			}
		})
	}
}

func TestCheckedReader(t *testing.T) {
	good := archive.File{Size: 5, SHA256: strings.TrimPrefix(archive.Digest([]byte("hello")), "sha256:")}
	for name, tc := range map[string]struct {
		data string
		says string
	}{
		"lets good bytes pass":         {data: "hello"},
		"finds a changed byte":         {data: "hellO", says: "SHA-256"},
		"finds a file cut short":       {data: "hell", says: "cut short: 4 of 5"},
		"finds a file without an end":  {data: "hello and so on", says: "longer than the 5 bytes"},
		"finds a file that went empty": {data: "", says: "cut short: 0 of 5"},
	} {
		t.Run(name, func(t *testing.T) {
			r := archive.NewCheckedReader(io.NopCloser(strings.NewReader(tc.data)), good)
			got, err := io.ReadAll(r)
			if tc.says == "" {
				if err != nil || string(got) != tc.data {
					t.Errorf("read %q, %v", got, err)
				}
				return
			}
			if !errors.Is(err, engine.ErrCorrupt) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error = %v, want ErrCorrupt saying %q", err, tc.says)
			}
			if len(got) > 6 {
				t.Errorf("read %d bytes of a file of 5", len(got))
			}
		})
	}
}
