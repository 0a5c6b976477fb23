// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package finalizer holds an object while a run for it is active, and only then:
// held for longer, it would make an uninstall hang.
package finalizer

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// Ensure puts the finalizer of a run on object.
func Ensure(ctx context.Context, c client.Client, object client.Object) error {
	return patch(ctx, c, object, controllerutil.AddFinalizer)
}

// Drop takes the finalizer of a run off object. One that is gone is no error.
func Drop(ctx context.Context, c client.Client, object client.Object) error {
	return client.IgnoreNotFound(patch(ctx, c, object, controllerutil.RemoveFinalizer))
}

// patch changes finalizers, and nothing that somebody else changed meanwhile.
// Of the answer only the metadata is taken over: the status that the caller is
// preparing stays.
func patch(ctx context.Context, c client.Client, object client.Object, change func(client.Object, string) bool) error {
	before, ok := object.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("change finalizers of a %T: it is no object", object)
	}
	if !change(object, v1alpha1.RunFinalizer) {
		return nil
	}
	sent, ok := object.DeepCopyObject().(client.Object)
	if !ok {
		return fmt.Errorf("change finalizers of a %T: it is no object", object)
	}
	only := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := c.Patch(ctx, sent, only); err != nil {
		object.SetFinalizers(before.GetFinalizers())
		return fmt.Errorf("change finalizers: %w", err)
	}
	object.SetFinalizers(sent.GetFinalizers())
	object.SetResourceVersion(sent.GetResourceVersion())
	return nil
}
