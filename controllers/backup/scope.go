// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/conditions"
	"github.com/gopherwood/ark/controllers/internal/health"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/collect"
)

// scope is what the steps learn of one Backup.
type scope struct {
	backup *v1alpha1.Backup
	before *v1alpha1.Backup
	now    time.Time
	// foreign says that another cluster took the backup: sync alone speaks of it.
	foreign bool
	// cluster and name are what the backup is called in storage; adopted says that
	// they are another cluster's, and that the backup is this one's to keep by now.
	cluster, name string
	adopted       bool
	// self is this cluster.
	self string

	cfg *v1alpha1.Config
	// places are the locations that know of the backup.
	places []*place
	// location is where the backup is, or goes: of several places, the one that
	// speaks for it.
	location *locations.Location
	// snapshot is the committed backup; nil while there is none.
	snapshot *catalog.Snapshot
	// tombstone is the record of its deletion; nil when there is none.
	tombstone *archive.Record

	// progress is how far the active run is.
	progress *collect.Progress
	// active says that a run is queued or running; taken and removed that one of this
	// process ended with the backup committed or given up, or with its data gone.
	active, taken, removed bool
	// begins says that a run's turn has come: it begins once status counts the attempt.
	begins bool
	// expiring says that it is not known yet whether an expired backup is to go, and
	// keptBecause why it stays.
	expiring    bool
	keptBecause string
	// begun says that a removal failed that is on record somewhere.
	begun bool
	// refused says, by location, why a removal left it there.
	refused map[string]string
	// remaining, where it is not empty, are all the locations that still hold it.
	remaining []string
}

func newScope(b *v1alpha1.Backup, now time.Time, clusterUID string) *scope {
	s := &scope{backup: b, before: b.DeepCopy(), now: now, self: clusterUID, cluster: clusterUID, name: b.Name}
	if s.adopted = adopted(b, clusterUID); s.adopted {
		s.cluster, s.name = b.Status.Origin.ClusterUID, b.Status.Origin.BackupName
		return s
	}
	s.foreign = health.Foreign(b, clusterUID)
	return s
}

// adopted reports whether another cluster took the backup, and this one took it
// over. What status says is only where to look: storage knows whose it is, and
// refuses others.
func adopted(b *v1alpha1.Backup, clusterUID string) bool {
	o := b.Status.Origin
	return o != nil && !o.Foreign && o.ClusterUID != "" && o.BackupName != "" && o.ClusterUID != clusterUID
}

// committed reports whether status says that the backup is in storage, and
// nothing was asked of it since.
func (s *scope) committed() bool {
	return s.backup.Status.CompletionTime != nil && s.backup.Status.Completeness != v1alpha1.CompletenessNone &&
		s.backup.Status.ObservedGeneration == s.backup.Generation
}

// finished reports whether nothing can happen to the backup any more, whatever
// its spec says: it failed for good, or its data is gone. It is never taken
// anew: the name would mean another content. A deletion that is asked for of a
// failed one still has something to do: attempts leave data behind.
func (s *scope) finished() bool {
	st := &s.backup.Status
	if st.Completeness != v1alpha1.CompletenessNone || st.CompletionTime == nil {
		return false
	}
	ready := meta.FindStatusCondition(st.Conditions, v1alpha1.ReadyCondition)
	return s.backup.Spec.Deletion == nil || (ready != nil && ready.Status == metav1.ConditionTrue)
}

// gone reports whether status says that the backup's data was removed, as it was
// to be.
func (s *scope) gone() bool {
	ready := meta.FindStatusCondition(s.backup.Status.Conditions, v1alpha1.ReadyCondition)
	return ready != nil && ready.Status == metav1.ConditionTrue &&
		(ready.Reason == v1alpha1.DeletedReason || ready.Reason == v1alpha1.ExpiredReason)
}

// keepVerdict says of the spec's new generation what was said of the last one.
func (s *scope) keepVerdict() {
	st := &s.backup.Status
	st.ObservedGeneration = s.backup.Generation
	for i := range st.Conditions {
		st.Conditions[i].ObservedGeneration = s.backup.Generation
	}
}

// resting reports whether a committed backup has nothing to do now, so that
// storage need not be asked: everything that was asked of it is recorded, and its
// time is not up.
func (s *scope) resting() bool {
	spec, st := &s.backup.Spec, &s.backup.Status
	switch ready := meta.FindStatusCondition(st.Conditions, v1alpha1.ReadyCondition); {
	case !s.committed() || spec.Deletion != nil || st.ExpirationTime == nil || ready == nil:
		return false
	case ready.Status != metav1.ConditionTrue && ready.Reason != v1alpha1.PartiallyFailedReason:
		return false // the last try at what was asked of it did not succeed
	case s.asksMore():
		return false
	}
	return st.Held || st.ExpirationTime.After(s.now) || s.restoreOnly()
}

// expired reports whether status says that the backup's time is up.
func (s *scope) expired() bool {
	expires := s.backup.Status.ExpirationTime
	return expires != nil && !expires.After(s.now)
}

// interrupted reports whether status says that a removal was begun.
func (s *scope) interrupted() bool {
	ready := meta.FindStatusCondition(s.backup.Status.Conditions, v1alpha1.ReadyCondition)
	return ready != nil && ready.Reason == v1alpha1.DeletingReason
}

// asksMore reports whether the spec asks for more than status says is recorded.
func (s *scope) asksMore() bool {
	spec, st := &s.backup.Spec, &s.backup.Status
	if spec.Hold != nil && *spec.Hold != st.Held {
		return true
	}
	if spec.TTL == nil || spec.TTL.Duration <= s.takenFor() {
		return false
	}
	return s.backup.CreationTimestamp.Add(spec.TTL.Duration).After(st.ExpirationTime.Time)
}

// takenFor is the ttl that the backup was taken with, zero where that is not known.
// It counts from the first object of its name, and the present one may be younger.
func (s *scope) takenFor() time.Duration {
	if t := s.backup.Status.Template; t != nil && t.TTL != nil {
		return t.TTL.Duration
	}
	return 0
}

// conditions are those of the Backup, at its generation.
func (s *scope) conditions() conditions.Set {
	return conditions.Set{Conditions: &s.backup.Status.Conditions, Generation: s.backup.Generation, Now: s.now}
}

// again is when to look again without being woken: at the expiry of a committed
// backup, and while it is kept beyond that, at the next collection.
func (s *scope) again() time.Duration {
	st := &s.backup.Status
	if s.cfg == nil || st.ExpirationTime == nil || s.tombstone != nil {
		return 0
	}
	if s.expiring {
		return removalPoll
	}
	if wait := st.ExpirationTime.Sub(s.now); wait > 0 {
		return wait + time.Second
	}
	return s.gcInterval()
}

// gcInterval is how often a backup that is past its expiry is looked at.
func (s *scope) gcInterval() time.Duration {
	const byDefault = 10 * time.Minute
	if d := s.cfg.Spec.GCInterval; d != nil {
		return max(d.Duration, time.Second)
	}
	return byDefault
}

func (s *scope) restoreOnly() bool {
	return s.cfg != nil && s.cfg.Spec.Mode == v1alpha1.ModeRestoreOnly
}

// lastFailure is what status says of the last attempt.
func (s *scope) lastFailure() string {
	if ready := meta.FindStatusCondition(s.backup.Status.Conditions, v1alpha1.ReadyCondition); ready != nil {
		return ready.Message
	}
	return "the last attempt failed"
}
