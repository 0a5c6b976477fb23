// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/gopherwood/ark/test/lab"
)

// alert is a rule of a Prometheus rule file, as far as the page uses it:
// https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
type alert struct {
	Alert       string            `json:"alert"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// rules is a rule file.
type rules struct {
	Groups []struct {
		Name  string  `json:"name"`
		Rules []alert `json:"rules"`
	} `json:"groups"`
}

// selected is a metric of an expression, with the labels that it is matched and
// grouped by.
type selected struct {
	Metric string
	Labels []string
}

// TestTheAlertsAreAboutMetricsThatThereAre has Prometheus' own parser read every
// alert of the page, and looks up what it selects in the page's table, which is
// held to the code where the metrics are.
func TestTheAlertsAreAboutMetricsThatThereAre(t *testing.T) {
	page := read(t, "docs/metrics.md")
	metrics := tableOfMetrics(page)
	alerts := alertsOf(t, page)
	var expressions []string
	for _, a := range alerts {
		expressions = append(expressions, a.Expr)
	}
	for i, selectors := range parsed(t, expressions) {
		a := alerts[i]
		if len(selectors) == 0 {
			t.Errorf("%s is about no metric", a.Alert)
		}
		kept := map[string]bool{}
		for _, s := range selectors {
			known, ok := metrics[s.Metric]
			if !ok {
				t.Errorf("%s is about %s, which does not exist", a.Alert, s.Metric)
			}
			for _, label := range s.Labels {
				kept[label] = true
				if !slices.Contains(known, label) {
					t.Errorf("%s: %s has no label %s", a.Alert, s.Metric, label)
				}
			}
		}
		for _, m := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(a.Annotations["summary"], -1) {
			if !kept[m[1]] {
				t.Errorf("%s tells the label %s, which its expression does not keep", a.Alert, m[1])
			}
		}
		if a.Annotations["summary"] == "" || a.Labels["severity"] == "" {
			t.Errorf("%s has no summary or no severity", a.Alert)
		}
	}
}

// tableOfMetrics returns the labels of the metrics in the page's table.
func tableOfMetrics(page string) map[string][]string {
	metrics := map[string][]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(ark_\\w+)` \\| \\w+ \\| ([^|]+) \\|").FindAllStringSubmatch(page, -1) {
		metrics[m[1]] = strings.Split(strings.ReplaceAll(m[2], "`", ""), ", ")
	}
	return metrics
}

// alertsOf reads the alerts of the page, strictly.
func alertsOf(t *testing.T, page string) []alert {
	t.Helper()
	m := regexp.MustCompile("(?s)```yaml\n(groups:.*?)```").FindStringSubmatch(page)
	if m == nil {
		t.Fatal("the page has no alerts")
	}
	var file rules
	if err := yaml.UnmarshalStrict([]byte(m[1]), &file); err != nil {
		t.Fatal(err)
	}
	var alerts []alert
	for _, group := range file.Groups {
		alerts = append(alerts, group.Rules...)
	}
	if len(alerts) < 5 {
		t.Fatalf("%d alerts: are they looked for in the right place?", len(alerts))
	}
	return alerts
}

// parsed returns what each expression selects.
func parsed(t *testing.T, expressions []string) [][]selected {
	t.Helper()
	parser, err := lab.PromQL(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	in, err := json.Marshal(expressions)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), parser)
	cmd.Stdin = bytes.NewReader(in)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	var all [][]selected
	if err := json.Unmarshal(out, &all); err != nil || len(all) != len(expressions) {
		t.Fatalf("%v: %d answers to %d expressions", err, len(all), len(expressions))
	}
	return all
}
