// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// backupAdvice says what to do about a backup that is not a full success.
func backupAdvice(b *v1alpha1.Backup) []string {
	c := meta.FindStatusCondition(b.Status.Conditions, v1alpha1.ReadyCondition)
	if c == nil {
		return []string{`check that "ark server" runs in this cluster: no controller has seen the backup`}
	}
	switch c.Reason {
	case v1alpha1.PartiallyFailedReason:
		return []string{"what is stored can be restored; mend what failed, and take another backup"}
	case v1alpha1.FailedReason, v1alpha1.PolicyMissingReason, v1alpha1.PolicyInvalidReason, v1alpha1.LocationMissingReason,
		v1alpha1.LocationReadOnlyReason, v1alpha1.NameTakenReason:
		return []string{"mend what the status says, and take another backup: this one is a record, and does not run again"}
	case v1alpha1.QueuedReason:
		return []string{"it starts when another has ended; the Config's spec.concurrency.backups says how many run at a time"}
	case v1alpha1.ConfigMissingReason:
		return []string{"apply a Config named default with a storage location"}
	default:
		return nil
	}
}

// restoreAdvice says what to do about a restore that is not a full success.
func restoreAdvice(r *v1alpha1.Restore) []string {
	c := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ReadyCondition)
	if c == nil {
		return []string{`check that "ark server" runs in this cluster: no controller has seen the restore`}
	}
	switch c.Reason {
	case v1alpha1.SucceededReason:
		return afterSuccess(r)
	case v1alpha1.DeniedReason:
		return []string{"nothing was written; ask for what the rules allow, such as other namespaces, or have the rules changed where they are reviewed"}
	case v1alpha1.PartiallyFailedReason:
		return []string{"mend what failed, and restore again: what is back already stays as it is"}
	case v1alpha1.PlannedReason:
		return []string{"this was a dry run: create it again without --dry-run to write"}
	case v1alpha1.ArchiveInvalidReason:
		return []string{"restore from another backup: the archive of this one is not what was committed"}
	case v1alpha1.ConfigMissingReason:
		return []string{"apply a Config named default with the storage location that holds the backup"}
	case v1alpha1.FailedReason, v1alpha1.BackupMissingReason, v1alpha1.BackupAmbiguousReason, v1alpha1.MappingConflictReason,
		v1alpha1.RequestInvalidReason:
		return []string{"mend what the status says, and create another restore: this one is a record, and does not run again"}
	case v1alpha1.QueuedReason:
		return []string{"it starts when another has ended; the Config's spec.concurrency.restores says how many run at a time"}
	default:
		return nil
	}
}

// afterSuccess says what is left to do where everything that was asked for is back.
func afterSuccess(r *v1alpha1.Restore) []string {
	var advice []string
	if c := r.Status.Results; c != nil && c.Existing > 0 {
		advice = append(advice, "what exists and differs was left alone; the warnings name it, and --existing-resource-policy Update or Recreate writes the archived objects over it")
	}
	if r.Spec.Workloads == v1alpha1.WorkloadsPaused {
		advice = append(advice, "workloads came back paused: scale them to what their annotation "+v1alpha1.ReplicasAnnotation+" says")
	}
	return advice
}
