// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/engine/schedule"
)

// scheduleCreate is what ark schedule create was asked for.
type scheduleCreate struct {
	cron, timeZone   string
	policy           string
	selection        selectionFlags
	ttl              time.Duration
	location         string
	moment           choice[v1alpha1.PointInTime]
	allowEmpty       bool
	suspend          bool
	startingDeadline time.Duration
	concurrency      choice[v1alpha1.ConcurrencyPolicy]
	keep             keepFlags
	manifest         printFlags
}

// keepFlags say which backups are kept beyond their ttl.
type keepFlags struct {
	last, hourly, daily, weekly, monthly, yearly int32

	flags *pflag.FlagSet
}

func (k *keepFlags) add(flags *pflag.FlagSet) {
	k.flags = flags
	flags.Int32Var(&k.last, "keep-last", 1, "how many of the newest good backups never expire by ttl alone; 0 lets even the last one expire")
	flags.Int32Var(&k.hourly, "keep-hourly", 0, "for how many of the latest hours with a backup one is kept beyond its ttl")
	flags.Int32Var(&k.daily, "keep-daily", 0, "the same for days")
	flags.Int32Var(&k.weekly, "keep-weekly", 0, "the same for weeks")
	flags.Int32Var(&k.monthly, "keep-monthly", 0, "the same for months")
	flags.Int32Var(&k.yearly, "keep-yearly", 0, "the same for years")
}

// maxKeep is how many backups a keep rule can want, as the API has it.
const maxKeep = 10_000

// check tells what the API server would refuse.
func (k *keepFlags) check() error {
	for flag, n := range map[string]int32{
		"keep-last": k.last, "keep-hourly": k.hourly, "keep-daily": k.daily, "keep-weekly": k.weekly,
		"keep-monthly": k.monthly, "keep-yearly": k.yearly,
	} {
		if n < 0 || n > maxKeep {
			return exit.Usagef("--%s %d: must be from 0 to %d", flag, n, maxKeep)
		}
	}
	return nil
}

// retention is nil where no flag says anything.
func (k *keepFlags) retention() *v1alpha1.Retention {
	r := v1alpha1.Retention{
		KeepHourly: k.hourly, KeepDaily: k.daily, KeepWeekly: k.weekly, KeepMonthly: k.monthly, KeepYearly: k.yearly,
	}
	if k.flags.Changed("keep-last") {
		r.KeepLast = &k.last
	}
	if r == (v1alpha1.Retention{}) {
		return nil
	}
	return &r
}

func newScheduleCreate(a *app) *cobra.Command {
	o := scheduleCreate{
		concurrency: choice[v1alpha1.ConcurrencyPolicy]{of: []v1alpha1.ConcurrencyPolicy{v1alpha1.ConcurrencyForbid, v1alpha1.ConcurrencyAllow}},
		moment:      newMoment(),
		manifest:    newPrintFlags(),
	}
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a schedule",
		Long: `Make a schedule of its own: of everything, of what the flags select, or of what a
BackupPolicy covers. A BackupPolicy makes the schedules of its spec.schedules
itself. With --output the Schedule is printed instead, to be committed; that needs
no cluster.`,
		Example: `  ark schedule create nightly --cron "0 3 * * *"
  ark schedule create shop-hourly --cron @hourly --include-namespaces shop --ttl 48h --keep-daily 7
  ark schedule create audit --cron "0 1 * * 1" --time-zone Europe/Berlin --from-policy shop -o yaml`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.createSchedule(cmd.Context(), args[0], &o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.cron, "cron", "", `when backups are taken: minute, hour, day of month, month, day of week, such as "0 3 * * *", or @hourly, @daily, @weekly, @monthly, @yearly`)
	flags.StringVar(&o.timeZone, "time-zone", "", "IANA time zone that --cron is read in, such as Europe/Berlin; when omitted, UTC")
	flags.StringVar(&o.policy, "from-policy", "", "BackupPolicy whose template and rules to use")
	o.selection.add(flags, "back up")
	durationVar(flags, &o.ttl, "ttl", 0, "how long each backup is kept, such as 720h; when omitted, as the Config says")
	flags.StringVar(&o.location, "storage-location", "", "storage location of the Config that receives the backups; when omitted, its default")
	flags.Var(&o.moment, "point-in-time", momentUsage(&o.moment))
	flags.BoolVar(&o.allowEmpty, "allow-empty", false, allowEmptyUsage)
	flags.BoolVar(&o.suspend, "suspend", false, "make it, but let it take no backup yet")
	durationVar(flags, &o.startingDeadline, "starting-deadline", 0, "how late a backup may start; when omitted, a missed one is always made up for, once")
	flags.Var(&o.concurrency, "concurrency-policy", "what happens when a backup is due while the last one runs: "+o.concurrency.choices()+"; when omitted, Forbid")
	o.keep.add(flags)
	o.manifest.add(flags)
	alias(flags, map[string]string{"schedule": "cron", "paused": "suspend"})
	return cmd
}

