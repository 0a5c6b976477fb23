// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/selection"
)

// Collect archives what opts cover of source into sink. Without a decider there
// are no rules.
//
// Each is read in the version that its objects are stored in, as far as that is
// served. Types are listed as they were at one moment, in four stages, in parallel within each:
// namespaced types; cluster-scoped types; those that objects of these may need; and definitions. Objects go
// into the sink as they arrive: what is held in memory is one object for each
// list, and the names of what is needed later.
//
// Collect fails when the template or opts are wrong, discovery fails, sink or
// the decision log fails, ctx ends, or the rules fail under FailOnRuleError.
// Everything else is in the report.
func Collect(ctx context.Context, source Source, decider Decider, sink Sink, opts Options) (*Report, error) {
	if source.Discoverer == nil || source.Lister == nil || sink == nil || source.Historian == nil && !opts.AnyMoment {
		return nil, errors.New("collect: a discoverer, a lister, a historian and a sink are needed")
	}
	discovery, err := source.Discoverer.Discover(ctx)
	if err != nil {
		return nil, fmt.Errorf("discover types: %w", err)
	}
	selected, err := selection.New(opts.Template, discovery.Resources)
	if err != nil {
		return nil, fmt.Errorf("read template: %w", err)
	}
	r := &run{
		source: source, decider: decider, sink: sink, opts: opts,
		selection: selected, related: newRelated(), report: newReport(), discovered: map[string]bool{},
	}
	r.warn(discovery.Broken)
	for _, t := range discovery.Resources {
		r.discovered[t.GroupResource().String()] = true
	}
	resources, err := r.chooseVersions(ctx, discovery.Resources)
	if err != nil {
		return nil, err
	}
	if err := r.everything(ctx, resources); err != nil {
		return nil, err
	}
	report := r.report.finish(r.moment, r.versions.doubts)
	report.judgeEmpty(opts.AllowEmpty)
	return report, nil
}

// run is one call of Collect.
type run struct {
	source    Source
	decider   Decider
	sink      Sink
	opts      Options
	selection *selection.Selection

	moment     *moment
	namespaces namespaceFacts
	related    *related
	// discovered are the types that were, by group resource, and appeared those that
	// definitions show to have come since.
	discovered map[string]bool
	appeared   []engine.Resource
	// versions are written before the types are listed, and while definitions are.
	versions versions

	mu       sync.Mutex // guards the fields below
	report   *Report
	progress Progress
}

// warn reports what is known to be left out before anything is listed.
func (r *run) warn(broken []engine.BrokenGroup) {
	for _, b := range broken {
		r.report.Results.Warn(archive.Message{
			Code:    CodeGroupBroken,
			Message: fmt.Sprintf("%s does not answer, and nothing of it is in the backup: %v", b.GroupVersion, b.Err),
		})
	}
	for _, text := range r.selection.Unmatched() {
		r.report.Results.Warn(archive.Message{Code: CodeNoEffect, Message: text})
	}
}

// everything lists all types, stage by stage.
func (r *run) everything(ctx context.Context, resources []engine.Resource) error {
	stages, err := r.plan(resources)
	if err != nil {
		return err
	}
	if err := r.fixMoment(ctx, resources, stages); err != nil {
		return err
	}
	if err := r.learnNamespaces(ctx, resources); err != nil {
		return err
	}
	for _, tasks := range stages {
		r.progress.Resources += len(tasks)
	}
	for _, tasks := range stages {
		if err := r.stage(ctx, tasks); err != nil {
			return err
		}
	}
	if err := r.checkVersions(ctx); err != nil {
		return err
	}
	return r.failAppeared(ctx)
}

// stage lists the types of one stage, opts.Lists at a time. Each worker keeps
// one archive member from type to type.
func (r *run) stage(ctx context.Context, tasks []task) error {
	queue := make(chan task, len(tasks))
	for _, t := range tasks {
		queue <- t
	}
	close(queue)
	group, ctx := errgroup.WithContext(ctx)
	for range min(r.opts.lists(), len(tasks)) {
		group.Go(func() error {
			member := r.sink.NewMember()
			for t := range queue {
				if err := r.collectType(ctx, t, member); err != nil {
					return err
				}
			}
			if err := member.Flush(); err != nil {
				return fmt.Errorf("write archive: %w", err)
			}
			return nil
		})
	}
	return group.Wait()
}

// collectType lists one type to the end, and reports on it.
func (r *run) collectType(ctx context.Context, t task, member Member) error {
	if !t.ownRight && !r.related.needsType(t.resource.GroupResource()) {
		r.typeDone(nil)
		return nil
	}
	s := newStream(r, t, member)
	for _, namespace := range r.listNamespaces(t.resource) {
		err := s.listServed(ctx, namespace)
		switch {
		case err == nil:
		case errors.As(err, new(*runError)):
			return err
		case ctx.Err() != nil:
			return fmt.Errorf("list %s: %w", s.name, context.Cause(ctx))
		default:
			s.failed(namespace, err)
			if errors.Is(err, engine.ErrNotFound) || errors.As(err, new(*engine.RetryableError)) {
				// The type vanished, or no retry helped: it is so in every namespace.
				r.typeDone(s)
				return nil
			}
		}
	}
	r.typeDone(s)
	return nil
}

// typeDone adds what a stream counted to the report. A type that was not needed
// has no stream.
func (r *run) typeDone(s *stream) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.ResourcesDone++
	if s != nil {
		r.report.add(s)
		r.progress.Objects += s.unreported
		s.unreported = 0
	}
	if r.opts.Progress != nil {
		r.opts.Progress(r.progress)
	}
}

// objectsDone counts objects for the progress of the run.
func (r *run) objectsDone(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.Objects += n
	if r.opts.Progress != nil {
		r.opts.Progress(r.progress)
	}
}

// runError is an error that ends the run, as opposed to one that is about a
// type or an object.
type runError struct{ err error }

func (e *runError) Error() string { return e.err.Error() }
func (e *runError) Unwrap() error { return e.err }
