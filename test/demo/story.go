// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// chapter is one step of the story: what a newcomer is told, and what happens.
type chapter struct {
	title string
	text  string
	play  func(context.Context, *stage) error
}

func chapters() []chapter {
	return []chapter{
		{"An application", `
Two namespaces with Deployments, Services, Secrets, RBAC, a custom resource
definition and its objects: examples/quickstart/app.`, playApplication},
		{"A policy in Git becomes a backup", `
A platform team commits two objects. Config says where backups are kept: here
a directory serves as the bucket. BackupPolicy says what is backed up, when, and
under which rules. This is one of its rules, in Rego:`, playPolicy},
		{"What was taken, what was left out, and why", `
Two objects are missing on purpose: the cache, which the rule above names, and a
token, which a rule of Ark's library does. Each is recorded with the reason.`, playDescribe},
		{"The archive is an ordinary tarball", `
It can be read without Ark.`, playTarball},
		{"Disaster", `
Somebody deletes the application's namespaces.`, playDisaster},
		{"A restore that the rules refuse", `
The policy guards restores too. Nobody restores over production without having
looked at the data first, and the restore is refused before its first write.`, playDenied},
		{"A restore beside production", `
The same backup, into other namespaces: that is allowed. What a controller makes
again is not restored, and what exists already is left alone, with a warning where
it differs. Everything that came back carries the label ark-restore.`, playRestore},
		{"The day the cluster is gone", `
A second, empty cluster attaches the same bucket. Storage is the source of truth:
the backups are there, with nothing but a Config.`, playSecondCluster},
		{"What to try next", `
  README.md                                 the five-minute tour, by hand
  examples/quickstart/policy.yaml           change a rule, and back up again
  examples/                                 scenarios for a whole cluster
  docs/concepts.md                          how it all hangs together
  docs/policies.md                          writing and testing rules`, nil},
	}
}

// tell plays the chapters in order.
func (s *stage) tell(ctx context.Context, chapters []chapter) error {
	for i, c := range chapters {
		fmt.Fprintf(s.out, "\n── %d. %s ", i+1, c.title)
		fmt.Fprintln(s.out, strings.Repeat("─", max(3, 70-len(c.title))))
		fmt.Fprintln(s.out, strings.TrimLeft(c.text, "\n"))
		if c.play == nil {
			continue
		}
		if err := c.play(ctx, s); err != nil {
			return fmt.Errorf("chapter %d, %s: %w", i+1, c.title, err)
		}
	}
	return nil
}

const quickstart = "examples/quickstart"

func playApplication(ctx context.Context, s *stage) error {
	if err := s.show(ctx, 0, "kubectl", "apply", "-f", quickstart+"/app/crd.yaml", "-f", quickstart+"/app/namespaces.yaml"); err != nil {
		return err
	}
	if _, err := s.output(ctx, "kubectl", "wait", "--for=condition=Established", "crd/promotions.shop.example.org"); err != nil {
		return err
	}
	return s.show(ctx, 0, "kubectl", "apply", "-f", quickstart+"/app/storefront.yaml", "-f", quickstart+"/app/data.yaml")
}

func playPolicy(ctx context.Context, s *stage) error {
	if err := s.show(ctx, 0, "sed", "-n", "/exclude contains/,/}/p", quickstart+"/policy.yaml"); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "\nApplying the two is all that has to be done.")
	if err := s.applyConfig(ctx); err != nil {
		return err
	}
	begin := time.Now()
	if err := s.show(ctx, 0, "kubectl", "apply", "-f", quickstart+"/policy.yaml"); err != nil {
		return err
	}
	name, err := s.await(ctx, "the first backup", "kubectl", "get", "arkb",
		"-l", "ark.gopherwood.dev/schedule=shop.nightly", "-o", "jsonpath={.items[*].metadata.name}")
	if err != nil {
		return err
	}
	s.backup = name
	if _, err := s.output(ctx, "kubectl", "wait", "--for=condition=Ready", "--timeout=60s", "arkb/"+name); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "\nThe policy made a Schedule, the Schedule its first backup, committed %.1f seconds after\nkubectl apply was called:\n", time.Since(begin).Seconds())
	return s.show(ctx, 0, "kubectl", "get", "arkcfg,arkp,arks,arkb")
}

// applyConfig applies the Config of the quickstart with the demo's bucket in it.
func (s *stage) applyConfig(ctx context.Context) error {
	content, err := os.ReadFile(filepath.Join(s.root, quickstart, "config.yaml"))
	if err != nil {
		return fmt.Errorf("read the Config: %w", err)
	}
	const inGit = "file:///var/lib/ark/quickstart"
	if !strings.Contains(string(content), inGit) {
		return fmt.Errorf("config.yaml has no location %s", inGit)
	}
	file := filepath.Join(s.dir, "config.yaml")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(content), inGit, s.bucketURL())), 0o600); err != nil {
		return fmt.Errorf("write the Config: %w", err)
	}
	return s.show(ctx, 0, "kubectl", "apply", "-f", file)
}

func playDescribe(ctx context.Context, s *stage) error {
	return s.show(ctx, 0, "ark", "backup", "describe", s.backup)
}

func playTarball(ctx context.Context, s *stage) error {
	file := filepath.Join(s.dir, "backup.tar.gz")
	if err := s.show(ctx, 0, "ark", "backup", "download", s.backup, "-f", file); err != nil {
		return err
	}
	return s.show(ctx, 0, "tar", "tzf", file)
}

func playDisaster(ctx context.Context, s *stage) error {
	if err := s.show(ctx, 0, "kubectl", "delete", "namespace", "shop", "shop-data", "--timeout=60s"); err != nil {
		return err
	}
	return s.show(ctx, 1, "kubectl", "get", "namespace", "shop", "shop-data")
}

func playDenied(ctx context.Context, s *stage) error {
	return s.show(ctx, 4, "ark", "restore", "create", "as-it-was", "--from-backup", s.backup, "--wait")
}

func playRestore(ctx context.Context, s *stage) error {
	for _, args := range [][]string{
		{"ark", "restore", "create", "beside", "--from-backup", s.backup,
			"--namespace-mappings", "shop:shop-restored,shop-data:shop-data-restored", "--wait"},
		{"ark", "restore", "describe", "beside"},
		{"kubectl", "get", "deployments,services,configmaps,secrets,promotions", "-n", "shop-restored", "-L", "ark-restore"},
	} {
		if err := s.show(ctx, 0, args[0], args[1:]...); err != nil {
			return err
		}
	}
	return nil
}

func playSecondCluster(ctx context.Context, s *stage) (err error) {
	if s.second, err = s.cluster(ctx, false); err != nil {
		return err
	}
	s.kubeconfig = s.second.Kubeconfig
	if err := s.install(ctx, "second"); err != nil {
		return err
	}
	if err := s.applyConfig(ctx); err != nil {
		return err
	}
	if _, err := s.await(ctx, "the backups of the first cluster", "kubectl", "get", "arkb", "-o", "name"); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"ark", "storage", "get"},
		{"ark", "backup", "get"},
	} {
		if err := s.show(ctx, 0, args[0], args[1:]...); err != nil {
			return err
		}
	}
	fmt.Fprintln(s.out, "\nAnd without any cluster at all, from the bucket alone:")
	return s.show(ctx, 0, "ark", "backup", "get", "--store", s.bucketURL())
}
