// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/gopherwood/ark/engine"
)

// Entry is a line of the index: one object that was seen. Plans, explanations
// and the restore of a single object need nothing else to find their way.
type Entry struct {
	// Group, Version, Resource and Kind are the object's type.
	Group      string `json:"group,omitempty"`
	Version    string `json:"version"`
	Resource   string `json:"resource"`
	Kind       string `json:"kind"`
	Namespaced bool   `json:"namespaced,omitempty"`

	Namespace string    `json:"namespace,omitempty"`
	Name      string    `json:"name"`
	UID       types.UID `json:"uid,omitempty"`

	Labels map[string]string `json:"labels,omitempty"`
	// Annotations are those of at most 256 bytes, as long as they fit 4 KiB together.
	Annotations map[string]string `json:"annotations,omitempty"`
	Owners      []engine.Owner    `json:"owners,omitempty"`
	// Needs are the objects that this one cannot do without or that belong to it:
	// a claim's volume and a volume's claim, the subjects and the role of a binding.
	Needs []Ref `json:"needs,omitempty"`

	// Excluded says that the object was left out, and Codes why. With an included
	// object Codes are those of the rules that included it, and "needed" where it is there
	// only because others need it.
	Excluded bool     `json:"excluded,omitempty"`
	Codes    []string `json:"codes,omitempty"`
	// Error is what went wrong with the object, where something did.
	Error string `json:"error,omitempty"`

	// Size and SHA256 are those of the object's JSON.
	Size   int64  `json:"size,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	// Member and MemberSize are where in contents.tar.gz the gzip member lies that
	// holds the object: one range request.
	Member     int64 `json:"member,omitempty"`
	MemberSize int64 `json:"memberSize,omitempty"`
	// Offset is where the object's JSON begins within the uncompressed member.
	Offset int64 `json:"offset,omitempty"`
}

// Ref names another object of the same backup.
type Ref struct {
	Group     string `json:"group,omitempty"`
	Resource  string `json:"resource"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}
