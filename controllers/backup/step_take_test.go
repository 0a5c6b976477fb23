// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"strings"
	"testing"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/internal/longrun"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
)

// ready reconciles once and returns Ready in words.
func (f *fixture) ready(name string) string {
	f.t.Helper()
	f.reconcile(name)
	b := f.get(name)
	return controllertest.Ready(f.t, b, b.Status.ObservedGeneration, b.Status.Conditions)
}

func TestASmallBackupDoesNotWaitForLargeOnes(t *testing.T) {
	f := setUp(t)
	release := make(chan struct{})
	f.store.Inject(storetest.Fault{Op: storetest.OpCreate, Key: "/data/large-", Effect: storetest.Hold(func() {}, release)})
	larges := []string{"large-1", "large-2", "large-3"}
	for _, large := range larges {
		f.backup(large)
		f.begin(large)
	}
	f.backup("small")
	if got := f.settle("small"); !strings.HasPrefix(got, "True Succeeded: ") {
		t.Errorf("beside three large ones, without a word in the Config: %s", got)
	}
	for _, large := range larges {
		if phase := f.r.Takes.Observe(f.get(large).UID).Phase; phase != longrun.Running {
			t.Fatalf("%s is in phase %d: the small one had nothing to wait for", large, phase)
		}
	}

	f.config(func(s *v1alpha1.ConfigSpec) { s.Concurrency = &v1alpha1.Concurrency{Backups: 1} })
	f.backup("next")
	for range 3 {
		if got, want := f.ready("next"), "Unknown Queued: "+queued; got != want {
			t.Errorf("where the Config allows one: %s, want %s", got, want)
		}
	}
	close(release)
	for _, name := range append(larges, "next") {
		if got := f.settle(name); !strings.HasPrefix(got, "True Succeeded: ") {
			t.Errorf("%s in the end: %s", name, got)
		}
	}
}
