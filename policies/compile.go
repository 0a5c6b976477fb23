// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Mode says whose rules a set is: what its include rules mean.
type Mode string

// The modes.
const (
	// ClusterRules are those of the Config: in selection they can only exclude.
	ClusterRules Mode = "Cluster"
	// OptOut are the rules of a BackupPolicy that takes what no rule excludes.
	OptOut Mode = "OptOut"
	// OptIn are the rules of a BackupPolicy that takes what a rule includes and
	// none excludes.
	OptIn Mode = "OptIn"
)

// Options are what Compile must know besides the sources.
type Options struct {
	// Mode is required.
	Mode Mode
}

// Policy is a compiled set of rules. It is immutable and safe for concurrent use.
type Policy struct {
	Asker

	about Description
}

// Description is all that there is to know of a policy without asking it.
type Description struct {
	Digest  string `json:"digest"`
	Modules int    `json:"modules"`
	// Texts of the reason codes that the rules can give, by code.
	Texts map[string]string `json:"texts,omitempty"`
	// Reads holds the entry points that have rules, and what of the object they read.
	Reads map[string]objectFields `json:"reads,omitempty"`
}

// NewPolicy is a policy that was compiled elsewhere, where a answers.
func NewPolicy(about Description, a Asker) *Policy { return &Policy{Asker: a, about: about} }

// Description tells all that there is to know without asking the rules.
func (p *Policy) Description() Description { return p.about }

// Compile checks a set and makes it ready for evaluation, all within this process: what
// somebody else wrote belongs into a sandbox. Policies do not see
// each other. An error is of type Errors, unless ctx ended or opts are wrong;
// then nothing of the set may be used. A set without rules compiles to a Policy
// that has none.
func Compile(ctx context.Context, set Set, opts Options) (*Policy, error) {
	if !slices.Contains([]Mode{ClusterRules, OptOut, OptIn}, opts.Mode) {
		return nil, fmt.Errorf("compile rules: mode %q is none of %s, %s and %s", opts.Mode, ClusterRules, OptOut, OptIn)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("compile rules: %w", err)
	}
	modules, parameters, errs := load(set)
	if len(errs) == 0 {
		errs = checkSet(modules, opts.Mode)
	}
	if len(errs) > 0 {
		return nil, sorted(errs)
	}
	units, err := compileUnits(ctx, modules, parameters)
	if err != nil {
		return nil, err
	}
	digest, err := digestOf(set, modules, parameters, opts)
	if err != nil {
		return nil, err
	}
	reads := make(map[string]objectFields, len(units))
	for pkg, u := range units {
		reads[pkg] = u.fields
	}
	return NewPolicy(Description{Digest: digest, Modules: len(modules), Texts: textsOf(modules), Reads: reads}, &compiled{units: units}), nil
}

// compileUnits compiles the modules of each entry point by themselves: its
// input has a type of its own.
func compileUnits(ctx context.Context, modules []*module, parameters map[string]any) (map[string]*unit, error) {
	byEntry := map[*entryPoint]map[string]*ast.Module{}
	for _, m := range modules {
		if byEntry[m.entry] == nil {
			byEntry[m.entry] = map[string]*ast.Module{}
		}
		byEntry[m.entry][m.name] = m.parsed
	}
	units := map[string]*unit{}
	var errs Errors
	for entry, parsed := range byEntry {
		compiler, problems := compileModules(entry, parsed)
		if len(problems) > 0 {
			errs = append(errs, problems...)
			continue
		}
		u, err := newUnit(ctx, entry, compiler, parameters)
		if err != nil {
			return nil, err
		}
		units[entry.pkg] = u
	}
	if len(errs) > 0 {
		return nil, sorted(errs)
	}
	return units, nil
}

// compileModules runs OPA's compiler, and our check of fields on what it made.
func compileModules(entry *entryPoint, modules map[string]*ast.Module) (*ast.Compiler, Errors) {
	compiler := ast.NewCompiler().
		WithCapabilities(capabilities()).
		WithStrict(true).
		WithSchemas(entry.schema.forTypeChecker()).
		WithUseTypeCheckAnnotations(false)
	compiler.Compile(modules)
	if compiler.Failed() {
		return nil, fromOPA("", compiler.Errors)
	}
	var errs Errors
	for _, m := range compiler.Modules {
		ast.WalkRefs(m, func(ref ast.Ref) bool {
			if !ref.HasPrefix(ast.InputRootRef) {
				return false
			}
			if field, known := entry.schema.unknownField(ref); field != "" {
				errs = append(errs, at(ref[0].Location, "%s: no such field as %s; there are %s", ref, field, strings.Join(known, ", ")))
			}
			return false
		})
	}
	return compiler, errs
}

// Digest identifies what the policy decides: "sha256:" and 64 hexadecimal
// digits over sources, parameters, capabilities, input schemas, the version of
// OPA and the mode. Equal digests decide alike.
func (p *Policy) Digest() string { return p.about.Digest }

// Count is the number of modules, those of the library included.
func (p *Policy) Count() int { return p.about.Modules }

// HasSelect reports whether a rule selects what is backed up.
func (p *Policy) HasSelect() bool { return p.has(selection) }

// HasRestore reports whether a rule gates restores as a whole.
func (p *Policy) HasRestore() bool { return p.has(requestGate) }

// HasRestoreSelect reports whether a rule gates restores object by object.
func (p *Policy) HasRestoreSelect() bool { return p.has(objectGate) }

func (p *Policy) has(entry *entryPoint) bool {
	_, has := p.about.Reads[entry.pkg]
	return has
}

// Describe is the text of a reason code: title and description of its rule's
// METADATA. It is empty for a code that has none.
func (p *Policy) Describe(code string) string { return p.about.Texts[code] }

// Codes are the reason codes that the rules can give, sorted.
func (p *Policy) Codes() []string { return slices.Sorted(maps.Keys(p.about.Texts)) }
