// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// Schedule tells everything about a Schedule; backups are its backups, the newest
// first.
func Schedule(w io.Writer, s *v1alpha1.Schedule, backups []*v1alpha1.Backup, now time.Time) error {
	p := &page{now: now}
	st := &s.Status
	p.facts([][2]string{
		{"Name", s.Name},
		{"Status", standing(st.Conditions)},
		{"Health", condition(st.Conditions, v1alpha1.HealthyCondition)},
		{"Suspended", suspendedSchedule(s)},
		{"Takes backups", Cron(s)},
		{"Of", ofPolicy(s.Spec.PolicyName)},
		{"Covers", coverage(s.Spec.Template)},
		{"Keeps", keeps(s)},
		{"Goes to", location(s.Spec.Template)},
		{"May start late by", optional(s.Spec.StartingDeadline)},
		{"Overlap", overlap(s.Spec.ConcurrencyPolicy)},
		{"Last firing", p.at(st.LastScheduleTime)},
		{"Last good backup", p.at(st.LastSuccessfulTime)},
		{"Next firing", next(p, s)},
		{"Missed", missed(st.Missed)},
	}...)
	p.backups(backups)
	p.messages("What to do", scheduleAdvice(s))
	return p.flush(w)
}

func suspendedSchedule(s *v1alpha1.Schedule) string {
	if !s.Spec.Suspend {
		return ""
	}
	return "yes: it takes no backups until spec.suspend is removed"
}

func next(p *page, s *v1alpha1.Schedule) string {
	if s.Spec.Suspend {
		return "none while it is suspended"
	}
	return p.at(s.Status.NextScheduleTime)
}

func ofPolicy(name string) string {
	if name == "" {
		return ""
	}
	return "what policy " + name + " covers, under its rules"
}

// keeps tells how long backups of a Schedule are kept.
func keeps(s *v1alpha1.Schedule) string {
	var parts []string
	if t := s.Spec.Template; t != nil && t.TTL != nil {
		parts = append(parts, "each for "+t.TTL.Duration.String())
	} else {
		parts = append(parts, "each for its ttl")
	}
	r := s.Spec.Retention
	if r == nil {
		r = &v1alpha1.Retention{}
	}
	switch {
	case r.KeepLast == nil:
		parts = append(parts, "the newest good one always")
	case *r.KeepLast > 0:
		parts = append(parts, fmt.Sprintf("the newest %d good ones always", *r.KeepLast))
	}
	for _, rule := range []struct {
		n    int32
		unit string
	}{
		{r.KeepHourly, "hours"},
		{r.KeepDaily, "days"},
		{r.KeepWeekly, "weeks"},
		{r.KeepMonthly, "months"},
		{r.KeepYearly, "years"},
	} {
		if rule.n > 0 {
			parts = append(parts, fmt.Sprintf("one for each of the last %d %s with a backup", rule.n, rule.unit))
		}
	}
	return strings.Join(parts, "; ")
}

func location(t *v1alpha1.BackupTemplate) string {
	if t == nil || t.StorageLocation == "" {
		return ""
	}
	return "storage location " + t.StorageLocation
}

func optional(d *metav1.Duration) string {
	if d == nil {
		return ""
	}
	return d.Duration.String()
}

func overlap(c v1alpha1.ConcurrencyPolicy) string {
	if c == v1alpha1.ConcurrencyAllow {
		return "Allow: a backup that is due starts beside one that runs"
	}
	return "Forbid: a backup that is due waits for one that runs"
}

func missed(n int32) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(int(n)) + " firings, made up for by the last backup or past their deadline"
}

// scheduleAdvice says what to do about a schedule that is not in force or not in
// good health.
func scheduleAdvice(s *v1alpha1.Schedule) []string {
	ready := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ReadyCondition)
	healthy := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.HealthyCondition)
	switch {
	case ready == nil:
		return []string{`check that "ark server" runs in this cluster: no controller has seen the schedule`}
	case s.Spec.Suspend:
		return []string{fmt.Sprintf("to go on, \"ark schedule resume %s\", or take spec.suspend away where the schedule or its policy is kept", s.Name)}
	case meta.IsStatusConditionTrue(s.Status.Conditions, v1alpha1.StalledCondition):
		return []string{"mend what the status says; the schedule goes on by itself"}
	case healthy == nil || healthy.Status != metav1.ConditionFalse:
		return nil
	case healthy.Reason == v1alpha1.LastRunFailedReason && s.Status.LastBackupName != "":
		return []string{fmt.Sprintf("see what failed with \"ark backup describe %s\", mend it, and try with \"ark schedule trigger %s\"", s.Status.LastBackupName, s.Name)}
	default:
		return []string{"look at the last backup, and at the log of \"ark server\""}
	}
}
