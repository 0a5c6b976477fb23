// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Condition types. Ready, Reconciling and Stalled mean what kstatus says.
const (
	// ReadyCondition is true, for a Config, BackupPolicy or Schedule, when its
	// spec is in force, and for a Backup or Restore, when all of it succeeded.
	ReadyCondition = "Ready"
	// ReconcilingCondition is present, and true, only while work is under way
	// or will be tried again.
	ReconcilingCondition = "Reconciling"
	// StalledCondition is present, and true, only when no retry can help: the
	// object, or something it refers to, has to change first.
	StalledCondition = "Stalled"
	// HealthyCondition says, on a BackupPolicy or Schedule, whether the last run
	// was good and in time. It is no part of Ready: a failed backup must not
	// fail somebody's deployment.
	HealthyCondition = "Healthy"
	// UniqueCondition is false, on a Backup, while two storage locations hold
	// different backups of its name, and absent otherwise.
	UniqueCondition = "Unique"
)

// Reasons of Ready that every kind can have.
const (
	// SucceededReason: the spec is in force, or the run was a complete success.
	SucceededReason = "Succeeded"
	// ProgressingReason: work is under way; the message says what is being done.
	ProgressingReason = "Progressing"
	// RetryingReason: the last attempt failed in a way that a retry may cure.
	RetryingReason = "Retrying"
	// ConfigMissingReason: there is no Config named default yet.
	ConfigMissingReason = "ConfigMissing"
	// RestoreOnlyReason: the Config's mode is RestoreOnly, so nothing is backed
	// up, scheduled or expired.
	RestoreOnlyReason = "RestoreOnly"
	// SuspendedReason: spec.suspend is set.
	SuspendedReason = "Suspended"
)

// Reasons of Ready about Ark itself.
const (
	// DefinitionOutdatedReason: the definition of one of Ark's kinds is missing, or lacks
	// fields that this version of Ark, or a stored object, needs.
	DefinitionOutdatedReason = "DefinitionOutdated"
)

// Reasons of Ready about storage.
const (
	// StorageInvalidReason: a location's URL is malformed or not allowed.
	StorageInvalidReason = "StorageInvalid"
	// StorageUnavailableReason: a location cannot be reached, read or written.
	StorageUnavailableReason = "StorageUnavailable"
	// SecretMissingReason: a Secret that a location names does not exist in the
	// controller's namespace, or lacks a key.
	SecretMissingReason = "SecretMissing"
	// LocationMissingReason: the Config has no location of the name asked for,
	// or no default one.
	LocationMissingReason = "LocationMissing"
	// LocationNotReadyReason: the location is not available, or not synced yet.
	LocationNotReadyReason = "LocationNotReady"
	// LocationReadOnlyReason: something would have to be written to a location
	// whose access is ReadOnly.
	LocationReadOnlyReason = "LocationReadOnly"
)

// Reasons of Ready about policies and schedules.
const (
	// PolicyInvalidReason: a rule does not compile, breaks the contract, or is
	// not where the policy says. The message is the compiler's.
	PolicyInvalidReason = "PolicyInvalid"
	// PolicyMissingReason: the BackupPolicy that is named does not exist.
	PolicyMissingReason = "PolicyMissing"
	// ScheduleInvalidReason: the cron expression or the time zone is not valid.
	ScheduleInvalidReason = "ScheduleInvalid"
	// ScheduleClashReason: a Schedule of that name exists and is not this policy's.
	ScheduleClashReason = "ScheduleClash"
)

// Reasons of Ready of a Backup or Restore.
const (
	// PartiallyFailedReason: the run finished, and some objects failed.
	PartiallyFailedReason = "PartiallyFailed"
	// FailedReason: the run failed as a whole.
	FailedReason = "Failed"
	// DeniedReason: a gate denied the restore before its first write, or an attempt
	// before its first.
	DeniedReason = "Denied"
	// PlannedReason: a dry run finished; status holds the plan.
	PlannedReason = "Planned"
	// QueuedReason: as many runs as the Config allows are active.
	QueuedReason = "Queued"
	// RestoreDisabledReason: restores are switched off in this installation.
	RestoreDisabledReason = "RestoreDisabled"
	// BackupMissingReason: the backup that is named does not exist, or none does
	// for the Schedule or BackupPolicy that is named.
	BackupMissingReason = "BackupMissing"
	// BackupAmbiguousReason: backups of several clusters match; one must be named.
	BackupAmbiguousReason = "BackupAmbiguous"
	// ArchiveInvalidReason: the archive is cut short, was changed, or is of a
	// format this version does not know.
	ArchiveInvalidReason = "ArchiveInvalid"
	// MappingConflictReason: two namespaces would be restored into one.
	MappingConflictReason = "MappingConflict"
	// RequestInvalidReason: what is asked for cannot be read, or contradicts itself or
	// the archive.
	RequestInvalidReason = "RequestInvalid"
	// NameTakenReason: the store holds another backup, or the record of another restore,
	// of that name.
	NameTakenReason = "NameTaken"
	// ExpiredReason: the backup's time was up, and its data was removed.
	ExpiredReason = "Expired"
	// DeletedReason: the backup's data was removed because spec.deletion asked.
	DeletedReason = "Deleted"
	// DeletingReason: the backup's data is being removed.
	DeletingReason = "Deleting"
)

// Reasons of Healthy.
const (
	// LastRunSucceededReason: the last backup is complete.
	LastRunSucceededReason = "LastRunSucceeded"
	// LastRunFailedReason: the last backup failed, wholly or partly.
	LastRunFailedReason = "LastRunFailed"
	// NoRunYetReason: there was no backup yet.
	NoRunYetReason = "NoRunYet"
	// LateReason: a firing was missed, or its backup has not finished by the next.
	LateReason = "Late"
)

// Completeness says how much of what was asked for a backup or restore holds.
// +kubebuilder:validation:Enum=Complete;Partial;None
type Completeness string

const (
	// CompletenessComplete is everything that was asked for.
	CompletenessComplete Completeness = "Complete"
	// CompletenessPartial is some of it; the results name what is missing.
	CompletenessPartial Completeness = "Partial"
	// CompletenessNone is nothing.
	CompletenessNone Completeness = "None"
)
