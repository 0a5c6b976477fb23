// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/collect"
)

// BackupFacts are what rules may know of the backup that is being taken.
type BackupFacts struct {
	Name string
	// Policy and Schedule name what it is taken for; either may be empty.
	Policy   string
	Schedule string
	Cluster  Cluster
	// Time is when the backup was started.
	Time time.Time
}

// Selector asks the rules of a backup about its objects. One belongs to one backup.
type Selector struct {
	units    []*unit
	fields   objectFields
	backup   ast.Value
	patience *patience
	// The values that many objects share: by type, and by name of a namespace.
	resources  sync.Map // schema.GroupVersionResource to ast.Value
	namespaces sync.Map // string to *namespaceDocument
}

var _ collect.Decider = (*Selector)(nil)

// namespaceDocument remembers what a value was made from.
type namespaceDocument struct {
	from  *collect.Namespace
	value ast.Value
}

// NewSelector asks several policies, such as the Config's and the
// BackupPolicy's, as if their rules were one set.
func NewSelector(facts BackupFacts, policies ...*Policy) (*Selector, error) {
	s := &Selector{
		backup: document{}.
			text("name", facts.Name).
			text("policy", facts.Policy).
			text("schedule", facts.Schedule).
			value("cluster", facts.Cluster.value()).
			text("time", timeValue(facts.Time)).
			object(),
		patience: newPatience(),
	}
	for _, p := range policies {
		if p == nil {
			return nil, errNoPolicy
		}
		if u := p.units[selection]; u != nil {
			s.units = append(s.units, u)
			s.fields = s.fields.union(u.fields)
		}
	}
	return s, nil
}

// errNoPolicy: missing rules are never the same as no rules.
var errNoPolicy = errors.New("a policy is nil: pass a compiled Policy, or none")

// Decide evaluates the rules for one object. A namespace is remembered by its
// address, and must not be changed afterwards.
func (s *Selector) Decide(ctx context.Context, o engine.Object, ns *collect.Namespace) (collect.Ruling, error) {
	if len(s.units) == 0 {
		return collect.Ruling{}, nil
	}
	if err := ctx.Err(); err != nil {
		return collect.Ruling{}, fmt.Errorf("evaluate rules: %w", err)
	}
	input, err := s.input(o, ns)
	if err != nil {
		return collect.Ruling{}, err
	}
	var ruling collect.Ruling
	for _, u := range s.units {
		sets, err := s.patience.eval(ctx, u, input)
		if err != nil {
			return collect.Ruling{}, err
		}
		ruling.Include = append(ruling.Include, codes(sets[ruleInclude])...)
		ruling.Exclude = append(ruling.Exclude, codes(sets[ruleExclude])...)
	}
	return collect.Ruling{Include: distinct(ruling.Include), Exclude: distinct(ruling.Exclude)}, nil
}

func (s *Selector) input(o engine.Object, ns *collect.Namespace) (ast.Value, error) {
	object, err := objectValue(o, s.fields)
	if err != nil {
		return nil, err
	}
	d := make(document, 0, 5).
		value("contract", ast.String(contractVersion)).
		value("backup", s.backup).
		value("resource", s.resource(o.Resource)).
		value("object", object)
	if ns != nil {
		d = d.value("namespace", s.namespace(ns))
	}
	return d.object(), nil
}

func (s *Selector) resource(r engine.Resource) ast.Value {
	key := schema.GroupVersionResource{Group: r.Group, Version: r.Version, Resource: r.Name}
	if v, ok := s.resources.Load(key); ok {
		return v.(ast.Value)
	}
	v, _ := s.resources.LoadOrStore(key, resourceValue(r))
	return v.(ast.Value)
}

func (s *Selector) namespace(ns *collect.Namespace) ast.Value {
	if known, ok := s.namespaces.Load(ns.Name); ok && known.(*namespaceDocument).from == ns {
		return known.(*namespaceDocument).value
	}
	made := &namespaceDocument{from: ns, value: namespaceValue(ns)}
	s.namespaces.Store(ns.Name, made)
	return made.value
}

// distinct sorts codes and drops repetitions; nil stays nil.
func distinct(codes []string) []string {
	slices.Sort(codes)
	return slices.Compact(codes)
}
