// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

// alias lets flags be written under other names too, such as those that they have
// in other tools. Help shows the one name only.
func alias(flags *pflag.FlagSet, names map[string]string) {
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if known, ok := names[name]; ok {
			name = known
		}
		return pflag.NormalizedName(name)
	})
}

// wrongFlag says what is wrong with a flag, and, of one that there is not, which
// may have been meant.
func wrongFlag(cmd *cobra.Command, err error) error {
	written, unknown := strings.CutPrefix(err.Error(), "unknown flag: --")
	if !unknown {
		return exit.Usagef("%w", err)
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	near := nearest(written, names)
	if len(near) == 0 {
		return exit.Usagef("%w", err)
	}
	return exit.Usagef("%w: did you mean --%s?", err, near[0])
}
