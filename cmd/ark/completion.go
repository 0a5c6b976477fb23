// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

// completionPatience is how long a shell waits for names: who presses a key does
// not wait longer.
const completionPatience = 2 * time.Second

// maxCompletions bounds what is asked for and offered.
const maxCompletions = 1000

// shells are those that there are scripts for.
var shells = map[string]func(root *cobra.Command, w io.Writer) error{
	"bash": func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
	"zsh":  func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) },
	"fish": func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
}

func newCompletion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print the script that completes commands in a shell",
		Long: `Print the script that completes commands, flags, and the names of backups, restores,
schedules, policies, namespaces and storage locations in a shell. Names are asked of
the cluster. For this shell alone: source <(ark completion bash). For good, write it to
/etc/bash_completion.d/ark, to _ark in a folder of zsh's fpath, or to
~/.config/fish/completions/ark.fish.`,
		Example: `  ark completion bash
  ark completion zsh
  ark completion fish`,
		Args:      arguments(cobra.ExactArgs(1)),
		ValidArgs: []string{"bash", "zsh", "fish"},
		RunE: func(cmd *cobra.Command, args []string) error {
			script, ok := shells[args[0]]
			if !ok {
				return exit.Usagef("%q: there is no script for that shell: choose bash, zsh or fish", args[0])
			}
			return script(cmd.Root(), a.out)
		},
	}
}

// completions are what the flags of a name complete to, by kind.
var completions = map[string]schema.GroupVersionKind{
	"from-backup":        v1alpha1.GroupVersion.WithKind("Backup"),
	"from-schedule":      v1alpha1.GroupVersion.WithKind("Schedule"),
	"from-policy":        v1alpha1.GroupVersion.WithKind("BackupPolicy"),
	"include-namespaces": {Version: "v1", Kind: "Namespace"},
	"exclude-namespaces": {Version: "v1", Kind: "Namespace"},
}

// words are the values that a flag with few of them takes.
type words interface{ all() []string }

func (c *choice[T]) all() []string {
	all := make([]string, 0, len(c.of))
	for _, w := range c.of {
		all = append(all, string(w))
	}
	return all
}

// completeAll makes every command of the tree complete its flags and arguments.
func completeAll(a *app, cmd *cobra.Command) {
	kind, known := nounOf[cmd.Parent().Name()]
	switch {
	case cmd.ValidArgsFunction != nil || cmd.ValidArgs != nil || cmd.HasSubCommands():
	case known && takesName(cmd):
		cmd.ValidArgsFunction = a.names(kind, strings.Contains(cmd.Use, "..."))
	default:
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if complete := a.completeFlag(f); complete != nil {
			_ = cmd.RegisterFlagCompletionFunc(f.Name, complete) // the flag exists, and has none yet
		}
	})
}

// nounOf is the kind that the commands of a noun are about.
var nounOf = map[string]schema.GroupVersionKind{
	"backup":   v1alpha1.GroupVersion.WithKind("Backup"),
	"restore":  v1alpha1.GroupVersion.WithKind("Restore"),
	"schedule": v1alpha1.GroupVersion.WithKind("Schedule"),
	"policy":   v1alpha1.GroupVersion.WithKind("BackupPolicy"),
}

// takesName reports whether a command is about what exists.
func takesName(cmd *cobra.Command) bool {
	return cmd.Name() != "create" && strings.Contains(cmd.Use, "NAME")
}

func (a *app) completeFlag(f *pflag.Flag) cobra.CompletionFunc {
	if w, ok := f.Value.(words); ok {
		return cobra.FixedCompletions(w.all(), cobra.ShellCompDirectiveNoFileComp)
	}
	if kind, ok := completions[f.Name]; ok {
		return a.names(kind, true)
	}
	switch f.Name {
	case "storage-location", "location":
		return a.locationNames
	case "output":
		return cobra.FixedCompletions([]string{"table", "wide", "yaml", "json", "name"}, cobra.ShellCompDirectiveNoFileComp)
	case "kubeconfig", "file", "modifiers":
		return nil // files
	case "file-store-root":
		return cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
	}
	if f.Value.Type() == "bool" {
		return nil
	}
	return cobra.NoFileCompletions
}

// names completes to the names of the objects of a kind in the cluster: those
// that are not on the line yet, where several can be.
func (a *app) names(kind schema.GroupVersionKind, several bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 && !several {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionPatience)
		defer cancel()
		c, err := a.cluster.Client()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		// Metadata alone is a fraction of what ten thousand backups are.
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
		if err := c.List(ctx, list); err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		first, rest := cutLast(begun)
		var found []string
		for i := range list.Items {
			name := list.Items[i].Name
			if strings.HasPrefix(name, rest) && !slices.Contains(args, name) && len(found) < maxCompletions {
				found = append(found, first+name)
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

// cutLast parts the last of several values with commas between from those before.
func cutLast(begun string) (before, last string) {
	i := strings.LastIndex(begun, ",") + 1
	return begun[:i], begun[i:]
}

// locationNames completes to the storage locations of the Config.
func (a *app) locationNames(cmd *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completionPatience)
	defer cancel()
	c, err := a.cluster.Client()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	cfg, err := config(ctx, c)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var found []string
	for i := range cfg.Spec.Storage {
		l := &cfg.Spec.Storage[i]
		if strings.HasPrefix(l.Name, begun) {
			found = append(found, fmt.Sprintf("%s\t%s", l.Name, l.URL))
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}
