// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policy

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/announce"
	"github.com/gopherwood/ark/controllers/internal/conditions"
)

// setStatus derives the whole status from what the steps learned.
func setStatus(s *scope, err error) {
	status := &s.policy.Status
	status.ObservedGeneration = s.policy.Generation
	set := conditions.Set{Conditions: &status.Conditions, Generation: s.policy.Generation, Now: s.now}

	switch {
	case err != nil:
		set.Judge(err)
	case s.cfg.Spec.Mode == v1alpha1.ModeRestoreOnly:
		set.Ready(v1alpha1.RestoreOnlyReason, "the rules gate restores; no backups are taken while the Config's mode is RestoreOnly")
	case s.policy.Spec.Suspend:
		set.Ready(v1alpha1.SuspendedReason, "the rules gate restores; no backups are taken while spec.suspend is set")
	default:
		set.Ready(v1alpha1.SucceededReason, inForce(s))
	}
	s.runs.Note(set, s.late())

	if s.rules != nil {
		status.Policy = s.rules.Status()
	}
	status.Schedules = nil
	for _, name := range slices.Sorted(maps.Keys(s.schedules)) {
		if ours(s.schedules[name], s.policy) {
			status.Schedules = append(status.Schedules, name)
		}
	}
	if last := s.runs.Last; last != nil {
		status.LastBackupName, status.LastBackupTime = last.Name, last.Status.CompletionTime
	}
}

// inForce says what the policy does.
func inForce(s *scope) string {
	rules := int32(0)
	if revision := s.revision(); revision != nil {
		rules = revision.Rules
	}
	return fmt.Sprintf("%s and %s in force", count(int(rules), "rule module"), count(len(s.policy.Spec.Schedules), "schedule"))
}

// revision is that of the rules in force; nil when there are none.
func (s *scope) revision() *v1alpha1.PolicyRevision {
	if s.rules == nil {
		return nil
	}
	return s.rules.Status()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// late returns how the first of the policy's Schedules is behind, or "".
func (s *scope) late() string {
	for _, name := range slices.Sorted(maps.Keys(s.schedules)) {
		c := meta.FindStatusCondition(s.schedules[name].Status.Conditions, v1alpha1.HealthyCondition)
		if c != nil && c.Reason == v1alpha1.LateReason && ours(s.schedules[name], s.policy) {
			return fmt.Sprintf("Schedule %s: %s", name, c.Message)
		}
	}
	return ""
}

// announce tells what a person would want to be told as it happens.
func (r *Reconciler) announce(s *scope) {
	for _, name := range s.made {
		announce.Normal(r.Events, s.policy, v1alpha1.EventScheduleCreated, "CreateSchedule", "created Schedule "+name)
	}
	for _, name := range s.removed {
		announce.Normal(r.Events, s.policy, v1alpha1.EventScheduleDeleted, "DeleteSchedule",
			fmt.Sprintf("deleted Schedule %s, whose entry is gone; its backups stay", name))
	}
	if now := digest(s.policy.Status.Policy); now != digest(s.before.Status.Policy) && now != "" {
		announce.Normal(r.Events, s.policy, v1alpha1.EventRulesActivated, "CompileRules", fmt.Sprintf("the rules of revision %s are in force", now))
	}
	now := meta.FindStatusCondition(s.policy.Status.Conditions, v1alpha1.StalledCondition)
	was := meta.FindStatusCondition(s.before.Status.Conditions, v1alpha1.StalledCondition)
	if now != nil && (was == nil || was.Message != now.Message) {
		announce.Warning(r.Events, s.policy, now.Reason, "Reconcile", now.Message)
	}
}

func digest(p *v1alpha1.PolicyRevision) string {
	if p == nil {
		return ""
	}
	return p.Digest
}
