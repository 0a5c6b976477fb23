// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/cmd/ark/internal/output"
)

// newGet returns the command that lists the objects of a kind. open says where
// they are found.
func newGet[T client.Object](a *app, n *noun[T], example string, open func(ctx context.Context) (reader[T], error)) *cobra.Command {
	format := output.Table
	cmd := &cobra.Command{
		Use:     "get [NAME...]",
		Aliases: []string{"list"},
		Short:   fmt.Sprintf("List %s, or those of the names given", n.plural),
		Example: example,
		RunE: func(cmd *cobra.Command, names []string) error {
			r, err := open(cmd.Context())
			if err != nil {
				return err
			}
			items, err := read(cmd.Context(), r, names)
			if err != nil {
				return err
			}
			return printList(a, n.list(a, items, len(names) == 1), format, n.empty)
		},
	}
	cmd.Flags().VarP(&format, "output", "o", output.Usage)
	return cmd
}

// read returns the objects of the names given, or all.
func read[T client.Object](ctx context.Context, r reader[T], names []string) ([]T, error) {
	if len(names) == 0 {
		return r.All(ctx)
	}
	items := make([]T, 0, len(names))
	for _, name := range names {
		item, err := r.One(ctx, name)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// printList prints a list. A person who finds nothing in it is told what to do.
func printList[T client.Object](a *app, l output.List[T], f output.Format, empty string) error {
	if len(l.Items) == 0 && (f == output.Table || f == output.Wide) {
		_, err := fmt.Fprintln(a.err, empty)
		return err
	}
	return l.Print(a.out, f)
}
