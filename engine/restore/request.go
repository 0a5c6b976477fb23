// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/own"
	"github.com/gopherwood/ark/engine/restore/transform"
	"github.com/gopherwood/ark/engine/selection"
)

// Existing is the fate of an object that exists and differs.
type Existing string

// The fates, as the API calls them.
const (
	ExistingNone     Existing = "None"
	ExistingUpdate   Existing = "Update"
	ExistingRecreate Existing = "Recreate"
)

// DefaultWorkers is how many objects are written at a time when a request does
// not say and the API server takes as many: a plain client that writes 32 at a time
// is as fast on two cores as one that writes more.
const DefaultWorkers = 32

// Request is what a restore is asked for, names resolved and selectors parsed.
type Request struct {
	// Label marks every restored object, and tells the objects of an earlier
	// attempt of this restore from all others. It is a valid label value.
	Label string
	// OwnNamespace is Ark's: what lies there is never written over.
	OwnNamespace string
	// Own are how else Ark runs in the target, and Proof is what is known of whose
	// backup this is: what Ark's authority or its gates rest on is never written over,
	// and made only as Proof allows.
	Own   own.Facts
	Proof own.Proof
	// Selection narrows the restore; the zero value takes the whole backup.
	Selection selection.Template
	// Names are object names or globs; none matches all.
	Names []string
	// NamespaceMapping maps archived namespaces to those restored into.
	NamespaceMapping map[string]string
	// Existing is what happens to an object that exists and differs; empty is None.
	Existing Existing
	// PreserveNodePorts keeps node ports that the API server chose.
	PreserveNodePorts bool
	// RestoreStatus lists types whose status is written through its subresource.
	RestoreStatus []string
	// Paused restores workloads so that no pod starts.
	Paused bool
	// Modifiers change objects on their way, in this order.
	Modifiers []transform.ModifierSpec
	// RestoreOrder lists types restored ahead of the built-in order.
	RestoreOrder []string
	// DryRun plans and gates, and writes nothing.
	DryRun bool
	// Workers bounds how many objects are written at a time; zero is DefaultWorkers.
	Workers int
}

// Codes of requests that cannot be carried out.
const (
	// CodeInvalidRequest: a field is malformed, or what it names is not in the backup.
	CodeInvalidRequest = "invalid-request"
	// CodeMappingConflict: two archived namespaces would become one.
	CodeMappingConflict = "mapping-conflict"
	// CodeMappingSource: a mapped namespace is not in the backup or not selected.
	CodeMappingSource = "mapping-source"
)

// RequestError says why a request cannot be carried out: it, or the backup it
// names, has to change.
type RequestError struct {
	// Code is one of the codes above.
	Code string
	// Message names the field and the cure.
	Message string
}

func (e *RequestError) Error() string { return e.Message }

func refuse(code, format string, args ...any) error {
	return &RequestError{Code: code, Message: fmt.Sprintf(format, args...)}
}

var (
	namespaceName = regexp.MustCompile("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
	labelValue    = regexp.MustCompile("^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")
)

// check finds what is malformed whatever the backup holds.
func (r *Request) check() error {
	if !labelValue.MatchString(r.Label) {
		return refuse(CodeInvalidRequest, "label: %q is not the value of a label", r.Label)
	}
	switch r.Existing {
	case "", ExistingNone, ExistingUpdate, ExistingRecreate:
	default:
		return refuse(CodeInvalidRequest, "existingResourcePolicy: %q is unknown: write None, Update or Recreate", r.Existing)
	}
	if r.Workers < 0 {
		return refuse(CodeInvalidRequest, "workers: %d is negative: leave it out for %d", r.Workers, DefaultWorkers)
	}
	targets := map[string]string{}
	for _, source := range slices.Sorted(maps.Keys(r.NamespaceMapping)) {
		target := r.NamespaceMapping[source]
		if !namespaceName.MatchString(target) {
			return refuse(CodeInvalidRequest, "namespaceMapping: %q is mapped to %q, which is not the name of a namespace", source, target)
		}
		if other, taken := targets[target]; taken {
			return refuse(CodeMappingConflict, "namespaceMapping: %q and %q are both mapped to %q: give each a namespace of its own", other, source, target)
		}
		targets[target] = source
	}
	return nil
}

// Check finds what no backup and no cluster can make right. Its error is a *RequestError.
func (r *Request) Check() error {
	if _, err := newPlanner(r, engine.Discovery{}, nil); err != nil {
		return err
	}
	if _, err := selection.NewResourceSet("restoreStatus", r.RestoreStatus, nil); err != nil {
		return refuse(CodeInvalidRequest, "%v", err)
	}
	for _, spec := range r.Modifiers {
		if _, err := transform.NewModifier(spec, nil); err != nil {
			return refuse(CodeInvalidRequest, "%v", err)
		}
	}
	return nil
}

// workers is how many objects are handled at a time.
func (r *Request) workers() int {
	if r.Workers == 0 {
		return DefaultWorkers
	}
	return r.Workers
}
