// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package definitions

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// Client returns a client that neither reads nor writes objects of a kind that is not
// served whole.
func (g *Guard) Client(inner client.Client) client.Client { return guarded{inner, g} }

type guarded struct {
	client.Client

	guard *Guard
}

// resourceOf is the resource of an object or list of Ark's kinds, or nothing.
func resourceOf(o any) string {
	switch o.(type) {
	case *v1alpha1.Config, *v1alpha1.ConfigList:
		return "configs"
	case *v1alpha1.BackupPolicy, *v1alpha1.BackupPolicyList:
		return "backuppolicies"
	case *v1alpha1.Schedule, *v1alpha1.ScheduleList:
		return "schedules"
	case *v1alpha1.Backup, *v1alpha1.BackupList:
		return "backups"
	case *v1alpha1.Restore, *v1alpha1.RestoreList:
		return "restores"
	}
	return ""
}

func (g *Guard) of(o any) error { return g.Verdict(resourceOf(o)) }

// Get implements client.Reader.
func (c guarded) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	if err := c.guard.of(o); err != nil {
		return err
	}
	return c.Client.Get(ctx, key, o, opts...)
}

// List implements client.Reader.
func (c guarded) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	if err := c.guard.of(list); err != nil {
		return err
	}
	return c.Client.List(ctx, list, opts...)
}

// Create implements client.Writer.
func (c guarded) Create(ctx context.Context, o client.Object, opts ...client.CreateOption) error {
	if err := c.guard.of(o); err != nil {
		return err
	}
	return c.Client.Create(ctx, o, opts...)
}

// Update implements client.Writer.
func (c guarded) Update(ctx context.Context, o client.Object, opts ...client.UpdateOption) error {
	if err := c.guard.of(o); err != nil {
		return err
	}
	return c.Client.Update(ctx, o, opts...)
}

// Patch implements client.Writer.
func (c guarded) Patch(ctx context.Context, o client.Object, patch client.Patch, opts ...client.PatchOption) error {
	if err := c.guard.of(o); err != nil {
		return err
	}
	return c.Client.Patch(ctx, o, patch, opts...)
}

// Delete implements client.Writer.
func (c guarded) Delete(ctx context.Context, o client.Object, opts ...client.DeleteOption) error {
	if err := c.guard.of(o); err != nil {
		return err
	}
	return c.Client.Delete(ctx, o, opts...)
}

// Status implements client.StatusClient.
func (c guarded) Status() client.SubResourceWriter {
	return guardedStatus{c.Client.Status(), c.guard}
}

type guardedStatus struct {
	client.SubResourceWriter

	guard *Guard
}

// Update implements client.SubResourceWriter.
func (w guardedStatus) Update(ctx context.Context, o client.Object, opts ...client.SubResourceUpdateOption) error {
	if err := w.guard.of(o); err != nil {
		return err
	}
	return w.SubResourceWriter.Update(ctx, o, opts...)
}

// Patch implements client.SubResourceWriter.
func (w guardedStatus) Patch(ctx context.Context, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	if err := w.guard.of(o); err != nil {
		return err
	}
	return w.SubResourceWriter.Patch(ctx, o, patch, opts...)
}
