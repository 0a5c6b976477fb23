// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// probesPerList is how many types are asked for their revision at a time, for each
// that is listed at a time. The answer is one object; what takes time is that an API server lets its cache of a type
// catch up first, up to 100 ms after something else was written.
const probesPerList = 4

// maxRounds is how often the types that fail passingly are asked: an API server that
// restarts fails all of them, and is back when the reference has been asked again.
const maxRounds = 2

// maxAsks is how often the reference is asked, with delays between from firstDelay to
// longDelay: about a minute, which outlasts the restart of an API server.
const (
	maxAsks    = 10
	firstDelay = 200 * time.Millisecond
	longDelay  = 10 * time.Second
)

// maxUnknown is how often a type is listed at a revision that the API server does
// not know, although the type's own lies within the run's: of several, the one that
// was asked may have a cache that is behind. It waits for that three seconds itself,
// and we, in between, for as many times unknownDelay as it was asked.
const (
	maxUnknown   = 3
	unknownDelay = time.Second
)

// moment is the revision that types are listed at, so that what is archived
// belongs together. It is safe for concurrent use.
//
// The types that share an etcd share its revisions, and any of them can be listed
// as it was at one. A type of another etcd, or behind another API server, has a
// history of its own: a revision of ours means nothing there, or another time. It
// is recognised before anything is listed, and stays apart.
type moment struct {
	historian engine.Historian
	// reference is the type whose history the revisions are of.
	reference engine.Resource
	pause     func(context.Context, time.Duration) error
	sizes     sizes
	// probes is how many types are asked at a time.
	probes int

	mu sync.Mutex
	// revisions are those of the run, the latest last: more than one when etcd
	// compacted one that types were still to be listed at. None means that every type
	// is listed as it is when its turn comes.
	revisions []string
	// apart are the types that are listed as they are all the same, and why; nil
	// when that is because of a history of their own.
	apart map[schema.GroupResource]error
}

// answer is what a type says of its history.
type answer struct {
	revision string
	err      error
}

// again reports whether it is worth asking again.
func (a answer) again() bool { return errors.As(a.err, new(*engine.RetryableError)) }

// fix chooses the revision for types. It fails when there is none.
func (m *moment) fix(ctx context.Context, types []engine.Resource) error {
	before, err := m.ask(ctx)
	if err != nil {
		return err
	}
	var now string
	found := make([]answer, len(types))
	for round := range maxRounds {
		if round > 0 && !slices.ContainsFunc(found, answer.again) {
			break
		}
		if err := m.probe(ctx, types, found); err != nil {
			return err
		}
		if now, err = m.ask(ctx); err != nil {
			return err
		}
	}
	if !isRevision(before) || !isRevision(now) {
		return fmt.Errorf("revisions %q and %q of %s cannot be compared", before, now, m.reference.GroupResource())
	}
	for i, t := range types {
		switch own := found[i]; {
		case own.err != nil:
			m.apart[t.GroupResource()] = own.err
		case !isBetween(own.revision, before, now):
			m.apart[t.GroupResource()] = nil
		}
	}
	m.revisions = []string{now}
	return nil
}

// ask returns the latest revision of the reference, without which there is no moment.
func (m *moment) ask(ctx context.Context) (string, error) {
	delay := firstDelay
	for asked := 1; ; asked++ {
		state, err := m.historian.Revision(ctx, m.reference)
		if err == nil {
			m.sizes.answered(m.reference, state)
			return state.Revision, nil
		}
		passing, ok := errors.AsType[*engine.RetryableError](err)
		if !ok || asked == maxAsks {
			return "", err
		}
		if err := m.pause(ctx, max(delay, passing.After)); err != nil {
			return "", err
		}
		delay = min(2*delay, longDelay)
	}
}

// probe asks each type that has not answered for its revision. It fails only when
// ctx ends.
func (m *moment) probe(ctx context.Context, types []engine.Resource, found []answer) error {
	var group errgroup.Group
	group.SetLimit(m.probes)
	for i, t := range types {
		if found[i].revision != "" || found[i].err != nil && !found[i].again() {
			continue
		}
		group.Go(func() error {
			state, err := m.historian.Revision(ctx, t)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			found[i] = m.answered(t, state, err)
			return nil
		})
	}
	return group.Wait()
}

// answered takes in what a type was asked for.
func (m *moment) answered(t engine.Resource, state engine.State, err error) answer {
	if err != nil {
		m.sizes.failed(t)
		return answer{err: err}
	}
	m.sizes.answered(t, state)
	return answer{revision: cmp.Or(state.Revision, "0")}
}

// of returns the revision to list a type at; empty for the latest.
func (m *moment) of(t schema.GroupResource) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, apart := m.apart[t]; apart || len(m.revisions) == 0 {
		return ""
	}
	return m.revisions[len(m.revisions)-1]
}

// isApart reports whether a type is listed as it is, and why where that is not
// because its revisions are of another history.
func (m *moment) isApart(t schema.GroupResource) (apart bool, why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	why, apart = m.apart[t]
	return apart, why
}

