// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"testing"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/internal/longrun"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
)

func TestASmallRestoreDoesNotWaitForLargeOnes(t *testing.T) {
	f := setUp(t)
	release := make(chan struct{})
	f.backup("large", f.uid)
	f.store.Inject(storetest.Fault{Op: storetest.OpOpen, Key: archive.DataPrefix(f.uid, "large"), Effect: storetest.Hold(func() {}, release)})
	large := func(s *v1alpha1.RestoreSpec) { s.BackupName, s.DryRun = "large", true }
	larges := []string{"large-1", "large-2", "large-3"}
	for _, name := range larges {
		f.restore(name, large)
		f.begin(name)
	}
	f.restore("small")
	hasPrefix(t, "Ready beside three large ones, without a word in the Config", f.settle("small"), "True Succeeded: ")
	for _, name := range larges {
		if phase := f.r.Runs.Observe(f.get(name).UID).Phase; phase != longrun.Running {
			t.Fatalf("%s is in phase %d: the small one had nothing to wait for", name, phase)
		}
	}

	f.config(func(s *v1alpha1.ConfigSpec) { s.Concurrency = &v1alpha1.Concurrency{Restores: 1} })
	f.restore("next", func(s *v1alpha1.RestoreSpec) { s.DryRun = true })
	for range 3 {
		f.reconcile("next")
		o := f.get("next")
		hasPrefix(t, "Ready where the Config allows one", controllertest.Ready(t, o, o.Status.ObservedGeneration, o.Status.Conditions), "Unknown Queued: "+queued)
	}
	close(release)
	for _, name := range append(larges, "next") {
		hasPrefix(t, "Ready of "+name+" in the end", f.settle(name), "True Planned: ")
	}
}
