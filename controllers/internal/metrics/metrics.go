// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package metrics counts what the controllers did. What is a state, such as the
// time of the last good backup, is read from the objects when it is scraped: it
// outlives a restart.
package metrics

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// Results of a run, as label values.
const (
	ResultSucceeded = "succeeded"
	ResultPartial   = "partial"
	ResultFailed    = "failed"
	ResultDenied    = "denied"
	ResultPlanned   = "planned"
)

// Metrics are the counters of one process. A nil one counts nothing.
type Metrics struct {
	backups        *prometheus.CounterVec
	backupSeconds  *prometheus.HistogramVec
	backupObjects  *prometheus.CounterVec
	backupBytes    *prometheus.CounterVec
	excluded       *prometheus.CounterVec
	removed        *prometheus.CounterVec
	restores       *prometheus.CounterVec
	restoreSeconds *prometheus.HistogramVec
	restoreObjects *prometheus.CounterVec
	denials        *prometheus.CounterVec
	syncs          *prometheus.CounterVec
	lateness       *prometheus.HistogramVec
	orphans        *prometheus.CounterVec
	orphanUploads  *prometheus.CounterVec
	orphanBytes    *prometheus.CounterVec

	all []prometheus.Collector
}

// seconds are the buckets of durations: from a small namespace to a cluster of a
// million objects.
var seconds = []float64{0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600}

