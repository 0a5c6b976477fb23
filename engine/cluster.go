// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"context"
	"iter"
	"time"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// Discoverer tells which types a cluster serves.
type Discoverer interface {
	// Discover returns every type, in the preferred version of its group, that can
	// be listed, read, created and deleted. A group that does not answer is no
	// error: it is named in Discovery.Broken. Discover fails only when the API
	// server itself does not answer.
	Discover(ctx context.Context) (Discovery, error)
}

// Discovery is what a cluster serves.
type Discovery struct {
	// Resources are ordered by group, then name.
	Resources []Resource
	// Broken names the group versions that could not be discovered.
	Broken []BrokenGroup
}

// BrokenGroup is a group version that an aggregated API server does not serve
// at the moment.
type BrokenGroup struct {
	GroupVersion string
	Err          error
}

// Lister yields the objects of one type while their page is still arriving, in
// the order the API server lists them.
type Lister interface {
	// List yields objects whose Raw is valid until the next is asked for; Meta is
	// the caller's to keep. A yielded error ends the sequence: ErrNotFound when the
	// type is not served, ErrForbidden, ErrRevisionGone or ErrRevisionUnknown when
	// opts.Revision cannot be had. Throttling and passing failures are retried within;
	// what is yielded is final. A list whose revision is compacted in its middle goes
	// on at a later one, which its pages tell: an object that was made or changed in
	// between may then be of either, and one that was deleted may still be yielded.
	List(ctx context.Context, r Resource, opts ListOptions) iter.Seq2[Object, error]
}

// ListOptions narrows a list. The zero value lists everything as of now.
type ListOptions struct {
	// Namespace restricts a namespaced type to one namespace.
	Namespace string
	// Labels restricts the list to objects that match; nil matches all.
	Labels labels.Selector
	// Fields restricts the list by field; nil matches all.
	Fields fields.Selector
	// Revision asks for the list as it was at exactly this resourceVersion; empty
	// asks for the latest.
	Revision string
	// OnPage is called once for each page, when the page's metadata arrives: before
	// its objects for built-in types, after them for custom resources, whose lists
	// end with it. nil is fine.
	OnPage func(Page)
}

// Page is one response to a list.
type Page struct {
	// Revision is the resourceVersion that the page belongs to: that of the page
	// before, unless it was compacted.
	Revision string
	// Torn says that what was yielded before the page, or before it was asked for again,
	// is or may be of an earlier revision.
	Torn bool
	// Remaining is how many objects the API server says come after, or zero.
	Remaining int64
}

// Historian tells how far the history of a type has come.
type Historian interface {
	// Revision returns the type's latest state. Errors are those of Lister, but a
	// passing failure comes back as a *RetryableError within seconds: others wait for
	// the answer.
	Revision(ctx context.Context, r Resource) (State, error)
}

// State is what a type was at one time.
type State struct {
	// Revision is the resourceVersion. Those of two types can be compared where both
	// lie in one etcd, and nowhere else.
	Revision string
	// Objects is how many objects there are; negative where the API server does not
	// say.
	Objects int64
}

// Getter reads single objects.
type Getter interface {
	// Get returns an object that is the caller's, or ErrNotFound. The namespace is
	// empty for a cluster-scoped type.
	Get(ctx context.Context, r Resource, namespace, name string) (Object, error)
}

// FieldManager is whose the fields are that a Writer writes, unless it is told
// otherwise.
const FieldManager = "ark"

// Writer changes a cluster. Its errors are those of this package where one fits,
// with the API server's message; throttling and passing failures come back as a
// *RetryableError, because only the caller knows what else there is to do.
// Every returned Object is the caller's.
type Writer interface {
	// Create sends raw, whose fields are then those of the field manager: of
	// FieldManager when it is empty. ErrExists when an object of that name exists,
	// ErrTerminating when its namespace is being deleted.
	Create(ctx context.Context, r Resource, namespace, manager string, raw []byte) (Object, error)
	// Update replaces the object, or a subresource such as "status" when one is
	// named. The resourceVersion within raw is the precondition: ErrConflict.
	Update(ctx context.Context, r Resource, namespace, name, subresource string, raw []byte) (Object, error)
	// Patch applies a merge patch (RFC 7386).
	Patch(ctx context.Context, r Resource, namespace, name string, patch []byte) (Object, error)
	// Delete deletes, and does not wait for finalizers.
	Delete(ctx context.Context, r Resource, namespace, name string, opts DeleteOptions) error
}

// DeleteOptions say what may be deleted. The zero value is the object of that
// name, and in the background what it owns.
type DeleteOptions struct {
	// UID and ResourceVersion name the one object that may be deleted. Empty ones
	// are not checked.
	UID             types.UID
	ResourceVersion string
	// KeepDependents spares what the object owns, which loses that owner.
	KeepDependents bool
}

// Clock tells the time. It is passed in, so that tests own it.
type Clock interface {
	Now() time.Time
}
