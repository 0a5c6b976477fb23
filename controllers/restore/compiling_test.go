// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"testing"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/internal/rules"
	"github.com/gopherwood/ark/policies/sandbox"
)

// Rules that are not compiled yet neither deny nor allow, and hold nobody up.
func TestARestoreWaitsForItsGatesToBeCompiled(t *testing.T) {
	f := setUp(t)
	pool := sandbox.New(sandbox.DefaultLimits())
	t.Cleanup(pool.Close)
	all := rules.NewCompilations(pool.Compile)
	f.r.Rules.Compilations = all
	f.policy("p", f.into, denyAll)
	f.restore("gated")
	for range 5 {
		f.reconcile("gated")
	}
	o := f.get("gated")
	ready := controllertest.Ready(t, o, o.Status.ObservedGeneration, o.Status.Conditions)
	hasPrefix(t, "Ready", ready, "Unknown Progressing: load the rules of BackupPolicy p: the rules are being compiled")
	if o.Status.Attempts != 0 {
		t.Errorf("%d attempts, want none", o.Status.Attempts)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- all.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	hasPrefix(t, "Ready", f.settle("gated"), "False Denied: BackupPolicy p denied the restore, and nothing was written: not today (no)")
	if f.there() || f.get("gated").Status.Completeness != v1alpha1.CompletenessNone {
		t.Error("something was restored")
	}
}
