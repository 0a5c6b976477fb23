// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

const (
	// progressEvery is after how many objects of a type progress is reported.
	progressEvery = 256
	// maxErrorsPerType bounds the errors that the report lists for one type. The
	// index has them all.
	maxErrorsPerType = 1000
	// maxRevision bounds a resourceVersion; those of etcd have twenty bytes at most.
	maxRevision = 128
)

// stream is the list of one type on its way into the archive.
type stream struct {
	task

	run    *run
	member Member
	// name is the group resource, as text.
	name string

	counts     archive.Counts
	excludedBy map[string]int64
	errors     []archive.Message
	moreErrors int64
	// listed says that a page was read, and pageErr what was wrong with one.
	listed  bool
	pageErr error
	// begins says that the list of a namespace, or of all, has brought no page yet, and
	// any that an object has come.
	begins, any bool
	revision    string
	// torn says that not all is of one revision, and restRevision which one the rest
	// is of, where it is another.
	torn         bool
	restRevision string
	// gone are namespaces that objects lie in and that do not exist.
	gone map[string]struct{}
	// tried are the versions that turned out not to be served.
	tried []string
	// unreported objects are not in the run's progress yet.
	unreported int64
	// namespace is where the last archived object lies: most lists are in the order
	// of namespaces, and each is noted once.
	namespace string
}

func newStream(r *run, t task, member Member) *stream {
	return &stream{task: t, run: r, member: member, name: t.resource.GroupResource().String(), excludedBy: map[string]int64{}, gone: map[string]struct{}{}}
}

// list archives the objects of one namespace, or of all. Its error is about the
// type, unless it is a runError or ctx ended.
func (s *stream) list(ctx context.Context, namespace string) error {
	opts := engine.ListOptions{Namespace: namespace, OnPage: s.page}
	s.begins = true
	if s.resource.Namespaced {
		opts.Labels = s.run.selection.LabelSelector()
	}
	for o, err := range s.run.objects(ctx, s.resource, opts) {
		if err := cmp.Or(s.pageErr, err); err != nil {
			return err
		}
		s.any = true
		if err := s.object(ctx, o); err != nil {
			return err
		}
	}
	return s.pageErr
}

// listServed is list, in another version where the chosen one is not served any more.
func (s *stream) listServed(ctx context.Context, namespace string) error {
	err := s.list(ctx, namespace)
	for errors.Is(err, engine.ErrNotFound) && !s.any && s.nextVersion() {
		err = s.list(ctx, namespace)
	}
	return err
}

// nextVersion turns to another version of a type that is no longer served in the one
// that was chosen: its definition was changed since.
func (s *stream) nextVersion() bool {
	if s.tried = append(s.tried, s.resource.Version); !mayBeCustom(s.resource) {
		return false
	}
	for _, v := range s.resource.Versions {
		if !slices.Contains(s.tried, v) {
			s.resource = s.resource.In(v)
			s.run.usedVersion(s.resource)
			return true
		}
	}
	return false
}

// page notes the revision that the type is read at, and the one that its rest is.
func (s *stream) page(p engine.Page) {
	s.listed = true
	if len(p.Revision) > maxRevision || archive.Text(p.Revision) != p.Revision {
		s.pageErr = fmt.Errorf("the list is of a revision that is none: %.40q", p.Revision)
		return
	}
	if s.revision == "" || !s.any {
		s.revision = p.Revision
	}
	if p.Torn || s.begins && s.run.moment.moved(s.revision, p.Revision) {
		s.torn = true
		if p.Revision != s.revision {
			s.restRevision = p.Revision
		}
	}
	s.begins = false
}

// object archives one object, if it is covered or needed and nothing is against it.
func (s *stream) object(ctx context.Context, o engine.Object) error {
	s.noteDefinition(o)
	covered := s.covers(o)
	if !covered && s.resource.Namespaced {
		s.noteHomeless(o)
		return nil
	}
	refs := needs(o)
	needed := !s.resource.Namespaced && s.run.related.needs(o, refs)
	if !covered && !needed {
		return nil
	}
	s.countOne()
	if s.run.isProtected(o) {
		return s.exclude(o, []string{CodeOwnSecret})
	}
	ruling, ruleErr := s.decide(ctx, o)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if ruleErr != nil && s.run.opts.OnRuleError == FailOnRuleError {
		return &runError{&RuleError{Object: o.Key(), Err: ruleErr}}
	}
	if codes := s.run.against(ruling, ruleErr, needed); len(codes) > 0 {
		return s.exclude(o, codes)
	}
	codes := ruling.Include
	if !covered {
		codes = append(slices.Clip(codes), CodeNeeded)
	}
	return s.include(o, refs, codes, ruleErr)
}

// countOne reports progress now and then.
func (s *stream) countOne() {
	if s.unreported++; s.unreported == progressEvery {
		s.run.objectsDone(s.unreported)
		s.unreported = 0
	}
}

// noteHomeless looks at an object that is not covered: the template may cover it, and
// only its namespace not be there.
func (s *stream) noteHomeless(o engine.Object) {
	namespace, all := o.Meta.Namespace, &s.run.namespaces
	_, exists := all.byName[namespace]
	if exists || all.err != nil || !s.ownRight || !s.run.selection.CoversNamespace(namespace) || !s.run.selection.MatchesLabels(o.Meta.Labels) {
		return
	}
	if namespace == "" {
		s.fail(o, CodeNotArchivable, errors.New("its type is namespaced, and it lies in no namespace"))
		return
	}
	if len(s.gone) < maxErrorsPerType {
		s.gone[namespace] = struct{}{}
	}
}

