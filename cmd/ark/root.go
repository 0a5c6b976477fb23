// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

// pluginName is the name that makes kubectl run ark as kubectl ark.
const pluginName = "kubectl-ark"

// newRoot returns the tree of all commands.
func newRoot(a *app, program string) *cobra.Command {
	root := group(&cobra.Command{
		Use:   "ark",
		Short: "Back up and restore Kubernetes from Git",
		Long: `Ark protects a Kubernetes cluster from a Git repository: Config and BackupPolicy
objects say what is backed up, when and where; rules written in Rego select what
is stored and gate every restore.

` + exitCodes(),
		Example: `  ark backup create before-upgrade --wait
  ark backup get
  ark restore create --from-backup before-upgrade --include-namespaces shop`,
	})
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetFlagErrorFunc(wrongFlag)

	flags := root.PersistentFlags()
	flags.StringVar(&a.cluster.Kubeconfig, "kubeconfig", "", "kubeconfig file; when omitted, $KUBECONFIG, ~/.kube/config or the pod's own")
	flags.StringVar(&a.cluster.Context, "context", "", "context of the kubeconfig; when omitted, its current one")
	flags.StringVar(&a.namespace, "namespace", "ark-system", "namespace of Ark's controllers, where the Secrets of storage locations lie")
	fromEnvironment(flags)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		return a.readEnvironment(cmd.Flags())
	}

	root.AddCommand(
		newBackup(a), newRestore(a), newSchedule(a), newPolicy(a), newStorage(a), newServer(a),
		newCompletion(a), newVersion(a),
	)
	root.InitDefaultHelpCmd()
	for _, noun := range root.Commands() {
		if noun.Name() == "help" {
			mindTopics(noun)
		}
		for _, cmd := range append(noun.Commands(), noun) {
			completeAll(a, cmd)
		}
	}
	if program == pluginName {
		actAsPlugin(root)
	}
	return root
}

// group makes a command that only holds others: alone it shows its help, and an
// unknown command is a mistake to tell about.
func group(cmd *cobra.Command, children ...*cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		err := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
		cmd.SuggestionsMinimumDistance = 2
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			err += ": did you mean " + strings.Join(near, " or ") + "?"
		}
		return exit.Usagef("%s", err)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.AddCommand(children...)
	return cmd
}

// mindTopics makes it a mistake to ask cobra's help command about a command that
// there is not: by itself it shows another one's help.
func mindTopics(help *cobra.Command) {
	help.Short, help.Long = "Show the help of a command", ""
	help.Example = "  ark help\n  ark help backup create"
	help.Args = func(cmd *cobra.Command, args []string) error {
		found, rest, err := cmd.Root().Find(args)
		if err != nil || len(rest) == 0 {
			return err
		}
		if !found.HasSubCommands() {
			return exit.Usagef("%q has no command %q", found.CommandPath(), rest[0])
		}
		return found.Args(found, rest)
	}
}

// arguments makes errors of cobra's checks of arguments errors of usage, which
// say what the argument is.
func arguments(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			_, form, _ := strings.Cut(cmd.Use, " ")
			return exit.Usagef("%w: expected %s %s", err, cmd.CommandPath(), form)
		}
		return nil
	}
}

// actAsPlugin makes help and examples speak of kubectl ark.
func actAsPlugin(cmd *cobra.Command) {
	if !cmd.HasParent() {
		cmd.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl ark"}
	}
	lines := strings.Split(cmd.Example, "\n")
	for i, line := range lines {
		if rest, ok := strings.CutPrefix(line, "  ark "); ok {
			lines[i] = "  kubectl ark " + rest
		}
	}
	cmd.Example = strings.Join(lines, "\n")
	for _, child := range cmd.Commands() {
		actAsPlugin(child)
	}
}

// exitCodes is the part of the help that scripts rely on.
func exitCodes() string {
	var b strings.Builder
	b.WriteString("Exit codes:")
	for _, m := range exit.Meanings() {
		fmt.Fprintf(&b, "\n  %-4s %s", m.Code, m.Text)
	}
	return b.String()
}
