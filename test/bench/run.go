// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/test/lab"
)

// growth is how many times more objects the second of two backups has whose
// memory is compared.
const growth = 5

// compactEvery is the compaction interval of a cluster that is to age quickly. After
// the intervals of ageing, revisions of before are compacted, and the API server has
// let go of what it kept to answer for them.
const (
	compactEvery = 10 * time.Second
	ageing       = 4
)

// options are the flags.
type options struct {
	n, turns, workers  int
	out, profile, only string
	// aged lets etcd forget what was before the cluster was full.
	aged bool
}

// wants reports whether a part is to be run.
func (o options) wants(part string) bool { return o.only == "" || o.only == part }

// session is one run of the benchmark.
type session struct {
	options

	log   io.Writer
	begun time.Time
	// bucket is the directory that all backups go to, clusterUID whose they are, and
	// backup the name of the last.
	bucket, clusterUID, backup string

	list, small, backups, posts, restores, object, namespace, big []measure

	crowds []crowd
	sizes  sizes
}

// bench runs everything, prints the table and writes the figures.
func bench(ctx context.Context, opts options, out io.Writer) error {
	if opts.n < growth*namespaces*10 || opts.turns < 1 {
		return fmt.Errorf("-n must be at least %d, so that every type has some in every namespace, and -turns at least 1", growth*namespaces*10)
	}
	bucket, err := os.MkdirTemp("", "ark-bench-")
	if err != nil {
		return fmt.Errorf("create a folder: %w", err)
	}
	defer os.RemoveAll(bucket)
	s := &session{options: opts, log: os.Stderr, begun: time.Now(), bucket: bucket}
	for _, part := range []func(context.Context) error{s.measureSource, s.measureTargets, s.measureBig} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	s.print(out)
	if opts.only != "" {
		return nil // half of the figures would be missing
	}
	return s.writeFigures()
}

func (s *session) say(format string, args ...any) {
	fmt.Fprintf(s.log, "%6.1fs  %s\n", time.Since(s.begun).Seconds(), fmt.Sprintf(format, args...))
}