// homeless returns the namespaces that objects lie in and that do not exist. One that
// was made after namespaces were listed is none of them.
func (s *stream) homeless() []string {
	if at := s.run.namespaces.revision; s.torn || at == "" || s.revision != at {
		return nil
	}
	return slices.Sorted(maps.Keys(s.gone))
}

// against returns the codes of what keeps an object out. Where the rules failed,
// nothing does.
func (r *run) against(ruling Ruling, ruleErr error, needed bool) []string {
	included := r.decider == nil || r.opts.Mode == OptOut || len(ruling.Include) > 0
	switch {
	case ruleErr != nil:
		return nil
	case len(ruling.Exclude) > 0:
		return ruling.Exclude
	case !included && !needed:
		return []string{CodeNotIncluded}
	}
	return nil
}

// covers reports whether the template covers the object in its own right.
func (s *stream) covers(o engine.Object) bool {
	if !s.ownRight || !s.run.selection.MatchesLabels(o.Meta.Labels) {
		return false
	}
	switch {
	case s.resource.Namespaced:
		return s.run.coversNamespace(o.Meta.Namespace)
	case s.resource.GroupResource() == namespacesType:
		return s.run.coversNamespace(o.Meta.Name)
	default:
		return true
	}
}

func (r *run) isProtected(o engine.Object) bool {
	if len(r.opts.Protected) == 0 {
		return false
	}
	_, protected := r.opts.Protected[o.Key()]
	return protected
}

// decide asks the rules. An error says that they have no answer for the object.
func (s *stream) decide(ctx context.Context, o engine.Object) (Ruling, error) {
	if s.run.decider == nil {
		return Ruling{}, nil
	}
	var namespace *Namespace
	if s.resource.Namespaced {
		namespace = s.run.namespaces.byName[o.Meta.Namespace]
		if namespace == nil {
			// Rules that look at the namespace's labels would see none, and decide wrongly.
			return Ruling{}, fmt.Errorf("namespace %s is not known: %w", o.Meta.Namespace, s.run.namespaces.err)
		}
	}
	ruling, err := s.run.decider.Decide(ctx, o, namespace)
	if err != nil {
		return Ruling{}, err
	}
	return ruling, nil
}

// exclude notes in the index that the object is left out, and why.
func (s *stream) exclude(o engine.Object, codes []string) error {
	e := newEntry(o, nil)
	e.Excluded, e.Codes = true, codes
	if err := s.run.sink.Note(e); err != nil {
		if !errors.Is(err, archive.ErrInvalidEntry) {
			return &runError{fmt.Errorf("write archive: %w", err)}
		}
		s.fail(o, CodeNotArchivable, err)
	}
	s.counts.Excluded++
	for _, code := range codes {
		s.excludedBy[code]++
	}
	return s.run.opts.Decisions.object(o, false, codes, nil)
}

// include archives the object. ruleErr is why the rules could not be asked.
func (s *stream) include(o engine.Object, refs []archive.Ref, codes []string, ruleErr error) error {
	e := newEntry(o, refs)
	e.Codes = codes
	if ruleErr != nil {
		e.Error = ruleErr.Error()
	}
	err := s.member.Add(e, o.Raw)
	if errors.Is(err, archive.ErrInvalidEntry) && len(refs) > 0 {
		// What an object refers to is whatever somebody wrote into it. It is no reason
		// to lose the object.
		e.Needs = nil
		err = s.member.Add(e, o.Raw)
	}
	switch {
	case errors.Is(err, archive.ErrInvalidEntry):
		return s.notArchived(o, e, err)
	case err != nil:
		return &runError{fmt.Errorf("write archive: %w", err)}
	}
	s.counts.Included++
	s.noteRelations(o, refs)
	if ruleErr == nil {
		return nil
	}
	s.fail(o, CodeRuleError, ruleErr)
	return s.run.opts.Decisions.object(o, true, codes, ruleErr)
}

// notArchived records an object that the archive cannot hold. Its index line is
// tried too: an object that is too large has one.
func (s *stream) notArchived(o engine.Object, e archive.Entry, cause error) error {
	e.Error = cause.Error()
	if err := s.run.sink.Note(e); err != nil && !errors.Is(err, archive.ErrInvalidEntry) {
		return &runError{fmt.Errorf("write archive: %w", err)}
	}
	s.fail(o, CodeNotArchivable, cause)
	return s.run.opts.Decisions.object(o, false, []string{CodeNotArchivable}, cause)
}

// noteRelations remembers what the archived object needs.
func (s *stream) noteRelations(o engine.Object, refs []archive.Ref) {
	if s.counts.Included == 1 {
		s.run.related.addType(s.resource)
	}
	if o.Meta.Namespace != s.namespace {
		s.namespace = o.Meta.Namespace
		s.run.related.addNamespace(s.namespace)
	}
	s.run.related.addObject(o, refs)
}

// fail records what went wrong with one object.
func (s *stream) fail(o engine.Object, code string, err error) {
	s.counts.Failed++
	s.record(archive.Message{Object: o.Key().String(), Code: code, Message: err.Error()})
}

// failed records that the type could not be listed to the end.
func (s *stream) failed(namespace string, err error) {
	text := "list " + s.name
	if namespace != "" {
		text += " in namespace " + namespace
	}
	s.record(archive.Message{Object: s.name, Code: CodeListFailed, Message: text + ": " + err.Error()})
}

func (s *stream) record(m archive.Message) {
	if len(s.errors) >= maxErrorsPerType {
		s.moreErrors++
		return
	}
	s.errors = append(s.errors, m)
}
