// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"context"
	"time"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/health"
	"github.com/gopherwood/ark/controllers/internal/rules"
	"github.com/gopherwood/ark/controllers/internal/step"
)

// scope is what the steps learn of one BackupPolicy.
type scope struct {
	policy *v1alpha1.BackupPolicy
	before *v1alpha1.BackupPolicy
	now    time.Time

	// cfg is nil while there is no Config.
	cfg *v1alpha1.Config
	// runs are the backups that this cluster took for the policy.
	runs health.Record
	// rules are those in force; nil when there are none to rely on.
	rules *rules.Revision
	// schedules are all that are labelled with the policy or bear the name of one
	// of its entries, by name.
	schedules map[string]*v1alpha1.Schedule

	// problems are what stands in the way of the policy being in force.
	problems []error
	// made and removed name the Schedules that this reconciliation did.
	made, removed []string
}

func newScope(p *v1alpha1.BackupPolicy, now time.Time) *scope {
	return &scope{policy: p, before: p.DeepCopy(), now: now, schedules: map[string]*v1alpha1.Schedule{}}
}

// refuse notes what stands in the way, and lets the other steps go on.
func (s *scope) refuse(err error) {
	s.problems = append(s.problems, err)
}

// judge returns the problems as one.
func judge(_ context.Context, s *scope) error { return step.Join(s.problems...) }
