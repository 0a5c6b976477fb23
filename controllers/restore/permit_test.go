// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"strings"
	"testing"
	"time"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
)

func TestRestoresThatAreSwitchedOff(t *testing.T) {
	tests := map[string]struct {
		disabled bool
		ending   *ending
		want     string // the beginning of Ready
	}{
		"are stalled, with the cure":           {true, nil, "False RestoreDisabled: restores are switched off in this cluster: set restore.enabled=true"},
		"show how they ended before that":      {true, &ending{reason: v1alpha1.SucceededReason, message: "done"}, "True Succeeded: done"},
		"that are not switched off go further": {false, nil, "Unknown Progressing: "},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			s := newScope(&v1alpha1.Restore{}, time.Unix(0, 0))
			s.ending = tc.ending
			r := &Reconciler{Disabled: tc.disabled}
			setStatus(s, r.permit(t.Context(), s))
			st := s.restore.Status
			if got := controllertest.Ready(t, s.restore, st.ObservedGeneration, st.Conditions); !strings.HasPrefix(got, tc.want) {
				t.Errorf("got %q, want %q…", got, tc.want)
			}
			if st.CompletionTime != nil && tc.ending == nil {
				t.Error("it counts as ended: switched on, it would never run")
			}
		})
	}
}
