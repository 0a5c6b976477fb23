// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/describe"
)

func newScheduleDescribe(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "describe NAME",
		Short:   "Tell when backups are taken, what of, how long they are kept, and how the last ones went",
		Example: `  ark schedule describe shop.nightly`,
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.describeSchedule(cmd.Context(), args[0])
		},
	}
}

func (a *app) describeSchedule(ctx context.Context, name string) error {
	c, err := a.cluster.Client()
	if err != nil {
		return err
	}
	s, err := inCluster[*v1alpha1.Schedule]{c, schedules}.One(ctx, name)
	if err != nil {
		return err
	}
	all, err := inCluster[*v1alpha1.Backup]{c, backups}.All(ctx)
	if err != nil {
		return err
	}
	last := slices.DeleteFunc(all, func(b *v1alpha1.Backup) bool { return b.Labels[v1alpha1.ScheduleLabel] != name })
	slices.SortStableFunc(last, backups.compare)
	return describe.Schedule(a.out, s, last[:min(len(last), latestBackups)], a.now())
}
