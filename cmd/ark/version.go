// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/cmd/ark/internal/output"
)

// version and commit are set when a release is built, with -ldflags
// "-X main.version=v1.2.3 -X main.commit=…".
var version, commit string

// build says which program this is.
type build struct {
	Version string `json:"version"`
	// Commit is that of the source, with a + where the source was changed.
	Commit string `json:"commit,omitempty"`
	Go     string `json:"go"`
}

// thisBuild reads what the Go toolchain recorded.
func thisBuild() build {
	b := build{Version: version, Commit: commit, Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b.named()
	}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch {
		case commit != "":
		case s.Key == "vcs.revision":
			b.Commit = s.Value + b.Commit
		case s.Key == "vcs.modified" && s.Value == "true":
			b.Commit += "+"
		}
	}
	return b.named()
}

// named makes sure that there is a version to print.
func (b build) named() build {
	if b.Version == "" {
		b.Version = "(devel)"
	}
	return b
}

func newVersion(a *app) *cobra.Command {
	format := output.Table
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Example: `  ark version
  ark version -o json`,
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			b := thisBuild()
			switch format {
			case output.YAML, output.JSON:
				return output.Marshal(a.out, format, b)
			case output.Table, output.Wide:
				known := "Version:\t" + b.Version + "\n"
				if b.Commit != "" {
					known += "Commit:\t\t" + b.Commit + "\n"
				}
				_, err := fmt.Fprintf(a.out, "%sGo:\t\t%s\n", known, b.Go)
				return err
			default:
				return exit.Usagef("--output %s is for lists: use table, yaml or json", format)
			}
		},
	}
	cmd.Flags().VarP(&format, "output", "o", "output format: table, yaml or json")
	return cmd
}
