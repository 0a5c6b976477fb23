// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"errors"
	"testing"
	"time"

	"github.com/gopherwood/ark/engine/blobstore/storetest"
)

func TestAnAttemptUnderAClockThatWasAheadIsTriedAgain(t *testing.T) {
	const ahead = 365 * 24 * time.Hour
	f := setUp(t)
	f.store.Inject(storetest.Fault{Op: storetest.OpCreate, Key: "/data/", Effect: storetest.Fail(errors.New("connection reset"))})
	f.clock.Advance(ahead)
	f.backup("early")
	hasPrefix(t, "Ready at first", f.settle("early"), "Unknown Retrying: attempt 1 failed: ")
	f.store.Heal()
	f.clock.Advance(-ahead)
	f.clock.Advance(time.Minute)
	hasPrefix(t, "Ready then", f.settle("early"), "True Succeeded: ")
}