// New registers the counters, and others beside them: all or none.
func New(registry prometheus.Registerer, others ...prometheus.Collector) (*Metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: seconds}, labels)
	}
	m := &Metrics{
		backups:       counter("ark_backups_total", "Backups that ended, by policy and result.", "policy", "result"),
		backupSeconds: histogram("ark_backup_duration_seconds", "How long committed backups took, by policy.", "policy"),
		backupObjects: counter("ark_backup_objects_total", "Objects seen by backups, by policy and outcome.", "policy", "outcome"),
		backupBytes:   counter("ark_backup_bytes_total", "Bytes stored by backups, by policy.", "policy"),
		excluded:      counter("ark_backup_excluded_objects_total", "Objects left out of backups, by policy and code.", "policy", "code"),
		removed:       counter("ark_backups_removed_total", "Backups whose data was removed, by reason: expired or deleted.", "reason"),
		restores:      counter("ark_restores_total", "Restores that ended, by policy of the backup and result.", "policy", "result"),
		restoreSeconds: histogram("ark_restore_duration_seconds",
			"How long restores took that wrote, by policy of the backup.", "policy"),
		restoreObjects: counter("ark_restore_objects_total", "Objects of restores that wrote, by policy of the backup and outcome.", "policy", "outcome"),
		denials:        counter("ark_restore_denials_total", "Reasons for which restores were denied, by code.", "code"),
		syncs:          counter("ark_syncs_total", "Listings of storage locations, by location and result: succeeded or failed.", "location", "result"),
		orphans:        counter("ark_orphaned_attempts_removed_total", "Attempts at backups that were cut short, and whose data was removed, by location.", "location"),
		orphanUploads:  counter("ark_orphaned_uploads_removed_total", "Unfinished uploads of killed processes that were removed from directories, by location.", "location"),
		orphanBytes:    counter("ark_orphaned_bytes_removed_total", "Bytes that such attempts and uploads had stored, by location.", "location"),
		lateness:       histogram("ark_schedule_lateness_seconds", "How late backups were begun after their firing, by schedule.", "schedule"),
	}
	m.all = append(others,
		m.backups, m.backupSeconds, m.backupObjects, m.backupBytes, m.excluded, m.removed,
		m.restores, m.restoreSeconds, m.restoreObjects, m.denials, m.syncs, m.lateness, m.orphans, m.orphanUploads, m.orphanBytes)
	for _, c := range m.all {
		if err := registry.Register(c); err != nil {
			m.Unregister(registry)
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

// Unregister takes everything off the registry that New put there.
func (m *Metrics) Unregister(registry prometheus.Registerer) {
	for _, c := range m.all {
		registry.Unregister(c)
	}
}

// BackupEnded counts a backup that this process took, or gave up.
func (m *Metrics) BackupEnded(b *v1alpha1.Backup) {
	if m == nil {
		return
	}
	st, policy := &b.Status, PolicyOf(b)
	result := map[v1alpha1.Completeness]string{
		v1alpha1.CompletenessComplete: ResultSucceeded, v1alpha1.CompletenessPartial: ResultPartial,
	}[st.Completeness]
	if result == "" {
		m.backups.WithLabelValues(policy, ResultFailed).Inc()
		return
	}
	m.backups.WithLabelValues(policy, result).Inc()
	if st.StartTime != nil && st.CompletionTime != nil {
		m.backupSeconds.WithLabelValues(policy).Observe(max(0, st.CompletionTime.Sub(st.StartTime.Time).Seconds()))
	}
	m.backupBytes.WithLabelValues(policy).Add(float64(st.Size))
	if o := st.Objects; o != nil {
		m.backupObjects.WithLabelValues(policy, "included").Add(float64(o.Included))
		m.backupObjects.WithLabelValues(policy, "excluded").Add(float64(o.Excluded))
		m.backupObjects.WithLabelValues(policy, "failed").Add(float64(o.Failed))
	}
	for _, by := range st.ExcludedBy {
		m.excluded.WithLabelValues(policy, by.Code).Add(float64(by.Count))
	}
}

// PolicyOf returns the policy that a backup was taken for; empty when there is
// none. No backup is taken for a policy that does not exist, so there are never
// more of them in the metrics than there were in the cluster and its storage.
func PolicyOf(b *v1alpha1.Backup) string {
	if policy := b.Labels[v1alpha1.PolicyLabel]; policy != "" {
		return policy
	}
	return b.Spec.PolicyName
}

// BackupRemoved counts a backup whose data was removed.
func (m *Metrics) BackupRemoved(expired bool) {
	if m == nil {
		return
	}
	reason := "deleted"
	if expired {
		reason = "expired"
	}
	m.removed.WithLabelValues(reason).Inc()
}

// RestoreEnded counts a restore that this process ran, or gave up, with its Ready
// reason, and the policy of its backup where that is known.
func (m *Metrics) RestoreEnded(o *v1alpha1.Restore, policy, reason string) {
	if m == nil {
		return
	}
	st := &o.Status
	result := map[string]string{
		v1alpha1.SucceededReason: ResultSucceeded, v1alpha1.PartiallyFailedReason: ResultPartial,
		v1alpha1.DeniedReason: ResultDenied, v1alpha1.PlannedReason: ResultPlanned,
	}[reason]
	if result == "" {
		result = ResultFailed
	}
	m.restores.WithLabelValues(policy, result).Inc()
	for _, d := range st.Denials {
		m.denials.WithLabelValues(d.Code).Inc()
	}
	if result != ResultSucceeded && result != ResultPartial {
		return
	}
	if st.StartTime != nil && st.CompletionTime != nil {
		m.restoreSeconds.WithLabelValues(policy).Observe(max(0, st.CompletionTime.Sub(st.StartTime.Time).Seconds()))
	}
	if c := st.Results; c != nil {
		for outcome, n := range map[string]int64{
			"created": c.Created, "updated": c.Updated, "unchanged": c.Unchanged,
			"existing": c.Existing, "skipped": c.Skipped, "failed": c.Failed,
		} {
			m.restoreObjects.WithLabelValues(policy, outcome).Add(float64(n))
		}
	}
}

// Synced counts a listing of a location that ended. From the first one on, there
// are counters of what is removed from the location, at zero: a rate needs to see
// them before they grow.
func (m *Metrics) Synced(location string, failed bool) {
	if m == nil {
		return
	}
	result := ResultSucceeded
	if failed {
		result = ResultFailed
	}
	m.syncs.WithLabelValues(location, result).Inc()
	m.OrphansRemoved(location, 0, 0, 0)
}

// OrphansRemoved counts attempts whose data was removed from a location because
// no backup refers to it, and uploads that were never finished.
func (m *Metrics) OrphansRemoved(location string, attempts, uploads int, bytes int64) {
	if m == nil {
		return
	}
	m.orphans.WithLabelValues(location).Add(float64(attempts))
	m.orphanUploads.WithLabelValues(location).Add(float64(uploads))
	m.orphanBytes.WithLabelValues(location).Add(float64(bytes))
}

// Fired counts a backup that a Schedule began so long after its firing.
func (m *Metrics) Fired(schedule string, late time.Duration) {
	if m == nil {
		return
	}
	m.lateness.WithLabelValues(schedule).Observe(max(0, late.Seconds()))
}
