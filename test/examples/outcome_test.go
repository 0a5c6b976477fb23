// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/kube"
	"github.com/gopherwood/ark/engine/selection"
	"github.com/gopherwood/ark/policies"
	"github.com/gopherwood/ark/test/manifests"
)

// collectUnder collects the cluster under the rules of an example's Config and
// BackupPolicy.
func collectUnder(t *testing.T, e example, policy *v1alpha1.BackupPolicy, source *kube.Cluster) *outcomes {
	t.Helper()
	var compiled []*policies.Policy
	for _, o := range e.objects {
		p, err := manifests.Compile(t.Context(), o, configMaps(e.objects))
		if err != nil {
			t.Fatal(err)
		}
		if p != nil {
			compiled = append(compiled, p)
		}
	}
	selector, err := policies.NewSelector(policies.BackupFacts{
		Name: "planned", Policy: policy.Name, Time: time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC),
	}, compiled...)
	if err != nil {
		t.Fatal(err)
	}
	opts := collect.Options{Template: template(t, policy.Spec.Template), AnyMoment: true}
	if policy.Spec.Selection == v1alpha1.SelectionOptIn {
		opts.Mode = collect.OptIn
	}
	found := &outcomes{of: map[string]string{}}
	report, err := collect.Collect(t.Context(), collect.Source{Discoverer: source, Lister: source}, selector, found, opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range append(report.Results.Errors, report.Results.Warnings...) {
		t.Errorf("%s: %s: %s", m.Object, m.Code, m.Message)
	}
	return found
}

// template translates what an example's policy covers.
func template(t *testing.T, from *v1alpha1.BackupTemplate) selection.Template {
	t.Helper()
	if from == nil {
		return selection.Template{}
	}
	to := selection.Template{
		IncludedNamespaces: from.IncludedNamespaces, ExcludedNamespaces: from.ExcludedNamespaces,
		IncludedResources: from.IncludedResources, ExcludedResources: from.ExcludedResources,
		ClusterResources: from.IncludeClusterResources,
	}
	selectors := from.OrLabelSelectors
	if from.LabelSelector != nil {
		selectors = append(selectors, *from.LabelSelector)
	}
	for i := range selectors {
		to.Selectors = append(to.Selectors, selector(t, &selectors[i]))
	}
	return to
}

func selector(t *testing.T, from *metav1.LabelSelector) labels.Selector {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(from)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// outcomes is a sink that remembers what became of each object, by its key.
type outcomes struct {
	mu sync.Mutex
	of map[string]string
}

// NewMember implements collect.Sink.
func (o *outcomes) NewMember() collect.Member { return o }

// Add implements collect.Member.
func (o *outcomes) Add(e archive.Entry, _ []byte) error {
	o.record(e, "included")
	return nil
}

// Note implements collect.Sink.
func (o *outcomes) Note(e archive.Entry) error {
	o.record(e, "excluded")
	return nil
}

// Flush implements collect.Member.
func (o *outcomes) Flush() error { return nil }

func (o *outcomes) record(e archive.Entry, outcome string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if e.Error != "" {
		outcome = "failed"
	}
	key := e.Key().String()
	if before, twice := o.of[key]; twice {
		outcome = before + ", then " + outcome
	}
	o.of[key] = strings.TrimSpace(fmt.Sprintf("%s  %s", outcome, strings.Join(e.Codes, " ")))
}

// written is the plan as it lies beside an example: a line for each object, in
// the order of the files.
func written(keys []string, o *outcomes) string {
	var b strings.Builder
	for _, key := range keys {
		outcome, seen := o.of[key]
		if !seen {
			outcome = "not covered"
		}
		fmt.Fprintf(&b, "%-72s  %s\n", key, outcome)
	}
	return b.String()
}
