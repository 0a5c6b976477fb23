// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/definition"
)

// versions are those that custom types are read in.
type versions struct {
	// of is the type as it is read, by group resource, of all that were discovered.
	of map[string]engine.Resource
	// doubts say what may be missing of a type that is read like this.
	doubts map[string]string
	// judged says that the definitions were looked at as they are at the moment of the
	// run.
	judged bool
}

// chooseVersions reads each custom type in the version that loses nothing: see
// definition.Reading. Definitions are listed once, and only where there is a choice: a
// few hundred of them are tens of megabytes. They are not yet of the moment of
// the run, which is chosen by asking types in their versions; judgeVersion looks again.
func (r *run) chooseVersions(ctx context.Context, discovered []engine.Resource) ([]engine.Resource, error) {
	r.versions = versions{of: map[string]engine.Resource{}, doubts: map[string]string{}}
	resources := slices.Clone(discovered)
	several := r.ofSeveralVersions(resources)
	at := slices.IndexFunc(resources, func(t engine.Resource) bool { return t.GroupResource() == definitionsType })
	if len(several) == 0 || at < 0 {
		return resources, nil
	}
	for o, err := range r.source.Lister.List(ctx, resources[at], engine.ListOptions{}) {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("list definitions: %w", context.Cause(ctx))
		}
		if err != nil {
			r.versionsUnknown(several, err)
			break
		}
		if i, has := several[o.Meta.Name]; has {
			resources[i] = r.chooseVersion(o, resources[i])
			delete(several, o.Meta.Name) // the others are built in, or of an aggregated API
		}
	}
	return resources, nil
}

// ofSeveralVersions notes all types, and returns where those are of which there is a
// choice of versions.
func (r *run) ofSeveralVersions(types []engine.Resource) map[string]int {
	several := map[string]int{}
	for i, t := range types {
		name := t.GroupResource().String()
		r.versions.of[name] = t
		if mayBeCustom(t) && len(t.Versions) > 1 && r.judgeType(nil, t) == "" {
			several[name] = i
		}
	}
	return several
}

// chooseVersion returns a type in the version that its definition asks for.
func (r *run) chooseVersion(o engine.Object, t engine.Resource) engine.Resource {
	d, err := definition.Read(o.Raw)
	if err != nil {
		return t
	}
	reading := d.Reading(t.Versions)
	if reading.Version != "" {
		t = t.In(reading.Version)
	}
	r.versions.of[o.Meta.Name], r.versions.doubts[o.Meta.Name] = t, reading.Doubt
	return t
}

// mayBeCustom reports whether a definition can stand behind a type: the group of one
// has a dot.
func mayBeCustom(t engine.Resource) bool { return strings.Contains(t.Group, ".") }

// versionsUnknown warns of all types whose definitions could not be read.
func (r *run) versionsUnknown(types map[string]int, err error) {
	for name := range types {
		t := r.versions.of[name]
		r.versions.doubts[name] = fmt.Sprintf("was read in version %s, and nobody knows whether it is stored in that: "+
			"fields that only %s has may be missing, because definitions could not be listed: %v",
			t.Version, strings.Join(others(t), " or "), err)
	}
}

// others are the versions that a type is not read in.
func others(t engine.Resource) []string {
	return slices.DeleteFunc(slices.Clone(t.Versions), func(v string) bool { return v == t.Version })
}

// judgeVersion looks at a definition as it is at the moment of the run: whether its
// objects are stored in the version that they are read in.
func (r *run) judgeVersion(o engine.Object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	used, discovered := r.versions.of[o.Meta.Name]
	if !discovered {
		return
	}
	d, err := definition.Read(o.Raw)
	if err != nil {
		return
	}
	switch reading := d.Reading(used.Versions); reading.Version {
	case "":
	case used.Version:
		r.versions.doubts[o.Meta.Name] = reading.Doubt
	default:
		r.versions.doubts[o.Meta.Name] = fmt.Sprintf("was read in version %s, and should have been in %s, because its definition was changed while the backup began: "+
			"take the backup again", used.Version, reading.Version)
	}
}

// checkVersions judges versions where definitions are not in the backup.
func (r *run) checkVersions(ctx context.Context) error {
	at, served := r.versions.of[definitionsType.String()]
	if r.versions.judged || !served || !slices.ContainsFunc(r.report.streams, func(s *stream) bool {
		return s.counts.Included > 0 && mayBeCustom(s.resource) && s.ownRight
	}) {
		return nil
	}
	for o, err := range r.objects(ctx, at, engine.ListOptions{}) {
		if ctx.Err() != nil {
			return fmt.Errorf("list definitions: %w", context.Cause(ctx))
		}
		if err != nil {
			r.report.Results.Warn(archive.Message{Object: definitionsType.String(), Code: CodeOtherVersion,
				Message: fmt.Sprintf("custom types may not have been read in the version that they are stored in, because definitions could not be listed: %v", err)})
			return nil
		}
		r.judgeVersion(o)
	}
	return nil
}

// usedVersion notes that a type is read in another version than was chosen.
func (r *run) usedVersion(t engine.Resource) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.versions.of[t.GroupResource().String()] = t
}
