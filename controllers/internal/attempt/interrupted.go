// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package attempt records of the attempts of a Backup or Restore what no reconciliation
// can: that one ended because the process ends.
package attempt

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// timeout is short beside the 30 s that a pod has to end.
const timeout = 5 * time.Second

// Interrupted records in the status of an object how many of its attempts ended because the
// process was told to stop. Controllers have stopped by then, and another process may have
// begun the next attempt, so that there are more than attempts: then nothing is recorded,
// and this one counts as failed. It is called when ctx has ended.
func Interrupted(ctx context.Context, c client.Client, object client.Object, attempts, interrupted int32) error {
	patch, err := json.Marshal([]map[string]any{
		{"op": "test", "path": "/metadata/uid", "value": object.GetUID()},
		{"op": "test", "path": "/status/attempts", "value": attempts},
		{"op": "add", "path": "/status/interrupted", "value": interrupted},
	})
	if err != nil {
		return fmt.Errorf("record an interrupted attempt: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	copied, ok := object.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("record an interrupted attempt: %T is no object", object)
	}
	err = c.Status().Patch(ctx, copied, client.RawPatch(types.JSONPatchType, patch))
	if apierrors.IsInvalid(err) || client.IgnoreNotFound(err) == nil {
		return nil // a test did not hold
	}
	return fmt.Errorf("record an interrupted attempt: %w", err)
}
