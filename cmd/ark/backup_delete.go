// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/access"
	"github.com/gopherwood/ark/cmd/ark/internal/describe"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/cmd/ark/internal/follow"
)

// backupDelete is what ark backup delete was asked for.
type backupDelete struct {
	reason    string
	confirmed confirmation
	wait      waitFlags
}

func newBackupDelete(a *app) *cobra.Command {
	var o backupDelete
	cmd := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete the data of a backup",
		Long: `Delete the data of a backup, for good. The request is recorded in the Backup and
in storage with its reason. Deleting the Backup object alone, with kubectl,
deletes no data: it comes back from storage.`,
		Example: `  ark backup delete before-upgrade --reason "the upgrade went well"
  ark backup delete before-upgrade --yes --wait`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.deleteBackup(cmd.Context(), args[0], &o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.reason, "reason", "deleted with ark backup delete", "why, for the record")
	o.confirmed.add(flags)
	o.wait.add(flags)
	return cmd
}

func (a *app) deleteBackup(ctx context.Context, name string, o *backupDelete) error {
	if err := o.wait.check(); err != nil {
		return err
	}
	if strings.TrimSpace(o.reason) == "" {
		return exit.Usagef("--reason must not be empty: say why, for the record")
	}
	if err := o.confirmed.canAsk(a); err != nil {
		return err
	}
	c, err := a.cluster.Client()
	if err != nil {
		return err
	}
	b, err := inCluster[*v1alpha1.Backup]{c, backups}.One(ctx, name)
	if err != nil {
		return err
	}
	if err := mayDelete(b); err != nil {
		return err
	}
	if err := o.confirmed.ask(a, deletionOf(b), "nothing was deleted"); err != nil {
		return err
	}
	if b.Spec.Deletion == nil {
		before := b.DeepCopy()
		b.Spec.Deletion = &v1alpha1.Deletion{Reason: o.reason}
		if err := c.Patch(ctx, b, client.MergeFrom(before)); err != nil {
			return err
		}
	}
	if o.wait.wait {
		return a.waitForDeletion(ctx, c, b, o.wait)
	}
	_, err = fmt.Fprintf(a.out, "backup %s: deletion of its data was asked for\n", b.Name)
	return err
}

// mayDelete says why a backup cannot be deleted, and what to do.
func mayDelete(b *v1alpha1.Backup) error {
	if o := b.Status.Origin; o != nil && o.Foreign {
		return exit.Errorf(exit.Failed, "backup %q was taken by another cluster, %s, and only that cluster can delete it: delete it there",
			b.Name, describe.ClusterOf(b))
	}
	if describe.Held(b) {
		return exit.Errorf(exit.Failed, "backup %q is on hold: release it first, with spec.hold: false", b.Name)
	}
	return nil
}

// deletionOf is the question that is asked first.
func deletionOf(b *v1alpha1.Backup) string {
	what := ""
	if b.Status.Objects != nil {
		what = fmt.Sprintf(" of %d objects", b.Status.Objects.Included)
	}
	return fmt.Sprintf("Delete the data of backup %s%s for good?", b.Name, what)
}

// waitForDeletion waits until the Backup is gone, or, where it is kept because
// it came from Git, says that its data is.
func (a *app) waitForDeletion(ctx context.Context, c client.WithWatch, b *v1alpha1.Backup, o waitFlags) error {
	w := waiting[*v1alpha1.Backup]{word: "backup", object: b, list: &v1alpha1.BackupList{}, look: lookAtDeletion}
	last, v, err := await(ctx, a, c, w, o.timeout)
	switch {
	case errors.Is(err, follow.ErrDeleted), access.IsMissing(err):
		_, err = fmt.Fprintf(a.out, "backup %s: deleted\n", b.Name)
		return err
	case err != nil:
		return err
	}
	if v.Code == exit.Success {
		_, err = fmt.Fprintf(a.out, "backup %s: its data is deleted; the object stays, because Ark did not make it\n", last.Name)
		return err
	}
	return ended("backup", last.Name, v)
}

// lookAtDeletion judges a Backup that is being deleted. What its conditions said
// before the deletion was seen does not count.
func lookAtDeletion(b *v1alpha1.Backup) (string, follow.Verdict) {
	v := follow.Judge(b.Generation, b.Status.ObservedGeneration, b.Status.Conditions)
	if v.Ended {
		switch v.Reason {
		case v1alpha1.DeletedReason:
			v.Code = exit.Success
			// What Ark made goes too, a moment later.
			v.Ended = b.Labels[v1alpha1.CreatedByLabel] == ""
		case v1alpha1.SucceededReason, v1alpha1.PartiallyFailedReason:
			v.Ended = false // how the backup went
		}
	}
	return standing("backup "+b.Name, v), v
}
