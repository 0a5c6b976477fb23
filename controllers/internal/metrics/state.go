// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/health"
	"github.com/gopherwood/ark/engine"
)

// scrapeTimeout bounds a scrape: it reads from a cache.
const scrapeTimeout = 5 * time.Second

var (
	lastGood = prometheus.NewDesc("ark_last_successful_backup_timestamp_seconds",
		"When the newest complete backup of a policy was finished, as a Unix time; 0 when there is none and should be.", []string{"policy"}, nil)
	nextDue = prometheus.NewDesc("ark_schedule_next_backup_timestamp_seconds",
		"When the next backup of a schedule is due, as a Unix time.", []string{"schedule"}, nil)
	stored = prometheus.NewDesc("ark_stored_backups",
		"Backups that storage holds, by location and origin: own or foreign.", []string{"location", "origin"}, nil)
	available = prometheus.NewDesc("ark_storage_location_available",
		"Whether a storage location can be used: 1 or 0.", []string{"location"}, nil)
	orphaned = prometheus.NewDesc("ark_orphaned_attempts",
		"Attempts at backups that no marker names and whose data was left at the last collection, by location.", []string{"location"}, nil)
	lastSync = prometheus.NewDesc("ark_storage_location_last_sync_timestamp_seconds",
		"When a storage location was last listed completely, as a Unix time.", []string{"location"}, nil)
)

// state reads gauges from the objects.
type state struct {
	reader     client.Reader
	clusterUID string
	clock      engine.Clock
}

// NewState returns a collector of what the objects say, read from reader, which
// is to be a cache.
func NewState(reader client.Reader, clusterUID string, clock engine.Clock) prometheus.Collector {
	return &state{reader: reader, clusterUID: clusterUID, clock: clock}
}

// Describe implements prometheus.Collector.
func (s *state) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lastGood, nextDue, stored, available, orphaned, lastSync} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. What cannot be read is an invalid
// metric, which fails the scrape: silence would look like health.
func (s *state) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout) //nolint:forbidigo // the interface has no context
	defer cancel()
	s.collectLocations(ctx, ch)
	s.collectPolicies(ctx, ch)
	s.collectSchedules(ctx, ch)
}

func (s *state) collectLocations(ctx context.Context, ch chan<- prometheus.Metric) {
	var configs v1alpha1.ConfigList
	if err := s.reader.List(ctx, &configs); err != nil {
		ch <- prometheus.NewInvalidMetric(available, err)
		return
	}
	for i := range configs.Items {
		for _, l := range configs.Items[i].Status.Storage {
			up := 0.0
			if l.Available {
				up = 1
			}
			ch <- prometheus.MustNewConstMetric(available, prometheus.GaugeValue, up, l.Name)
			ch <- prometheus.MustNewConstMetric(stored, prometheus.GaugeValue, float64(l.Backups), l.Name, "own")
			ch <- prometheus.MustNewConstMetric(stored, prometheus.GaugeValue, float64(l.ForeignBackups), l.Name, "foreign")
			ch <- prometheus.MustNewConstMetric(orphaned, prometheus.GaugeValue, float64(l.OrphanedAttempts), l.Name)
			if l.LastSyncTime != nil {
				ch <- prometheus.MustNewConstMetric(lastSync, prometheus.GaugeValue, float64(l.LastSyncTime.Unix()), l.Name)
			}
		}
	}
}

// collectPolicies reports policies that exist: one that was deleted is nobody's
// worry any more. One that should have a backup and has none is at time 0, so that
// an alert on its age fires.
func (s *state) collectPolicies(ctx context.Context, ch chan<- prometheus.Metric) {
	var policies v1alpha1.BackupPolicyList
	var backups v1alpha1.BackupList
	if err := errors.Join(s.reader.List(ctx, &policies), s.reader.List(ctx, &backups)); err != nil {
		ch <- prometheus.NewInvalidMetric(lastGood, err)
		return
	}
	of := map[string][]v1alpha1.Backup{}
	for _, b := range backups.Items {
		of[PolicyOf(&b)] = append(of[PolicyOf(&b)], b)
	}
	for i := range policies.Items {
		p := &policies.Items[i]
		at := 0.0
		newest := health.Read(of[p.Name], s.clusterUID, s.clock.Now()).LastComplete
		switch {
		case newest != nil && newest.Status.CompletionTime != nil:
			at = float64(newest.Status.CompletionTime.Unix())
		case len(p.Spec.Schedules) == 0 || p.Spec.Suspend:
			continue
		}
		ch <- prometheus.MustNewConstMetric(lastGood, prometheus.GaugeValue, at, p.Name)
	}
}

// collectSchedules reports when the next backup is due. A Schedule that is idle
// has no such time.
func (s *state) collectSchedules(ctx context.Context, ch chan<- prometheus.Metric) {
	var schedules v1alpha1.ScheduleList
	if err := s.reader.List(ctx, &schedules); err != nil {
		ch <- prometheus.NewInvalidMetric(nextDue, err)
		return
	}
	for i := range schedules.Items {
		if next := schedules.Items[i].Status.NextScheduleTime; next != nil {
			ch <- prometheus.MustNewConstMetric(nextDue, prometheus.GaugeValue, float64(next.Unix()), schedules.Items[i].Name)
		}
	}
}
