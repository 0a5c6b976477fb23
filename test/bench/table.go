// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
)

const mib = 1 << 20

// median is the measure in the middle, field by field.
func median(all []measure) measure {
	if len(all) == 0 {
		return measure{}
	}
	return measure{
		Wall:      middle(all, func(m measure) float64 { return m.Wall }),
		CPU:       middle(all, func(m measure) float64 { return m.CPU }),
		ServerCPU: middle(all, func(m measure) float64 { return m.ServerCPU }),
		Requests:  middle(all, func(m measure) int64 { return m.Requests }),
		Posts:     middle(all, func(m measure) int64 { return m.Posts }),
		Bytes:     middle(all, func(m measure) int64 { return m.Bytes }),

		StoreRequests: middle(all, func(m measure) int64 { return m.StoreRequests }),
		StoreBytes:    middle(all, func(m measure) int64 { return m.StoreBytes }),
		Objects:       middle(all, func(m measure) int64 { return m.Objects }),
		Raw:           middle(all, func(m measure) int64 { return m.Raw }),
		Stored:        middle(all, func(m measure) int64 { return m.Stored }),
		Errors:        slices.MaxFunc(all, func(a, b measure) int { return cmp.Compare(a.Errors, b.Errors) }).Errors,
		RSS:           middle(all, func(m measure) int64 { return m.RSS }),
	}
}

