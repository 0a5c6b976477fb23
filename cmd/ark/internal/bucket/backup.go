// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

// fromSnapshot is a backup as the cluster that took it would show it. What rules
// its life, a hold or a deletion, is taken from the records only.
func fromSnapshot(s *catalog.Snapshot) *v1alpha1.Backup {
	m := s.Marker
	b := newBackup(m.Cluster.UID, m.Name)
	b.CreationTimestamp = metav1.NewTime(m.Created)
	label(b, v1alpha1.ScheduleLabel, m.Schedule)
	label(b, v1alpha1.PolicyLabel, m.Policy)
	var spec v1alpha1.BackupSpec
	if json.Unmarshal(m.Spec, &spec) == nil {
		b.Spec = v1alpha1.BackupSpec{Template: spec.Template, PolicyName: spec.PolicyName, TTL: spec.TTL}
	}
	if s.Held {
		b.Spec.Hold = &s.Held
	}
	var template v1alpha1.BackupTemplate
	if json.Unmarshal(m.Template, &template) == nil {
		b.Status.Template = &template
	}
	st := &b.Status
	st.Origin.ClusterName = m.Cluster.Name
	st.Completeness = v1alpha1.Completeness(m.Completeness)
	st.Attempt = m.Attempt
	st.StartTime, st.CompletionTime = at(m.Started), at(m.Completed)
	st.ExpirationTime = at(s.Expires)
	st.Held = s.Held
	st.Objects = &v1alpha1.ObjectCounts{Included: m.Objects.Included, Excluded: m.Objects.Excluded, Failed: m.Objects.Failed}
	st.ExcludedBy = byFrequency(m.ExcludedBy)
	st.Warnings, st.Errors = m.Warnings, m.Errors
	if m.Rules != nil {
		st.Policy = &v1alpha1.PolicyRevision{Digest: m.Rules.Digest, Rules: m.Rules.Count}
	}
	for _, f := range m.Files {
		st.Size += f.Size
	}
	switch {
	case s.Deletion != nil:
		b.Spec.Deletion = &v1alpha1.Deletion{Reason: s.Deletion.Reason}
		stall(b, v1alpha1.DeletingReason, "its data is being removed: "+s.Deletion.Reason)
	case m.Completeness == archive.Complete:
		settle(b, metav1.ConditionTrue, v1alpha1.SucceededReason, fmt.Sprintf("%d objects are stored", m.Objects.Included))
	default:
		stall(b, v1alpha1.PartiallyFailedReason, fmt.Sprintf("%d objects are stored, %d failed", m.Objects.Included, m.Objects.Failed))
	}
	return b
}

// unreadable stands for a backup whose marker or records are broken.
func unreadable(cluster, name string, err error) *v1alpha1.Backup {
	b := newBackup(cluster, name)
	stall(b, v1alpha1.ArchiveInvalidReason, err.Error())
	return b
}

func newBackup(cluster, name string) *v1alpha1.Backup {
	return &v1alpha1.Backup{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{v1alpha1.ClusterLabel: cluster}},
		Status:     v1alpha1.BackupStatus{Origin: &v1alpha1.BackupOrigin{ClusterUID: cluster, BackupName: name}},
	}
}

func label(b *v1alpha1.Backup, key, value string) {
	if value != "" {
		b.Labels[key] = value
	}
}

func stall(b *v1alpha1.Backup, reason, message string) {
	settle(b, metav1.ConditionFalse, reason, message)
	b.Status.Conditions = append(b.Status.Conditions, metav1.Condition{
		Type: v1alpha1.StalledCondition, Status: metav1.ConditionTrue, Reason: reason, Message: message,
	})
}

func settle(b *v1alpha1.Backup, ready metav1.ConditionStatus, reason, message string) {
	b.Status.Conditions = []metav1.Condition{{
		Type: v1alpha1.ReadyCondition, Status: ready, Reason: reason, Message: message,
	}}
}

// byFrequency lists codes, the most frequent first.
func byFrequency(counts map[string]int64) []v1alpha1.CodeCount {
	var list []v1alpha1.CodeCount
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		list = append(list, v1alpha1.CodeCount{Code: code, Count: counts[code]})
	}
	slices.SortStableFunc(list, func(a, b v1alpha1.CodeCount) int { return cmp.Compare(b.Count, a.Count) })
	return list
}

func at(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t}
}
