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
	missing, err := r.putManagers(ctx, p, live, p.ManagedFields)
	if version := p.it.resource.GroupVersion().String(); err == nil && len(missing) > 0 {
		missing, err = r.putManagers(ctx, p, live, transform.ManagersIn(version, p.ManagedFields))
	}
	switch {
	case errors.Is(err, engine.ErrInvalid), errors.Is(err, engine.ErrForbidden):
		p.it.messages = append(p.it.messages, fmt.Sprintf("its field managers could not be put back, and the next server-side apply "+
			"conflicts with %q unless it is forced: %v", engine.FieldManager, err))
		return false, nil
	case err != nil:
		return false, fmt.Errorf("put its field managers back: %w", err)
	}
	for _, entry := range missing {
		p.it.messages = append(p.it.messages, fmt.Sprintf("the API server did not take back field manager %.128q of version %.128q, whose next "+
			"server-side apply may conflict", transform.Text(entry, "manager"), transform.Text(entry, "apiVersion")))
	}
	return true, nil
}

// putManagers writes the field managers of an object, and returns those that are not
// among those of the answer: an API server drops all of them, without a word, where
// an entry is of a version that does not have all the object's fields.
func (r *run) putManagers(ctx context.Context, p *prepared, live transform.Manifest, entries []any) ([]transform.Manifest, error) {
	answer, err := r.patch(ctx, p.it, types.UID(transform.Text(live, "metadata", "uid")), transform.Manifest{"managedFields": entries})
	if err != nil || len(answer.Raw) == 0 {
		return nil, err
	}
	m, err := transform.Decode(answer.Raw)
	if err != nil {
		return nil, err
	}
	return transform.MissingManagers(transform.ManagersOf(m), entries), nil
}
