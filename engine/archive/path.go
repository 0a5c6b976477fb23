// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
)

const (
	// maxSegment leaves room for ".json" within the 255 bytes that a file system
	// allows for a name.
	maxSegment = 200
	// segmentHash is how many hexadecimal digits of a SHA-256 end a cut name: 128
	// bits, so that no two names meet.
	segmentHash = 32
)

// Key identifies the entry's object.
func (e *Entry) Key() engine.Key {
	return engine.Key{
		GroupResource: schema.GroupResource{Group: e.Group, Resource: e.Resource},
		Namespace:     e.Namespace,
		Name:          e.Name,
	}
}

// Path is where the object lies in contents.tar.gz:
// resources/<resource>[.<group>]/namespaces/<namespace>/<name>.json, or
// resources/<resource>[.<group>]/cluster/<name>.json. Different objects have
// different paths.
func (e *Entry) Path() string {
	var b strings.Builder
	b.Grow(len("resources/./namespaces//.json") + len(e.Resource) + len(e.Group) + len(e.Namespace) + len(e.Name))
	b.WriteString("resources/")
	if e.Group == "" {
		b.WriteString(segment(e.Resource))
	} else {
		b.WriteString(segment(e.Resource + "." + e.Group))
	}
	if e.Namespaced {
		b.WriteString("/namespaces/")
		b.WriteString(segment(e.Namespace))
		b.WriteByte('/')
	} else {
		b.WriteString("/cluster/")
	}
	b.WriteString(segment(e.Name))
	b.WriteString(".json")
	return b.String()
}

// segment makes a name fit a file system. A name that is too long is cut and
// ends in ~ and a hash of the whole; so does one that already looks like that,
// or two names could share a path.
func segment(name string) string {
	if len(name) <= maxSegment && !looksCut(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	keep := min(len(name), maxSegment-segmentHash-1)
	for keep > 0 && keep < len(name) && !utf8.RuneStart(name[keep]) {
		keep--
	}
	return name[:keep] + "~" + hex.EncodeToString(sum[:])[:segmentHash]
}

func looksCut(name string) bool {
	at := len(name) - segmentHash - 1
	return at >= 0 && name[at] == '~' && isHex(name[at+1:])
}
