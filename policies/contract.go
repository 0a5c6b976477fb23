// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// This file holds what OPA accepts and the contract does not: mistakes that
// would leave a rule silently without effect.

var codePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// checkContract checks one parsed module, whatever else is in the set.
func checkContract(m *module) Errors {
	var errs Errors
	for _, rule := range m.parsed.Rules {
		name := ruleName(rule)
		switch {
		case slices.Contains(m.entry.rules, name):
			errs = append(errs, checkEntryRule(m.entry, rule, name)...)
		case slices.Contains(reserved, name):
			errs = append(errs, at(rule.Loc(), "%s is not an entry rule of package %s, which has %s: it would never be asked; give a helper another name",
				name, m.entry.pkg, strings.Join(m.entry.rules, " and ")))
		}
	}
	errs = append(errs, checkRoots(m)...)
	return append(errs, checkNegation(m.parsed)...)
}

// ruleName is the name of a rule or of the object that its head adds to.
func ruleName(r *ast.Rule) string {
	if v, ok := r.Head.Ref()[0].Value.(ast.Var); ok {
		return string(v)
	}
	return ""
}

func checkEntryRule(entry *entryPoint, r *ast.Rule, name string) Errors {
	ref := r.Head.Ref()
	switch {
	case len(r.Head.Args) > 0:
		return Errors{at(r.Loc(), "%s is a function, but must be a set: write %s", name, entry.example(name))}
	case len(ref) > 1:
		return Errors{at(r.Loc(), "%s adds to an object, but %s must be a set: write %s", ref, name, entry.example(name))}
	case r.Head.RuleKind() != ast.MultiValue:
		return Errors{at(r.Loc(), "%s has a single value, but must be a set: write %s", name, entry.example(name))}
	case entry.explained:
		return checkReason(entry, r, name)
	default:
		return checkCode(r.Loc(), r.Head.Key)
	}
}

// checkReason checks what a rule of a gate contains. The code is constant, so
// that it can be counted and looked up; the message may be computed.
func checkReason(entry *entryPoint, r *ast.Rule, name string) Errors {
	reason, ok := r.Head.Key.Value.(ast.Object)
	if !ok {
		return Errors{at(r.Loc(), "%s must contain an object that is written in the head: %s", name, entry.example(name))}
	}
	var errs Errors
	seen := map[string]bool{}
	reason.Foreach(func(k, v *ast.Term) {
		key, _ := k.Value.(ast.String)
		seen[string(key)] = true
		switch key {
		case "code":
			errs = append(errs, checkCode(r.Loc(), v)...)
		case "msg":
		default:
			errs = append(errs, at(r.Loc(), "%s is not a field of a reason, which has code and msg", k))
		}
	})
	for _, key := range []string{"code", "msg"} {
		if !seen[key] {
			errs = append(errs, at(r.Loc(), "the reason lacks %s: write %s", key, entry.example(name)))
		}
	}
	return errs
}

func checkCode(loc *ast.Location, t *ast.Term) Errors {
	code, ok := t.Value.(ast.String)
	switch {
	case !ok:
		return Errors{at(loc, "a reason code must be a constant string, not computed: write one rule for each code")}
	case !codePattern.MatchString(string(code)):
		return Errors{at(loc, "reason code %s must be 1 to 63 characters of a-z, 0-9 and -, and not begin with -", t)}
	default:
		return nil
	}
}

// checkRoots keeps a module to its own package and the parameters.
func checkRoots(m *module) Errors {
	var errs Errors
	own := strings.Split(m.entry.pkg, ".")
	parameters := []string{"ark", "parameters"}
	check := func(ref ast.Ref) bool {
		if !ref.HasPrefix(ast.DefaultRootRef) || below(ref, own) || below(ref, parameters) {
			return false
		}
		errs = append(errs, at(ref[0].Location, "%s is out of reach: a module sees data.%s, data.ark.parameters and input", ref, m.entry.pkg))
		return false
	}
	for _, imp := range m.parsed.Imports {
		ast.WalkRefs(imp.Path, check)
	}
	for _, r := range m.parsed.Rules {
		ast.WalkRefs(r, check)
	}
	return errs
}

// below reports whether ref leads into data.<path>.
func below(ref ast.Ref, path []string) bool {
	if len(ref) < len(path)+1 {
		return false
	}
	for i, name := range path {
		if s, ok := ref[i+1].Value.(ast.String); !ok || string(s) != name {
			return false
		}
	}
	return true
}

// checkClashes keeps modules from adding to what the library defines.
func checkClashes(modules []*module) Errors {
	owner := map[string]string{}
	for _, m := range modules {
		if m.library == "" {
			continue
		}
		for _, r := range m.parsed.Rules {
			if name := ruleName(r); !slices.Contains(m.entry.rules, name) {
				owner[m.entry.pkg+"."+name] = m.library
			}
		}
	}
	var errs Errors
	for _, m := range modules {
		if m.library != "" {
			continue
		}
		for _, r := range m.parsed.Rules {
			if lib, taken := owner[m.entry.pkg+"."+ruleName(r)]; taken {
				errs = append(errs, at(r.Loc(), "%s is a name of the library rule %s: choose another", ruleName(r), lib))
			}
		}
	}
	return errs
}

// checkSet checks what only all modules together can show.
func checkSet(modules []*module, mode Mode) Errors {
	errs := append(checkCount(modules), checkClashes(modules)...)
	defined := map[*entryPoint]map[string]*ast.Location{}
	for _, m := range modules {
		if defined[m.entry] == nil {
			defined[m.entry] = map[string]*ast.Location{}
		}
		for _, r := range m.parsed.Rules {
			if name := ruleName(r); slices.Contains(m.entry.rules, name) {
				defined[m.entry][name] = r.Loc()
			}
		}
	}
	for _, entry := range entryPoints {
		if rules, used := defined[entry]; used && len(rules) == 0 {
			errs = append(errs, Error{Message: fmt.Sprintf("no module of package %s defines %s: its rules have no effect; write %s",
				entry.pkg, strings.Join(entry.rules, " or "), entry.example(entry.rules[0]))})
		}
	}
	return append(errs, checkMode(mode, defined[selection][ruleInclude])...)
}

// checkMode judges the include rules, of which include is one or nil.
func checkMode(mode Mode, include *ast.Location) Errors {
	switch {
	case include != nil && mode == ClusterRules:
		return Errors{at(include, "rules of the Config can only exclude: move include into a BackupPolicy with selection OptIn")}
	case include != nil && mode == OptOut:
		return Errors{at(include, "include has no place under selection OptOut, which takes everything that no rule excludes: set selection to OptIn, or write an exclude rule")}
	case include == nil && mode == OptIn:
		return Errors{{Message: "selection OptIn takes only what a rule includes, and no rule does: add an include rule to package ark.select, or set selection to OptOut"}}
	default:
		return nil
	}
}
