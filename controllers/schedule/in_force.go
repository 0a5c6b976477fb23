// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// inForce tells by which rule firings are counted, and since when: what status
// says, while spec says the same. Where status says nothing, the rule is as old as
// the Schedule, and storage tells what it has fired.
//
// A time in the future was told by a clock that was ahead. It is not believed, or
// a clock that once was years ahead would stop backups for years.
func inForce(o *v1alpha1.Schedule, now time.Time) *v1alpha1.FiringRule {
	rule := v1alpha1.FiringRule{Cron: o.Spec.Cron, TimeZone: o.Spec.TimeZone, Since: o.CreationTimestamp}
	if known := o.Status.InForce; known != nil {
		rule.Since = known.Since
		if *known != rule {
			rule.Since = metav1.NewTime(edited(o, now).Truncate(time.Second))
		}
	}
	if rule.Since.After(now) && rule.Since.After(o.CreationTimestamp.Time) {
		rule.Since = metav1.NewTime(now.Truncate(time.Second))
	}
	return &rule
}

// edited is when somebody last wrote the Schedule, its status aside, as the API
// server noted; now, where it did not. The controllers may have been away since,
// and what the new rule fired meanwhile is to be made up for.
func edited(o *v1alpha1.Schedule, now time.Time) time.Time {
	var last time.Time
	for _, entry := range o.ManagedFields {
		if entry.Subresource == "" && entry.Time != nil && entry.Time.After(last) {
			last = entry.Time.Time
		}
	}
	if last.IsZero() || last.After(now) {
		return now
	}
	return last
}
