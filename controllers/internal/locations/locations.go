// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package locations turns the storage locations of a Config into open stores.
//
// A location is opened once and kept, until its spec changes or one of the
// Secrets it names does: credentials that are rotated in a Secret take effect
// at the next Open. Secrets are read from the controller's namespace only, and
// their content goes nowhere but into the client of the store.
package locations

import (
	"fmt"
	"strings"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/catalog"
)

// Locations opens the locations of a Config. It is safe for concurrent use and
// must not be copied.
type Locations struct {
	// Client reads Secrets. It must not be backed by a cache: caching Secrets
	// would take the right to list them.
	Client client.Reader
	// Namespace is the controller's: the only one whose Secrets are read.
	Namespace string
	// FileRoot is the directory that file:// locations must lie in. Empty refuses
	// such locations.
	FileRoot string
	// Tool is the program and version that is written into new stores, for people.
	Tool string
	// Clock tells when a new store was made.
	Clock engine.Clock
	// Creator creates Secrets with new signing keys. When it is nil, a signing key
	// that is missing is not made.
	Creator Creator
	// OpenStore opens a bucket; nil opens what the location's URL names. Tests set
	// it to stores that fail.
	OpenStore OpenStore

	mu    sync.Mutex
	slots map[string]*slot
}

// Location is an open location. It stays usable when a newer one takes its place:
// a run finishes with the credentials that it began with.
type Location struct {
	// Spec is the location as the Config has it.
	Spec v1alpha1.StorageLocation
	// Store is the bucket, below the location's prefix.
	Store engine.Store
	// Catalog is what the store holds.
	Catalog *catalog.Catalog
	// ReadOnly says that the location is never written.
	ReadOnly bool
}

// Find returns the location of that name, or the default for an empty one, as
// ConfigSpec.Location resolves them. The error is a stall that names the field to
// change.
func Find(cfg *v1alpha1.Config, name string) (v1alpha1.StorageLocation, error) {
	if len(cfg.Spec.Storage) == 0 {
		return v1alpha1.StorageLocation{}, step.Stall(v1alpha1.LocationMissingReason,
			"the Config has no storage location: add one to its spec.storage")
	}
	switch found, asked := cfg.Spec.Location(name); {
	case found != nil:
		return *found, nil
	case asked != "":
		return v1alpha1.StorageLocation{}, step.Stall(v1alpha1.LocationMissingReason,
			"the Config has no storage location %q: add it to spec.storage, or change storageLocation to one of %s", asked, names(cfg))
	}
	return v1alpha1.StorageLocation{}, step.Stall(v1alpha1.LocationMissingReason,
		"none of the Config's storage locations (%s) is the default: set default on one of spec.storage, or name a storageLocation",
		names(cfg))
}

// names lists the locations for people.
func names(cfg *v1alpha1.Config) string {
	quoted := make([]string, len(cfg.Spec.Storage))
	for i, l := range cfg.Spec.Storage {
		quoted[i] = fmt.Sprintf("%q", l.Name)
	}
	return strings.Join(quoted, ", ")
}
