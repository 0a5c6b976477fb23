// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// Restore tells everything about a restore.
func Restore(w io.Writer, r *v1alpha1.Restore, texts Texts, now time.Time) error {
	p := &page{now: now}
	st := &r.Status
	p.facts([][2]string{
		{"Name", r.Name},
		{"Status", standing(st.Conditions)},
		{"From", source(p, r)},
		{"Restores", restoreCoverage(&r.Spec)},
		{"Mapping", mapping(r.Spec.NamespaceMapping)},
		{"Existing objects", string(existing(r.Spec.ExistingResourcePolicy))},
		{"Workloads", workloads(r.Spec.Workloads)},
		{"Status of", strings.Join(r.Spec.RestoreStatus, ", ")},
		{"Node ports", nodePorts(r.Spec.PreserveNodePorts)},
		{"Modifiers", modifiers(r.Spec.Modifiers)},
		{"Dry run", yes(r.Spec.DryRun)},
		{"Started", p.at(st.StartTime)},
		{"Completed", p.at(st.CompletionTime)},
		{"Took", p.took(st.StartTime, st.CompletionTime)},
		{"Attempts", attempts(st.Attempts)},
		{"Record", st.Record},
	}...)
	p.restoreCounts(r)
	p.denials(st.Denials)
	p.codes("Left out, by reason", st.SkippedBy, texts)
	p.messages("Warnings", st.Warnings)
	p.messages("Failed", st.Errors)
	p.messages("What to do", restoreAdvice(r))
	return p.flush(w)
}

// RestoreOutcome tells, at the end of a wait, what is back and what is not.
func RestoreOutcome(w io.Writer, r *v1alpha1.Restore, texts Texts) error {
	p := &page{}
	st := &r.Status
	fmt.Fprintf(&p.b, "restore %s: %s\n", r.Name, standing(st.Conditions))
	switch {
	case wrote(r) && st.Results != nil:
		fmt.Fprintf(&p.b, "  %s\n", results(st.Results))
	case st.Planned != nil:
		fmt.Fprintf(&p.b, "  planned: %s\n", planned(st.Planned))
	}
	for _, c := range st.SkippedBy {
		fmt.Fprintf(&p.b, "  left out %d by %s: %s\n", c.Count, c.Code, texts.of(c.Code))
	}
	for _, d := range st.Denials {
		fmt.Fprintf(&p.b, "  denied by %s: %s\n", d.Code, denialText(d))
	}
	p.lines("  warning: ", st.Warnings)
	p.lines("  failed: ", st.Errors)
	if st.Record != "" {
		fmt.Fprintf(&p.b, "  recorded in %s\n", st.Record)
	}
	p.lines("  next: ", restoreAdvice(r))
	return p.flush(w)
}

// wrote reports whether a restore got as far as writing: a dry run does not, nor
// one that was denied.
func wrote(r *v1alpha1.Restore) bool {
	return !r.Spec.DryRun && reason(r.Status.Conditions) != v1alpha1.DeniedReason
}

func (p *page) restoreCounts(r *v1alpha1.Restore) {
	st := &r.Status
	if st.Planned == nil && st.Results == nil {
		return
	}
	p.section("Objects:")
	p.table("  ", func(row func(...string)) {
		if st.Planned != nil {
			row("planned", planned(st.Planned))
		}
		if st.Results != nil && wrote(r) {
			row("outcome", results(st.Results))
		}
	})
}

func (p *page) denials(denials []v1alpha1.Denial) {
	if len(denials) == 0 {
		return
	}
	p.section("Denied:")
	p.table("  ", func(row func(...string)) {
		row("CODE", "BY", "OBJECT", "MESSAGE")
		for _, d := range denials {
			object := d.Object
			if object == "" {
				object = "the whole restore"
			}
			row(d.Code, deniedBy(d), oneLine(object), oneLine(d.Message))
		}
	})
}

func deniedBy(d v1alpha1.Denial) string {
	if d.Policy == "" {
		return "Config"
	}
	return "policy " + d.Policy
}

func denialText(d v1alpha1.Denial) string {
	text := oneLine(d.Message) + " (" + deniedBy(d)
	if d.Object != "" {
		text += ", " + oneLine(d.Object)
	}
	return text + ")"
}

func planned(c *v1alpha1.PlanCounts) string {
	return fmt.Sprintf("%d to create, %d to change, %d to leave as they are, %d left out", c.Create, c.Update, c.Keep, c.Skip)
}

func results(c *v1alpha1.ResultCounts) string {
	return fmt.Sprintf("%d created, %d changed, %d there as archived, %d there and different, %d left out, %d failed",
		c.Created, c.Updated, c.Unchanged, c.Existing, c.Skipped, c.Failed)
}

// source tells which backup is restored, how complete and how old it is.
func source(p *page, r *v1alpha1.Restore) string {
	b := r.Status.Backup
	if b == nil {
		switch s := &r.Spec; {
		case s.ScheduleName != "":
			return "the latest backup of schedule " + s.ScheduleName
		case s.PolicyName != "":
			return "the latest backup of policy " + s.PolicyName
		default:
			return "backup " + s.BackupName
		}
	}
	parts := []string{"backup " + b.Name}
	if b.Completeness != "" {
		parts = append(parts, strings.ToLower(string(b.Completeness)))
	}
	if at := p.at(b.CompletionTime); at != "" {
		parts = append(parts, "taken "+at)
	}
	if b.ClusterName != "" {
		parts = append(parts, "by cluster "+b.ClusterName)
	}
	if b.StorageLocation != "" {
		parts = append(parts, "read from "+b.StorageLocation)
	}
	return strings.Join(parts, ", ")
}

func restoreCoverage(s *v1alpha1.RestoreSpec) string {
	text := coverage(&v1alpha1.BackupTemplate{
		IncludedNamespaces: s.IncludedNamespaces, ExcludedNamespaces: s.ExcludedNamespaces,
		IncludedResources: s.IncludedResources, ExcludedResources: s.ExcludedResources,
		LabelSelector: s.LabelSelector, OrLabelSelectors: s.OrLabelSelectors,
		IncludeClusterResources: s.IncludeClusterResources,
	})
	if len(s.Names) > 0 {
		text += "; only " + strings.Join(s.Names, ", ")
	}
	return text
}

func mapping(m map[string]v1alpha1.NamespaceName) string {
	var parts []string
	for _, from := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, from+" into "+string(m[from]))
	}
	return strings.Join(parts, ", ")
}

func existing(p v1alpha1.ExistingResourcePolicy) v1alpha1.ExistingResourcePolicy {
	if p == "" {
		return v1alpha1.ExistingResourceNone
	}
	return p
}

func workloads(w v1alpha1.WorkloadState) string {
	if w == v1alpha1.WorkloadsPaused {
		return "Paused: no pod of them starts; the annotation " + v1alpha1.ReplicasAnnotation + " keeps what they had"
	}
	return ""
}

func nodePorts(preserve bool) string {
	if preserve {
		return "kept, also those that the API server chose"
	}
	return ""
}

func modifiers(list []v1alpha1.Modifier) string {
	var names []string
	for _, m := range list {
		names = append(names, m.Name)
	}
	return strings.Join(names, ", ")
}

func yes(b bool) string {
	if b {
		return "yes: nothing is written"
	}
	return ""
}
