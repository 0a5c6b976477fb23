// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"testing"

	"github.com/gopherwood/ark/api/v1alpha1"
	engrestore "github.com/gopherwood/ark/engine/restore"
)

// The engine knows nothing of the API's kinds, and has to tell their records.
func TestTheLabelOfARecordIsTheAPIs(t *testing.T) {
	if engrestore.RecordLabel != v1alpha1.CreatedByLabel {
		t.Errorf("the engine leaves out what has the label %s, and records have %s", engrestore.RecordLabel, v1alpha1.CreatedByLabel)
	}
}
