// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policy_test

import (
	"testing"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
)

func TestAPolicyWithoutRulesIsInForce(t *testing.T) {
	b := newBench(t)
	p := shop(func(s *v1alpha1.BackupPolicySpec) { s.Rules = nil })
	controllertest.Create(t, b, config(), p)
	if ready := b.reconcile(p); ready != "True Succeeded: 0 rule modules and 2 schedules in force" {
		t.Errorf("Ready = %s", ready)
	}
	if p.Status.Policy != nil {
		t.Errorf("rules in force are %+v", p.Status.Policy)
	}
}
