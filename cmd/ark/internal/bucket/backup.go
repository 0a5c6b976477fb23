// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/engine/catalog"
)

// fromSnapshot is a backup as a cluster that attaches the bucket would show it.
// Without Trusted, a signature is checked against the bytes, and whose it is stays
// open.
func (b *Bucket) fromSnapshot(s *catalog.Snapshot) *v1alpha1.Backup {
	m := s.Marker
	o := newBackup(m.Cluster.UID, m.Name)
	o.CreationTimestamp = metav1.NewTime(m.Created)
	o.Labels = projection.Labels(m, "")
	delete(o.Labels, v1alpha1.CreatedByLabel) // nobody made an object
	if spec, err := projection.Spec(m); err == nil {
		o.Spec = spec
	}
	if s.Deletion != nil {
		o.Spec.Deletion = &v1alpha1.Deletion{Reason: s.Deletion.Reason}
	}
	projection.Status(o, s, b.Trusted, nil, b.clock.Now())
	return o
}

// unreadable stands for a backup whose marker or records are broken.
func unreadable(cluster, name string, err error) *v1alpha1.Backup {
	o := newBackup(cluster, name)
	broken := metav1.Condition{Reason: v1alpha1.ArchiveInvalidReason, Message: err.Error()}
	ready, stalled := broken, broken
	ready.Type, ready.Status = v1alpha1.ReadyCondition, metav1.ConditionFalse
	stalled.Type, stalled.Status = v1alpha1.StalledCondition, metav1.ConditionTrue
	o.Status.Conditions = []metav1.Condition{ready, stalled}
	return o
}

func newBackup(cluster, name string) *v1alpha1.Backup {
	return &v1alpha1.Backup{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{v1alpha1.ClusterLabel: cluster}},
		Status:     v1alpha1.BackupStatus{Origin: &v1alpha1.BackupOrigin{ClusterUID: cluster, BackupName: name}},
	}
}

func at(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t}
}
