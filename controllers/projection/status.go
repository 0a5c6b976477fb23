// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package projection shows a committed backup, as its store knows it, in a
// Backup object. Everything in a marker is somebody's claim: it is bounded
// before it gets anywhere.
package projection

import (
	"cmp"
	"crypto/ed25519"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/conditions"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

const (
	// maxCodes is how many reason codes a status shows, maxCode how long one is.
	maxCodes = 32
	maxCode  = 63
	// maxMessages is how many warnings, and how many errors, a status shows.
	maxMessages = 16
)

// Status writes what the store knows of a committed backup into b's status:
// everything but whether another cluster took it, which stays as
// status.origin.foreign says. trusted are the keys whose signatures count, and
// locations name the locations that hold it.
//
// A complete backup is Ready; a partial one is Stalled for PartiallyFailed,
// because waiting makes it no better, and so is one that was tampered with, for
// ArchiveInvalid, because it is not restored.
func Status(b *v1alpha1.Backup, snap *catalog.Snapshot, trusted []ed25519.PublicKey, locations []string, now time.Time) {
	m, st := snap.Marker, &b.Status
	st.ObservedGeneration = b.Generation
	st.Completeness = v1alpha1.Completeness(m.Completeness)
	st.Template = template(m.Template)
	st.Policy = nil
	if m.Rules != nil {
		st.Policy = &v1alpha1.PolicyRevision{Digest: m.Rules.Digest, Rules: m.Rules.Count}
	}
	st.Origin = &v1alpha1.BackupOrigin{
		ClusterUID: m.Cluster.UID, ClusterName: m.Cluster.Name, BackupName: m.Name,
		Foreign: st.Origin != nil && st.Origin.Foreign,
	}
	st.Verification = v1alpha1.Verification(archive.Verify(snap.Envelope, trusted))
	st.StorageLocations = slices.Sorted(slices.Values(locations))
	st.Attempt, st.Attempts = m.Attempt, max(st.Attempts, 1)
	st.StartTime, st.CompletionTime, st.ExpirationTime = at(m.Started), at(m.Completed), at(snap.Expires)
	st.Held = snap.Held
	st.Progress = nil
	st.Objects = &v1alpha1.ObjectCounts{Included: m.Objects.Included, Excluded: m.Objects.Excluded, Failed: m.Objects.Failed}
	st.Size = size(m.Files)
	st.ExcludedBy = excludedBy(m.ExcludedBy)
	st.Warnings, st.Errors = first(slices.Concat(snap.Unverified, snap.Unreadable, m.Warnings)), first(m.Errors)

	set := conditions.Set{Conditions: &st.Conditions, Generation: b.Generation, Now: now}
	switch {
	case snap.Deletion != nil:
		set.Reconciling(v1alpha1.DeletingReason, "its data is being removed: "+snap.Deletion.Reason)
	case st.Verification == v1alpha1.VerificationTampered:
		set.Stalled(v1alpha1.ArchiveInvalidReason,
			"its marker was changed after it was signed, and it is not restored: find out who writes to the bucket, and use another backup")
	case m.Completeness == archive.Complete:
		set.Ready(v1alpha1.SucceededReason, stored(m))
	default:
		set.Stalled(v1alpha1.PartiallyFailedReason, partly(m))
	}
}

// Gone writes into b's status that its data is in no location any more. record is
// that of its removal: then the end is as it should be, and an object that stays
// because Git holds it must not fail a deployment. Without a record somebody
// removed the data behind Ark's back.
func Gone(b *v1alpha1.Backup, record *archive.Record, now time.Time) {
	st := &b.Status
	st.ObservedGeneration = b.Generation
	st.Completeness, st.StorageLocations = v1alpha1.CompletenessNone, nil
	st.Progress, st.Held, st.ExpirationTime = nil, false, nil
	if st.CompletionTime == nil {
		st.CompletionTime = at(now)
	}
	set := conditions.Set{Conditions: &st.Conditions, Generation: b.Generation, Now: now}
	switch {
	case record == nil:
		set.Stalled(v1alpha1.BackupMissingReason,
			"its marker is gone from storage, and no record says why: put the data back, or delete this object")
	case record.Reason == ExpiredRecord:
		set.Ready(v1alpha1.ExpiredReason, "its time was up, and its data was removed"+on(record)+"; the name is not used again")
	default:
		set.Ready(v1alpha1.DeletedReason, "its data was removed"+on(record)+": "+record.Reason)
	}
}

// ExpiredRecord is the reason in the deletion record of a backup that expired.
const ExpiredRecord = "expired"

// on says when a record was written, where that is known.
func on(record *archive.Record) string {
	if record.Time.IsZero() {
		return ""
	}
	return " at " + record.Time.UTC().Format(time.RFC3339)
}

// stored says what a complete backup holds.
func stored(m *archive.Marker) string {
	text := fmt.Sprintf("stored %d objects", m.Objects.Included)
	if took := m.Completed.Sub(m.Started); took >= 0 { // clocks jump
		text += " in " + took.Round(100*time.Millisecond).String()
	}
	return text
}

// partly says what a partial backup lacks, and where to read more.
func partly(m *archive.Marker) string {
	text := stored(m)
	if m.Objects.Failed > 0 {
		text += fmt.Sprintf(", and %d failed", m.Objects.Failed)
	}
	if len(m.Errors) > 0 {
		text += ": " + m.Errors[0]
	}
	if more := len(m.Errors) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more, see status.errors)", more)
	}
	return text
}

// at is t in a status, which knows whole seconds.
func at(t time.Time) *metav1.Time { return &metav1.Time{Time: t.UTC().Truncate(time.Second)} }

// size is what the files take together. Each is bounded, and so is their number.
func size(files map[string]archive.File) int64 {
	var n int64
	for _, f := range files {
		n += f.Size
	}
	return n
}

// excludedBy counts by code, the most frequent first.
func excludedBy(counts map[string]int64) []v1alpha1.CodeCount {
	var all []v1alpha1.CodeCount
	for _, code := range slices.Sorted(maps.Keys(counts)) {
		if len(code) <= maxCode {
			all = append(all, v1alpha1.CodeCount{Code: code, Count: counts[code]})
		}
	}
	slices.SortStableFunc(all, func(a, b v1alpha1.CodeCount) int { return cmp.Compare(b.Count, a.Count) })
	return all[:min(len(all), maxCodes)]
}

// first returns the first of the messages, without what a condition of the
// schema would refuse.
func first(messages []string) []string {
	var shown []string
	for _, m := range messages[:min(len(messages), maxMessages)] {
		shown = append(shown, strings.ToValidUTF8(m, "?"))
	}
	return shown
}
