// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// Decider rules on the objects that a template covers. It gives equal answers
// to equal objects and is safe for concurrent use.
type Decider interface {
	// Decide returns the codes of the rules that fire for o. The Namespace is nil
	// for a cluster-scoped object. An error is about this object only, unless ctx
	// ended. It must not keep o.Raw.
	Decide(ctx context.Context, o engine.Object, ns *Namespace) (Ruling, error)
}

// Ruling is what the rules say of one object: the codes of those that fire,
// sorted. What follows from them is for the caller to judge.
type Ruling struct {
	Include []string
	Exclude []string
}

// Namespace is what rules may know of an object's namespace. All objects of a
// namespace come with the same pointer, so that it can be prepared once.
type Namespace struct {
	Name        string
	Labels      map[string]string
	Annotations map[string]string
	// Phase is "Active" or "Terminating".
	Phase string
}

// Sink receives what is collected. Its errors end the run, except those that
// wrap archive.ErrInvalidEntry: they are about one object.
type Sink interface {
	// NewMember returns a Member for one worker.
	NewMember() Member
	// Note records an object that is left out or could not be archived. It is safe
	// for concurrent use.
	Note(e archive.Entry) error
}

// Member receives the objects of one worker. It is not safe for concurrent use.
type Member interface {
	// Add archives an object. It must not keep raw.
	Add(e archive.Entry, raw []byte) error
	// Flush is called once, after the last Add.
	Flush() error
}

// Archive makes a Sink of w. Closing w remains the caller's.
func Archive(w *archive.Writer) Sink { return archiveSink{w} }

type archiveSink struct{ *archive.Writer }

func (s archiveSink) NewMember() Member { return s.Writer.NewMember() }

// A list holds everything that a backup stores. Rights to get everything would
// hold more: they reach subresources, and with nodes/proxy and pods/exec the
// inside of every container.
// +kubebuilder:rbac:groups=*,resources=*,verbs=list

// Source is the cluster to take a backup of.
type Source struct {
	Discoverer engine.Discoverer
	Lister     engine.Lister
	// Historian finds the moment that types are listed at. It may be nil under
	// Options.AnyMoment.
	Historian engine.Historian
}
