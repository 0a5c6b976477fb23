// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package step_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/controllers/internal/step"
)

func TestRetryIn(t *testing.T) {
	now := time.Date(2026, time.May, 17, 3, 4, 5, 0, time.UTC)
	ago := func(d time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(-d)} }
	tests := map[string]struct {
		attempts int32
		started  *metav1.Time
		want     time.Duration
	}{
		"nothing was tried":                  {0, ago(time.Second), 0},
		"nobody knows when":                  {1, nil, 0},
		"a first attempt":                    {1, ago(4 * time.Second), 6 * time.Second},
		"later ones are left alone longer":   {3, ago(4 * time.Second), 26 * time.Second},
		"the time has come":                  {1, ago(15 * time.Second), -5 * time.Second},
		"the clock was put back by a year":   {1, ago(-365 * 24 * time.Hour), 0},
		"the clock was put back by a little": {1, ago(-time.Second), 0},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := step.RetryIn(10*time.Second, tc.attempts, tc.started, now); got != tc.want {
				t.Errorf("RetryIn = %v, want %v", got, tc.want)
			}
		})
	}
}
