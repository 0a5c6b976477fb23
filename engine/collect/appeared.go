// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"fmt"
	"slices"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/definition"
)

// noteDefinition looks at a definition: that of a type which was not discovered, but
// is there at the moment of the run, is kept in mind.
func (s *stream) noteDefinition(o engine.Object) {
	if s.resource.GroupResource() != definitionsType {
		return
	}
	s.run.versions.judged = true
	if s.run.discovered[o.Meta.Name] {
		s.run.judgeVersion(o)
		return
	}
	d, err := definition.Read(o.Raw)
	if err != nil || !d.Established() || o.Meta.DeletionTimestamp != "" {
		return
	}
	if t, served := d.Resource(); served && s.run.judgeType(nil, t) == "" {
		s.run.appeared = append(s.run.appeared, t)
	}
}

// failAppeared reports the types that appeared between discovery and the moment of the
// run. Their definitions are in the backup, and their objects are not.
func (r *run) failAppeared(ctx context.Context) error {
	apart, _ := r.moment.isApart(definitionsType)
	if len(r.appeared) == 0 || len(r.moment.revisions) == 0 || apart {
		return nil // definitions are younger than the other types
	}
	now, err := r.source.Discoverer.Discover(ctx)
	if ctx.Err() != nil {
		return fmt.Errorf("discover types: %w", context.Cause(ctx))
	}
	for _, t := range r.appeared {
		name := t.GroupResource()
		// A definition that another API server stands in front of is never discovered.
		if err == nil && !slices.ContainsFunc(now.Resources, func(o engine.Resource) bool { return o.GroupResource() == name }) {
			continue
		}
		r.report.Results.Fail(archive.Message{
			Object: name.String(), Code: CodeListFailed,
			Message: "the type was defined while the backup began, after types were discovered: nothing of it is in the backup",
		})
	}
	return nil
}
