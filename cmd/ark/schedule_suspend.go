// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

func newScheduleSuspend(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "suspend NAME",
		Short: "Stop a schedule from taking backups",
		Long: `Stop a schedule from taking backups, by setting spec.suspend. What is stored stays,
and a backup can still be taken with ark schedule trigger. A schedule that a
BackupPolicy made is suspended with spec.suspend of the policy, and one that is
kept in Git where it is kept: a change here would not last.`,
		Example: `  ark schedule suspend nightly`,
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.suspendSchedule(cmd.Context(), args[0], true)
		},
	}
}

func newScheduleResume(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "resume NAME",
		Short: "Let a suspended schedule take backups again",
		Long: `Let a suspended schedule take backups again, by removing spec.suspend. Firings that
it missed are made up for by one backup, within its startingDeadline.`,
		Example: `  ark schedule resume nightly`,
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.suspendSchedule(cmd.Context(), args[0], false)
		},
	}
}

func (a *app) suspendSchedule(ctx context.Context, name string, suspend bool) error {
	c, err := a.cluster.Client()
	if err != nil {
		return err
	}
	s, err := inCluster[*v1alpha1.Schedule]{c, schedules}.One(ctx, name)
	if err != nil {
		return err
	}
	if owner := metav1.GetControllerOf(s); owner != nil && owner.Kind == backupPolicies.kind {
		return exit.Errorf(exit.Failed, "schedule %q was made by BackupPolicy %q, which would set it back: set spec.suspend: %t in the policy, where you keep it",
			name, owner.Name, suspend)
	}
	verb := "resumed"
	if suspend {
		verb = "suspended"
	}
	if s.Spec.Suspend == suspend {
		_, err := fmt.Fprintf(a.out, "schedule %s is %s already\n", name, verb)
		return err
	}
	before := s.DeepCopy()
	s.Spec.Suspend = suspend
	if err := c.Patch(ctx, s, client.MergeFrom(before)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(a.out, "schedule %s %s\n", name, verb); err != nil {
		return err
	}
	if tool := appliedBy(before); tool != "" {
		_, err := fmt.Fprintf(a.err, "ark: %s applies schedule %s and may set it back: set spec.suspend: %t where it is kept, too\n", tool, name, suspend)
		return err
	}
	return nil
}

// gitTools are the labels and annotations by which tools know what they applied.
var gitTools = []struct{ key, value, tool string }{
	{"argocd.argoproj.io/tracking-id", "", "Argo CD"},
	{"argocd.argoproj.io/instance", "", "Argo CD"},
	{"kustomize.toolkit.fluxcd.io/name", "", "Flux"},
	{"helm.toolkit.fluxcd.io/name", "", "Flux"},
	{"meta.helm.sh/release-name", "", "Helm"},
	{"app.kubernetes.io/managed-by", "Helm", "Helm"},
}

// appliedBy names the tool that applies an object from a repository, or nothing.
func appliedBy(o client.Object) string {
	for _, t := range gitTools {
		for _, marks := range []map[string]string{o.GetLabels(), o.GetAnnotations()} {
			if value, ok := marks[t.key]; ok && (t.value == "" || t.value == value) {
				return t.tool
			}
		}
	}
	return ""
}
