// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Part tells which objects of one type a block of the index may have lines of:
// those from First to Last, which are written <namespace>/<name>, or <name> of a
// cluster-scoped type, and compared byte by byte, as etcd does.
type Part struct {
	Group    string `json:"group,omitempty"`
	Resource string `json:"resource"`
	First    string `json:"first"`
	Last     string `json:"last"`
	Lines    int64  `json:"lines"`
}

// Type is the type of the part's objects.
func (p Part) Type() schema.GroupResource {
	return schema.GroupResource{Group: p.Group, Resource: p.Resource}
}

// Namespaced reports whether the part's objects lie in namespaces.
func (p Part) Namespaced() bool { return strings.Contains(p.First, "/") }

// MayHoldNamespace reports whether the part can have lines of objects in that
// namespace.
func (p Part) MayHoldNamespace(namespace string) bool {
	return p.First < namespace+"0" && p.Last > namespace+"/" // a 0 is what comes after a slash
}

// MayHold reports whether the part can have the line of one object. The
// namespace is empty for a cluster-scoped one.
func (p Part) MayHold(namespace, name string) bool {
	if namespace != "" {
		name = namespace + "/" + name
	}
	return p.First <= name && name <= p.Last
}

func (p *Part) check() error {
	if err := checkType(p.Group, p.Resource); err != nil {
		return err
	}
	for _, key := range []string{p.First, p.Last} {
		namespace, name, namespaced := strings.Cut(key, "/")
		if !namespaced {
			namespace, name = "", key
		}
		if err := checkNames(namespaced, namespace, name); err != nil {
			return err
		}
		if namespaced != p.Namespaced() {
			return broken("last", p.Last, "and first are not both in a namespace")
		}
	}
	return firstBroken(
		rule{p.First <= p.Last, "last", p.Last, "is before the first"},
		rule{p.Lines > 0, "lines", p.Lines, "are none"},
	)
}

// parts gathers what a block under construction holds.
type parts struct {
	all []partUnderway
	// namespaces are those that objects lie in, or are, some of them more than once.
	namespaces []string
	key        []byte
}

type partUnderway struct {
	group, resource string
	first, last     []byte
	lines           int64
}

// add notes a line.
func (p *parts) add(group, resource, namespace, name string) {
	p.key = p.key[:0]
	if namespace != "" {
		p.key = append(append(p.key, namespace...), '/')
	}
	p.key = append(p.key, name...)
	p.addNamespace(group, resource, namespace, name)
	// The type is mostly that of the line before.
	for i := len(p.all) - 1; i >= 0; i-- {
		part := &p.all[i]
		if part.resource != resource || part.group != group {
			continue
		}
		if string(p.key) < string(part.first) {
			part.first = append(part.first[:0], p.key...)
		}
		if string(p.key) > string(part.last) {
			part.last = append(part.last[:0], p.key...)
		}
		part.lines++
		return
	}
	p.all = append(p.all, partUnderway{
		group: group, resource: resource, first: slices.Clone(p.key), last: slices.Clone(p.key), lines: 1,
	})
}

// addNamespace notes the namespace of an object. Most come in the order of their
// namespaces.
func (p *parts) addNamespace(group, resource, namespace, name string) {
	if group == "" && resource == "namespaces" {
		namespace = name
	}
	if n := len(p.namespaces); namespace != "" && (n == 0 || p.namespaces[n-1] != namespace) {
		p.namespaces = append(p.namespaces, namespace)
	}
}

func (p *parts) forget() {
	p.all = p.all[:0]
	clear(p.namespaces)
	p.namespaces = p.namespaces[:0]
}

// finish returns what was gathered of each type.
func (p *parts) finish() []Part {
	finished := make([]Part, 0, len(p.all))
	for _, part := range p.all {
		finished = append(finished, Part{
			Group: part.group, Resource: part.resource, First: string(part.first), Last: string(part.last), Lines: part.lines,
		})
	}
	return finished
}
