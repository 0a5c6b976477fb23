// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"archive/tar"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/klauspost/compress/gzip"
)

// writeTarball writes files, by path and in order, as a gzip-compressed tarball.
// Equal files make equal bytes.
func writeTarball(w io.Writer, files map[string][]byte, mtime time.Time) error {
	gz := gzip.NewWriter(w)
	tw := tar.NewWriter(gz)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		header := tar.Header{
			Typeflag: tar.TypeReg, Name: path, Size: int64(len(files[path])), Mode: 0o644,
			ModTime: mtime.Truncate(time.Second),
		}
		if err := tw.WriteHeader(&header); err != nil {
			return err
		}
		if _, err := tw.Write(files[path]); err != nil {
			return err
		}
	}
	if err := tw.Close(); err != nil {
		return err
	}
	return gz.Close()
}
