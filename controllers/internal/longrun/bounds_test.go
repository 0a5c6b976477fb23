// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package longrun_test

import (
	"testing"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/longrun"
)

func TestWhatTheConfigLeavesOpenIsDecidedHere(t *testing.T) {
	tests := map[string]struct {
		asked             *v1alpha1.Concurrency
		backups, restores int32
	}{
		"no bounds":            {nil, 4, 4},
		"bounds of others":     {&v1alpha1.Concurrency{Lists: 2, Writes: 8}, 4, 4},
		"one of the two":       {&v1alpha1.Concurrency{Backups: 9}, 9, 4},
		"one at a time":        {&v1alpha1.Concurrency{Backups: 1, Restores: 1}, 1, 1},
		"as many as there may": {&v1alpha1.Concurrency{Backups: 16, Restores: 16}, 16, 16},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if b, r := longrun.Backups(tc.asked), longrun.Restores(tc.asked); b != tc.backups || r != tc.restores {
				t.Errorf("%d backups and %d restores at a time, want %d and %d", b, r, tc.backups, tc.restores)
			}
		})
	}
}