func middle[T cmp.Ordered](all []measure, of func(measure) T) T {
	values := make([]T, 0, len(all))
	for _, m := range all {
		values = append(values, of(m))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// ratio is a to b, or zero when there is no b.
func ratio[T ~int64 | ~float64](a, b T) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// row is a run of the table. Its key begins the names of its measures in
// bench.json.
type row struct {
	key, name string
	m         measure
}

func (s *session) rows() []row {
	return []row{
		{"list", "(a) list and compress", median(s.list)},
		{"backup", "(b) backup", median(s.backups)},
		{"backup_fifth", "(b) backup of a fifth", median(s.small)},
		{"post", "(c) post", median(s.posts)},
		{"restore", "(d) restore", median(s.restores)},
		{"one_object", "(e) restore one object", median(s.object)},
		{"one_namespace", "(e) restore one namespace", median(s.namespace)},
		{"backup_big", "(f) backup of 500 x 1 MiB", median(s.big)},
	}
}

// print writes the table: what was measured, run beside run. What was not, because
// only a part was asked for, is left out.
func (s *session) print(out io.Writer) {
	fmt.Fprintf(out, "\n%d objects in %d namespaces; medians of %d turns; %.1f MiB of JSON; contents %.1f MiB, index %.1f MiB\n\n",
		s.n, namespaces, s.turns, float64(s.sizes.raw)/mib, float64(s.sizes.contents)/mib, float64(s.sizes.index)/mib)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "run\tobjects\twall s\tCPU s\tAPI server CPU s\trequests\tMiB on the wire\tbucket reads\tKiB read\terrors\tpeak MiB\t")
	for _, row := range s.rows() {
		m := row.m
		if m.Wall == 0 {
			continue
		}
		fmt.Fprintf(w, "%s\t%d\t%.2f\t%.2f\t%.2f\t%d\t%.1f\t%d\t%.0f\t%d\t%.0f\t\n", row.name, m.Objects, m.Wall, m.CPU, m.ServerCPU,
			m.Requests, float64(m.Bytes)/mib, m.StoreRequests, float64(m.StoreBytes)/1024, m.Errors, float64(m.RSS)/mib)
	}
	_ = w.Flush() // to a terminal or a pipe: nobody is left to tell
	s.printCrowds(out)
	fmt.Fprintln(out)
	sideBySide(out, "(a)", median(s.list), "(b)", median(s.backups))
	sideBySide(out, "(c)", median(s.posts), "(d)", median(s.restores))
	if len(s.restores) > 0 {
		fmt.Fprintf(out, "second requests in (d), beyond one for each object: %.1f %%\n", 100*secondRequests(median(s.restores)))
	}
	fmt.Fprintln(out)
	for _, f := range s.figures() {
		if f.value == 0 {
			continue
		}
		fmt.Fprintf(out, "%-29s %11.3f   aim %s\n", f.name, f.value, f.aim)
	}
}

// sideBySide compares what two runs asked of the API server.
func sideBySide(out io.Writer, nameA string, a measure, nameB string, b measure) {
	if a.Requests == 0 || b.Requests == 0 {
		return
	}
	fmt.Fprintf(out, "requests %s %d, %s %d; MiB on the wire %s %.1f, %s %.1f\n",
		nameA, a.Requests, nameB, b.Requests, nameA, float64(a.Bytes)/mib, nameB, float64(b.Bytes)/mib)
}

// secondRequests is the share of requests beyond one for each object.
func secondRequests(restore measure) float64 {
	return ratio(restore.Requests-restore.Objects, restore.Objects)
}

// figure is one of bench.json.
type figure struct {
	name  string
	value float64
	aim   string
}

func (s *session) figures() []figure {
	list, backup, post, restore, object := median(s.list), median(s.backups), median(s.posts), median(s.restores), median(s.object)
	perObject := func(m measure) float64 { return ratio(m.ServerCPU, float64(m.Objects)) }
	return []figure{
		{"backup_wall_ratio", ratio(list.Wall, backup.Wall), ">= 0.7"},
		{"backup_cpu_ratio", ratio(backup.CPU, list.CPU), "<= 2.5"},
		{"backup_peak_rss_mib", float64(backup.RSS) / mib, "<= 200 at 10,000"},
		{"backup_rss_growth", ratio(backup.RSS, median(s.small).RSS), fmt.Sprintf("<= 1.2, of %d over %d objects", s.n, s.n/growth)},
		{"backup_big_peak_rss_mib", float64(median(s.big).RSS) / mib, "<= 250"},
		{"restore_wall_ratio", ratio(post.Wall, restore.Wall), ">= 0.7"},
		{"restore_apiserver_cpu_ratio", ratio(perObject(restore), perObject(post)), "<= 1.3"},
		{"restore_one_object_s", object.Wall, "<= 0.5 out of 50,000"},
		{"restore_one_object_bytes_read", float64(object.StoreBytes), "<= 1048576"},
		{"restore_one_object_requests", float64(object.StoreRequests), "<= 10"},
		{"archive_bytes_ratio", ratio(s.sizes.contents, s.sizes.stream), "<= 1.1"},
	}
}

// values are the fields of a measure, by their names in bench.json.
func (m measure) values() map[string]float64 {
	return map[string]float64{
		"objects": float64(m.Objects), "wall_s": m.Wall, "cpu_s": m.CPU, "apiserver_cpu_s": m.ServerCPU,
		"requests": float64(m.Requests), "bytes": float64(m.Bytes), "bucket_requests": float64(m.StoreRequests),
		"bucket_bytes": float64(m.StoreBytes), "errors": float64(m.Errors), "peak_rss_mib": float64(m.RSS) / mib,
	}
}

// writeFigures writes bench.json: flat, so that anything can compare two.
func (s *session) writeFigures() error {
	figures := map[string]float64{
		"objects": float64(s.n), "turns": float64(s.turns), "restore_second_requests_share": secondRequests(median(s.restores)),
	}
	for _, row := range s.rows() {
		for name, value := range row.m.values() {
			figures[row.key+"_"+name] = value
		}
	}
	for _, f := range s.figures() {
		figures[f.name] = f.value
	}
	content, err := json.MarshalIndent(figures, "", "  ")
	if err != nil {
		return fmt.Errorf("encode figures: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(s.out), 0o755); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	if err := os.WriteFile(s.out, append(content, '\n'), 0o644); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	return nil
}
