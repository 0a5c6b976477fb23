// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"github.com/gopherwood/ark/cmd/ark/internal/access"
	"github.com/gopherwood/ark/cmd/ark/internal/bucket"
	"github.com/gopherwood/ark/cmd/ark/internal/contents"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/cmd/ark/internal/output"
	"github.com/gopherwood/ark/controllers/template"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/restore"
)

// backupContents is what ark backup contents was asked for.
type backupContents struct {
	from        bucketFlags
	selection   selectionFlags
	names       []string
	show        choice[contents.Outcome]
	showSecrets bool
	format      output.Format
}

func newBackupContents(a *app) *cobra.Command {
	o := backupContents{
		show:   choice[contents.Outcome]{of: contents.Outcomes, value: contents.Stored},
		format: output.Table,
	}
	cmd := &cobra.Command{
		Use:   "contents NAME [TYPE/NAMESPACE/NAME]",
		Short: "List the objects of a backup, or print one of them",
		Long: `List the objects of a backup from its index, while it is read; --show excluded lists
what was left out and by which code. With TYPE/NAMESPACE/NAME, or TYPE/NAME of a
cluster-scoped object, print that object as it is archived; the data of a Secret
only with --show-secrets. Both are read with your own rights, as ark backup download.`,
		Example: `  ark backup contents before-upgrade --include-namespaces shop
  ark backup contents before-upgrade --show excluded -o wide
  ark backup contents before-upgrade --include-resources secrets -o name
  ark backup contents before-upgrade deployments.apps/shop/web
  ark backup contents before-upgrade configmaps/shop/settings -o json --store file:///srv/backups`,
		Args: arguments(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				return a.printObject(cmd, args[0], args[1], &o)
			}
			return a.listContents(cmd.Context(), args[0], &o)
		},
	}
	flags := cmd.Flags()
	o.from.add(flags)
	o.selection.add(flags, "list")
	listVar(flags, &o.names, "names", "names, or globs, of the objects to list; when omitted, all")
	flags.Var(&o.show, "show", "which objects to list: "+o.show.choices())
	flags.BoolVar(&o.showSecrets, "show-secrets", false, "print the data of a Secret, which is hidden otherwise")
	flags.VarP(&o.format, "output", "o", "output format: table, wide, json (a line of the index for each object) or name; of one object, yaml or json")
	return cmd
}

// listContents lists the objects that the flags ask for.
func (a *app) listContents(ctx context.Context, name string, o *backupContents) error {
	switch {
	case o.format == output.YAML:
		return exit.Usagef("--output yaml is for one object: name it, as TYPE/NAMESPACE/NAME, or use json for the lines of the index")
	case o.showSecrets:
		return exit.Usagef("--show-secrets is for one object: name it, as secrets/NAMESPACE/NAME")
	}
	t, err := o.selection.template()
	if err != nil {
		return err
	}
	wanted, err := template.Selection(&t)
	if err != nil {
		return exit.Usagef("%s", access.Flagged(err.Error()))
	}
	opened, s, err := a.findToShow(ctx, name, &o.from)
	if err != nil {
		return err
	}
	filter, unmatched, err := contents.NewFilter(wanted, o.names, o.show.value, restore.TypesOf(s.Marker))
	if err != nil {
		return exit.Usagef("%s", access.Flagged(err.Error()))
	}
	for _, text := range unmatched {
		if _, err := fmt.Fprintf(a.err, "ark: %s\n", access.Flagged(text)); err != nil {
			return err
		}
	}
	index, err := opened.Catalog.Index(ctx, s)
	if err != nil {
		return err
	}
	n, err := contents.Print(a.out, o.format, shown(index.Lines(ctx, filter.Part), filter))
	if err == nil && n == 0 {
		_, err = fmt.Fprintf(a.err, "Nothing in backup %s matches. \"ark backup describe %s\" counts what there is, type by type.\n", name, name)
	}
	return err
}

