// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/access"
	"github.com/gopherwood/ark/cmd/ark/internal/describe"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/engine/selection"
)

// restoreCreate is what ark restore create was asked for.
type restoreCreate struct {
	selection         selectionFlags
	from              fromFlags
	names             []string
	mappings          []string
	existing          choice[v1alpha1.ExistingResourcePolicy]
	workloads         choice[v1alpha1.WorkloadState]
	preserveNodePorts bool
	restoreStatus     []string
	modifiers         string
	dryRun            bool
	wait              waitFlags
	manifest          printFlags
}

func newRestoreCreate(a *app) *cobra.Command {
	o := restoreCreate{
		existing: choice[v1alpha1.ExistingResourcePolicy]{of: []v1alpha1.ExistingResourcePolicy{
			v1alpha1.ExistingResourceNone, v1alpha1.ExistingResourceUpdate, v1alpha1.ExistingResourceRecreate,
		}},
		workloads: choice[v1alpha1.WorkloadState]{of: []v1alpha1.WorkloadState{
			v1alpha1.WorkloadsAsArchived, v1alpha1.WorkloadsPaused,
		}},
		manifest: newPrintFlags(),
	}
	cmd := &cobra.Command{
		Use:   "create [NAME]",
		Short: "Restore from a backup",
		Long: `Restore from a backup, or from the latest one of a Schedule or BackupPolicy. When
NAME is left out, the restore is named after that and the time. Rules of this
cluster may deny it before anything is written; --dry-run shows what would happen.
With --output the Restore is printed instead, to be committed; that needs no cluster.`,
		Example: `  ark restore create --from-backup before-upgrade --wait
  ark restore create --from-backup before-upgrade --include-namespaces shop --namespace-mappings shop:shop-copy
  ark restore create --from-schedule shop.nightly --dry-run --wait
  ark restore create one-secret --from-policy shop --include-resources secrets --names db-password
  ark restore create --from-backup before-upgrade --existing-resource-policy Update --workloads Paused
  ark restore create staging --from-policy shop --namespace-mappings shop:staging --modifiers staging.yaml -o yaml`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := optionalName(args)
			if err != nil {
				return err
			}
			return a.createRestore(cmd.Context(), name, &o)
		},
	}
	o.add(cmd)
	return cmd
}

func (o *restoreCreate) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.from.backup, "from-backup", "", "Backup to restore from; of another cluster's, its name there will do where only one has it")
	flags.StringVar(&o.from.schedule, "from-schedule", "", "Schedule whose latest backup to restore from")
	flags.StringVar(&o.from.policy, "from-policy", "", "BackupPolicy whose latest backup to restore from")
	o.selection.add(flags, "restore")
	listVar(flags, &o.names, "names", "names, or globs, of the objects to restore; when omitted, all")
	listVar(flags, &o.mappings, "namespace-mappings", "archived namespaces and those to restore them into, as a:b,c:d")
	flags.Var(&o.existing, "existing-resource-policy", "what happens to objects that exist and differ: "+o.existing.choices()+"; when omitted, None")
	flags.BoolVar(&o.preserveNodePorts, "preserve-nodeports", false, "keep node ports of Services that the API server chose")
	listVar(flags, &o.restoreStatus, "restore-status", "types whose status is restored too, such as jobs.batch")
	flags.StringVar(&o.modifiers, "modifiers", "", "file with the modifiers of the restored objects: a list as in spec.modifiers, in YAML or JSON")
	flags.Var(&o.workloads, "workloads", "state in which workloads come back: "+o.workloads.choices()+"; when omitted, AsArchived")
	flags.BoolVar(&o.dryRun, "dry-run", false, "plan and ask the rules, and write nothing")
	o.wait.add(flags)
	o.manifest.add(flags)
	alias(flags, map[string]string{
		"preserve-node-ports":      "preserve-nodeports",
		"status-include-resources": "restore-status",
		"resource-modifiers":       "modifiers",
	})
}

func (a *app) createRestore(ctx context.Context, name string, o *restoreCreate) error {
	if err := errors.Join(o.wait.check(), o.manifest.check(o.wait)); err != nil {
		return err
	}
	r, err := o.restore(name, a.now())
	if err != nil {
		return err
	}
	if o.manifest.given() {
		r.Spec.BackupName = o.from.backup
		return a.manifest(o.manifest, restores.kind, r, r.Spec, name == "")
	}
	c, err := a.cluster.Client()
	if err != nil {
		return err
	}
	if o.from.backup != "" {
		b, err := findBackup(ctx, inCluster[*v1alpha1.Backup]{c, backups}, o.from.backup)
		if err != nil {
			return err
		}
		r.Spec.BackupName = b.Name
		setLabel(r, v1alpha1.BackupLabel, b.Name)
	}
	if err := createAs(ctx, c, r, restores.word, name == ""); err != nil {
		return err
	}
	if err := a.created("restore", r.Name); err != nil {
		return err
	}
	if o.wait.wait {
		return a.waitForRestore(ctx, c, r, o.wait.timeout)
	}
	_, err = fmt.Fprintf(a.out, "See how it goes with \"ark restore describe %s\".\n", r.Name)
	return err
}

