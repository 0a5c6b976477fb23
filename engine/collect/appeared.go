// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// noteDefinition looks at a definition: that of a type which was not discovered, but
// is there at the moment of the run, is kept in mind.
func (s *stream) noteDefinition(o engine.Object) {
	if s.resource.GroupResource() != definitionsType || s.run.discovered[o.Meta.Name] || o.Meta.DeletionTimestamp != "" {
		return
	}
	if t, ok := definedType(o); ok && s.run.judgeType(nil, t) == "" {
		s.run.appeared = append(s.run.appeared, t)
	}
}

// definedType is the type of a definition, if the API server serves it.
func definedType(o engine.Object) (engine.Resource, bool) {
	var body struct {
		Spec struct {
			Group string `json:"group"`
			Scope string `json:"scope"`
			Names struct {
				Plural     string   `json:"plural"`
				Singular   string   `json:"singular"`
				ShortNames []string `json:"shortNames"`
				Kind       string   `json:"kind"`
			} `json:"names"`
			Versions []struct {
				Name   string `json:"name"`
				Served bool   `json:"served"`
			} `json:"versions"`
		} `json:"spec"`
		Status struct {
			Conditions []struct {
				Type   string `json:"type"`
				Status string `json:"status"`
			} `json:"conditions"`
		} `json:"status"`
	}
	if json.Unmarshal(o.Raw, &body) != nil {
		return engine.Resource{}, false
	}
	t := engine.Resource{
		Group: body.Spec.Group, Name: body.Spec.Names.Plural, Kind: body.Spec.Names.Kind, Singular: body.Spec.Names.Singular,
		ShortNames: body.Spec.Names.ShortNames, Namespaced: body.Spec.Scope == "Namespaced",
	}
	for _, v := range body.Spec.Versions {
		if v.Served {
			t.Version, t.Versions = v.Name, append(t.Versions, v.Name)
		}
	}
	for _, c := range body.Status.Conditions {
		if c.Type == "Established" && c.Status == "True" {
			return t, t.Version != ""
		}
	}
	return engine.Resource{}, false
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
