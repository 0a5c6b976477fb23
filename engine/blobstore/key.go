// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"fmt"
	"strings"
)

const (
	// maxKey bounds a key with the location's prefix: S3 takes 1,024 bytes, the
	// least of all stores.
	maxKey = 1024
	// maxSegment bounds what stands between two slashes: a name in a file system.
	maxSegment = 255
)

// checkKey reports why key does not name a blob, or nil.
func checkKey(key string) error {
	if len(key) > maxKey {
		return fmt.Errorf("a key of %d bytes is longer than %d", len(key), maxKey)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if !validSegment(segment) {
			return fmt.Errorf("%q is no key: between slashes stand 1 to %d of A-Z a-z 0-9 . _ ~ - that are not just dots", key, maxSegment)
		}
	}
	return nil
}

// checkPrefix reports why no key can begin with prefix, or nil. A prefix may be
// empty or end anywhere in a key.
func checkPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	return checkKey(strings.TrimSuffix(prefix, "/"))
}

// ours reports whether a blob or folder that a store lists can be Ark's.
func ours(key string) bool { return checkPrefix(key) == nil }

// validSegment reports whether a key may have s between two slashes.
func validSegment(s string) bool {
	if s == "" || s == "." || s == ".." || len(s) > maxSegment {
		return false
	}
	for i := range len(s) {
		if !validByte(s[i]) {
			return false
		}
	}
	return true
}

// validByte reports whether a key may have c between two slashes.
func validByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '.' || c == '_' || c == '~' || c == '-'
}
