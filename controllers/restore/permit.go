// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
)

// permit stalls a restore where restores are switched off: without the rights,
// it would fail object by object. Switching them on starts a new process, which
// looks at every Restore again.
func (r *Reconciler) permit(_ context.Context, s *scope) error {
	if s.ending != nil || !r.Disabled {
		return nil
	}
	return step.Stall(v1alpha1.RestoreDisabledReason,
		"restores are switched off in this cluster: set restore.enabled=true in the values of Ark's chart (ark server --restore), or delete this Restore, which would run then")
}

// checkDefinitions stalls a restore while a definition lacks fields: rules that the API
// server drops would not be asked.
func (r *Reconciler) checkDefinitions(ctx context.Context, s *scope) error {
	if s.ending != nil {
		return nil
	}
	return r.Definitions.Check(ctx)
}
