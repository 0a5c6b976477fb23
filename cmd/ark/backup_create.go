// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

// backupCreate is what ark backup create was asked for.
type backupCreate struct {
	selection  selectionFlags
	from       fromFlags
	ttl        time.Duration
	location   string
	moment     choice[v1alpha1.PointInTime]
	allowEmpty bool
	hold       bool
	wait       waitFlags
	manifest   printFlags
}

func newBackupFlags() backupCreate {
	return backupCreate{moment: newMoment(), manifest: newPrintFlags()}
}

// newMoment is the flag that says whether a backup is of one moment.
func newMoment() choice[v1alpha1.PointInTime] {
	return choice[v1alpha1.PointInTime]{of: []v1alpha1.PointInTime{v1alpha1.PointInTimeBestEffort, v1alpha1.PointInTimeOff}}
}

// allowEmptyUsage is the help of the flag that allows a backup to contain nothing.
const allowEmptyUsage = "a backup that contains nothing is complete; when omitted, it is partial"

func momentUsage(c *choice[v1alpha1.PointInTime]) string {
	return "whether all types are backed up as they were at one moment: " + c.choices() + "; when omitted, BestEffort"
}

func newBackupCreate(a *app) *cobra.Command {
	o := newBackupFlags()
	cmd := &cobra.Command{
		Use:   "create [NAME]",
		Short: "Take a backup now",
		Long: `Take a backup now: of everything, of what the flags select, or of what a Schedule
or BackupPolicy covers. NAME may be left out with --from-schedule and --from-policy:
the backup is then named after them and the time. With --output the Backup is
printed instead, to be committed; that needs no cluster, but for --from-schedule.`,
		Example: `  ark backup create before-upgrade --wait
  ark backup create shop --include-namespaces shop,shop-db --ttl 168h
  ark backup create secrets --include-resources secrets --selector app=shop
  ark backup create --from-schedule shop.nightly --wait --timeout 30m
  ark backup create --from-policy shop
  ark backup create before-upgrade --include-namespaces shop --hold -o yaml`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, err := optionalName(args)
			if err != nil {
				return err
			}
			return a.createBackup(cmd.Context(), name, &o)
		},
	}
	flags := cmd.Flags()
	o.selection.add(flags, "back up")
	durationVar(flags, &o.ttl, "ttl", 0, "how long the backup is kept, such as 720h; when omitted, as the Config says")
	flags.StringVar(&o.location, "storage-location", "", "storage location of the Config that receives the backup; when omitted, its default")
	flags.Var(&o.moment, "point-in-time", momentUsage(&o.moment))
	flags.BoolVar(&o.allowEmpty, "allow-empty", false, allowEmptyUsage)
	flags.BoolVar(&o.hold, "hold", false, "keep the backup, whatever its ttl says, until spec.hold is set to false")
	flags.StringVar(&o.from.policy, "from-policy", "", "BackupPolicy whose template and rules to use")
	flags.StringVar(&o.from.schedule, "from-schedule", "", "Schedule to take a backup for, beside its times")
	o.wait.add(flags)
	o.manifest.add(flags)
	return cmd
}

func (a *app) createBackup(ctx context.Context, name string, o *backupCreate) error {
	if err := errors.Join(o.wait.check(), o.manifest.check(o.wait)); err != nil {
		return err
	}
	b, err := o.backup(name, a.now())
	if err != nil {
		return err
	}
	if o.manifest.given() && o.from.schedule == "" {
		return a.manifest(o.manifest, backups.kind, b, b.Spec, name == "")
	}
	c, err := a.cluster.Client()
	if err != nil {
		return err
	}
	if o.from.schedule != "" {
		s, err := inCluster[*v1alpha1.Schedule]{c, schedules}.One(ctx, o.from.schedule)
		if err != nil {
			return err
		}
		ofSchedule(b, s)
	}
	if o.manifest.given() {
		return a.manifest(o.manifest, backups.kind, b, b.Spec, name == "")
	}
	return a.submitBackup(ctx, c, b, o.wait, name == "")
}

// backup returns the object that the flags ask for. What a Schedule says is
// added later.
func (o *backupCreate) backup(name string, now time.Time) (*v1alpha1.Backup, error) {
	flag, from, err := o.from.one()
	if err != nil {
		return nil, err
	}
	switch given := o.given(); {
	case from == "" && name == "":
		return nil, exit.Usagef("NAME is missing: it can only be left out with --from-schedule or --from-policy")
	case from != "" && len(given) > 0:
		return nil, exit.Usagef("%s cannot be combined with --%s, whose template says what is covered", given[0], flag)
	case o.selection.changed("ttl") && o.ttl <= 0:
		return nil, exit.Usagef("--ttl %v: must be positive", o.ttl)
	case name == "":
		name = stamped(from, now)
	}
	b := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: map[string]string{v1alpha1.CreatedByLabel: v1alpha1.CreatedByCLI},
	}}
	o.keep(b)
	if o.from.policy != "" {
		b.Spec.PolicyName = o.from.policy
		setLabel(b, v1alpha1.PolicyLabel, o.from.policy)
	}
	if from != "" {
		return b, nil
	}
	if b.Spec.Template, err = o.template(); err != nil {
		return nil, err
	}
	return b, nil
}

// template returns what the flags say of what is covered, and how.
func (o *backupCreate) template() (*v1alpha1.BackupTemplate, error) {
	t, err := o.selection.template()
	if err != nil {
		return nil, err
	}
	t.StorageLocation = o.location
	t.PointInTime = o.moment.value
	t.AllowEmpty = o.allowEmpty
	return &t, nil
}

// keep says how long b is kept.
func (o *backupCreate) keep(b *v1alpha1.Backup) {
	if o.ttl > 0 {
		b.Spec.TTL = &metav1.Duration{Duration: o.ttl}
	}
	if o.hold {
		b.Spec.Hold = &o.hold
	}
}

// given lists the flags that were set and are part of a template.
func (o *backupCreate) given() []string {
	given := o.selection.given()
	if o.location != "" {
		given = append(given, "--storage-location")
	}
	if o.moment.value != "" {
		given = append(given, "--point-in-time")
	}
	if o.allowEmpty {
		given = append(given, "--allow-empty")
	}
	return given
}

// ofSchedule makes b a backup of s, as its times would.
func ofSchedule(b *v1alpha1.Backup, s *v1alpha1.Schedule) {
	b.Spec.Template = s.Spec.Template.DeepCopy()
	b.Spec.PolicyName = s.Spec.PolicyName
	setLabel(b, v1alpha1.ScheduleLabel, s.Name)
	if policy := s.Spec.PolicyName; policy != "" {
		setLabel(b, v1alpha1.PolicyLabel, policy)
	}
}

// submitBackup creates b, whose name may be made up, and waits for it where that was
// asked for.
func (a *app) submitBackup(ctx context.Context, c client.WithWatch, b *v1alpha1.Backup, wait waitFlags, madeUp bool) error {
	if err := createAs(ctx, c, b, backups.word, madeUp); err != nil {
		return err
	}
	if err := a.created("backup", b.Name); err != nil {
		return err
	}
	if wait.wait {
		return a.waitForBackup(ctx, c, b, wait.timeout)
	}
	_, err := fmt.Fprintf(a.out, "See how it goes with \"ark backup describe %s\".\n", b.Name)
	return err
}
