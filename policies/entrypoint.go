// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	_ "embed"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// The packages that a module can be in.
const (
	// SelectPackage selects what a backup holds.
	SelectPackage = "ark.select"
	// RestorePackage gates a restore as a whole.
	RestorePackage = "ark.restore"
	// RestoreSelectPackage gates a restore object by object.
	RestoreSelectPackage = "ark.restore_select"
)

// The entry rules.
const (
	ruleInclude = "include"
	ruleExclude = "exclude"
	ruleDeny    = "deny"
	ruleWarn    = "warn"
	ruleSkip    = "skip"
)

// contractVersion is input.contract.
const contractVersion = "v1"

// entryPoint is a package that is asked, and how.
type entryPoint struct {
	pkg string
	// rules are the sets that are read.
	rules []string
	// explained says that a rule contains objects of code and msg, not codes.
	explained bool
	schema    *inputSchema
}

var (
	//go:embed schemas/select.json
	selectSchema []byte
	//go:embed schemas/restore.json
	restoreSchema []byte
	//go:embed schemas/restore_select.json
	restoreSelectSchema []byte

	selection = &entryPoint{
		pkg: SelectPackage, rules: []string{ruleExclude, ruleInclude},
		schema: newSchema(selectSchema),
	}
	requestGate = &entryPoint{
		pkg: RestorePackage, rules: []string{ruleDeny, ruleWarn}, explained: true,
		schema: newSchema(restoreSchema),
	}
	objectGate = &entryPoint{
		pkg: RestoreSelectPackage, rules: []string{ruleDeny, ruleSkip},
		schema: newSchema(restoreSelectSchema),
	}

	entryPoints = []*entryPoint{selection, requestGate, objectGate}

	// reserved are names of entry rules. Outside the package they belong to they
	// would be silently without effect.
	reserved = []string{ruleInclude, ruleExclude, ruleDeny, ruleWarn, ruleSkip, "require_approval"}
)

// entryPointOf finds the entry point of a module's package.
func entryPointOf(pkg *ast.Package) *entryPoint {
	name := strings.TrimPrefix(pkg.Path.String(), "data.")
	for _, e := range entryPoints {
		if e.pkg == name {
			return e
		}
	}
	return nil
}

// example shows how rule is written.
func (e *entryPoint) example(rule string) string {
	if e.explained {
		return rule + ` contains {"code": "...", "msg": "..."} if { ... }`
	}
	return rule + ` contains "..." if { ... }`
}
