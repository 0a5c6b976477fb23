// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package step

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RetryIn is how long to leave alone what failed at once in that many attempts, the
// last of which started then, whatever else wakes it: after, times the attempts. It
// is not positive once the time has come. A start that lies ahead is of a clock that
// was put back, and may have been ahead by years: then it has come.
func RetryIn(after time.Duration, attempts int32, started *metav1.Time, now time.Time) time.Duration {
	if attempts == 0 || started == nil {
		return 0
	}
	since := now.Sub(started.Time)
	if since < 0 {
		return 0
	}
	return after*time.Duration(attempts) - since
}
