// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine/archive"
)

// Stored is what only the store knows of a backup.
type Stored struct {
	// Revision is the resourceVersion that types were listed at; empty when each was
	// listed as it was in its turn.
	Revision string
	// Resources tells of each type, by group resource.
	Resources map[string]archive.ResourceSummary
	// Where is the address of the backup's files; empty when it is not known.
	Where string
	// Texts explains the codes of rules.
	Texts Texts
	// Kept says which keep rules want it; empty when it has no Schedule.
	Kept string
	// Unread says why the store could not be read; empty when it was.
	Unread string
}

// Backup tells everything about a backup.
func Backup(w io.Writer, b *v1alpha1.Backup, stored Stored, now time.Time) error {
	p := &page{now: now}
	st := &b.Status
	p.facts([][2]string{
		{"Name", b.Name},
		{"Status", standing(st.Conditions)},
		{"Cluster", origin(b)},
		{"Made for", madeFor(b)},
		{"Rules", revision(st.Policy)},
		{"Covers", coverage(st.Template, b.Spec.Template)},
		{"One moment", moment(stored)},
		{"Started", p.at(st.StartTime)},
		{"Completed", p.at(st.CompletionTime)},
		{"Took", p.took(st.StartTime, st.CompletionTime)},
		{"Attempts", attempts(st.Attempts)},
		{"Progress", progress(st)},
		{"Kept until", kept(p, b)},
		{"Keep rules", stored.Kept},
		{"Signature", signature(st.Verification)},
		{"Stored in", strings.Join(st.StorageLocations, ", ")},
		{"Address", stored.Where},
		{"Size", Bytes(st.Size)},
		{"Deletion", deletion(b)},
	}...)
	if st.Objects != nil {
		p.section("Objects: %s", objects(st.Objects))
	}
	p.types(stored)
	p.codes("Left out, by reason", st.ExcludedBy, stored.Texts)
	p.messages("Warnings", st.Warnings)
	p.messages("Failed", st.Errors)
	p.messages("What to do", backupAdvice(b))
	return p.flush(w)
}

// BackupOutcome tells, at the end of a wait, what was stored and where, and what to
// do where that is not all.
func BackupOutcome(w io.Writer, b *v1alpha1.Backup, texts Texts) error {
	p := &page{}
	st := &b.Status
	fmt.Fprintf(&p.b, "backup %s: %s\n", b.Name, standing(st.Conditions))
	if st.Objects != nil {
		fmt.Fprintf(&p.b, "  %s\n", objects(st.Objects))
	}
	for _, c := range st.ExcludedBy {
		fmt.Fprintf(&p.b, "  left out %d by %s: %s\n", c.Count, c.Code, texts.of(c.Code))
	}
	p.lines("  warning: ", st.Warnings)
	p.lines("  failed: ", st.Errors)
	if len(st.StorageLocations) > 0 {
		where := "  stored in " + strings.Join(st.StorageLocations, ", ")
		if size := Bytes(st.Size); size != "" {
			where += ", " + size
		}
		if took := p.took(st.StartTime, st.CompletionTime); !st.CompletionTime.IsZero() && took != "" {
			where += ", in " + took
		}
		p.b.WriteString(where + "\n")
	}
	p.lines("  next: ", backupAdvice(b))
	return p.flush(w)
}