// moved reports whether two revisions are of the run, and different ones.
func (m *moment) moved(from, to string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return from != to && slices.Contains(m.revisions, from) && slices.Contains(m.revisions, to)
}

// leave sets a type apart; why is nil where it has a history of its own.
func (m *moment) leave(t schema.GroupResource, why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.apart[t] = why
}

// renew replaces a revision that was compacted: all types still to come move to
// the new one together. It is of no use to a type that has just been given it.
func (m *moment) renew(ctx context.Context, gone string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.revisions[len(m.revisions)-1] != gone {
		return nil // another list found out first
	}
	now, err := m.ask(ctx)
	if err != nil {
		return err
	}
	if !isRevision(now) {
		return fmt.Errorf("revision %q of %s is none", now, m.reference.GroupResource())
	}
	m.revisions = append(m.revisions, now)
	return nil
}

// recover makes a list possible that failed, before it yielded anything, at
// a revision. It reports whether the list is worth another try.
func (m *moment) recover(ctx context.Context, t schema.GroupResource, at string, tries int, err error) bool {
	switch {
	case at == "":
		return false
	case errors.Is(err, engine.ErrRevisionUnknown):
		if tries+1 >= maxUnknown {
			m.leave(t, fmt.Errorf("revision %s: %w", at, err))
			return true
		}
		return m.pause(ctx, time.Duration(tries+1)*unknownDelay) == nil
	case !errors.Is(err, engine.ErrRevisionGone):
		return false
	case tries > 0:
		m.leave(t, fmt.Errorf("revision %s: %w", at, err))
		return true
	}
	if err := m.renew(ctx, at); err != nil {
		m.leave(t, fmt.Errorf("revision %s was compacted: %w", at, err))
	}
	return true
}

// objects lists a type at the run's moment, as far as that is possible: what
// matters more is that it is listed.
func (r *run) objects(ctx context.Context, t engine.Resource, opts engine.ListOptions) iter.Seq2[engine.Object, error] {
	return func(yield func(engine.Object, error) bool) {
		onPage := opts.OnPage
		for tries := 0; ; tries++ {
			opts.Revision = r.moment.of(t.GroupResource())
			opts.OnPage = r.moment.checked(t.GroupResource(), opts.Revision, onPage)
			again, yielded := false, false
			for o, err := range r.source.Lister.List(ctx, t, opts) {
				if err != nil && !yielded {
					if again = r.moment.recover(ctx, t.GroupResource(), opts.Revision, tries, err); again {
						break
					}
				}
				if yielded = true; !yield(o, err) {
					return
				}
			}
			if !again {
				return
			}
		}
	}
}

// checked sees to it that a type is set apart whose list is of another revision than
// it was asked for: an API that knows nothing of revisions answers with what it has,
// and its own may lie within ours by chance. Later pages may differ, see engine.Lister.
func (m *moment) checked(t schema.GroupResource, asked string, onPage func(engine.Page)) func(engine.Page) {
	first := true
	return func(p engine.Page) {
		if first && asked != "" && p.Revision != asked {
			m.leave(t, nil)
		}
		first = false
		if onPage != nil {
			onPage(p)
		}
	}
}

// fixMoment chooses the moment of the run. Where there is none to be had, each
// type is archived as it is when its turn comes, and a warning says so.
func (r *run) fixMoment(ctx context.Context, resources []engine.Resource, all stages) error {
	r.moment = &moment{historian: r.source.Historian, pause: r.opts.pause, probes: probesPerList * r.opts.lists(), apart: map[schema.GroupResource]error{}}
	if r.opts.AnyMoment {
		return nil
	}
	i := slices.IndexFunc(resources, func(t engine.Resource) bool { return t.GroupResource() == namespacesType })
	if i < 0 {
		return nil // that there are no namespaces is an error already
	}
	r.moment.reference = resources[i]
	var types []engine.Resource
	for _, tasks := range all {
		for _, t := range tasks {
			if t.resource.GroupResource() != namespacesType {
				types = append(types, t.resource)
			}
		}
	}
	err := r.moment.fix(ctx, types)
	if ctx.Err() != nil {
		return fmt.Errorf("ask for revisions: %w", context.Cause(ctx))
	}
	for _, tasks := range all {
		r.moment.sizes.sort(tasks)
	}
	if err != nil {
		r.report.Results.Warn(archive.Message{
			Code:    CodeNoMoment,
			Message: fmt.Sprintf("types are not of one moment, each is as it was when its turn came: %v", err),
		})
	}
	return nil
}

// isRevision reports whether s can be compared: a decimal number above zero.
func isRevision(s string) bool {
	if s == "" || s[0] == '0' {
		return false
	}
	return !slices.ContainsFunc([]byte(s), func(c byte) bool { return c < '0' || c > '9' })
}

// isBetween reports whether a revision lies between two others, or is one of them.
func isBetween(revision, from, to string) bool {
	return isRevision(revision) && compareRevisions(from, revision) <= 0 && compareRevisions(revision, to) <= 0
}

// compareRevisions orders revisions of one history: numbers of any length, without
// leading zeros.
func compareRevisions(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
