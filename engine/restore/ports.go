// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"

	"github.com/gopherwood/ark/engine"
)

// Gate rules on a restore before its first write. It is safe for concurrent
// use. An error of either method denies: no answer is never a yes.
type Gate interface {
	// ReadsPlan reports whether any rule that has a say about a restore into these
	// namespaces looks at the plan or at single objects. When none does, what would
	// happen to each object is not looked up, which costs a request for each. It is
	// called first.
	ReadsPlan(namespaces []TargetNamespace) bool
	// Request rules on the restore as a whole. It is called before the methods below,
	// and once: which rules have a say depends on the plan.
	Request(ctx context.Context, plan Summary) (Verdict, error)
	// PerObject reports whether any rule looks at single objects; when none does,
	// Object is never called, and archived objects need not be read twice.
	PerObject() bool
	// Object rules on one object to be written. It must not keep o.Object's bytes.
	Object(ctx context.Context, o Candidate) (Ruling, error)
}

// Verdict is the outcome of a gate for the whole request.
type Verdict struct {
	Deny []Reason
	Warn []Reason
}

// Reason is why a rule fired.
type Reason struct {
	Code    string `json:"code"`
	Message string `json:"message,omitempty"`
	// Policy names the BackupPolicy whose rule it is; empty for the Config's.
	Policy string `json:"policy,omitempty"`
	// Object is what it is about; empty for the request as a whole.
	Object string `json:"object,omitempty"`
}

// Ruling is what the rules say of one object: it is left out, or the whole
// restore is denied.
type Ruling struct {
	Skip []Reason
	Deny []Reason
}

// Summary is what a gate may know of the plan.
type Summary struct {
	// Actions counts objects by group resource and action, as far as it is known: of
	// what was not looked up, only what is skipped.
	Actions map[string]map[Action]int64
	// Namespaces are those that are written into.
	Namespaces []TargetNamespace
}

// TargetNamespace is a namespace that a restore writes into.
type TargetNamespace struct {
	Name string
	// Source is the archived namespace.
	Source string
	// Exists says that the namespace is there; Labels and Annotations are then its own.
	Exists      bool
	Labels      map[string]string
	Annotations map[string]string
}

// Candidate is one object that a gate rules on.
type Candidate struct {
	// Object is what would be written, after mapping and transformation.
	Object engine.Object
	// Source identifies the archived object.
	Source engine.Key
	// Action is what would happen.
	Action Action
	// Target is the live namespace, nil for a cluster-scoped object.
	Target *TargetNamespace
}

// Action is what a plan does with an object.
type Action string

// The actions of a plan.
const (
	// ActionCreate: the object does not exist.
	ActionCreate Action = "create"
	// ActionUpdate and ActionRecreate: it exists and differs, and is overwritten or
	// deleted first.
	ActionUpdate   Action = "update"
	ActionRecreate Action = "recreate"
	// ActionKeep: it exists and stays as it is.
	ActionKeep Action = "keep"
	// ActionSkip: it is left out; a code says why.
	ActionSkip Action = "skip"
)
