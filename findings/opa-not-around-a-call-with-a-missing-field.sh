#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

# Open Policy Agent 1.22.2 (Go module github.com/open-policy-agent/opa, Apache-2.0).
#
# A good guess: "not" is true of whatever is undefined, so that a rule with
# `not startswith(input.team, "a")` fires for an input without a team, as one with
# `not input.team == "a"` does.
#
# What happens: it depends on how the condition is written. An argument of a negated
# call is looked up before the "not"; where the field is missing, the whole rule is
# undefined and does not fire: for just those objects that it was written for. An
# operator, a reference or a rule of its own behind the "not" is true. `in` looks like
# an operator and is a call. Both kinds compile in strict mode, without a warning.
#
# The cure: `import rego.v2`, where all of them are true, or a rule of its own.
set -euo pipefail

expected='                                         rego.v1    rego.v2
not input.team == "a"                    fires      fires
not input.team                           fires      fires
not is_a                                 fires      fires
not startswith(input.team, "a")          undefined  fires
not input.team in {"a"}                  undefined  fires
not of_a(input.team)                     undefined  fires'

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >go.mod <<'MOD'
module finding

go 1.26.0

require github.com/open-policy-agent/opa v1.22.2
MOD
cat >main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/open-policy-agent/opa/v1/rego"
)

// verdict evaluates one rule, with that import, for an input without any field.
func verdict(imported, condition string) string {
	module := "package p\n\nimport " + imported + "\n\n" +
		"of_a(team) if startswith(team, \"a\")\n\nis_a if of_a(input.team)\n\ndeny if " + condition + "\n"
	result, err := rego.New(rego.Query("data.p.deny"), rego.Module("p.rego", module), rego.Strict(true),
		rego.Input(map[string]any{})).Eval(context.Background())
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case len(result) == 0:
		return "undefined"
	}
	return "fires"
}

func main() {
	fmt.Printf("%-40s %-10s %s\n", "", "rego.v1", "rego.v2")
	for _, condition := range []string{
		`not input.team == "a"`, `not input.team`, `not is_a`,
		`not startswith(input.team, "a")`, `not input.team in {"a"}`, `not of_a(input.team)`,
	} {
		fmt.Printf("%-40s %-10s %s\n", condition, verdict("rego.v1", condition), verdict("rego.v2", condition))
	}
}
GO
go mod tidy >/dev/null 2>&1
seen=$(go run .)
echo "$seen"
if [[ $seen != "$expected" ]]; then
  echo "changed: this was seen before:" >&2
  echo "$expected" >&2
  exit 1
fi
