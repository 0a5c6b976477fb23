// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"strings"
	"time"
)

// nameLayout is the time in the name of a backup: UTC, to the second.
const nameLayout = "20060102150405"

// BackupName is the name of the backup that a schedule makes for a firing:
// <schedule>-<YYYYMMDDhhmmss>, in UTC. Equal firings have equal names, so that
// no firing can make two backups.
func BackupName(schedule string, firing time.Time) string {
	return schedule + "-" + firing.UTC().Format(nameLayout)
}

// ParseBackupName returns the firing that a backup of the schedule was made
// for; ok is false for names that BackupName does not make.
func ParseBackupName(schedule, name string) (firing time.Time, ok bool) {
	digits, ok := strings.CutPrefix(name, schedule+"-")
	if !ok || len(digits) != len(nameLayout) {
		return time.Time{}, false
	}
	firing, err := time.Parse(nameLayout, digits)
	if err != nil || BackupName(schedule, firing) != name {
		return time.Time{}, false
	}
	return firing, true
}
