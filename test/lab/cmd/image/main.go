// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Command image writes an image of ark as a tar, without a builder: see package
// image. It is what the Dockerfile describes.
//
//	go run ./test/lab/cmd/image -binary bin/ark -name ark:v0.1.0 -o bin/ark-image.tar
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"

	"github.com/gopherwood/ark/test/lab/image"
)

func main() {
	binary := flag.String("binary", "bin/ark", "the static binary")
	certificates := flag.String("certificates", "/etc/ssl/certs/ca-certificates.crt", "PEM file that the certificates of object storage are checked against")
	name := flag.String("name", "ark:dev", "name and tag of the image")
	out := flag.String("o", "bin/ark-image.tar", "file to write")
	flag.Parse()
	if err := write(*binary, *certificates, *name, *out); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
	fmt.Printf("%s: image %s; load it with docker load, podman load or ctr images import\n", *out, *name)
}

func write(binary, certificates, name, out string) error {
	program, err := os.ReadFile(binary)
	if err != nil {
		return fmt.Errorf("read the binary: %w", err)
	}
	roots, err := os.ReadFile(certificates)
	if err != nil {
		return fmt.Errorf("read -certificates, which on Debian come with the package ca-certificates: %w", err)
	}
	var b bytes.Buffer
	if err := image.Write(&b, image.Ark(name, program, roots)); err != nil {
		return err
	}
	if err := os.WriteFile(out, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the image: %w", err)
	}
	return nil
}
