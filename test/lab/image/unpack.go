// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Unpack makes a folder what a container of the image would see as its root, and
// returns the command that the container would run, its first word a path on
// this machine. It follows the layout as a container runtime does, and checks
// every digest on the way.
func Unpack(archive io.Reader, dir string) (command []string, err error) {
	files, err := readTar(archive)
	if err != nil {
		return nil, fmt.Errorf("unpack image: %w", err)
	}
	var top index
	if err := json.Unmarshal(files["index.json"], &top); err != nil || len(top.Manifests) != 1 {
		return nil, fmt.Errorf("unpack image: index.json names %d manifests: %w", len(top.Manifests), err)
	}
	var m manifest
	var cfg config
	if err := decode(files, top.Manifests[0], &m); err != nil {
		return nil, fmt.Errorf("unpack image: %w", err)
	}
	if err := decode(files, m.Config, &cfg); err != nil {
		return nil, fmt.Errorf("unpack image: %w", err)
	}
	for _, layer := range m.Layers {
		content, err := fetch(files, layer)
		if err == nil {
			err = extract(content, dir)
		}
		if err != nil {
			return nil, fmt.Errorf("unpack image: %w", err)
		}
	}
	command = append(cfg.Config.Entrypoint, cfg.Config.Cmd...)
	if len(command) == 0 {
		return nil, errors.New("unpack image: it runs nothing")
	}
	command[0] = filepath.Join(dir, filepath.FromSlash(command[0]))
	return command, nil
}

// fetch returns the blob that d describes.
func fetch(files map[string][]byte, d descriptor) ([]byte, error) {
	content, ok := files[blobPath(d.Digest)]
	sum := sha256.Sum256(content)
	if !ok || len(content) != d.Size || "sha256:"+hex.EncodeToString(sum[:]) != d.Digest {
		return nil, fmt.Errorf("blob %s is missing or another one", d.Digest)
	}
	return content, nil
}

func decode(files map[string][]byte, d descriptor, into any) error {
	content, err := fetch(files, d)
	if err != nil {
		return err
	}
	return json.Unmarshal(content, into)
}

func readTar(r io.Reader) (map[string][]byte, error) {
	files := map[string][]byte{}
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if files[h.Name], err = io.ReadAll(t); err != nil {
			return nil, err
		}
	}
}

// extract writes the files of a layer below dir.
func extract(layer []byte, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	t := tar.NewReader(bytes.NewReader(layer))
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := filepath.FromSlash(h.Name)
		if h.Typeflag == tar.TypeDir {
			if err := root.MkdirAll(filepath.Clean(name), 0o755); err != nil {
				return err
			}
			continue
		}
		content, err := io.ReadAll(t)
		if err == nil {
			err = root.WriteFile(name, content, h.FileInfo().Mode())
		}
		if err != nil {
			return err
		}
	}
}
