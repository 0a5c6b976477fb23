// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Reasons of Events that are no reason of a condition. Alerts are built on them:
// they do not change. A Backup or Restore whose Ready changes is announced with
// the reason of Ready.
const (
	// EventLocationAvailable, about a Config: a storage location can be used, which
	// was not known or not so before.
	EventLocationAvailable = "LocationAvailable"
	// EventSyncIncomplete, about a Config: a listing of a storage location failed,
	// or found what it could not show.
	EventSyncIncomplete = "SyncIncomplete"
	// EventBackupsFound, about a Config: a listing found backups that had no object.
	EventBackupsFound = "BackupsFound"
	// EventSigningKeyInUse, about a Config: backups into a storage location are signed
	// with another key than before, or with the first one.
	EventSigningKeyInUse = "SigningKeyInUse"
	// EventSigningKeyUnknown, about a Config: the key that signed the backups in a
	// storage location is not known any more.
	EventSigningKeyUnknown = "SigningKeyUnknown"
	// EventBackupTampered, about a Backup: its marker was changed after it was signed.
	EventBackupTampered = "BackupTampered"
	// EventBackupForeign, about a Backup: its spec was changed, of which nothing comes,
	// because the backup belongs to another cluster.
	EventBackupForeign = "BackupForeign"
	// EventOrphansRemoved, about a Config: what attempts at backups left in a storage
	// location that were cut short was removed.
	EventOrphansRemoved = "OrphansRemoved"
	// EventRulesActivated, about a BackupPolicy: another revision of its rules is in
	// force.
	EventRulesActivated = "RulesActivated"
	// EventScheduleCreated, about a BackupPolicy: a Schedule was made for an entry.
	EventScheduleCreated = "ScheduleCreated"
	// EventScheduleDeleted, about a BackupPolicy: the Schedule of an entry that is
	// gone was deleted.
	EventScheduleDeleted = "ScheduleDeleted"
	// EventBackupCreated, about a Schedule: a backup was due and was begun.
	EventBackupCreated = "BackupCreated"
	// EventBackupFound, about a Backup: its object was deleted, its data was not, and
	// so the object came back.
	EventBackupFound = "BackupFound"
	// EventBackupGone, about a Backup: its data is gone from storage, and so its
	// object was deleted.
	EventBackupGone = "BackupGone"
)
