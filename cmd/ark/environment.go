// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

// environmentKey is the annotation of a flag that names its variable.
const environmentKey = "ark.gopherwood.dev/environment"

// fromEnvironment gives every flag defined so far a variable: ARK_ and the
// flag's name, as in ARK_LOG_LEVEL for --log-level. Help says so.
func fromEnvironment(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		name := "ARK_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		f.Annotations = map[string][]string{environmentKey: {name}}
		f.Usage += fmt.Sprintf(" [$%s]", name)
	})
}

// readEnvironment sets the flags that were not given from their variables: a
// flag comes before its variable, and that before the default. An empty
// variable counts as unset.
func (a *app) readEnvironment(flags *pflag.FlagSet) error {
	var failed error
	flags.VisitAll(func(f *pflag.Flag) {
		names := f.Annotations[environmentKey]
		if f.Changed || len(names) == 0 || failed != nil {
			return
		}
		value, ok := a.environment(names[0])
		if !ok || value == "" {
			return
		}
		if err := f.Value.Set(value); err != nil {
			failed = exit.Usagef("variable %s, for --%s: %w", names[0], f.Name, err)
		}
	})
	return failed
}
