// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Limits of what Compile takes.
const (
	// MaxModuleBytes is the size of one module.
	MaxModuleBytes = 64 << 10
	// MaxSetBytes is the size of all modules of a set together.
	MaxSetBytes = 512 << 10
)

// Source is one Rego module and where it came from.
type Source struct {
	// Rule is the name of the rule in the Config or BackupPolicy.
	Rule string
	// File is the key within the rule's ConfigMap; empty for an inline rule.
	File string
	// Rego is the module.
	Rego string
}

// name is the file name in messages: "<rule>.rego", or "<rule>/<file>".
func (s Source) name() string {
	if s.File == "" {
		return s.Rule + ".rego"
	}
	return s.Rule + "/" + s.File
}

// LibraryUse is a rule of the library and its parameters.
type LibraryUse struct {
	// Name of the library rule, such as "select/opt-out-label".
	Name string
	// Parameters are values as encoding/json decodes them. Those that are not set
	// have the library rule's defaults.
	Parameters map[string]any
}

// Set is all rules of one Config or one BackupPolicy. Their order never matters.
type Set struct {
	Modules []Source
	Library []LibraryUse
}

// Check refuses a set that is too large to be looked at. Its error is of type Errors.
func (s Set) Check() error {
	if errs := checkSizes(s.Modules); len(errs) > 0 {
		return sorted(errs)
	}
	return nil
}

// FromFiles takes the modules of rule from a ConfigMap's data: every key that
// ends in ".rego" and not in "_test.rego", in the order of the keys. digest is
// the hexadecimal SHA-256 over, for each module, the key, a zero byte, the
// module, a zero byte: what a rule's sha256 is compared with.
func FromFiles(rule string, files map[string]string) (sources []Source, digest string, err error) {
	h := sha256.New()
	for _, key := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasSuffix(key, ".rego") || isTest(key) {
			continue
		}
		sources = append(sources, Source{Rule: rule, File: key, Rego: files[key]})
		for _, part := range []string{key, files[key]} {
			h.Write([]byte(part))
			h.Write([]byte{0})
		}
	}
	if len(sources) == 0 {
		return nil, "", fmt.Errorf("rule %s: %w", rule, errNoModules)
	}
	return sources, hex.EncodeToString(h.Sum(nil)), nil
}

var errNoModules = errors.New(`no key ends in ".rego" (those that end in "_test.rego" are tests and do not count)`)

func isTest(file string) bool { return strings.HasSuffix(file, "_test.rego") }
