// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package announce_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/announce"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
)

func TestANoteFitsIntoAnEvent(t *testing.T) {
	events := &controllertest.Events{} // which panics where one does not
	announce.Normal(events, &v1alpha1.Config{}, "Reason", "Act", "100 % done")
	announce.Warning(events, &v1alpha1.Config{}, "Reason", "Act", strings.Repeat("a", 1024))
	announce.Warning(events, &v1alpha1.Config{}, "Reason", "Act", strings.Repeat("a", 1025))
	announce.Warning(events, &v1alpha1.Config{}, "Reason", "Act", strings.Repeat("ö", 600))
	want := []string{
		"Normal Reason: 100 % done",
		"Warning Reason: " + strings.Repeat("a", 1024),
		"Warning Reason: " + strings.Repeat("a", 1021) + "…",
		"Warning Reason: " + strings.Repeat("ö", 510) + "…",
	}
	if diff := cmp.Diff(want, events.Take()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