// shown yields the lines that a filter shows.
func shown(lines iter.Seq2[archive.Entry, error], filter *contents.Filter) iter.Seq2[archive.Entry, error] {
	return func(yield func(archive.Entry, error) bool) {
		for e, err := range lines {
			if err == nil && !filter.Shows(&e) {
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// printObject prints one object as it is archived.
func (a *app) printObject(cmd *cobra.Command, name, object string, o *backupContents) error {
	ref, err := contents.ParseReference(object)
	if err != nil {
		return exit.Usagef("%w", err)
	}
	switch {
	case len(o.selection.given()) > 0 || len(o.names) > 0 || cmd.Flags().Changed("show"):
		return exit.Usagef("%s is one object: filters are for lists", object)
	case !cmd.Flags().Changed("output"):
		o.format = output.YAML
	case o.format != output.YAML && o.format != output.JSON:
		return exit.Usagef("--output %s is for lists: use yaml or json", o.format)
	}
	opened, s, err := a.findToShow(cmd.Context(), name, &o.from)
	if err != nil {
		return err
	}
	e, err := lookUp(cmd.Context(), opened, s, ref)
	if err != nil {
		return err
	}
	decoded, err := archived(cmd.Context(), opened, s, e)
	if err != nil {
		return err
	}
	if !o.showSecrets {
		contents.Mask(e, decoded)
	}
	return output.Marshal(a.out, o.format, decoded)
}

// archived reads one object, and no more of the archive than the part it lies in.
func archived(ctx context.Context, opened *bucket.Bucket, s *catalog.Snapshot, e *archive.Entry) (map[string]any, error) {
	member, err := opened.Catalog.Contents(s).Member(ctx, *e)
	if err != nil {
		return nil, err
	}
	raw, err := member.Object(*e)
	if err != nil {
		return nil, err
	}
	return contents.Decode(raw)
}

// lookUp finds the line of one object. Of a large index it reads only the part
// that can have it.
func lookUp(ctx context.Context, opened *bucket.Bucket, s *catalog.Snapshot, ref contents.Reference) (*archive.Entry, error) {
	index, err := opened.Catalog.Index(ctx, s)
	if err != nil {
		return nil, err
	}
	var found []archive.Entry
	for e, err := range index.Lines(ctx, ref.Part) {
		switch {
		case err != nil:
			return nil, err
		case ref.Names(&e):
			found = append(found, e)
		}
	}
	switch {
	case len(found) == 0:
		return nil, unknownObject(ctx, index, s.Marker, ref)
	case len(found) > 1:
		return nil, exit.Usagef("%s: several groups have such a type: name one of %s and %s", ref, found[0].Key(), found[1].Key())
	case found[0].SHA256 == "":
		return nil, exit.Errorf(exit.Failed, "%s was left out of backup %q%s", found[0].Key(), s.Marker.Name, why(&found[0]))
	}
	return &found[0], nil
}

// maxCandidates bounds the names that may have been meant.
const maxCandidates = 10_000

// unknownObject says that a backup does not hold an object, and what may have been
// meant: one of its name in another namespace, or one of nearly its name.
func unknownObject(ctx context.Context, index *archive.Index, m *archive.Marker, ref contents.Reference) error {
	types := restore.TypesOf(m)
	if text := ref.Unknown(types); text != "" {
		return exit.Errorf(exit.Failed, "backup %q does not hold %s: %s", m.Name, ref, text)
	}
	var elsewhere, beside []string
	for e, err := range index.Lines(ctx, ref.OfType(types)) {
		if err != nil {
			return err
		}
		switch {
		case !ref.Type(&e):
		case e.Name == ref.Name && len(elsewhere) < maxNear:
			elsewhere = append(elsewhere, e.Key().String())
		case e.Namespace == ref.Namespace && len(beside) < maxCandidates:
			beside = append(beside, e.Name)
		}
	}
	if len(elsewhere) == 0 {
		for _, near := range nearest(ref.Name, beside) {
			elsewhere = append(elsewhere, strings.TrimSuffix(ref.String(), ref.Name)+near)
		}
	}
	if len(elsewhere) == 0 {
		return exit.Errorf(exit.Failed, "backup %q does not hold %s: list what there is with \"ark backup contents %s -o name\"", m.Name, ref, m.Name)
	}
	return exit.Errorf(exit.Failed, "backup %q does not hold %s: did you mean %s?", m.Name, ref, strings.Join(elsewhere, " or "))
}

// why says why an object is not in the archive.
func why(e *archive.Entry) string {
	switch {
	case e.Error != "":
		return ": " + e.Error
	case len(e.Codes) > 0:
		return fmt.Sprintf(" by %v", e.Codes)
	default:
		return ""
	}
}
