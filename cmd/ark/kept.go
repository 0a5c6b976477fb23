// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/access"
	"github.com/gopherwood/ark/cmd/ark/internal/describe"
	"github.com/gopherwood/ark/controllers/template"
	"github.com/gopherwood/ark/engine/retention"
)

// keptBy tells which keep rules of its Schedule want a backup, as they would be
// judged now. It is a courtesy: where Schedules or Backups cannot be read, it is
// empty, as it is for a backup of no Schedule or of another cluster's.
func keptBy(ctx context.Context, c client.Reader, b *v1alpha1.Backup, now time.Time) string {
	name := b.Labels[v1alpha1.ScheduleLabel]
	if name == "" || !isJudged(b) {
		return ""
	}
	var s v1alpha1.Schedule
	gone := false
	if err := c.Get(ctx, objectKey(name), &s); err != nil {
		if gone = access.IsMissing(err); !gone {
			return ""
		}
	}
	var all v1alpha1.BackupList
	if c.List(ctx, &all, client.MatchingLabels{v1alpha1.ScheduleLabel: name}) != nil {
		return ""
	}
	for _, d := range retention.Decide(now, siblings(all.Items), template.KeepRules(s.Spec.Retention)) {
		if d.Name != b.Name {
			continue
		}
		reason := strings.TrimPrefix(d.Reason, "kept: ")
		if gone {
			reason += " (its schedule is gone, so the newest good one stays)"
		}
		return reason
	}
	return ""
}

// othersBackup reports whether another cluster took a backup, also one that was
// adopted: the rules of a Schedule here say nothing of it.
func othersBackup(b *v1alpha1.Backup) bool {
	return b.Labels[v1alpha1.ClusterLabel] != "" || b.Status.Origin != nil && b.Status.Origin.Foreign
}

// isJudged reports whether keep rules are asked about a backup. One that was changed
// after it was signed is not restored, and so fills no other's place.
func isJudged(b *v1alpha1.Backup) bool {
	st := &b.Status
	return !othersBackup(b) && st.CompletionTime != nil && len(st.StorageLocations) > 0 &&
		b.Spec.Deletion == nil && st.Verification != v1alpha1.VerificationTampered
}

// siblings are the backups that keep rules are judged on.
func siblings(all []v1alpha1.Backup) []retention.Backup {
	var judged []retention.Backup
	for i := range all {
		b := &all[i]
		st := &b.Status
		if !isJudged(b) {
			continue
		}
		one := retention.Backup{
			Name: b.Name, Completed: st.CompletionTime.Time, Held: describe.Held(b),
			Complete: st.Completeness == v1alpha1.CompletenessComplete,
		}
		if st.ExpirationTime != nil {
			one.Expires = st.ExpirationTime.Time
		}
		if st.Objects != nil {
			one.Objects = st.Objects.Included
		}
		judged = append(judged, one)
	}
	return judged
}