// types tells what is in the backup, type by type.
func (p *page) types(stored Stored) {
	if stored.Unread != "" {
		p.section("Types: not known here: %s", oneLine(stored.Unread))
		return
	}
	if len(stored.Resources) == 0 {
		return
	}
	p.section("Types:")
	empty := int64(0)
	p.table("  ", func(row func(...string)) {
		row("TYPE", "STORED", "LEFT OUT", "FAILED")
		for _, name := range slices.Sorted(maps.Keys(stored.Resources)) {
			r := stored.Resources[name]
			if r.Counts == (archive.Counts{}) {
				empty++
				continue
			}
			row(name, number(r.Included), number(r.Excluded), number(r.Failed))
		}
	})
	if empty > 0 {
		fmt.Fprintf(&p.b, "  and %s without any object\n", count(empty, "type", "types"))
	}
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// standing is the reason and message of Ready.
func standing(conditions []metav1.Condition) string {
	c := meta.FindStatusCondition(conditions, v1alpha1.ReadyCondition)
	switch {
	case c == nil:
		return "not seen by a controller yet"
	case c.Message == "":
		return c.Reason
	default:
		return c.Reason + ": " + oneLine(c.Message)
	}
}

func origin(b *v1alpha1.Backup) string {
	o := b.Status.Origin
	if o == nil {
		return ""
	}
	text := o.ClusterUID
	if o.ClusterName != "" {
		text = o.ClusterName + " (" + o.ClusterUID + ")"
	}
	if o.Foreign {
		text += ", another cluster than this one: its backups are read-only here"
	}
	if o.BackupName != "" && o.BackupName != b.Name {
		text += "; its name there is " + o.BackupName
	}
	return text
}

// ClusterOf names the cluster that took a backup.
func ClusterOf(b *v1alpha1.Backup) string {
	if b.Status.Origin == nil {
		return ""
	}
	if b.Status.Origin.ClusterName != "" {
		return b.Status.Origin.ClusterName
	}
	return b.Status.Origin.ClusterUID
}

// PolicyOf names the BackupPolicy that a backup was made for.
func PolicyOf(b *v1alpha1.Backup) string {
	if b.Spec.PolicyName != "" {
		return b.Spec.PolicyName
	}
	return b.Labels[v1alpha1.PolicyLabel]
}

func madeFor(b *v1alpha1.Backup) string {
	var parts []string
	if policy := PolicyOf(b); policy != "" {
		parts = append(parts, "policy "+policy)
	}
	if schedule := b.Labels[v1alpha1.ScheduleLabel]; schedule != "" {
		parts = append(parts, "schedule "+schedule)
	}
	return strings.Join(parts, ", ")
}

func revision(r *v1alpha1.PolicyRevision) string {
	if r == nil || r.Digest == "" {
		return ""
	}
	return fmt.Sprintf("%s, revision %s", count(int64(r.Rules), "module", "modules"), r.Digest)
}

// filesUnread says what was not looked at: the marker names every file with its digest,
// and a description reads the marker alone.
const filesUnread = " (the files that it names were not read: \"ark backup verify\" does)"

// signature says what the signatures of a backup are worth.
func signature(v v1alpha1.Verification) string {
	switch v {
	case v1alpha1.VerificationVerified:
		return "Verified: a trusted key signed its marker, which is unchanged since" + filesUnread
	case v1alpha1.VerificationUnsigned:
		return "Unsigned: nobody vouches for what it holds"
	case v1alpha1.VerificationUnknownKey:
		return "UnknownKey: its marker is signed, and unchanged since" + filesUnread + "; add the key of its cluster to trustedKeys of the Config, if you trust it"
	case v1alpha1.VerificationTampered:
		return "Tampered: it was changed after it was signed, and is not restored"
	}
	return string(v)
}

// attempts is worth a line only when there was more than one.
func attempts(n int32) string {
	if n < 2 {
		return ""
	}
	return strconv.Itoa(int(n))
}

func progress(st *v1alpha1.BackupStatus) string {
	if st.Progress == nil || st.CompletionTime != nil {
		return ""
	}
	return fmt.Sprintf("%d of %d types, %s so far", st.Progress.ResourcesDone, st.Progress.Resources,
		count(st.Progress.Objects, "object", "objects"))
}

func kept(p *page, b *v1alpha1.Backup) string {
	switch until := b.Status.ExpirationTime; {
	case Held(b):
		return "the hold is released (spec.hold), whatever its ttl says"
	case until.IsZero() || until.After(p.now) || b.Status.CompletionTime.IsZero():
		return p.at(until)
	case b.Status.Origin != nil && b.Status.Origin.Foreign:
		return p.at(until) + ", and then until its own cluster removes it"
	default:
		return p.at(until) + ", and then until no keep rule wants it and expired backups are looked for (gcInterval of the Config)"
	}
}

// Held reports whether a backup is kept whatever its ttl says: its spec says so,
// or says nothing and storage does.
func Held(b *v1alpha1.Backup) bool {
	if b.Spec.Hold != nil {
		return *b.Spec.Hold
	}
	return b.Status.Held
}

func deletion(b *v1alpha1.Backup) string {
	if b.Spec.Deletion == nil {
		return ""
	}
	return "asked for: " + b.Spec.Deletion.Reason
}

func objects(c *v1alpha1.ObjectCounts) string {
	return fmt.Sprintf("%d stored, %d left out, %d failed", c.Included, c.Excluded, c.Failed)
}
