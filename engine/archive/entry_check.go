// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrInvalidEntry says that an object cannot be archived as it is described.
var ErrInvalidEntry = errors.New("cannot be archived")

const (
	// maxName bounds names that Kubernetes itself does not bound: those of roles
	// and bindings may be as long as a request.
	maxName = 4096
	// maxMetadata bounds what the index repeats of one object.
	maxMetadata = 512 << 10
	// maxLine bounds an index line: maxMetadata, every byte of it escaped, and the rest.
	maxLine = 4 << 20
)

// isDomain reports whether s is a DNS subdomain (RFC 1123), which is what
// Kubernetes demands of groups and most names.
func isDomain(s string) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	for part := range strings.SplitSeq(s, ".") {
		if !isLabel(part) {
			return false
		}
	}
	return true
}

// isLabel reports whether s is a label of a DNS name. It is written out because
// it runs several times for every line of an index.
func isLabel(s string) bool {
	if len(s) == 0 || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// isKind reports whether s can be the kind of a type, or a reason of a condition.
func isKind(s string) bool {
	if len(s) == 0 || len(s) > 63 || !isLetter(s[0]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') }

// isCode reports whether s is what policies allow for a reason: a label that may
// end in hyphens.
func isCode(s string) bool { return isLabel(strings.TrimRight(s, "-")) && len(s) <= 63 }

// isName reports whether s can be the name of an object of any type: what
// Kubernetes calls a path segment, and printable.
func isName(s string) bool {
	if s == "" || s == "." || s == ".." || len(s) > maxName || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r == '/' || r == '%' || unicode.IsControl(r) {
			return false
		}
	}
	return true
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func isDigest(s string) bool { return len(s) == 64 && isHex(s) }

// check tells what is wrong with an entry, whether it is to be written or was
// read.
func (e *Entry) check() error {
	if err := checkType(e.Group, e.Resource); err != nil {
		return err
	}
	switch {
	case !isLabel(e.Version):
		return broken("version", e.Version, "is not a DNS label")
	case !isKind(e.Kind):
		return broken("kind", e.Kind, "is not a kind")
	case !isText(string(e.UID)):
		return broken("uid", string(e.UID), "is not text")
	}
	if err := checkNames(e.Namespaced, e.Namespace, e.Name); err != nil {
		return err
	}
	if err := e.checkMetadata(); err != nil {
		return err
	}
	return e.checkPlace()
}

func checkType(group, resource string) error {
	switch {
	case group != "" && !isDomain(group):
		return broken("group", group, "is not a DNS name")
	case !isLabel(resource):
		return broken("resource", resource, "is not a DNS label")
	}
	return nil
}

func checkNames(namespaced bool, namespace, name string) error {
	switch {
	case !isName(name):
		return broken("name", name, "is not a name")
	case namespaced && !isLabel(namespace):
		return broken("namespace", namespace, "is not a DNS label")
	case !namespaced && namespace != "":
		return broken("namespace", namespace, "belongs to an object that is not namespaced")
	}
	return nil
}

// checkMetadata bounds everything of variable length.
func (e *Entry) checkMetadata() error {
	if !isText(e.Error) {
		return broken("error", e.Error, "is not text")
	}
	size := len(e.Error)
	for k, v := range e.Labels {
		size += len(k) + len(v)
	}
	for k, v := range e.Annotations {
		size += len(k) + len(v)
	}
	for i := range e.Owners {
		o := &e.Owners[i]
		size += len(o.APIVersion) + len(o.Kind) + len(o.Name) + len(o.UID)
	}
	for _, n := range e.Needs {
		if err := n.check(); err != nil {
			return fmt.Errorf("needs: %w", err)
		}
		size += len(n.Group) + len(n.Resource) + len(n.Namespace) + len(n.Name)
	}
	for _, c := range e.Codes {
		if !isCode(c) {
			return broken("code", c, "is not a reason code")
		}
		size += len(c)
	}
	if size > maxMetadata {
		return fmt.Errorf("metadata of %d bytes is more than %d", size, maxMetadata)
	}
	return nil
}

func (r *Ref) check() error {
	if err := checkType(r.Group, r.Resource); err != nil {
		return err
	}
	return checkNames(r.Namespace != "", r.Namespace, r.Name)
}

// checkPlace checks where the object's bytes are said to lie.
func (e *Entry) checkPlace() error {
	switch {
	case e.Size < 0 || e.Size > MaxObjectBytes:
		return fmt.Errorf("size %d is not within 0 and %d", e.Size, MaxObjectBytes)
	case e.Size > 0 && !isDigest(e.SHA256), e.Size == 0 && e.SHA256 != "" && !isDigest(e.SHA256):
		return broken("sha256", e.SHA256, "is not a SHA-256")
	case e.Offset < 0 || e.Offset > maxMember:
		return fmt.Errorf("offset %d is not within a member", e.Offset)
	case e.Member < 0:
		return fmt.Errorf("member at %d", e.Member)
	case e.MemberSize < 0 || e.MemberSize > maxMember:
		return fmt.Errorf("member size %d is not within 0 and %d", e.MemberSize, maxMember)
	}
	return nil
}
