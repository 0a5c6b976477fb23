// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"testing"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// Whoever writes into a bucket can copy what a Schedule asks for, and knows the names
// of its coming firings.
func TestTheBackupOfAFiringIsNotTakenForOneThatLiesThereAlready(t *testing.T) {
	f := setUp(t)
	const name = "nightly-20260101030000"
	f.backup(name)
	f.settle(name)
	if err := f.client.Delete(t.Context(), f.get(name)); err != nil {
		t.Fatal(err)
	}
	f.backup(name, func(b *v1alpha1.Backup) {
		b.Labels = map[string]string{v1alpha1.CreatedByLabel: v1alpha1.CreatedBySchedule, v1alpha1.ScheduleLabel: "nightly"}
	})
	hasPrefix(t, "Ready", f.settle(name), `False NameTaken: location "main" holds something of this name that this cluster did not store there`)
	f.backup("nightly-20260101030001", func(b *v1alpha1.Backup) {
		b.Labels = map[string]string{v1alpha1.CreatedByLabel: v1alpha1.CreatedBySchedule, v1alpha1.ScheduleLabel: "nightly"}
	})
	hasPrefix(t, "Ready", f.settle("nightly-20260101030001"), "True Succeeded")
}
