// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package image

// Ark is the image that the chart runs and the Dockerfile describes.
func Ark(name string, binary, certificates []byte) Image {
	return Image{
		Name: name, Binary: binary, Entrypoint: "/ark", Arguments: []string{"server"},
		User: "65532:65532", Certificates: certificates,
	}
}
