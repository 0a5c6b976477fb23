// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package status writes the status of an object once per reconciliation, and
// only when something changed: a status that is written again and again wakes
// everybody who watches it.
package status

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Patch sends what changed in the status of object since before. An object that
// is gone has nobody left to tell, and is no error.
func Patch(ctx context.Context, c client.Client, object, before client.Object) error {
	return send(ctx, c, object, before, client.MergeFrom(before))
}

// PatchUnchanged is Patch, unless somebody else wrote the object since it was
// read, or last patched here: then it fails with a conflict. Whoever writes a list of
// a status that others write too needs it, because a patch replaces lists whole; and
// so does whoever judges by a status that a cache may show as it was earlier.
func PatchUnchanged(ctx context.Context, c client.Client, object, before client.Object) error {
	changed, err := differ(object, before)
	if err != nil || !changed {
		return err
	}
	from, ok := before.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("patch status: %T is no object", before)
	}
	from.SetResourceVersion(object.GetResourceVersion())
	return send(ctx, c, object, before, client.MergeFromWithOptions(from, client.MergeFromWithOptimisticLock{}))
}

func send(ctx context.Context, c client.Client, object, before client.Object, patch client.Patch) error {
	changed, err := differ(object, before)
	if err != nil || !changed {
		return err
	}
	if err := c.Status().Patch(ctx, object, patch); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("patch status: %w", err)
	}
	return nil
}

func differ(object, before client.Object) (bool, error) {
	data, err := client.MergeFrom(before).Data(object)
	if err != nil {
		return false, fmt.Errorf("compare status: %w", err)
	}
	return string(data) != "{}", nil
}