func (a *app) createSchedule(ctx context.Context, name string, o *scheduleCreate) error {
	s, err := o.schedule(name)
	if err != nil {
		return err
	}
	if o.manifest.given() {
		return a.manifest(o.manifest, schedules.kind, s, s.Spec, false)
	}
	c, err := a.cluster.Client()
	if err != nil {
		return err
	}
	if err := c.Create(ctx, s); err != nil {
		return taken(err, schedules.word, name)
	}
	if err := a.created(schedules.word, name); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "See when it takes backups with \"ark schedule describe %s\".\n", name)
	return err
}

// schedule returns the object that the flags ask for.
func (o *scheduleCreate) schedule(name string) (*v1alpha1.Schedule, error) {
	if err := o.check(name); err != nil {
		return nil, err
	}
	s := &v1alpha1.Schedule{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{v1alpha1.CreatedByLabel: v1alpha1.CreatedByCLI}},
		Spec: v1alpha1.ScheduleSpec{
			Cron: o.cron, TimeZone: o.timeZone, PolicyName: o.policy, Suspend: o.suspend,
			ConcurrencyPolicy: o.concurrency.value, Retention: o.keep.retention(),
		},
	}
	if o.startingDeadline > 0 {
		s.Spec.StartingDeadline = &metav1.Duration{Duration: o.startingDeadline}
	}
	if o.policy != "" {
		setLabel(s, v1alpha1.PolicyLabel, o.policy)
		return s, nil
	}
	t, err := o.selection.template()
	if err != nil {
		return nil, err
	}
	t.StorageLocation, t.PointInTime, t.AllowEmpty = o.location, o.moment.value, o.allowEmpty
	if o.ttl > 0 {
		t.TTL = &metav1.Duration{Duration: o.ttl}
	}
	s.Spec.Template = &t
	return s, nil
}

// check tells what the API server, or later the controllers, would refuse.
func (o *scheduleCreate) check(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	given := o.given()
	switch {
	case len(name) > v1alpha1.MaxScheduleNameLength:
		return exit.Usagef("NAME %q has %d characters: the name of a schedule can have at most %d, so that the names of its backups fit a label",
			name, len(name), v1alpha1.MaxScheduleNameLength)
	case o.cron == "":
		return exit.Usagef("--cron is missing: say when backups are taken, such as --cron \"0 3 * * *\"")
	case o.policy != "" && len(given) > 0:
		return exit.Usagef("%s cannot be combined with --from-policy, whose template says what is covered", given[0])
	case o.selection.changed("ttl") && o.ttl <= 0:
		return exit.Usagef("--ttl %v: must be positive", o.ttl)
	case o.selection.changed("starting-deadline") && o.startingDeadline <= 0:
		return exit.Usagef("--starting-deadline %v: must be positive", o.startingDeadline)
	}
	if _, err := schedule.Parse(o.cron, o.timeZone); err != nil {
		return exit.Usagef("--cron, --time-zone: %w", err)
	}
	return o.keep.check()
}

// given lists the flags that were set and are part of a template.
func (o *scheduleCreate) given() []string {
	given := o.selection.given()
	if o.ttl != 0 {
		given = append(given, "--ttl")
	}
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
