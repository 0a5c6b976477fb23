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
	rules    []Asker
	fields   objectFields
	backup   []byte
	patience *patience
	// The values that many objects share: by type, and by name of a namespace.
	resources  sync.Map // schema.GroupVersionResource to []byte
	namespaces sync.Map // string to *namespaceDocument
	// latest remembers, where the rules look at no object, what they said of the last
	// one of a type: lists come by namespace, and all of a type in one are alike.
	latest sync.Map // schema.GroupVersionResource to sharedRuling
}

var _ collect.Decider = (*Selector)(nil)

// namespaceDocument remembers what a value was made from.
type namespaceDocument struct {
	from  *collect.Namespace
	value []byte
}

// sharedRuling is that of all objects of a type in a namespace.
type sharedRuling struct {
	in     *collect.Namespace
	ruling collect.Ruling
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
		if p.HasSelect() {
			s.rules = append(s.rules, p)
			s.fields = s.fields.union(p.about.Reads[SelectPackage])
		}
	}
	return s, nil
}

// errNoPolicy: missing rules are never the same as no rules.
var errNoPolicy = errors.New("a policy is nil: pass a compiled Policy, or none")

// Decide evaluates the rules for one object. A namespace is remembered by its
// address, and must not be changed afterwards.
func (s *Selector) Decide(ctx context.Context, o engine.Object, ns *collect.Namespace) (collect.Ruling, error) {
	if len(s.rules) == 0 {
		return collect.Ruling{}, nil
	}
	if err := ctx.Err(); err != nil {
		return collect.Ruling{}, fmt.Errorf("evaluate rules: %w", err)
	}
	if !s.fields.none() {
		return s.ask(ctx, o, ns)
	}
	if last, ok := s.latest.Load(typeOf(o.Resource)); ok && last.(sharedRuling).in == ns {
		return last.(sharedRuling).ruling, nil
	}
	ruling, err := s.ask(ctx, o, ns)
	if err == nil {
		s.latest.Store(typeOf(o.Resource), sharedRuling{ns, ruling})
	}
	return ruling, err
}

// ask puts the question about one object to the rules of every policy.
func (s *Selector) ask(ctx context.Context, o engine.Object, ns *collect.Namespace) (collect.Ruling, error) {
	input, err := s.input(o, ns)
	if err != nil {
		return collect.Ruling{}, err
	}
	var ruling collect.Ruling
	for _, rules := range s.rules {
		answer, err := s.patience.eval(ctx, rules, Question{EntryPoint: SelectPackage, Fields: input})
		if err != nil {
			return collect.Ruling{}, err
		}
		ruling.Include = append(ruling.Include, codes(answer[ruleInclude])...)
		ruling.Exclude = append(ruling.Exclude, codes(answer[ruleExclude])...)
	}
	return collect.Ruling{Include: distinct(ruling.Include), Exclude: distinct(ruling.Exclude)}, nil
}

func (s *Selector) input(o engine.Object, ns *collect.Namespace) (document, error) {
	object, err := objectValue(o, s.fields)
	if err != nil {
		return nil, err
	}
	d := make(document, 0, 5).
		shared("contract", jsonText(contractVersion)).
		shared("backup", s.backup).
		shared("resource", s.resource(o.Resource)).
		value("object", object)
	if ns != nil {
		d = d.shared("namespace", s.namespace(ns))
	}
	return d, nil
}

func (s *Selector) resource(r engine.Resource) []byte {
	key := typeOf(r)
	if v, ok := s.resources.Load(key); ok {
		return v.([]byte)
	}
	v, _ := s.resources.LoadOrStore(key, resourceValue(r))
	return v.([]byte)
}

func typeOf(r engine.Resource) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: r.Group, Version: r.Version, Resource: r.Name}
}

func (s *Selector) namespace(ns *collect.Namespace) []byte {
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

// codes are those of reasons; nil for none.
func codes(given []Reason) []string {
	var all []string
	for _, r := range given {
		all = append(all, r.Code)
	}
	return all
}
