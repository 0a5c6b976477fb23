// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"

	"github.com/gopherwood/ark/engine"
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

// Namespace is what rules may know of an object's namespace.
type Namespace struct {
	Name        string
	Labels      map[string]string
	Annotations map[string]string
	// Phase is "Active" or "Terminating".
	Phase string
}
