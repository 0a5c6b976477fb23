// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/api/v1alpha1"
)

var (
	// sample is a line of the text format, about Ark:
	// https://prometheus.io/docs/instrumenting/exposition_formats/
	sample = regexp.MustCompile(`(?m)^(ark_\w+(?:\{.*\})?) (\S+)$`)
	// documented is a row of the table in docs/metrics.md.
	documented = regexp.MustCompile("(?m)^\\| `(ark_\\w+)` \\| (\\w+) \\| [^|]+ \\| (.+) \\|$")
)

// samples are the figures that a scrape shows of Ark, by name and labels.
func samples(scraped []byte) map[string]float64 {
	found := map[string]float64{}
	for _, m := range sample.FindAllStringSubmatch(string(scraped), -1) {
		if value, err := strconv.ParseFloat(m[2], 64); err == nil {
			found[m[1]] = value
		}
	}
	return found
}

// states are the figures that are read from the objects, and so outlive a restart.
func states(all map[string]float64) map[string]float64 {
	found := map[string]float64{}
	for name, value := range all {
		for _, of := range []string{"ark_last_", "ark_schedule_next_", "ark_stored_", "ark_storage_location_available"} {
			if strings.HasPrefix(name, of) {
				found[name] = value
			}
		}
	}
	return found
}

// measured scrapes the metrics after everything happened, holds them against what
// did and against their page, and then looks at what a restart leaves of them.
func (i *installation) measured() {
	i.t.Helper()
	page, err := os.ReadFile(filepath.Join(root, "docs", "metrics.md"))
	if err != nil {
		i.t.Fatal(err)
	}
	want := i.expected()
	var got map[string]float64
	i.eventually("the figures", func(context.Context) (bool, error) {
		got = map[string]float64{}
		all := samples(i.scrape())
		for name := range want {
			if value, ok := all[name]; ok {
				got[name] = value
			}
		}
		// What the locations hold is as of the last listing.
		return got[`ark_stored_backups{location="main",origin="own"}`] == want[`ark_stored_backups{location="main",origin="own"}`], nil
	})
	if diff := cmp.Diff(want, got); diff != "" {
		i.t.Errorf("metrics (-want +got):\n%s", diff)
	}
	scraped := i.scrape()
	rows := documented.FindAllStringSubmatch(string(page), -1)
	if len(rows) < 10 {
		i.t.Fatalf("docs/metrics.md has %d metrics", len(rows))
	}
	for _, m := range rows {
		for _, line := range []string{"# HELP " + m[1] + " " + m[3] + "\n", "# TYPE " + m[1] + " " + m[2] + "\n"} {
			if !strings.Contains(string(scraped), line) {
				i.t.Errorf("after all this there is no %q", line)
			}
		}
	}

	before := states(samples(scraped))
	i.stop()
	i.serve()
	i.probed()
	i.eventually("the caches", func(context.Context) (bool, error) { return len(states(samples(i.scrape()))) == len(before), nil })
	after := samples(i.scrape())
	if diff := cmp.Diff(before, states(after)); diff != "" {
		i.t.Errorf("what is read from objects (-before +after the restart):\n%s", diff)
	}
}

// expected are the figures of what the line did until now: three backups of the
// policy and one without, of which one was deleted and one expired; and restores.
func (i *installation) expected() map[string]float64 {
	i.t.Helper()
	var backups v1alpha1.BackupList
	var schedule v1alpha1.Schedule
	if err := i.admin.List(i.t.Context(), &backups); err != nil {
		i.t.Fatal(err)
	}
	i.get(&schedule, "", "shop.nightly")
	newest := 0.0
	for _, b := range backups.Items {
		newest = max(newest, float64(b.Status.CompletionTime.Unix()))
	}
	return map[string]float64{
		`ark_backups_total{policy="shop",result="succeeded"}`:                 3,
		`ark_backups_total{policy="",result="succeeded"}`:                     1,
		`ark_backup_duration_seconds_count{policy="shop"}`:                    3,
		`ark_backup_excluded_objects_total{code="cache",policy="shop"}`:       2,
		`ark_backups_removed_total{reason="deleted"}`:                         1,
		`ark_backups_removed_total{reason="expired"}`:                         1,
		`ark_last_successful_backup_timestamp_seconds{policy="shop"}`:         newest,
		`ark_restores_total{policy="shop",result="succeeded"}`:                5,
		`ark_restores_total{policy="shop",result="denied"}`:                   1,
		`ark_restores_total{policy="shop",result="partial"}`:                  1,
		`ark_restore_denials_total{code="beside-first"}`:                      1,
		`ark_restore_objects_total{outcome="failed",policy="shop"}`:           1,
		`ark_schedule_lateness_seconds_count{schedule="shop.nightly"}`:        1,
		`ark_schedule_lateness_seconds_count{schedule="shop.weekly"}`:         1,
		`ark_schedule_next_backup_timestamp_seconds{schedule="shop.nightly"}`: float64(schedule.Status.NextScheduleTime.Unix()),
		`ark_stored_backups{location="main",origin="own"}`:                    2,
		`ark_stored_backups{location="main",origin="foreign"}`:                0,
		`ark_storage_location_available{location="main"}`:                     1,
	}
}
