// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

// tree calls visit with every command that a user can run.
func tree(t *testing.T, visit func(*cobra.Command)) {
	t.Helper()
	a, _, _ := atBucket(t).app()
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		visit(cmd)
		for _, child := range cmd.Commands() {
			walk(child)
		}
	}
	walk(newRoot(a, "ark"))
}

func TestEveryCommandHasHelpAndExamplesThatParse(t *testing.T) {
	tree(t, func(cmd *cobra.Command) {
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: its summary is %q", cmd.CommandPath(), cmd.Short)
		}
		if cmd.Example == "" {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		path := strings.Fields(cmd.CommandPath())
		help := atBucket(t).ark(t.Context(), append(path[1:], "--help")...)
		check(t, help, exit.Success, []string{cmd.CommandPath(), "Examples:"}, nil)
	})
}

func TestTheManualNamesEveryCommandFlagAndExitCode(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("..", "..", "docs", "cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for section := range strings.SplitSeq(string(content), "\n## ") {
		title, body, _ := strings.Cut(section, "\n")
		sections[strings.Trim(title, "`")] = body
	}
	named := map[string]bool{}
	tree(t, func(cmd *cobra.Command) {
		if cmd.HasSubCommands() && cmd.HasParent() {
			return // its commands have sections of their own
		}
		title := cmd.CommandPath()
		flags := cmd.NonInheritedFlags()
		if !cmd.HasParent() {
			title, flags = "Global flags", cmd.PersistentFlags()
		}
		named[title] = true
		body, ok := sections[title]
		if !ok {
			t.Errorf("docs/cli.md has no section %q", title)
			return
		}
		flags.VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && !strings.Contains(body, "`--"+f.Name+"`") {
				t.Errorf("docs/cli.md: section %q lacks --%s", title, f.Name)
			}
			for _, variable := range f.Annotations[environmentKey] {
				if !strings.Contains(body, "`"+variable+"`") {
					t.Errorf("docs/cli.md: section %q lacks %s", title, variable)
				}
			}
		})
	})
	for title := range sections {
		if strings.HasPrefix(title, "ark ") && !named[title] {
			t.Errorf("docs/cli.md: section %q is of no command", title)
		}
	}
	for _, m := range exit.Meanings() {
		if row := "| " + m.Code.String() + " | " + m.Text + " |"; !strings.Contains(sections["Exit codes"], row) {
			t.Errorf("docs/cli.md: section Exit codes lacks %q", row)
		}
	}
}
