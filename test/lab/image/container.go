// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package image

// userID is the user and group of a container: those of the chart.
const userID = 65532

// Container is a program of an image that was unpacked, and how it runs.
type Container struct {
	// Root is the folder that the image was unpacked into.
	Root string
	// Arguments are the command line, its first word a path in the image.
	Arguments []string
	// Environment is all of it, as KEY=value.
	Environment []string
	Mounts      []Mount
}

// Mount shows a folder of this machine in a container.
type Mount struct {
	Source   string
	Target   string
	ReadOnly bool
}
