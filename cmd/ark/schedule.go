// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/describe"
	"github.com/gopherwood/ark/cmd/ark/internal/output"
)

var schedules = &noun[*v1alpha1.Schedule]{
	kind: "Schedule", word: "schedule", plural: "schedules",
	empty: "There is no schedule yet. Commit a BackupPolicy with spec.schedules: each entry becomes one.",
	columns: []output.Column[*v1alpha1.Schedule]{
		{Header: "NAME", Cell: func(s *v1alpha1.Schedule, _ output.Times) string { return s.Name }},
		{Header: "STATUS", Cell: func(s *v1alpha1.Schedule, _ output.Times) string { return readyReason(s.Status.Conditions) }},
		{Header: "HEALTHY", Cell: func(s *v1alpha1.Schedule, _ output.Times) string {
			return conditionStatus(s.Status.Conditions, v1alpha1.HealthyCondition)
		}},
		{Header: "CRON", Cell: func(s *v1alpha1.Schedule, _ output.Times) string { return describe.Cron(s) }},
		{Header: "LAST", Cell: func(s *v1alpha1.Schedule, t output.Times) string { return t.Print(s.Status.LastScheduleTime) }},
		{Header: "NEXT", Cell: func(s *v1alpha1.Schedule, t output.Times) string { return t.Print(s.Status.NextScheduleTime) }},
		{Header: "LAST-BACKUP", Cell: func(s *v1alpha1.Schedule, _ output.Times) string { return s.Status.LastBackupName }},
		{Header: "AGE", Cell: func(s *v1alpha1.Schedule, t output.Times) string { return t.Print(&s.CreationTimestamp) }},
		{Header: "POLICY", Wide: true, Cell: func(s *v1alpha1.Schedule, _ output.Times) string { return s.Spec.PolicyName }},
		{Header: "LAST-GOOD", Wide: true, Cell: func(s *v1alpha1.Schedule, t output.Times) string { return t.Print(s.Status.LastSuccessfulTime) }},
		{Header: "MESSAGE", Wide: true, Cell: func(s *v1alpha1.Schedule, _ output.Times) string { return readyMessage(s.Status.Conditions) }},
	},
	compare:   byName[*v1alpha1.Schedule],
	newObject: func() *v1alpha1.Schedule { return &v1alpha1.Schedule{} },
	newList:   func() client.ObjectList { return &v1alpha1.ScheduleList{} },
}

func newSchedule(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "schedule",
		Aliases: []string{"schedules"},
		Short:   "Make, list, describe, trigger, suspend and resume schedules",
		Example: `  ark schedule get
  ark schedule describe shop.nightly
  ark schedule trigger shop.nightly --wait`,
	}
	get := newGet(a, schedules, `  ark schedule get
  ark schedule get shop.nightly -o yaml`,
		func(context.Context) (reader[*v1alpha1.Schedule], error) {
			c, err := a.cluster.Client()
			return inCluster[*v1alpha1.Schedule]{c, schedules}, err
		})
	return group(cmd, newScheduleCreate(a), get, newScheduleDescribe(a), newScheduleTrigger(a),
		newScheduleSuspend(a), newScheduleResume(a))
}

func newScheduleTrigger(a *app) *cobra.Command {
	o := newBackupFlags()
	cmd := &cobra.Command{
		Use:   "trigger NAME",
		Short: "Take a backup for a schedule now, beside its times",
		Long: `Take a backup for a schedule now, beside its times: the same as ark backup create
--from-schedule NAME. A schedule that is suspended can be triggered too.`,
		Example: `  ark schedule trigger shop.nightly
  ark schedule trigger shop.nightly --wait --timeout 30m`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.from.schedule = args[0]
			return a.createBackup(cmd.Context(), "", &o)
		},
	}
	o.wait.add(cmd.Flags())
	return cmd
}
