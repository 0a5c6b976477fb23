// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package health judges the backups of a Schedule or BackupPolicy: whether the
// last run was good. It says nothing of Ready, because a failed backup must not
// fail somebody's deployment.
package health

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/conditions"
)

// Record is what the backups of a Schedule or BackupPolicy tell.
type Record struct {
	// Last is the newest backup that ended, well or not; nil when none did.
	Last *v1alpha1.Backup
	// LastComplete is the newest complete backup that nobody tampered with; nil when
	// there is none.
	LastComplete *v1alpha1.Backup
	// Running are the backups that have not ended.
	Running []*v1alpha1.Backup
}

// clockSkew is how far ahead the clock of a controller may be that took a backup.
const clockSkew = 5 * time.Minute

// Read sorts the backups that the cluster of that UID took, as of now. Those of
// other clusters say nothing about a Schedule here; neither do those that claim to
// have ended in the future, which would be the last ones until then.
func Read(backups []v1alpha1.Backup, clusterUID string, now time.Time) Record {
	var r Record
	for i := range backups {
		b := &backups[i]
		switch {
		case Foreign(b, clusterUID):
		case !Ended(b):
			r.Running = append(r.Running, b)
		case ahead(b, now):
		default:
			r.Last = newer(r.Last, b)
			if good(b) {
				r.LastComplete = newer(r.LastComplete, b)
			}
		}
	}
	return r
}

// Note writes the condition Healthy. A non-empty late says how the Schedule is
// behind, which counts for more than how the last run went.
func (r Record) Note(set conditions.Set, late string) {
	switch {
	case late != "":
		set.Note(v1alpha1.HealthyCondition, metav1.ConditionFalse, v1alpha1.LateReason, late)
	case r.Last == nil:
		set.Note(v1alpha1.HealthyCondition, metav1.ConditionUnknown, v1alpha1.NoRunYetReason, "no backup has finished yet")
	case good(r.Last):
		set.Note(v1alpha1.HealthyCondition, metav1.ConditionTrue, v1alpha1.LastRunSucceededReason,
			fmt.Sprintf("backup %s is complete", r.Last.Name))
	default:
		set.Note(v1alpha1.HealthyCondition, metav1.ConditionFalse, v1alpha1.LastRunFailedReason, failure(r.Last))
	}
}

// ahead reports whether the backup claims to be of the future: its marker was
// forged, or stamped by a clock that was wrong.
func ahead(b *v1alpha1.Backup, now time.Time) bool {
	end := b.Status.CompletionTime
	return Time(b).Sub(now) > clockSkew || end != nil && end.Sub(now) > clockSkew
}

// good reports whether the backup is one to rely on: it is complete, and would be
// restored.
func good(b *v1alpha1.Backup) bool {
	return b.Status.Completeness == v1alpha1.CompletenessComplete && b.Status.Verification != v1alpha1.VerificationTampered
}

// Foreign reports whether another cluster took the backup.
func Foreign(b *v1alpha1.Backup, clusterUID string) bool {
	if origin := b.Status.Origin; origin != nil && origin.Foreign {
		return true
	}
	taken := b.Labels[v1alpha1.ClusterLabel]
	return taken != "" && taken != clusterUID
}

// Ended reports whether nothing more will happen to the backup by itself: it was
// committed, or failed for good.
func Ended(b *v1alpha1.Backup) bool {
	return b.Status.CompletionTime != nil || meta.IsStatusConditionTrue(b.Status.Conditions, v1alpha1.StalledCondition)
}

// Time is when the backup was begun. The object may be younger: one that was
// found in storage was made when it was found.
func Time(b *v1alpha1.Backup) time.Time {
	if b.Status.StartTime != nil {
		return b.Status.StartTime.Time
	}
	return b.CreationTimestamp.Time
}

func newer(a, b *v1alpha1.Backup) *v1alpha1.Backup {
	if a == nil || Time(b).After(Time(a)) || Time(b).Equal(Time(a)) && b.Name > a.Name {
		return b
	}
	return a
}

// failure says how a backup failed, in its own words.
func failure(b *v1alpha1.Backup) string {
	ready := meta.FindStatusCondition(b.Status.Conditions, v1alpha1.ReadyCondition)
	if ready == nil || ready.Message == "" {
		return fmt.Sprintf("backup %s is not complete", b.Name)
	}
	return fmt.Sprintf("backup %s: %s", b.Name, ready.Message)
}
