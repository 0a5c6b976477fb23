// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// catalog knows the types that the target serves.
type catalog struct {
	served map[schema.GroupResource]engine.Resource
	kinds  map[schema.GroupKind]engine.Resource
	broken []engine.BrokenGroup
	// versions caches what resolve found.
	versions map[schema.GroupVersionResource]*engine.Resource
}

func newCatalog(d engine.Discovery) *catalog {
	c := &catalog{
		served:   make(map[schema.GroupResource]engine.Resource, len(d.Resources)),
		kinds:    make(map[schema.GroupKind]engine.Resource, len(d.Resources)),
		broken:   d.Broken,
		versions: map[schema.GroupVersionResource]*engine.Resource{},
	}
	for _, r := range d.Resources {
		c.served[r.GroupResource()] = r
		c.kinds[schema.GroupKind{Group: r.Group, Kind: r.Kind}] = r
	}
	return c
}

// archived is the type of an entry, as the archive tells it.
func archived(e *archive.Entry) engine.Resource {
	return engine.Resource{
		Group: e.Group, Version: e.Version, Name: e.Resource, Kind: e.Kind,
		Singular: strings.ToLower(e.Kind), Namespaced: e.Namespaced, Versions: []string{e.Version},
	}
}

// typeOf returns the type of an entry by the names that the target knows it by.
func (c *catalog) typeOf(e *archive.Entry) engine.Resource {
	if r, ok := c.served[groupResource(e)]; ok {
		return r
	}
	return archived(e)
}

// resolve returns the type of an entry as the target serves it: in the archived
// version, or where that is not served in the preferred one. Its error says why the
// target cannot take the object.
func (c *catalog) resolve(e *archive.Entry) (*engine.Resource, error) {
	gvr := schema.GroupVersionResource{Group: e.Group, Version: e.Version, Resource: e.Resource}
	if r, ok := c.versions[gvr]; ok && r.Kind == e.Kind && r.Namespaced == e.Namespaced {
		return r, nil
	}
	served, ok := c.served[groupResource(e)]
	if !ok {
		return nil, errors.New(c.unservedText(e))
	}
	r, err := servedAs(e, served)
	if err == nil {
		c.versions[gvr] = r
	}
	return r, err
}

// servedAs returns the type of an entry in the archived version where that is
// served, else as it is.
func servedAs(e *archive.Entry, served engine.Resource) (*engine.Resource, error) {
	if served.Kind != e.Kind || served.Namespaced != e.Namespaced {
		return nil, fmt.Errorf("%s: is %s in the backup, but %s in the cluster: only the definition of the backup takes the object",
			groupResource(e), describe(archived(e)), describe(served))
	}
	if served.Serves(e.Version) {
		served = served.In(e.Version)
	}
	return &served, nil
}

func (c *catalog) unservedText(e *archive.Entry) string {
	i := slices.IndexFunc(c.broken, func(b engine.BrokenGroup) bool {
		return b.GroupVersion == schema.GroupVersion{Group: e.Group, Version: e.Version}.String()
	})
	if i >= 0 {
		return fmt.Sprintf("%s: its API does not answer: %v", groupResource(e), c.broken[i].Err)
	}
	return fmt.Sprintf("%s: the cluster does not serve this type: install what defines it, then run the restore again", groupResource(e))
}

func describe(r engine.Resource) string {
	if r.Namespaced {
		return "the namespaced kind " + r.Kind
	}
	return "the cluster-scoped kind " + r.Kind
}

func groupResource(e *archive.Entry) schema.GroupResource {
	return schema.GroupResource{Group: e.Group, Resource: e.Resource}
}
