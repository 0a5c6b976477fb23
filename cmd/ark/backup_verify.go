// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/gopherwood/ark/cmd/ark/internal/bucket"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/cmd/ark/internal/follow"
	"github.com/gopherwood/ark/cmd/ark/internal/output"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// verdict is what came of verifying one backup, or what has no marker.
type verdict struct {
	Cluster   string        `json:"cluster"`
	Name      string        `json:"name"`
	Location  string        `json:"location"`
	Result    string        `json:"result"`
	Signature archive.Trust `json:"signature,omitempty"`
	Files     int           `json:"files"`
	// Objects were read and compared, with --deep.
	Objects int64  `json:"objects"`
	Bytes   int64  `json:"bytes"`
	Message string `json:"message,omitempty"`
}

// The results of a verification.
const (
	// good: everything is as it was committed.
	good = "Good"
	// damaged: it is not, or was tampered with.
	damaged = "Damaged"
	// unverified: it is, and no trusted key vouches for it where one should.
	unverified = "Unverified"
	// unread: the store did not answer.
	unread = "Unread"
	// uncommitted data belongs to no backup.
	uncommitted = "Uncommitted"
)

// backupVerify is what ark backup verify was asked for.
type backupVerify struct {
	from      bucketFlags
	all, deep bool
	format    choice[output.Format]
}

func newBackupVerify(a *app) *cobra.Command {
	o := backupVerify{format: choice[output.Format]{of: []output.Format{output.Table, output.JSON}, value: output.Table}}
	cmd := &cobra.Command{
		Use:   "verify NAME",
		Short: "Read a backup and compare it with what was committed",
		Long: `Read the marker of a backup and its signature, and every file that the marker names,
and compare their sizes and SHA-256. With --deep, read every object too: compare its
digest, its name and its place in the tarball with the index, the index with its
directory, and the numbers with the marker; look for anything else in the tarball, and
read results and decisions. --all verifies every backup, goes on past those that are
damaged, and lists data that belongs to no backup. Nothing is written; all of it is read
with your own rights, as by ark backup download.`,
		Example: `  ark backup verify before-upgrade
  ark backup verify before-upgrade --deep -o json
  ark backup verify --all --store file:///srv/backups`,
		Args: arguments(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == o.all {
				return exit.Usagef("name a backup, or use --all for every one")
			}
			return a.verify(cmd.Context(), strings.Join(args, ""), &o)
		},
	}
	flags := cmd.Flags()
	o.from.add(flags)
	o.from.addTrust(flags)
	flags.BoolVar(&o.all, "all", false, "verify every backup, of every cluster, in every location")
	flags.BoolVar(&o.deep, "deep", false, "read every object, too")
	flags.VarP(&o.format, "output", "o", "output format: "+o.format.choices())
	return cmd
}

// anyAge takes what was written in the future too: clocks differ.
const anyAge = time.Duration(math.MinInt64 / 2)

// examination verifies one after the other.
type examination struct {
	deep     bool
	line     *follow.Line
	now      func() time.Time
	shown    time.Time
	verdicts []verdict
}

// progressEvery is how often a long verification tells how far it is.
const progressEvery = 2 * time.Second

func (a *app) verify(ctx context.Context, name string, o *backupVerify) error {
	x := &examination{deep: o.deep, now: a.now, shown: a.now(), line: &follow.Line{W: a.err, Terminal: a.rewrites, Width: a.width}}
	var err error
	if o.all {
		err = a.verifyAll(ctx, x, o)
	} else {
		err = a.verifyNamed(ctx, x, name, o)
	}
	if err = errors.Join(err, x.line.End()); err != nil {
		return err
	}
	if err := a.printVerdicts(x.verdicts, o.format.value); err != nil {
		return err
	}
	return outcomeOf(x.verdicts)
}

func (a *app) verifyNamed(ctx context.Context, x *examination, name string, o *backupVerify) error {
	opened, s, err := a.findToShow(ctx, name, &o.from)
	if err != nil {
		if archive.Unreadable(err) {
			return exit.Errorf(exit.Damaged, "%w", err)
		}
		return err
	}
	x.backup(ctx, opened, s.Marker.Cluster.UID, s.Marker.Name)
	return nil
}

