// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"time"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/rules"
)

// scope is what the steps learn of the Config.
type scope struct {
	cfg    *v1alpha1.Config
	before *v1alpha1.Config
	// first is the Config as it was when the reconciliation began.
	first *v1alpha1.Config
	now   time.Time

	// checked tells of each location, in the order of the spec.
	checked []check
	// rules are those in force; nil when there are none to rely on.
	rules *rules.Revision
	// problems are what stands in the way of the Config being in force.
	problems []error
}

// check is what trying one location told.
type check struct {
	name                  string
	storeID, storeAddress string
	// conditional says whether the store refuses to overwrite; nil when unknown.
	conditional *bool
	// signer is the Secret that holds the key, whether it exists or not; empty when
	// nothing is signed.
	signer string
	// publicKey is what backups into it can be verified with; empty when they are
	// not signed, or with a key that is not known.
	publicKey string
	// unsigned is why there is no key although there should be.
	unsigned error
	// problem is a stall or a wait; nil when the location is available.
	problem error
}

func newScope(cfg *v1alpha1.Config, now time.Time) *scope {
	before := cfg.DeepCopy()
	return &scope{cfg: cfg, before: before, first: before, now: now}
}

// refuse notes what stands in the way, and lets the other steps go on.
func (s *scope) refuse(err error) {
	s.problems = append(s.problems, err)
}
