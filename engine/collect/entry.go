// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"maps"
	"slices"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

const (
	// maxAnnotation bounds key and value of one annotation in the index, and
	// maxAnnotations all of an object.
	maxAnnotation  = 256
	maxAnnotations = 4 << 10

	// lastApplied repeats the whole object, for a Secret its data too, which has no
	// place in the index.
	lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
)

// newEntry describes an object for the index.
func newEntry(o engine.Object, refs []archive.Ref) archive.Entry {
	return archive.Entry{
		Group: o.Resource.Group, Version: o.Resource.Version, Resource: o.Resource.Name, Kind: o.Resource.Kind,
		Namespaced: o.Resource.Namespaced,
		Namespace:  o.Meta.Namespace, Name: o.Meta.Name, UID: o.Meta.UID,
		Labels: o.Meta.Labels, Annotations: boundAnnotations(o.Meta.Annotations), Owners: o.Meta.OwnerReferences,
		Needs: refs,
	}
}

// boundAnnotations returns the annotations that the index keeps: the short ones,
// in the order of their keys, as long as they fit.
func boundAnnotations(all map[string]string) map[string]string {
	short, size := 0, 0
	for k, v := range all {
		if isShort(k, v) {
			short++
			size += len(k) + len(v)
		}
	}
	switch {
	case short == 0:
		return nil
	case size > maxAnnotations:
		return firstAnnotations(all)
	case short == len(all):
		return all
	}
	kept := make(map[string]string, short)
	for k, v := range all {
		if isShort(k, v) {
			kept[k] = v
		}
	}
	return kept
}

func isShort(k, v string) bool { return len(k)+len(v) <= maxAnnotation && k != lastApplied }

// firstAnnotations returns those short annotations that fit. Their order makes
// equal objects have equal entries.
func firstAnnotations(all map[string]string) map[string]string {
	kept := map[string]string{}
	size := 0
	for _, k := range slices.Sorted(maps.Keys(all)) {
		v := all[k]
		if size += len(k) + len(v); !isShort(k, v) || size > maxAnnotations {
			size -= len(k) + len(v)
			continue
		}
		kept[k] = v
	}
	return kept
}
