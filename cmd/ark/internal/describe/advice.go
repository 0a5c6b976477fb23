// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// What to do about whatever waits for somebody. A run that has ended is a record.
// Any other goes on as soon as what keeps it is mended, however long that takes:
// whoever makes a second one meanwhile gets both.
const (
	goesOn = "mend what the status says: it goes on by itself then; delete it if it must not"
	unseen = `check that "ark server" runs in this cluster: no controller has seen `
)

// backupAdvice says what to do about a backup that is not a full success.
func backupAdvice(b *v1alpha1.Backup) []string {
	st := &b.Status
	c := meta.FindStatusCondition(st.Conditions, v1alpha1.ReadyCondition)
	if c == nil {
		return []string{unseen + "the backup"}
	}
	if text, known := backupAdviceFor[c.Reason]; known {
		return some(text)
	}
	switch {
	case st.CompletionTime != nil && st.Completeness == v1alpha1.CompletenessNone:
		return []string{"mend what the status says, and take another backup: this one is a record, and does not run again"}
	case st.CompletionTime != nil:
		return []string{"mend what the status says: what is stored is safe, and what was asked of it since is done then"}
	case c.Reason == v1alpha1.RequestInvalidReason && b.Spec.PolicyName == "":
		return []string{"delete it, and take another backup: a template that was asked for cannot change"}
	}
	return []string{goesOn}
}

// backupAdviceFor is what to do for reasons that say enough; nothing where they say
// all there is to say.
var backupAdviceFor = map[string]string{
	v1alpha1.SucceededReason:       "",
	v1alpha1.ExpiredReason:         "",
	v1alpha1.DeletedReason:         "",
	v1alpha1.ProgressingReason:     "",
	v1alpha1.DeletingReason:        "",
	v1alpha1.PartiallyFailedReason: "what is stored can be restored; mend what failed, and take another backup",
	v1alpha1.QueuedReason:          "it starts when another has ended; the Config's spec.concurrency.backups says how many run at a time",
	v1alpha1.ConfigMissingReason:   "apply a Config named default with a storage location: it goes on by itself then",
	v1alpha1.NameTakenReason:       "delete it, and take another backup under a name of its own: names are not used again",
	v1alpha1.ArchiveInvalidReason:  "rely on another backup, and find out who writes to the bucket: this one is not what was committed",
}

// restoreAdvice says what to do about a restore that is not a full success.
func restoreAdvice(r *v1alpha1.Restore) []string {
	c := meta.FindStatusCondition(r.Status.Conditions, v1alpha1.ReadyCondition)
	if c == nil {
		return []string{unseen + "the restore"}
	}
	if c.Reason == v1alpha1.SucceededReason {
		return afterSuccess(r)
	}
	if c.Reason == v1alpha1.DeniedReason && r.Status.Completeness == v1alpha1.CompletenessPartial {
		return some("an earlier attempt had written some of it, which stays: ask for the rest as the rules allow, or have the rules changed where they are reviewed")
	}
	if text, known := restoreAdviceFor[c.Reason]; known {
		return some(text)
	}
	switch {
	case r.Status.CompletionTime != nil:
		return []string{"mend what the status says, and create another restore: this one is a record, and does not run again"}
	case c.Reason == v1alpha1.RequestInvalidReason:
		return []string{"delete it, and create another restore: what a restore asks for cannot change"}
	}
	return []string{goesOn}
}

// restoreAdviceFor is backupAdviceFor for restores.
var restoreAdviceFor = map[string]string{
	v1alpha1.ProgressingReason:     "",
	v1alpha1.DeniedReason:          "nothing was written; ask for what the rules allow, such as other namespaces, or have the rules changed where they are reviewed",
	v1alpha1.PartiallyFailedReason: "mend what failed, and restore again: what is back already stays as it is",
	v1alpha1.PlannedReason:         "this was a dry run: create it again without --dry-run to write",
	v1alpha1.ArchiveInvalidReason:  "find out who writes to the bucket; where the status speaks of the archive, restore from another backup",
	v1alpha1.ConfigMissingReason:   "apply a Config named default with the storage location that holds the backup: it goes on by itself then",
	v1alpha1.QueuedReason:          "it starts when another has ended; the Config's spec.concurrency.restores says how many run at a time",
	v1alpha1.BackupAmbiguousReason: "delete it, and create another restore with --from-backup: what a restore asks for cannot change",
	v1alpha1.NameTakenReason:       "delete it, and create another restore under a name of its own: names are not used again",
}

// some is the advice of a text, if there is one.
func some(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
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
