// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"errors"
	"testing"
	"time"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
)

func TestARunUnderAClockThatWasAheadIsTriedAgain(t *testing.T) {
	const ahead = 365 * 24 * time.Hour
	f := setUp(t)
	f.store.Inject(storetest.Fault{Op: storetest.OpOpen, Key: archive.IndexFile, Nth: 1, Effect: storetest.Fail(errors.New("connection reset"))})
	f.clock.Advance(ahead)
	f.restore("early")
	hasPrefix(t, "Ready at first", f.settle("early"), "Unknown Retrying: attempt 1 broke off: ")
	f.clock.Advance(-ahead)
	f.clock.Advance(time.Minute)
	hasPrefix(t, "Ready then", f.settle("early"), "True Succeeded: ")
}

func TestAMissingBackupIsNotWaitedForUntilTheClockHasCaughtUp(t *testing.T) {
	f := setUp(t)
	f.clock.Advance(-365 * 24 * time.Hour)
	f.restore("behind", func(s *v1alpha1.RestoreSpec) { s.BackupName = "none" })
	hasPrefix(t, "Ready", f.settle("behind"), `False BackupMissing: there is no backup "none"`)
}
