// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gopherwood/ark/engine/archive"
)

// gzipLevel is what the gzip program uses when nobody says.
const gzipLevel = 6

// sizes compares an archive with one gzip stream of the same JSON, in bytes.
type sizes struct {
	contents, index, raw, stream int64
}

// compareSizes reads the contents of the last backup, as anybody could.
func (s *session) compareSizes() (sizes, error) {
	var z sizes
	file, err := os.Open(s.key(archive.ContentsFile))
	if err != nil {
		return z, fmt.Errorf("compare sizes: %w", err)
	}
	defer file.Close()
	for name, size := range map[string]*int64{archive.ContentsFile: &z.contents, archive.IndexFile: &z.index} {
		info, err := os.Stat(s.key(name))
		if err != nil {
			return z, fmt.Errorf("compare sizes: %w", err)
		}
		*size = info.Size()
	}
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return z, fmt.Errorf("compare sizes: %w", err)
	}
	var stored counter
	stream, err := gzip.NewWriterLevel(&stored, gzipLevel)
	if err != nil {
		return z, fmt.Errorf("compare sizes: %w", err)
	}
	tarball := tar.NewReader(unzipped)
	for {
		header, err := tarball.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return z, fmt.Errorf("compare sizes: %w", err)
		}
		if !strings.HasPrefix(header.Name, "resources/") {
			continue
		}
		n, err := io.CopyN(stream, tarball, header.Size)
		if err != nil {
			return z, fmt.Errorf("compare sizes: %w", err)
		}
		z.raw += n
	}
	err = stream.Close()
	z.stream = int64(stored)
	return z, err
}
