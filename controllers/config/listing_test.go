// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/gopherwood/ark/api/v1alpha1"
)

func TestWhatMakesALocationBeTriedAtOnce(t *testing.T) {
	earlier := metav1.NewTime(time.Date(2026, time.May, 17, 3, 4, 5, 0, time.UTC))
	later := metav1.NewTime(earlier.Add(time.Minute))
	location := func(available bool, message string, synced *metav1.Time) *v1alpha1.Config {
		cfg := &v1alpha1.Config{}
		cfg.Status.Storage = []v1alpha1.StorageLocationStatus{{Name: "main", Available: available, SyncMessage: message, LastSyncTime: synced}}
		return cfg
	}
	tests := map[string]struct {
		was, is *v1alpha1.Config
		want    bool
	}{
		"a listing that failed":                     {location(true, "", &earlier), location(true, "connection refused", &earlier), true},
		"the first listing, when it failed":         {location(true, "", nil), location(true, "connection refused", nil), true},
		"one that failed in another way":            {location(true, "connection refused", &earlier), location(true, "403", &earlier), true},
		"one that failed in the same way":           {location(true, "connection refused", &earlier), location(true, "connection refused", &earlier), false},
		"a listing that succeeded":                  {location(true, "", &earlier), location(true, "", &later), false},
		"one that could not show some":              {location(true, "", &earlier), location(true, "1 of the backups cannot be shown", &later), false},
		"the end of a failure":                      {location(true, "connection refused", &earlier), location(true, "", &later), false},
		"a location that is known to be away":       {location(true, "", &earlier), location(false, "connection refused", &earlier), false},
		"a Config that says nothing of locations":   {&v1alpha1.Config{}, &v1alpha1.Config{}, false},
		"a failure of a location that just came up": {location(false, "", &earlier), location(true, "403", &earlier), true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := listingFailed().Update(event.UpdateEvent{ObjectOld: tc.was, ObjectNew: tc.is}); got != tc.want {
				t.Errorf("passed = %v, want %v", got, tc.want)
			}
		})
	}
	for kind, passed := range map[string]bool{
		"creations": listingFailed().Create(event.CreateEvent{Object: location(true, "", nil)}),
		"deletions": listingFailed().Delete(event.DeleteEvent{Object: location(true, "", nil)}),
	} {
		if passed {
			t.Errorf("%s pass: they are another predicate's", kind)
		}
	}
}
