// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// ConfigName is the only name a Config can have.
const ConfigName = "default"

// Labels that Ark puts on objects it makes. Children carry these and nothing of
// their parent's labels or annotations: a Git tool's tracking label on a child
// would get the child pruned.
const (
	// CreatedByLabel says which part of Ark made an object. Controllers delete
	// only objects that carry it.
	CreatedByLabel = "ark.gopherwood.dev/created-by"
	// ScheduleLabel names the Schedule that a Backup was made for.
	ScheduleLabel = "ark.gopherwood.dev/schedule"
	// PolicyLabel names the BackupPolicy that a Schedule or Backup was made for.
	PolicyLabel = "ark.gopherwood.dev/policy"
	// ClusterLabel carries, on a Backup, the UID of the cluster that took it.
	ClusterLabel = "ark.gopherwood.dev/cluster"
	// BackupLabel names, on a Restore made by the command line, its Backup.
	BackupLabel = "ark.gopherwood.dev/backup"
	// RestoreLabel is put on every restored object; its value is the name of the
	// Restore, shortened with a hash where it does not fit a label.
	RestoreLabel = "ark-restore"
)

// Values of CreatedByLabel.
const (
	// CreatedByCLI marks what the command line made.
	CreatedByCLI = "cli"
	// CreatedByConfig marks Secrets made to hold a signing key.
	CreatedByConfig = "config"
	// CreatedByPolicy marks Schedules made from a BackupPolicy.
	CreatedByPolicy = "policy"
	// CreatedBySchedule marks Backups made by a Schedule.
	CreatedBySchedule = "schedule"
	// CreatedBySync marks Backups found in storage.
	CreatedBySync = "sync"
)

// ReplicasAnnotation keeps, on a workload restored as Paused, what was turned
// off: the archived number of replicas, or "resume" where suspend was set.
const ReplicasAnnotation = "ark.gopherwood.dev/paused-from"

// RunFinalizer holds a Backup or Restore while its run is active, and only then.
const RunFinalizer = "ark.gopherwood.dev/run"

// MaxScheduleNameLength keeps <schedule>-<YYYYMMDDhhmmss>-<YYYYMMDDhhmmss>, the
// name of a restore of a scheduled backup, within the 63 characters of a label.
const MaxScheduleNameLength = 32
