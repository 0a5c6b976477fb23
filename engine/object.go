// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Resource is a type that an API server serves, in the version that is used.
type Resource struct {
	Group   string
	Version string
	// Name is the plural name that stands in URLs, such as "deployments".
	Name string
	// Kind is the name of the type, such as "Deployment".
	Kind       string
	Singular   string
	ShortNames []string
	Namespaced bool
	// Versions are all that are served, the preferred one first.
	Versions []string
	// StatusSubresource says that status is written through a path of its own,
	// and ignored in a create. StatusVersions are the versions in which that is so.
	StatusSubresource bool
	StatusVersions    []string
}

// In returns the type in another of the versions that are served.
func (r Resource) In(version string) Resource {
	r.Version, r.StatusSubresource = version, slices.Contains(r.StatusVersions, version)
	return r
}

// GroupResource identifies the type whatever its version. Its String is the
// type's name everywhere in Ark: "deployments.apps", "configmaps".
func (r Resource) GroupResource() schema.GroupResource {
	return schema.GroupResource{Group: r.Group, Resource: r.Name}
}

// GroupVersion is what objects of the type carry as apiVersion.
func (r Resource) GroupVersion() schema.GroupVersion {
	return schema.GroupVersion{Group: r.Group, Version: r.Version}
}

// Serves reports whether version is one of those the API server serves.
func (r Resource) Serves(version string) bool {
	return slices.Contains(r.Versions, version)
}

// Key identifies an object within a cluster, whatever its version.
type Key struct {
	schema.GroupResource

	// Namespace is empty for a cluster-scoped object.
	Namespace string
	Name      string
}

// String is <resource>[.<group>]/<namespace>/<name>, or without the namespace
// for a cluster-scoped object.
func (k Key) String() string {
	if k.Namespace == "" {
		return k.GroupResource.String() + "/" + k.Name
	}
	return k.GroupResource.String() + "/" + k.Namespace + "/" + k.Name
}

// Object is one object of a cluster.
type Object struct {
	Resource Resource
	Meta     Meta
	// Raw is the object as JSON, as the API server sent it, with apiVersion and
	// kind. Whoever yields an Object says how long Raw is valid.
	Raw []byte
}

// Key identifies the object.
func (o Object) Key() Key {
	return Key{GroupResource: o.Resource.GroupResource(), Namespace: o.Meta.Namespace, Name: o.Meta.Name}
}

// Meta is the part of an object's metadata that decisions are made on.
type Meta struct {
	Namespace         string            `json:"namespace,omitempty"`
	Name              string            `json:"name"`
	UID               types.UID         `json:"uid,omitempty"`
	ResourceVersion   string            `json:"resourceVersion,omitempty"`
	CreationTimestamp string            `json:"creationTimestamp,omitempty"`
	DeletionTimestamp string            `json:"deletionTimestamp,omitempty"`
	Labels            map[string]string `json:"labels,omitempty"`
	Annotations       map[string]string `json:"annotations,omitempty"`
	OwnerReferences   []Owner           `json:"ownerReferences,omitempty"`
}

// Owner is an owner reference.
type Owner struct {
	APIVersion         string    `json:"apiVersion"`
	Kind               string    `json:"kind"`
	Name               string    `json:"name"`
	UID                types.UID `json:"uid"`
	Controller         *bool     `json:"controller,omitempty"`
	BlockOwnerDeletion *bool     `json:"blockOwnerDeletion,omitempty"`
}
