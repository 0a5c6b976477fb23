// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/types"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// returnManagers gives the fields of an object back to those who own them in the
// archive: the next apply of theirs would conflict with this restore. It reports
// whether that changed anything.
func (r *run) returnManagers(ctx context.Context, p *prepared, live transform.Manifest) (changed bool, err error) {
	if !transform.LacksManagers(live, p.ManagedFields) {
		return false, nil
	}
	err = r.patch(ctx, p.it, types.UID(transform.Text(live, "metadata", "uid")), transform.Manifest{"managedFields": p.ManagedFields})
	switch {
	case errors.Is(err, engine.ErrInvalid), errors.Is(err, engine.ErrForbidden):
		p.it.messages = append(p.it.messages, fmt.Sprintf("its field managers could not be put back, and the next server-side apply "+
			"conflicts with %q unless it is forced: %v", engine.FieldManager, err))
		return false, nil
	case err != nil:
		return false, fmt.Errorf("put its field managers back: %w", err)
	}
	return true, nil
}
