// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// row is a line of docs/metrics.md.
var row = regexp.MustCompile("(?m)^\\| `ark_\\w+` \\|.*$")

// TestEveryMetricIsDocumented compares what is registered, after everything was
// counted once, with the table of the page: names, types, labels and help.
func TestEveryMetricIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := row.FindAllString(string(page), -1)
	slices.Sort(documented)

	registry := prometheus.NewRegistry()
	countEverything(t, registry)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var registered []string
	for _, f := range families {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		slices.Sort(labels)
		registered = append(registered, fmt.Sprintf("| `%s` | %s | %s | %s |",
			f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, ", "), f.GetHelp()))
	}
	slices.Sort(registered)
	if diff := cmp.Diff(registered, documented); diff != "" {
		t.Errorf("docs/metrics.md (-registered +documented):\n%s", diff)
	}

	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestNothingIsRegisteredThatNothingCounts holds what New registers against what
// can be gathered: a counter with labels that nobody increments is invisible.
func TestNothingIsRegisteredThatNothingCounts(t *testing.T) {
	described := &descriptions{names: map[string]bool{}}
	countEverything(t, described)
	registry := prometheus.NewRegistry()
	countEverything(t, registry)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		delete(described.names, f.GetName())
	}
	if len(described.names) > 0 {
		t.Errorf("never counted: %v", described.names)
	}
}

// descriptions is a registry that keeps the names of what is registered.
type descriptions struct{ names map[string]bool }

var fqName = regexp.MustCompile(`fqName: "(\w+)"`)

func (d *descriptions) Register(c prometheus.Collector) error {
	ch := make(chan *prometheus.Desc)
	go func() {
		c.Describe(ch)
		close(ch)
	}()
	for desc := range ch {
		d.names[fqName.FindStringSubmatch(desc.String())[1]] = true
	}
	return nil
}

func (d *descriptions) MustRegister(...prometheus.Collector) {}
func (d *descriptions) Unregister(prometheus.Collector) bool { return true }
