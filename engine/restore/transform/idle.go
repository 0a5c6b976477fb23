// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"slices"
	"strings"
)

// idle tells what is as good as left out of an object. Null always is. An empty object
// hardly ever: a namespaceSelector {} of a NetworkPolicy lets all namespaces in, and
// none only its own.
type idle struct {
	// custom says that the API server keeps what is within the type's objects as it was
	// sent. Empty lists then mean what their controller takes them to mean. Those of a
	// built-in type are not even stored.
	custom bool
	// definition says that the fields of the object are those of others.
	definition bool
}

// builtIn are the groups of the API server's own types whose names have a dot: that of
// a custom resource has one too. See k8s.io/api and k8s.io/kube-aggregator. A group
// that is missing here is compared more strictly than it need be.
var builtIn = []string{
	"admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "authentication.k8s.io", "authorization.k8s.io",
	"certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "flowcontrol.apiserver.k8s.io",
	"internal.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", rbacGroup, "resource.k8s.io", "scheduling.k8s.io",
	"storage.k8s.io", "storagemigration.k8s.io",
}

func idleOf(m Manifest) idle {
	group, _, versioned := strings.Cut(Text(m, "apiVersion"), "/")
	return idle{
		custom:     versioned && strings.Contains(group, ".") && !slices.Contains(builtIn, group),
		definition: group == "apiextensions.k8s.io",
	}
}

// idleObjects are the objects that mean nothing where they are empty, whatever type
// they are of.
var idleObjects = []string{"metadata", "metadata.labels", "metadata.annotations"}

// idleFields are those of built-in types: maps, which an API server does not store when
// they are empty, and what it always writes, empty or not. A modifier may empty the
// former; another version may leave out the latter.
var idleFields = []string{
	"matchLabels", "labels", "annotations", "nodeSelector", "limits", "requests", "data", "binaryData", "stringData",
	"metadata", "resources",
}

// is reports whether the value of the field at path is as good as left out.
func (i idle) is(path string, v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case []any:
		return len(v) == 0 && (!i.custom || strings.HasPrefix(path, "metadata."))
	case Manifest:
		if !i.objects(path) {
			return false
		}
		for key, value := range v {
			if !i.is(join(path, key), value) {
				return false
			}
		}
		return true
	}
	return false
}

// objects reports whether an object at path may mean nothing.
func (i idle) objects(path string) bool {
	field := path[strings.LastIndexByte(path, '.')+1:]
	return slices.Contains(idleObjects, path) || !i.custom && !i.definition && slices.Contains(idleFields, field)
}
