// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// module is a source that was parsed and keeps the contract.
type module struct {
	name  string
	entry *entryPoint
	// library is the name of the library rule that it is; empty for a user's.
	library string
	parsed  *ast.Module
	// text of the module's reason codes, and about what METADATA says of the package.
	text  map[string]string
	about *ast.Annotations
}

// load parses and checks everything in set, each module by itself.
func load(set Set) (modules []*module, parameters map[string]any, errs Errors) {
	errs = checkSizes(set.Modules)
	if len(errs) > 0 {
		return nil, nil, errs
	}
	for _, s := range set.Modules {
		m, problems := parse(s.name(), s.Rego)
		if len(problems) > 0 {
			errs = append(errs, problems...)
			continue
		}
		modules = append(modules, m)
	}
	fromLibrary, parameters, problems := loadLibrary(set.Library)
	modules = append(modules, fromLibrary...)
	slices.SortFunc(modules, func(a, b *module) int { return strings.Compare(a.name, b.name) })
	return modules, parameters, append(errs, problems...)
}

// checkSizes refuses what should not even be parsed.
func checkSizes(sources []Source) Errors {
	var errs Errors
	total := 0
	seen := map[string]bool{}
	for _, s := range sources {
		total += len(s.Rego)
		switch {
		case len(s.Rego) > MaxModuleBytes:
			errs = append(errs, Error{File: s.name(), Message: fmt.Sprintf("the module has %d bytes; the limit is %d: split it", len(s.Rego), MaxModuleBytes)})
		case isTest(s.name()):
			errs = append(errs, Error{File: s.name(), Message: "files that end in _test.rego are tests, and are not deployed: leave it out"})
		case seen[s.name()]:
			errs = append(errs, Error{File: s.name(), Message: "there are two modules of this name: rename one"})
		}
		seen[s.name()] = true
	}
	if total > MaxSetBytes {
		errs = append(errs, Error{Message: fmt.Sprintf("the modules have %d bytes together; the limit is %d", total, MaxSetBytes)})
	}
	return errs
}

// parse parses and checks one module.
func parse(name, rego string) (m *module, errs Errors) {
	defer func() {
		if r := recover(); r != nil { // a parser that foreign text can stop must not stop the process
			m, errs = nil, Errors{{File: name, Message: fmt.Sprintf("the parser gave up: %v", r)}}
		}
	}()
	if errs := checkBrackets(name, rego); len(errs) > 0 {
		return nil, errs
	}
	parsed, err := ast.ParseModuleWithOpts(name, rego, ast.ParserOptions{
		RegoVersion:       ast.RegoV1,
		Capabilities:      capabilities(),
		ProcessAnnotation: true,
	})
	if err != nil {
		return nil, fromOPA(name, err)
	}
	if errs := checkComplexity(parsed); len(errs) > 0 {
		return nil, errs
	}
	m = &module{name: name, parsed: parsed, entry: entryPointOf(parsed.Package)}
	if m.entry == nil {
		pkg := strings.TrimPrefix(parsed.Package.Path.String(), "data.")
		return nil, Errors{at(parsed.Package.Loc(), "package %s is never asked: a module's package must be %s, %s or %s",
			pkg, SelectPackage, RestorePackage, RestoreSelectPackage)}
	}
	m.takeAnnotations()
	return m, checkContract(m)
}

// takeAnnotations reads METADATA and removes it: OPA allows one annotation of a
// package over all its modules, and ours are written by people who do not know
// of each other.
func (m *module) takeAnnotations() {
	m.text = map[string]string{}
	for _, a := range m.parsed.Annotations {
		if a.Scope == "package" && m.about == nil {
			m.about = a
		}
	}
	for _, r := range m.parsed.Rules {
		if code := codeOf(m.entry, r); code != "" && m.text[code] == "" {
			m.text[code] = textOf(r.Annotations)
		}
		r.Annotations = nil
	}
	m.parsed.Annotations = nil
}

// codeOf is the reason code of an entry rule; empty for any other rule.
func codeOf(entry *entryPoint, r *ast.Rule) string {
	if r.Head.RuleKind() != ast.MultiValue {
		return ""
	}
	key := r.Head.Key
	if reason, ok := key.Value.(ast.Object); ok && entry.explained {
		key = reason.Get(ast.InternedTerm("code"))
	}
	if key == nil {
		return ""
	}
	code, _ := key.Value.(ast.String)
	for _, name := range entry.rules {
		if ruleName(r) == name {
			return string(code)
		}
	}
	return ""
}

// maxText bounds whatever authors can put into a status: the text of METADATA, the
// message of a gate, the compiler's message.
const maxText = 1024

// textOf is title and description on one line.
func textOf(annotations []*ast.Annotations) string {
	for _, a := range annotations {
		parts := []string{}
		for _, s := range []string{a.Title, a.Description} {
			if s = strings.Join(strings.Fields(s), " "); s != "" {
				parts = append(parts, s)
			}
		}
		if len(parts) > 0 {
			return Cut(strings.Join(parts, ": "))
		}
	}
	return ""
}

// Cut shortens s to the 1,024 bytes, of whole characters, that a text in a status may have.
func Cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText-len("…")], "") + "…"
}

// textsOf joins the texts of all modules; the first that has one wins.
func textsOf(modules []*module) map[string]string {
	texts := map[string]string{}
	for _, m := range modules {
		for code, text := range m.text {
			if texts[code] == "" {
				texts[code] = text
			}
		}
	}
	return texts
}
