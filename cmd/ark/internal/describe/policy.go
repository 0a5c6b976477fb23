// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"fmt"
	"io"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// Policy tells everything about a BackupPolicy: schedules are its Schedules, and
// backups its backups, the newest first.
func Policy(w io.Writer, bp *v1alpha1.BackupPolicy, schedules []*v1alpha1.Schedule, backups []*v1alpha1.Backup, now time.Time) error {
	p := &page{now: now}
	p.facts([][2]string{
		{"Name", bp.Name},
		{"Status", standing(bp.Status.Conditions)},
		{"Health", condition(bp.Status.Conditions, v1alpha1.HealthyCondition)},
		{"Suspended", suspended(bp.Spec.Suspend)},
		{"Covers", coverage(bp.Spec.Template, &v1alpha1.BackupTemplate{})},
		{"Selection", selection(bp.Spec.Selection)},
		{"In force", revision(bp.Status.Policy)},
	}...)
	p.rules(bp.Spec.Rules)
	p.schedules(schedules)
	p.backups(backups)
	return p.flush(w)
}

func (p *page) rules(rules []v1alpha1.Rule) {
	if len(rules) == 0 {
		p.section("Rules: none")
		return
	}
	p.section("Rules:")
	p.table("  ", func(row func(...string)) {
		for _, r := range rules {
			row(r.Name, ruleSource(r))
		}
	})
}

func ruleSource(r v1alpha1.Rule) string {
	switch {
	case r.Library != "":
		return "library rule " + r.Library
	case r.ConfigMap != nil && r.ConfigMap.SHA256 != "":
		return fmt.Sprintf("ConfigMap %s, pinned to sha256:%s", r.ConfigMap.Name, r.ConfigMap.SHA256)
	case r.ConfigMap != nil:
		return "ConfigMap " + r.ConfigMap.Name
	default:
		return "inline"
	}
}

func (p *page) schedules(schedules []*v1alpha1.Schedule) {
	if len(schedules) == 0 {
		p.section("Schedules: none, so backups are taken only when asked for")
		return
	}
	p.section("Schedules:")
	p.table("  ", func(row func(...string)) {
		row("NAME", "CRON", "STATUS", "HEALTH", "LAST", "NEXT")
		for _, s := range schedules {
			row(s.Name, Cron(s), standing(s.Status.Conditions), condition(s.Status.Conditions, v1alpha1.HealthyCondition),
				orDash(p.at(s.Status.LastScheduleTime)), orDash(p.at(s.Status.NextScheduleTime)))
		}
	})
}

func (p *page) backups(backups []*v1alpha1.Backup) {
	if len(backups) == 0 {
		p.section("Backups: none yet")
		return
	}
	p.section("Latest backups:")
	p.table("  ", func(row func(...string)) {
		row("NAME", "STATUS", "OBJECTS", "TAKEN")
		for _, b := range backups {
			stored := "-"
			if b.Status.Objects != nil {
				stored = number(b.Status.Objects.Included)
			}
			row(b.Name, reason(b.Status.Conditions), stored, orDash(p.at(b.Status.CompletionTime)))
		}
	})
}

// Cron is when a Schedule fires, with its time zone.
func Cron(s *v1alpha1.Schedule) string {
	if s.Spec.TimeZone == "" {
		return s.Spec.Cron
	}
	return s.Spec.Cron + " " + s.Spec.TimeZone
}

func reason(conditions []metav1.Condition) string {
	if c := meta.FindStatusCondition(conditions, v1alpha1.ReadyCondition); c != nil {
		return c.Reason
	}
	return "-"
}

func condition(conditions []metav1.Condition, kind string) string {
	c := meta.FindStatusCondition(conditions, kind)
	if c == nil {
		return "-"
	}
	if c.Message == "" {
		return c.Reason
	}
	return c.Reason + ": " + oneLine(c.Message)
}

func suspended(b bool) string {
	if b {
		return "yes: its schedules do not fire"
	}
	return ""
}

func selection(m v1alpha1.SelectionMode) string {
	if m == v1alpha1.SelectionOptIn {
		return "OptIn: only what an include rule names"
	}
	return "OptOut: everything that no rule excludes"
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
