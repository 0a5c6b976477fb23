// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
)

// libraryFiles are the rules and, beside each, its tests.
//
//go:embed library
var libraryFiles embed.FS

// LibraryRule describes a rule that is built in.
type LibraryRule struct {
	// Name is how a Config or BackupPolicy refers to it: "select/opt-out-label".
	Name        string
	Title       string
	Description string
	// EntryPoint is the package it belongs to: "ark.select".
	EntryPoint string
	// Parameters that it takes, by name.
	Parameters []Parameter
	// Reasons that it can give, by code.
	Reasons []LibraryReason
}

// LibraryReason is a reason code and its text.
type LibraryReason struct {
	Code string
	Text string
}

// libraryRule is a rule as it lies in the library.
type libraryRule struct {
	LibraryRule

	rego string
}

// Library lists the rules that are built in, by name.
func Library() []LibraryRule {
	var all []LibraryRule
	for _, name := range slices.Sorted(maps.Keys(library())) {
		all = append(all, library()[name].LibraryRule)
	}
	return all
}

// library reads the embedded rules once. A mistake in one is a mistake in the
// program, and a test reads them all.
var library = sync.OnceValue(func() map[string]libraryRule {
	rules := map[string]libraryRule{}
	err := fs.WalkDir(libraryFiles, "library", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".rego") || isTest(path) {
			return err
		}
		raw, err := libraryFiles.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(path, "library/"), ".rego")
		rule, err := describeLibraryRule(name, string(raw))
		rules[name] = rule
		return err
	})
	if err != nil {
		panic(fmt.Errorf("read embedded library: %w", err))
	}
	return rules
})

func describeLibraryRule(name, rego string) (libraryRule, error) {
	m, errs := parse("library/"+name, rego)
	if len(errs) > 0 {
		return libraryRule{}, errs
	}
	if m.about == nil {
		return libraryRule{}, fmt.Errorf("%s: METADATA of the package is missing", name)
	}
	parameters, err := parametersOf(m.about)
	if err != nil {
		return libraryRule{}, fmt.Errorf("%s: %w", name, err)
	}
	rule := libraryRule{rego: rego, LibraryRule: LibraryRule{
		Name:        name,
		Title:       m.about.Title,
		Description: strings.Join(strings.Fields(m.about.Description), " "),
		EntryPoint:  m.entry.pkg,
		Parameters:  parameters,
	}}
	for _, code := range slices.Sorted(maps.Keys(m.text)) {
		rule.Reasons = append(rule.Reasons, LibraryReason{Code: code, Text: m.text[code]})
	}
	return rule, nil
}

// loadLibrary parses the library rules that are used and settles their parameters.
func loadLibrary(uses []LibraryUse) (modules []*module, parameters map[string]any, errs Errors) {
	parameters = map[string]any{}
	for _, use := range uses {
		file := "library/" + use.Name
		rule, known := library()[use.Name]
		if !known {
			errs = append(errs, Error{Message: fmt.Sprintf("there is no library rule %q; there are %s",
				use.Name, strings.Join(slices.Sorted(maps.Keys(library())), ", "))})
			continue
		}
		if _, twice := parameters[use.Name]; twice {
			errs = append(errs, Error{File: file, Message: "the rule is used twice: leave one out"})
			continue
		}
		values, problems := rule.settle(use.Parameters)
		for _, p := range problems {
			errs = append(errs, Error{File: file, Message: p})
		}
		parameters[use.Name] = values
		m, broken := parse(file, rule.rego)
		if len(broken) > 0 {
			errs = append(errs, broken...)
			continue
		}
		m.library = use.Name
		modules = append(modules, m)
	}
	return modules, parameters, errs
}
