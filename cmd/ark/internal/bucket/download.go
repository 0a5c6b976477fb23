// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

// ErrFileExists says that a download would overwrite a file.
var ErrFileExists = errors.New("the file exists")

// Download copies the contents of a backup into a file, which comes into being
// only once its size and SHA-256 are those that the marker names, which must not
// have been tampered with. Only the user
// may read it: it holds Secrets.
func (b *Bucket) Download(ctx context.Context, s *catalog.Snapshot, path string, overwrite bool) (size int64, err error) {
	if archive.Verify(s.Envelope, b.Trusted) == archive.Tampered {
		return 0, fmt.Errorf("%w: its marker was changed after it was signed, and says nothing of what was committed: take another backup", engine.ErrCorrupt)
	}
	if err := mayWrite(path, overwrite); err != nil {
		return 0, err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), ".ark-download-*")
	if err != nil {
		return 0, fmt.Errorf("create the file: %w", err)
	}
	defer func() { _ = os.Remove(temp.Name()) }() // it is gone already when all went well
	size, err = b.copyContents(ctx, s, temp)
	if err = errors.Join(err, temp.Close()); err != nil {
		return 0, err
	}
	// The file may have come into being while this one was written.
	if err := mayWrite(path, overwrite); err != nil {
		return 0, err
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return 0, fmt.Errorf("name the file: %w", err)
	}
	return size, nil
}

func mayWrite(path string, overwrite bool) error {
	if overwrite {
		return nil
	}
	switch _, err := os.Lstat(path); {
	case err == nil:
		return fmt.Errorf("%s: %w", path, ErrFileExists)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	default:
		return err
	}
}

// copyContents writes the contents to w, and compares them with the marker.
func (b *Bucket) copyContents(ctx context.Context, s *catalog.Snapshot, w *os.File) (int64, error) {
	m := s.Marker
	want, ok := m.Files[archive.ContentsFile]
	if !ok {
		return 0, fmt.Errorf("backup %s: %w: its marker names no %s", m.Name, engine.ErrCorrupt, archive.ContentsFile)
	}
	r, err := b.store.Open(ctx, archive.FileKey(m.Cluster.UID, m.Name, m.Attempt, archive.ContentsFile), 0, -1)
	if err != nil {
		return 0, fmt.Errorf("read the archive: %w", err)
	}
	sum := sha256.New()
	// One byte more than expected is enough to see that it is too long.
	size, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(r, want.Size+1))
	if err := errors.Join(err, r.Close()); err != nil {
		return 0, fmt.Errorf("read the archive: %w", err)
	}
	switch {
	case size < want.Size:
		return 0, fmt.Errorf("%w archive: it is cut short: %d of %d bytes are there; nothing was kept", engine.ErrCorrupt, size, want.Size)
	case size > want.Size:
		return 0, fmt.Errorf("%w archive: it is longer than the %d bytes that were committed; nothing was kept", engine.ErrCorrupt, want.Size)
	case hex.EncodeToString(sum.Sum(nil)) != want.SHA256:
		return 0, fmt.Errorf("%w archive: its SHA-256 is not the one that was committed; nothing was kept", engine.ErrCorrupt)
	}
	return size, w.Sync()
}
