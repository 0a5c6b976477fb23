// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync

import (
	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/longrun"
)

// Active reports whether a location is being listed, or was and is not reported.
func (r *Reconciler) Active(cfg *v1alpha1.Config) bool {
	for _, l := range cfg.Status.Storage {
		if r.Runs.Observe(runID(cfg, l.Name)).Phase != longrun.Absent {
			return true
		}
	}
	return false
}
