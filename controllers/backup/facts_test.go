// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"testing"
	"time"

	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/backup"
)

// What rules may know and nobody tells them would be a condition that never holds.
func TestRulesAreToldEverythingThatTheyMayKnowOfABackup(t *testing.T) {
	told := facts(&scope{now: time.Unix(1, 0)}, &backup.Request{
		Cluster: archive.Cluster{UID: "u", Name: "prod"}, Name: "b", Schedule: "s", Policy: "p",
	})
	if unset := controllertest.Unset(told); unset != nil {
		t.Errorf("fields that are never set: %q", unset)
	}
}