// restore returns the object that the flags ask for.
func (o *restoreCreate) restore(name string, now time.Time) (*v1alpha1.Restore, error) {
	_, from, err := o.from.one()
	switch {
	case err != nil:
		return nil, err
	case from == "":
		return nil, exit.Usagef("set one of --from-backup, --from-schedule and --from-policy")
	case name == "":
		name = stamped(from, now)
	}
	t, err := o.selection.template()
	if err != nil {
		return nil, err
	}
	mapping, err := parseMappings(o.mappings)
	if err != nil {
		return nil, err
	}
	modifiers, err := readModifiers(o.modifiers)
	if err != nil {
		return nil, err
	}
	if err := checkPatterns(o.names, o.restoreStatus, modifiers); err != nil {
		return nil, err
	}
	return &v1alpha1.Restore{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{v1alpha1.CreatedByLabel: v1alpha1.CreatedByCLI},
		},
		Spec: v1alpha1.RestoreSpec{
			ScheduleName: o.from.schedule, PolicyName: o.from.policy,
			IncludedNamespaces: t.IncludedNamespaces, ExcludedNamespaces: t.ExcludedNamespaces,
			IncludedResources: t.IncludedResources, ExcludedResources: t.ExcludedResources,
			LabelSelector: t.LabelSelector, OrLabelSelectors: t.OrLabelSelectors,
			IncludeClusterResources: t.IncludeClusterResources,
			Names:                   o.names, NamespaceMapping: mapping,
			ExistingResourcePolicy: o.existing.value, PreserveNodePorts: o.preserveNodePorts,
			RestoreStatus: o.restoreStatus, Workloads: o.workloads.value, Modifiers: modifiers, DryRun: o.dryRun,
		},
	}, nil
}

// checkPatterns tells which name, glob or type no backup can make sense of.
func checkPatterns(names, restoreStatus []string, modifiers []v1alpha1.Modifier) error {
	_, nameErr := selection.NewGlobs("names", names)
	_, statusErr := selection.NewResourceSet("restoreStatus", restoreStatus, nil)
	problems := []error{nameErr, statusErr}
	for _, m := range modifiers {
		if m.Target == nil {
			continue
		}
		field := "modifiers[" + m.Name + "]"
		_, err := selection.NewResourceSet(field+".target.resources", m.Target.Resources, nil)
		problems = append(problems, err)
	}
	for _, problem := range problems {
		if problem != nil {
			return exit.Usagef("%s", access.Flagged(problem.Error()))
		}
	}
	return nil
}

// parseMappings reads pairs of namespaces. Two of them restored into one would
// mix what does not belong together.
func parseMappings(pairs []string) (map[string]v1alpha1.NamespaceName, error) {
	const flag = "--namespace-mappings"
	var mapping map[string]v1alpha1.NamespaceName
	sources := map[string]string{}
	for _, pair := range pairs {
		from, to, ok := strings.Cut(pair, ":")
		if !ok {
			return nil, exit.Usagef("%s %q: write from:to, and commas between pairs", flag, pair)
		}
		for _, ns := range []string{from, to} {
			if problems := validation.IsDNS1123Label(ns); len(problems) > 0 {
				return nil, exit.Usagef("%s %q: %q is not the name of a namespace: %s", flag, pair, ns, problems[0])
			}
		}
		if other, ok := mapping[from]; ok {
			return nil, exit.Usagef("%s: %q is mapped twice, into %q and %q", flag, from, other, to)
		}
		if other, ok := sources[to]; ok {
			return nil, exit.Usagef("%s: %q and %q cannot both be restored into %q: choose another namespace for one", flag, other, from, to)
		}
		if mapping == nil {
			mapping = map[string]v1alpha1.NamespaceName{}
		}
		mapping[from], sources[to] = v1alpha1.NamespaceName(to), from
	}
	return mapping, nil
}

// findBackup returns the Backup of a name. For a backup of another cluster that
// is its name there too, where only one cluster has it.
func findBackup(ctx context.Context, r inCluster[*v1alpha1.Backup], name string) (*v1alpha1.Backup, error) {
	b := r.noun.newObject()
	err := r.client.Get(ctx, objectKey(name), b)
	if err == nil || !access.IsMissing(err) {
		return b, err
	}
	all, err := r.All(ctx)
	if err != nil {
		return nil, err
	}
	var found []*v1alpha1.Backup
	var whose []string
	for _, b := range all {
		if o := b.Status.Origin; o != nil && o.Foreign && o.BackupName == name {
			found = append(found, b)
			whose = append(whose, b.Name+" (of cluster "+describe.ClusterOf(b)+")")
		}
	}
	switch len(found) {
	case 0:
		return nil, r.noun.unknown(name, all)
	case 1:
		return found[0], nil
	default:
		return nil, exit.Usagef("--from-backup %q: several clusters have a backup of that name: name one of %s", name, strings.Join(whose, ", "))
	}
}
