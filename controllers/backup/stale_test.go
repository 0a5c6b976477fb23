// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/internal/longrun"
)

// TestWhatACacheStillShowsIsNotWrittenOverWhatIsSo reconciles an object as a cache may
// still show it after status was written: the removal of a backup that is gone would
// begin once more, and its status say so for as long as nothing else wakes it.
func TestWhatACacheStillShowsIsNotWrittenOverWhatIsSo(t *testing.T) {
	for name, end := range map[string]func(*fixture){
		"a deletion": func(f *fixture) {
			f.change("b", func(s *v1alpha1.BackupSpec) { s.Deletion = &v1alpha1.Deletion{Reason: "a test"} })
		},
		"an expiry": func(f *fixture) { f.clock.Advance(721 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			f.backup("b") // from Git: the object stays
			f.settle("b")
			end(f)
			earlier := f.get("b")
			want := f.settle("b")

			for _, shown := range []*v1alpha1.Backup{earlier, f.get("b")} {
				if _, err := f.r.Reconcile(t.Context(), shown); err != nil && !apierrors.IsConflict(err) {
					t.Fatalf("Reconcile() error = %v", err)
				}
			}
			uid := f.get("b").UID
			if phase := f.r.Removals.Observe(uid).Phase; phase != longrun.Absent {
				t.Errorf("another removal is %v", phase)
			}
			b := f.get("b")
			if got := controllertest.Ready(t, b, b.Status.ObservedGeneration, b.Status.Conditions); got != want {
				t.Errorf("Ready is %q, want %q", got, want)
			}
		})
	}
}
