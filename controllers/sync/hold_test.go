// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync_test

import (
	"encoding/json"
	"testing"

	"github.com/gopherwood/ark/engine/archive"
)

// An object that says hold: false releases the hold. One that is brought back must
// not say so because it did when the backup was taken.
func TestAnObjectThatIsBroughtBackReleasesNoHold(t *testing.T) {
	b := newBench(t, "main")
	b.commit("main", here, name(1), func(m *archive.Marker) {
		m.Spec = json.RawMessage(`{"policyName":"shop","hold":false}`)
	})
	if _, err := b.catalogs["main"].Append(t.Context(), archive.Record{Type: archive.RecordHold, Cluster: here, Name: name(1), By: here}); err != nil {
		t.Fatal(err)
	}
	b.sync()
	got := b.backup(name(1))
	if got.Spec.Hold != nil || got.Spec.PolicyName != "shop" {
		t.Errorf("spec = %+v, want no hold", got.Spec)
	}
	if !got.Status.Held {
		t.Error("the status does not say that it is held")
	}
}
