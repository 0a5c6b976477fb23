// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/describe"
	"github.com/gopherwood/ark/cmd/ark/internal/output"
)

// latestBackups is how many backups of a policy are shown.
const latestBackups = 5

var backupPolicies = &noun[*v1alpha1.BackupPolicy]{
	kind: "BackupPolicy", word: "policy", plural: "policies",
	empty: "There is no policy yet. Commit a BackupPolicy, and let your Git tool apply it.",
	columns: []output.Column[*v1alpha1.BackupPolicy]{
		{Header: "NAME", Cell: func(p *v1alpha1.BackupPolicy, _ output.Times) string { return p.Name }},
		{Header: "STATUS", Cell: func(p *v1alpha1.BackupPolicy, _ output.Times) string { return readyReason(p.Status.Conditions) }},
		{Header: "HEALTHY", Cell: func(p *v1alpha1.BackupPolicy, _ output.Times) string {
			return conditionStatus(p.Status.Conditions, v1alpha1.HealthyCondition)
		}},
		{Header: "SCHEDULES", Cell: func(p *v1alpha1.BackupPolicy, _ output.Times) string { return strconv.Itoa(len(p.Spec.Schedules)) }},
		{Header: "RULES", Cell: func(p *v1alpha1.BackupPolicy, _ output.Times) string { return strconv.Itoa(len(p.Spec.Rules)) }},
		{Header: "LAST-BACKUP", Cell: func(p *v1alpha1.BackupPolicy, t output.Times) string { return t.Print(p.Status.LastBackupTime) }},
		{Header: "AGE", Cell: func(p *v1alpha1.BackupPolicy, t output.Times) string { return t.Print(&p.CreationTimestamp) }},
		{Header: "REVISION", Wide: true, Cell: policyDigest},
		{Header: "MESSAGE", Wide: true, Cell: func(p *v1alpha1.BackupPolicy, _ output.Times) string { return readyMessage(p.Status.Conditions) }},
	},
	compare:   byName[*v1alpha1.BackupPolicy],
	newObject: func() *v1alpha1.BackupPolicy { return &v1alpha1.BackupPolicy{} },
	newList:   func() client.ObjectList { return &v1alpha1.BackupPolicyList{} },
}

func newPolicy(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "policy",
		Aliases: []string{"policies"},
		Short:   "List and describe backup policies",
		Example: `  ark policy get
  ark policy describe shop`,
	}
	get := newGet(a, backupPolicies, `  ark policy get
  ark policy get shop -o yaml`,
		func(context.Context) (reader[*v1alpha1.BackupPolicy], error) {
			c, err := a.cluster.Client()
			return inCluster[*v1alpha1.BackupPolicy]{c, backupPolicies}, err
		})
	return group(cmd, get, newPolicyDescribe(a))
}

func newPolicyDescribe(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "describe NAME",
		Short:   "Tell which rules are in force, when backups are taken, and how the last ones went",
		Example: `  ark policy describe shop`,
		Args:    arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.describePolicy(cmd.Context(), args[0])
		},
	}
}

func (a *app) describePolicy(ctx context.Context, name string) error {
	c, err := a.cluster.Client()
	if err != nil {
		return err
	}
	p, err := inCluster[*v1alpha1.BackupPolicy]{c, backupPolicies}.One(ctx, name)
	if err != nil {
		return err
	}
	allSchedules, err := inCluster[*v1alpha1.Schedule]{c, schedules}.All(ctx)
	if err != nil {
		return err
	}
	its := slices.DeleteFunc(allSchedules, func(s *v1alpha1.Schedule) bool { return s.Spec.PolicyName != name })
	allBackups, err := inCluster[*v1alpha1.Backup]{c, backups}.All(ctx)
	if err != nil {
		return err
	}
	last := slices.DeleteFunc(allBackups, func(b *v1alpha1.Backup) bool { return describe.PolicyOf(b) != name })
	slices.SortStableFunc(its, schedules.compare)
	slices.SortStableFunc(last, backups.compare)
	return describe.Policy(a.out, p, its, last[:min(len(last), latestBackups)], a.now())
}

func policyDigest(p *v1alpha1.BackupPolicy, _ output.Times) string {
	if p.Status.Policy == nil {
		return ""
	}
	return p.Status.Policy.Digest
}
