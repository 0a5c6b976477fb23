// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package template resolves what users write of backups, in templates and keep
// rules, into what the engine asks for.
package template

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine/retention"
	"github.com/gopherwood/ark/engine/selection"
)

// DefaultTTL is how long backups are kept when nothing says otherwise.
const DefaultTTL = 720 * time.Hour

// Resolve returns a copy of t, which may be nil, with its time to live and
// location filled in: location is the one that receives the backup, and ttl the
// Backup's own, or nil.
func Resolve(t *v1alpha1.BackupTemplate, ttl *metav1.Duration, defaults *v1alpha1.BackupDefaults, location string) *v1alpha1.BackupTemplate {
	resolved := &v1alpha1.BackupTemplate{}
	if t != nil {
		t.DeepCopyInto(resolved)
	}
	resolved.StorageLocation = location
	switch {
	case ttl != nil:
		resolved.TTL = ttl
	case resolved.TTL != nil:
	case defaults != nil && defaults.TTL != nil:
		resolved.TTL = defaults.TTL
	default:
		resolved.TTL = &metav1.Duration{Duration: DefaultTTL}
	}
	return resolved
}

// Selection translates what a template covers. The error names the field of
// the template that cannot be understood.
func Selection(t *v1alpha1.BackupTemplate) (selection.Template, error) {
	if t == nil {
		return selection.Template{}, nil
	}
	selectors, err := Selectors(t.LabelSelector, t.OrLabelSelectors)
	if err != nil {
		return selection.Template{}, err
	}
	translated := selection.Template{
		IncludedNamespaces: t.IncludedNamespaces,
		ExcludedNamespaces: t.ExcludedNamespaces,
		IncludedResources:  t.IncludedResources,
		ExcludedResources:  t.ExcludedResources,
		Selectors:          selectors,
		ClusterResources:   t.IncludeClusterResources,
	}
	return translated, translated.Check()
}

// KeepRules translates what is kept beyond its ttl. A nil r, of a Schedule that says
// nothing or is gone, leaves the default: its newest good backup stays.
func KeepRules(r *v1alpha1.Retention) retention.Policy {
	if r == nil {
		return retention.Policy{}
	}
	return retention.Policy{
		KeepLast: r.KeepLast, Hourly: r.KeepHourly, Daily: r.KeepDaily, Weekly: r.KeepWeekly,
		Monthly: r.KeepMonthly, Yearly: r.KeepYearly,
	}
}

// Selectors translates labelSelector and orLabelSelectors, of which at most one
// is set. None of them gives none.
func Selectors(one *metav1.LabelSelector, or []metav1.LabelSelector) ([]labels.Selector, error) {
	var selectors []labels.Selector
	if one != nil {
		s, err := metav1.LabelSelectorAsSelector(one)
		if err != nil {
			return nil, fmt.Errorf("labelSelector: %w", err)
		}
		selectors = append(selectors, s)
	}
	for i := range or {
		s, err := metav1.LabelSelectorAsSelector(&or[i])
		if err != nil {
			return nil, fmt.Errorf("orLabelSelectors[%d]: %w", i, err)
		}
		selectors = append(selectors, s)
	}
	return selectors, nil
}
