// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package image writes container images that hold one static binary, without a
// builder, a registry or a daemon.
//
// An image is a tar that is an OCI image layout and, for older tools, what
// docker save writes: docker load, podman load and ctr images import take it.
// The same input gives the same bytes: no time and no name of this machine is in
// it. https://github.com/opencontainers/image-spec/blob/main/image-layout.md
package image

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// Image is what an image holds and how it runs.
type Image struct {
	// Name is the repository and tag, such as "ark:v0.1.0".
	Name string
	// Binary is a static ELF executable. It becomes Entrypoint.
	Binary []byte
	// Entrypoint is its absolute path in the image, such as "/ark".
	Entrypoint string
	// Arguments are those it gets when nobody says others.
	Arguments []string
	// User is the user it runs as, such as "65532:65532".
	User string
	// Certificates are the PEM certificates that servers' certificates are checked
	// against; they go where Go looks for them. When omitted, there are none.
	Certificates []byte
}

// certificatesPath is the first place where crypto/x509 looks on Linux.
const certificatesPath = "/etc/ssl/certs/ca-certificates.crt"

// Media types of the OCI image specification.
const (
	indexType    = "application/vnd.oci.image.index.v1+json"
	manifestType = "application/vnd.oci.image.manifest.v1+json"
	configType   = "application/vnd.oci.image.config.v1+json"
	layerType    = "application/vnd.oci.image.layer.v1.tar"
)

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
}

type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

type config struct {
	Architecture string        `json:"architecture"`
	OS           string        `json:"os"`
	Config       runtimeConfig `json:"config"`
	RootFS       rootFS        `json:"rootfs"`
}

type runtimeConfig struct {
	User       string   `json:"User,omitempty"`
	Entrypoint []string `json:"Entrypoint"`
	Cmd        []string `json:"Cmd,omitempty"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

// saved is an entry of docker save's manifest.json.
type saved struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// Write writes the image as a tar.
func Write(w io.Writer, i Image) error {
	architecture, err := i.check()
	if err != nil {
		return fmt.Errorf("write image %s: %w", i.Name, err)
	}
	layout := layout{files: map[string][]byte{}}
	rootfs, err := i.layer()
	if err != nil {
		return fmt.Errorf("write image %s: %w", i.Name, err)
	}
	layer := layout.blob(layerType, rootfs)
	cfg, err := layout.json(configType, config{
		Architecture: architecture, OS: "linux",
		Config: runtimeConfig{User: i.User, Entrypoint: []string{i.Entrypoint}, Cmd: i.Arguments},
		RootFS: rootFS{Type: "layers", DiffIDs: []string{layer.Digest}},
	})
	if err != nil {
		return fmt.Errorf("write image %s: %w", i.Name, err)
	}
	top, err := layout.json(manifestType, manifest{SchemaVersion: 2, MediaType: manifestType, Config: cfg, Layers: []descriptor{layer}})
	if err != nil {
		return fmt.Errorf("write image %s: %w", i.Name, err)
	}
	_, tag, _ := strings.Cut(i.Name, ":")
	top.Annotations = map[string]string{
		"io.containerd.image.name": i.Name, "org.opencontainers.image.ref.name": tag,
	}
	for file, content := range map[string]any{
		"oci-layout":    map[string]string{"imageLayoutVersion": "1.0.0"},
		"index.json":    index{SchemaVersion: 2, MediaType: indexType, Manifests: []descriptor{top}},
		"manifest.json": []saved{{Config: blobPath(cfg.Digest), RepoTags: []string{i.Name}, Layers: []string{blobPath(layer.Digest)}}},
	} {
		raw, err := json.Marshal(content)
		if err != nil {
			return fmt.Errorf("write image %s: %w", i.Name, err)
		}
		layout.files[file] = raw
	}
	if err := writeTar(w, layout.files, nil); err != nil {
		return fmt.Errorf("write image %s: %w", i.Name, err)
	}
	return nil
}

// check returns the architecture of the binary.
func (i Image) check() (string, error) { //nolint:cyclop // a flat list of what is refused
	if repository, tag, ok := strings.Cut(i.Name, ":"); !ok || repository == "" || tag == "" {
		return "", errors.New("its name must have a tag, as in ark:v0.1.0")
	}
	if !path.IsAbs(i.Entrypoint) || i.Entrypoint != path.Clean(i.Entrypoint) || i.Entrypoint == "/" {
		return "", fmt.Errorf("entrypoint %q is no absolute path of a file", i.Entrypoint)
	}
	if len(i.Certificates) > 0 && !bytes.Contains(i.Certificates, []byte("-----BEGIN CERTIFICATE-----")) {
		return "", errors.New("the certificates hold none in PEM")
	}
	binary, err := elf.NewFile(bytes.NewReader(i.Binary))
	if err != nil {
		return "", fmt.Errorf("the binary is no executable for Linux: build it with GOOS=linux: %w", err)
	}
	for _, p := range binary.Progs {
		if p.Type == elf.PT_INTERP {
			return "", errors.New("the binary needs a dynamic linker, and the image has none: build it with CGO_ENABLED=0")
		}
	}
	switch binary.Machine {
	case elf.EM_X86_64:
		return "amd64", nil
	case elf.EM_AARCH64:
		return "arm64", nil
	default:
		return "", fmt.Errorf("the binary is for %s: build it for amd64 or arm64", binary.Machine)
	}
}

// layer is the root file system.
func (i Image) layer() ([]byte, error) {
	files := map[string][]byte{strings.TrimPrefix(i.Entrypoint, "/"): i.Binary}
	if len(i.Certificates) > 0 {
		files[strings.TrimPrefix(certificatesPath, "/")] = i.Certificates
	}
	var b bytes.Buffer
	err := writeTar(&b, files, func(name string) bool { return "/"+name == i.Entrypoint })
	return b.Bytes(), err
}

// layout is an OCI image layout.
type layout struct{ files map[string][]byte }

// blob adds content and describes it.
func (l layout) blob(mediaType string, content []byte) descriptor {
	sum := sha256.Sum256(content)
	d := descriptor{MediaType: mediaType, Digest: "sha256:" + hex.EncodeToString(sum[:]), Size: len(content)}
	l.files[blobPath(d.Digest)] = content
	return d
}

func (l layout) json(mediaType string, v any) (descriptor, error) {
	raw, err := json.Marshal(v)
	return l.blob(mediaType, raw), err
}

func blobPath(digest string) string { return "blobs/" + strings.Replace(digest, ":", "/", 1) }

// writeTar writes files with the folders that they lie in, ordered by name, of
// root, and of the time zero.
func writeTar(w io.Writer, files map[string][]byte, executable func(name string) bool) error {
	names := map[string]bool{} // and whether it is a folder
	for name := range files {
		names[name] = false
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			names[dir+"/"] = true
		}
	}
	ordered := make([]string, 0, len(names))
	for name := range names {
		ordered = append(ordered, name)
	}
	slices.Sort(ordered)
	t := tar.NewWriter(w)
	for _, name := range ordered {
		h := &tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[name])), Format: tar.FormatUSTAR}
		if names[name] {
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		} else if executable != nil && executable(name) {
			h.Mode = 0o755
		}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(files[name]); err != nil {
			return err
		}
	}
	return t.Close()
}
