// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/health"
)

// scrapeTimeout bounds a scrape: it reads from a cache.
const scrapeTimeout = 5 * time.Second

var (
	lastGood = prometheus.NewDesc("ark_last_successful_backup_timestamp_seconds",
		"When the newest complete backup of a policy was finished, as a Unix time.", []string{"policy"}, nil)
	stored = prometheus.NewDesc("ark_stored_backups",
		"Backups that storage holds, by location and origin: own or foreign.", []string{"location", "origin"}, nil)
	available = prometheus.NewDesc("ark_storage_location_available",
		"Whether a storage location can be used: 1 or 0.", []string{"location"}, nil)
	lastSync = prometheus.NewDesc("ark_storage_location_last_sync_timestamp_seconds",
		"When a storage location was last listed completely, as a Unix time.", []string{"location"}, nil)
)

// state reads gauges from the objects.
type state struct {
	reader     client.Reader
	clusterUID string
}

// NewState returns a collector of what the objects say, read from reader, which
// is to be a cache.
func NewState(reader client.Reader, clusterUID string) prometheus.Collector {
	return &state{reader: reader, clusterUID: clusterUID}
}

// Describe implements prometheus.Collector.
func (s *state) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lastGood, stored, available, lastSync} {
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
			if l.LastSyncTime != nil {
				ch <- prometheus.MustNewConstMetric(lastSync, prometheus.GaugeValue, float64(l.LastSyncTime.Unix()), l.Name)
			}
		}
	}
}

func (s *state) collectPolicies(ctx context.Context, ch chan<- prometheus.Metric) {
	var backups v1alpha1.BackupList
	if err := s.reader.List(ctx, &backups); err != nil {
		ch <- prometheus.NewInvalidMetric(lastGood, err)
		return
	}
	newest := map[string]time.Time{}
	for i := range backups.Items {
		b := &backups.Items[i]
		policy, st := b.Labels[v1alpha1.PolicyLabel], &b.Status
		if policy == "" {
			policy = b.Spec.PolicyName
		}
		if policy == "" || health.Foreign(b, s.clusterUID) || st.CompletionTime == nil || st.Completeness != v1alpha1.CompletenessComplete {
			continue
		}
		if st.CompletionTime.After(newest[policy]) {
			newest[policy] = st.CompletionTime.Time
		}
	}
	for policy, at := range newest {
		ch <- prometheus.MustNewConstMetric(lastGood, prometheus.GaugeValue, float64(at.Unix()), policy)
	}
}
