// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/selection"
)

// OwnGroup is the API group of Ark's own kinds. They come back as archived.
const OwnGroup = "ark.gopherwood.dev"

// maxPatched bounds what "copy" operations may add to one object: no API server
// takes a larger request.
const maxPatched = 3 << 20

// ModifierSpec is a modifier as a user writes it.
type ModifierSpec struct {
	Name string
	// Resources, Namespaces and Names select objects: types as in a template,
	// archived namespaces and names by glob; none of a list matches all.
	Resources  []string
	Namespaces []string
	Names      []string
	// Labels selects by archived labels; nil matches all.
	Labels labels.Selector
	// Patch is a JSON patch (RFC 6902), as JSON.
	Patch []byte
}

// Modifier changes the objects it selects.
type Modifier struct {
	name       string
	resources  *selection.ResourceSet
	namespaces selection.Globs
	names      selection.Globs
	labels     labels.Selector
	patch      jsonpatch.Patch
}

// NewModifier checks and compiles a modifier for the types that there are. Its
// errors name the field.
func NewModifier(spec ModifierSpec, types []engine.Resource) (*Modifier, error) {
	field := "modifiers[" + spec.Name + "]"
	m := &Modifier{name: spec.Name, labels: spec.Labels}
	var err error
	if m.resources, err = selection.NewResourceSet(field+".target.resources", spec.Resources, types); err != nil {
		return nil, err
	}
	if m.namespaces, err = selection.NewGlobs(field+".target.namespaces", spec.Namespaces); err != nil {
		return nil, err
	}
	if m.names, err = selection.NewGlobs(field+".target.names", spec.Names); err != nil {
		return nil, err
	}
	if m.patch, err = jsonpatch.DecodePatch(spec.Patch); err != nil {
		return nil, fmt.Errorf("%s.patch: is no JSON patch, a list of operations (RFC 6902): %w", field, err)
	}
	return m, nil
}

// Unmatched tells which of the modifier's patterns name no type.
func (m *Modifier) Unmatched() []string { return m.resources.Unmatched() }

// selects reports whether the modifier is for the object.
func (m *Modifier) selects(s *Subject, archived labels.Set) bool {
	return (m.resources.Empty() || m.resources.Contains(s.Resource)) &&
		(len(m.namespaces) == 0 || m.namespaces.Match(s.Source.Namespace)) &&
		(len(m.names) == 0 || m.names.Match(s.Source.Name)) &&
		(m.labels == nil || m.labels.Matches(archived))
}

// modify applies the modifiers that select the object. A patch that does not
// fit it is an error: half a change is worse than none.
func (t *Transformer) modify(s *Subject, r *Result, archived labels.Set) error {
	for _, m := range t.Modifiers {
		if !m.selects(s, archived) {
			continue
		}
		if !r.Modified && t.isOwn(s, r.Manifest) {
			r.Notes = append(r.Notes, fmt.Sprintf("modifier %q is not applied: Ark's own objects come back as archived", m.name))
			continue
		}
		if err := discloses(s.Resource.GroupResource(), m.patch); err != nil {
			return fmt.Errorf("apply modifier %q: %w", m.name, err)
		}
		r.Guessed = r.Guessed || writesConfidential(s.Resource.GroupResource(), m.patch)
		raw, err := Encode(r.Manifest)
		if err != nil {
			return err
		}
		opts := jsonpatch.NewApplyOptions()
		opts.AccumulatedCopySizeLimit = maxPatched
		raw, err = m.patch.ApplyWithOptions(raw, opts)
		if err != nil {
			return fmt.Errorf("apply modifier %q: %w", m.name, err)
		}
		if r.Manifest, err = Decode(raw); err != nil {
			return fmt.Errorf("apply modifier %q: %w", m.name, err)
		}
		r.Modified = true
	}
	return nil
}