// measureSource fills a cluster and measures what reads it.
func (s *session) measureSource(ctx context.Context) (err error) {
	if s.only == "big" {
		return nil
	}
	opts := lab.Options{Log: s.log}
	if s.aged {
		opts.CompactEvery = compactEvery
	}
	c, err := lab.Start(ctx, opts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	f, err := newFiller(ctx, c)
	if err != nil {
		return err
	}
	s.say("Filling the cluster with %d objects", s.n/growth)
	if err := f.fill(ctx, s.n/growth); err != nil {
		return err
	}
	if s.small, err = s.repeated(ctx, c, smallBackup); err != nil {
		return err
	}
	s.say("Filling the cluster up to %d objects", s.n)
	if err := f.fill(ctx, s.n); err != nil {
		return err
	}
	if s.aged {
		s.say("Letting the cluster age")
		time.Sleep(ageing * compactEvery)
	}
	for turn := range s.turns {
		if err := s.measureBackups(ctx, c, turn); err != nil {
			return err
		}
	}
	if s.sizes, err = s.compareSizes(); err != nil {
		return err
	}
	return errors.Join(s.measureTogether(ctx, c), s.measureParts(ctx, c))
}

// measureBackups measures the neutral client and a backup.
func (s *session) measureBackups(ctx context.Context, c *lab.Cluster, turn int) error {
	s.say("Listing and backing up, turn %d of %d", turn+1, s.turns)
	m, err := measured(ctx, c, job{Run: runList, N: s.n, Profile: s.profile})
	if err != nil {
		return err
	}
	s.list = append(s.list, m)
	if m, err = s.takeBackup(ctx, c, fmt.Sprintf("turn-%d", turn)); err != nil {
		return err
	}
	s.backups = append(s.backups, m)
	return nil
}

// repeated takes as many backups as there are turns.
func (s *session) repeated(ctx context.Context, c *lab.Cluster, name string) (all []measure, err error) {
	for turn := range s.turns {
		m, err := s.takeBackup(ctx, c, fmt.Sprintf("%s-%d", name, turn))
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

func (s *session) takeBackup(ctx context.Context, c *lab.Cluster, name string) (measure, error) {
	m, err := measured(ctx, c, job{Run: runBackup, Store: s.bucket, Backup: name, Profile: s.profile})
	if err != nil {
		return m, err
	}
	s.backup = name
	folders, err := filepath.Glob(filepath.Join(s.bucket, "*", "markers"))
	if err != nil || len(folders) == 0 {
		return m, errors.Join(errors.New("the bucket holds no backup"), err)
	}
	s.clusterUID = filepath.Base(filepath.Dir(folders[0]))
	return m, nil
}

// measureParts restores one object and one namespace out of the whole, beside
// the original.
func (s *session) measureParts(ctx context.Context, c *lab.Cluster) error {
	if !s.wants("one") {
		return nil
	}
	configMaps := kindOf("configmaps")
	for turn := range s.turns {
		s.say("Restoring one object and one namespace, turn %d of %d", turn+1, s.turns)
		j := s.restoreJob()
		j.Namespace, j.Into = namespaceOf(7), fmt.Sprintf("one-object-%d", turn)
		j.Resource, j.Name = configMaps.resource, configMaps.nameOf(7+namespaces)
		m, err := measured(ctx, c, j)
		if err != nil {
			return err
		}
		s.object = append(s.object, m)
		j.Resource, j.Name, j.Into = "", "", fmt.Sprintf("one-namespace-%d", turn)
		if m, err = measured(ctx, c, j); err != nil {
			return err
		}
		s.namespace = append(s.namespace, m)
	}
	return nil
}

func (s *session) restoreJob() job {
	return job{
		Run: runRestore, Store: s.bucket, Cluster: s.clusterUID, Backup: s.backup, Workers: s.workers, Profile: s.profile,
	}
}

// postJob posts what restoreJob restores.
func (s *session) postJob() job {
	j := s.restoreJob()
	j.Run = runPost
	return j
}

// measureTargets measures what fills a cluster, each time a fresh one.
func (s *session) measureTargets(ctx context.Context) error {
	if !s.wants("restore") {
		return nil
	}
	for turn := range s.turns {
		s.say("Posting and restoring into fresh clusters, turn %d of %d", turn+1, s.turns)
		m, err := s.intoFresh(ctx, s.postJob())
		if err != nil {
			return err
		}
		s.posts = append(s.posts, m)
		if m, err = s.intoFresh(ctx, s.restoreJob()); err != nil {
			return err
		}
		s.restores = append(s.restores, m)
	}
	return nil
}

// intoFresh runs j against a cluster that has nothing but the definitions of the
// custom resources.
func (s *session) intoFresh(ctx context.Context, j job) (m measure, err error) {
	c, err := lab.Start(ctx, lab.Options{Log: s.log})
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	cl, err := newClient(c.Config())
	if err != nil {
		return m, err
	}
	if err := define(ctx, cl); err != nil {
		return m, err
	}
	return measured(ctx, c, j)
}

// measureBig backs up a cluster of few objects that are as large as can be.
func (s *session) measureBig(ctx context.Context) (err error) {
	if !s.wants("big") {
		return nil
	}
	c, err := lab.Start(ctx, lab.Options{Log: s.log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	s.say("Filling a cluster with %d objects of 1 MiB", bigObjects)
	if err := fillBig(ctx, c); err != nil {
		return err
	}
	s.big, err = s.repeated(ctx, c, bigBackup)
	return err
}

// key is where a file of the last backup lies.
func (s *session) key(file string) string {
	return filepath.Join(s.bucket, filepath.FromSlash(archive.FileKey(s.clusterUID, s.backup, "one", file)))
}
