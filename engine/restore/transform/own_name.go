// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/gopherwood/ark/engine"
)

const (
	// maxName is the longest name that an archive takes.
	maxName = 253
	// hashed is how many characters of a hash end a name that was cut.
	hashed = 10
)

// ownName says what to call a binding in case its name is taken: its own name and
// the namespaces that its subjects were moved into. The same mapping always gives
// the same name, so that a second restore finds what the first has made.
func (t *Transformer) ownName(s *Subject, r *Result) {
	if t.moved(s.Source) {
		return // the original is in another namespace
	}
	var into []string
	for _, subject := range objects(s.Manifest, "subjects") {
		namespace := subjectNamespace(subject)
		if namespace != "" && t.isTarget(namespace) && !slices.Contains(into, namespace) {
			into = append(into, namespace)
		}
	}
	if len(into) == 0 {
		return
	}
	slices.Sort(into)
	name := s.Source.Name + "-" + strings.Join(into, "-")
	if len(name) > maxName {
		sum := sha256.Sum256([]byte(name))
		name = strings.ToValidUTF8(name[:maxName-hashed-1], "") + "-" + hex.EncodeToString(sum[:])[:hashed]
	}
	r.OwnName = name
}

// subjectNamespace is the namespace of the accounts that a subject stands for.
func subjectNamespace(subject Manifest) string {
	name, _ := subject["name"].(string)
	switch subject["kind"] {
	case "ServiceAccount":
		namespace, _ := subject["namespace"].(string)
		return namespace
	case "User":
		if rest, ok := strings.CutPrefix(name, accountUserPrefix); ok {
			namespace, _, _ := strings.Cut(rest, ":")
			return namespace
		}
	case "Group":
		if namespace, ok := strings.CutPrefix(name, accountGroupPrefix); ok {
			return namespace
		}
	}
	return ""
}

// isTarget reports whether another namespace is mapped into that one.
func (t *Transformer) isTarget(namespace string) bool {
	for from, to := range t.Namespaces {
		if to == namespace && from != to {
			return true
		}
	}
	return false
}

// SameBinding reports whether two bindings bind the same subjects to the same role.
func SameBinding(a, b Manifest) bool {
	return EqualValues(a["subjects"], b["subjects"]) && EqualValues(a["roleRef"], b["roleRef"])
}

// Rename gives the object its own name.
func (r *Result) Rename(target engine.Key) engine.Key {
	target.Name = r.OwnName
	ensure(r.Manifest, "metadata")["name"] = r.OwnName
	r.OwnName = ""
	return target
}