// verifyAll goes through every location, or the bucket alone.
func (a *app) verifyAll(ctx context.Context, x *examination, o *backupVerify) error {
	if err := o.from.check(); err != nil {
		return err
	}
	if o.from.given() {
		opened, err := o.from.open(ctx, clock(a.now))
		if err != nil {
			return err
		}
		return x.bucket(ctx, opened, o.from.cluster)
	}
	c, err := a.cluster.Client()
	if err != nil {
		return err
	}
	cfg, err := config(ctx, c)
	if err != nil {
		return err
	}
	for _, spec := range cfg.Spec.Storage {
		opened, err := a.openLocation(ctx, c, cfg, spec.Name)
		if err == nil {
			err = x.bucket(ctx, opened, "")
		}
		if err != nil {
			x.verdicts = append(x.verdicts, verdict{Location: spec.Name, Result: unread, Message: err.Error()})
		}
	}
	return ctx.Err()
}

// bucket verifies what clusters have in a store, and then tells of what has no marker.
func (x *examination) bucket(ctx context.Context, b *bucket.Bucket, cluster string) error {
	all, err := b.Clusters(ctx, cluster)
	if err != nil {
		return err
	}
	for _, of := range all {
		for name, err := range b.Catalog.Names(ctx, of.UID) {
			if err != nil {
				return err
			}
			x.backup(ctx, b, of.UID, name)
		}
		orphans, err := b.Catalog.Orphans(ctx, of.UID, anyAge)
		if err != nil {
			return err
		}
		for _, orphan := range orphans {
			x.verdicts = append(x.verdicts, verdict{
				Cluster: of.UID, Name: orphan.Name, Location: b.URL, Result: uncommitted, Bytes: orphan.Size,
				Message: "attempt " + orphan.Attempt + " belongs to no backup: it may be running, or was broken off",
			})
		}
	}
	return nil
}

// backup verifies one.
func (x *examination) backup(ctx context.Context, b *bucket.Bucket, cluster, name string) {
	v := verdict{Cluster: cluster, Name: name, Location: b.URL, Result: good}
	x.tell("verifying "+name, true)
	s, err := b.Catalog.Marker(ctx, cluster, name)
	if err == nil {
		v.Signature, v.Files = archive.Verify(s.Envelope, b.Trusted), len(s.Marker.Files)
		for _, f := range s.Marker.Files {
			v.Bytes += f.Size
		}
		if v.Signature == archive.Tampered {
			err = fmt.Errorf("%w: its marker was changed after it was signed", engine.ErrCorrupt)
		}
	}
	if err == nil {
		err = b.Catalog.Verify(ctx, s)
	}
	if err == nil && x.deep {
		v.Objects, err = b.Catalog.VerifyObjects(ctx, s, func(n int64) {
			x.tell(fmt.Sprintf("verifying %s: %d of %d objects", name, n, s.Marker.Objects.Included), false)
		})
	}
	switch {
	case archive.Unreadable(err):
		v.Result, v.Message = damaged, output.OneLine(err.Error())
	case err != nil:
		v.Result, v.Message = unread, output.OneLine(err.Error())
	case b.Signed && v.Signature != archive.Verified:
		v.Result, v.Message = unverified, "its files are as its marker says, and no trusted key signed the marker"
	}
	x.verdicts = append(x.verdicts, v)
}

// tell shows how far it is, now and then where that is not a new backup on a terminal.
func (x *examination) tell(text string, anew bool) {
	now := x.now()
	if now.Sub(x.shown) < progressEvery && (!anew || !x.line.Terminal) {
		return
	}
	x.shown = now
	_ = x.line.Show(text) // what comes of it is what matters
}

func (a *app) printVerdicts(all []verdict, format output.Format) error {
	if format == output.JSON {
		if all == nil {
			all = []verdict{}
		}
		return output.Marshal(a.out, format, all)
	}
	tw := tabwriter.NewWriter(a.out, 0, 8, 3, ' ', 0)
	fmt.Fprintln(tw, "NAME\tRESULT\tSIGNATURE\tFILES\tOBJECTS\tBYTES\tMESSAGE")
	for _, v := range all {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", output.OneLine(v.Name), v.Result, orDash(string(v.Signature)), v.Files, v.Objects, v.Bytes, orDash(output.OneLine(v.Message)))
	}
	return tw.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// outcomeOf is the exit code for all of them: damage weighs more than not having looked.
func outcomeOf(all []verdict) error {
	bad, unseen := 0, 0
	for _, v := range all {
		switch v.Result {
		case damaged, unverified:
			bad++
		case unread:
			unseen++
		}
	}
	switch {
	case bad > 0:
		return exit.Errorf(exit.Damaged, "%d of %d damaged or not verified: restore from others, and find out who writes to the bucket", bad, len(all))
	case unseen > 0:
		return exit.Errorf(exit.Failed, "%d of %d could not be read, and nothing is known of them: try again", unseen, len(all))
	}
	return nil
}
