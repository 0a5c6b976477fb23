// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gopherwood/ark/engine/archive"
)

// Report is what became of a backup, in an order that does not depend on which
// list ended first.
type Report struct {
	// Objects counts what was seen. An object that is archived although the rules
	// failed on it is both included and failed.
	Objects archive.Counts
	// Revision is the resourceVersion that types were listed at, except those that
	// tell another; empty when each was listed as it was when its turn came.
	Revision string
	// Resources tells of each type that was listed, by group resource. A Revision is
	// that of the type's first page.
	Resources map[string]archive.ResourceSummary
	// ExcludedBy counts excluded objects by reason code. One that was excluded for
	// two reasons counts twice.
	ExcludedBy map[string]int64
	// Results are all warnings and errors, and the counts by type.
	Results archive.Results

	streams []*stream
}

// Complete reports whether nothing is missing that the template covers and the
// rules take. A group that does not answer is a warning: it cannot be known
// whether it would be covered.
func (r *Report) Complete() bool { return len(r.Results.Errors) == 0 }

func newReport() *Report {
	return &Report{Resources: map[string]archive.ResourceSummary{}, ExcludedBy: map[string]int64{}}
}

func (r *Report) add(s *stream) { r.streams = append(r.streams, s) }

// finish sums up the streams, in the order of their types. doubts say what may be
// missing of a type.
func (r *Report) finish(m *moment, doubts map[string]string) *Report {
	r.ofMoment(m)
	slices.SortFunc(r.streams, func(a, b *stream) int { return cmp.Compare(a.name, b.name) })
	r.Results.Resources = make(map[string]map[string]int64, len(r.streams))
	for _, s := range r.streams {
		r.Objects.Included += s.counts.Included
		r.Objects.Excluded += s.counts.Excluded
		r.Objects.Failed += s.counts.Failed
		for code, n := range s.excludedBy {
			r.ExcludedBy[code] += n
		}
		apart, why := m.isApart(s.resource.GroupResource())
		r.Resources[s.name] = archive.ResourceSummary{
			Counts: s.counts, Version: s.resource.Version, Kind: s.resource.Kind,
			Namespaced: s.resource.Namespaced, Revision: s.revision, RestRevision: s.restRevision,
			OwnHistory: apart && why == nil,
		}
		r.warnOf(s, why, doubts[s.name])
		r.Results.Resources[s.name] = byOutcome(s.counts)
		for _, m := range s.errors {
			r.Results.Fail(m)
		}
		r.Results.MoreErrors += s.moreErrors
	}
	r.streams = nil
	return r
}

// judgeEmpty tells of a backup that contains nothing. Nobody asks for one: it is an
// error, or else it would count as the newest good backup of its Schedule. Where
// something failed, that is why.
func (r *Report) judgeEmpty(allowed bool) {
	m := archive.Message{Code: CodeEmpty, Message: "the backup contains nothing"}
	switch {
	case r.Objects.Included > 0, len(r.Results.Errors) > 0:
	case allowed:
		r.Results.Warn(m)
	default:
		m.Message += ": check the template's namespaces, resources and labels, and the rules; allowEmpty in the template allows it"
		r.Results.Fail(m)
	}
}

// warnOf tells of a type why it is not of the moment of the others, and what may be
// missing of it.
func (r *Report) warnOf(s *stream, apart error, doubt string) {
	if r.Revision != "" && s.listed && apart != nil {
		r.Results.Warn(ofAnotherMoment(s, apart))
	}
	if r.Revision != "" && s.torn {
		r.Results.Warn(torn(s))
	}
	if doubt != "" && s.counts.Included > 0 {
		r.Results.Warn(archive.Message{Object: s.name, Code: CodeOtherVersion, Message: doubt})
	}
	for _, namespace := range s.homeless() {
		r.Results.Warn(homeless(s, namespace))
	}
}

// ofMoment tells which revision the backup is of, and where it had to leave it.
func (r *Report) ofMoment(m *moment) {
	if len(m.revisions) == 0 {
		return
	}
	r.Revision = m.revisions[0]
	for i, later := range m.revisions[1:] {
		r.Results.Warn(archive.Message{
			Code: CodeMomentMoved,
			Message: fmt.Sprintf("etcd compacted revision %s while the backup ran: the types that were still to come are of revision %s",
				m.revisions[i], later),
		})
	}
}

// ofAnotherMoment warns that a type was listed as it was when its turn came.
func ofAnotherMoment(s *stream, why error) archive.Message {
	return archive.Message{
		Object: s.name, Code: CodeNoMoment,
		Message: fmt.Sprintf("it is not as it was at the moment of the others, but when its turn came: %v", why),
	}
}

// torn warns that a type is not of one moment.
func torn(s *stream) archive.Message {
	if s.restRevision == "" {
		return archive.Message{
			Object: s.name, Code: CodeListTorn,
			Message: "the list broke off before it told its revision: what came before may be of an earlier one than the rest, and " +
				"objects that were changed in between may not fit together",
		}
	}
	return archive.Message{
		Object: s.name, Code: CodeListTorn,
		Message: fmt.Sprintf("revision %s was compacted in the middle of the list: what came after is of revision %s, and "+
			"objects that were changed in between may not fit together", s.revision, s.restRevision),
	}
}

// homeless warns of objects that no backup can restore.
func homeless(s *stream, namespace string) archive.Message {
	return archive.Message{
		Object: s.name, Code: CodeNamespaceGone,
		Message: fmt.Sprintf("objects in namespace %q are not in the backup: the namespace does not exist, although they do; "+
			"make it again, or delete them", namespace),
	}
}

func byOutcome(c archive.Counts) map[string]int64 {
	return map[string]int64{"included": c.Included, "excluded": c.Excluded, "failed": c.Failed}
}
