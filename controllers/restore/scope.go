// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/conditions"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/engine/catalog"
	engrestore "github.com/gopherwood/ark/engine/restore"
)

// scope is what the steps learn of one Restore.
type scope struct {
	restore *v1alpha1.Restore
	before  *v1alpha1.Restore
	now     time.Time

	cfg *v1alpha1.Config
	// unreachable are the locations that could not be asked whether they hold the record of
	// a restore of this name, and why.
	unreachable map[string]error
	// backup is the one that was chosen; location and snapshot are where and what
	// it is.
	backup   *v1alpha1.Backup
	location *locations.Location
	snapshot *catalog.Snapshot

	// active says that a run is queued or running, progress how far it is; begins that its
	// turn has come: it begins once status counts the attempt.
	active   bool
	begins   bool
	progress *engrestore.Progress
	// ending is how the restore ended; nil while it did not. ran says that a run of
	// this process did, and no record of an earlier one.
	ending *ending
	ran    bool
}

func newScope(o *v1alpha1.Restore, now time.Time) *scope {
	return &scope{restore: o, before: o.DeepCopy(), now: now}
}

// finished reports whether the restore came to an end. It never begins again.
func (s *scope) finished() bool { return s.restore.Status.CompletionTime != nil }

func (s *scope) nowTime() *metav1.Time { return &metav1.Time{Time: s.now} }

// lastFailure is what status says of the last attempt.
func (s *scope) lastFailure() string {
	if ready := meta.FindStatusCondition(s.restore.Status.Conditions, v1alpha1.ReadyCondition); ready != nil {
		return ready.Message
	}
	return "the last attempt broke off"
}

// conditions are those of the Restore, at its generation.
func (s *scope) conditions() conditions.Set {
	return conditions.Set{Conditions: &s.restore.Status.Conditions, Generation: s.restore.Generation, Now: s.now}
}

// ending is how a restore ended: what its status says, and why. It is what is
// recorded, and what a Restore that is adopted takes over.
type ending struct {
	status  v1alpha1.RestoreStatus
	reason  string
	message string
	// policy is that of the backup, for the metrics.
	policy string
}

// codes are the reason codes of the denials, each once and sorted: objects are asked about
// in no order.
func (e *ending) codes() []string {
	var codes []string
	for _, d := range e.status.Denials {
		if !slices.Contains(codes, d.Code) {
			codes = append(codes, d.Code)
		}
	}
	slices.Sort(codes)
	return codes
}

// good reports whether the restore did all that was asked of it.
func (e *ending) good() bool {
	return e.reason == v1alpha1.SucceededReason || e.reason == v1alpha1.PlannedReason
}
