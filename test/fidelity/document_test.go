// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/test/lab"
)

const preamble = `# Fidelity

What comes back from a backup, and what does not. This table is written by a test, and each of its rows is one: all
cases are set up on a real API server with the controller-manager, backed up together, deleted, restored together into the
same cluster, and read again.

Compared are whole objects, apart from what only an API server sets (` + "`uid`, `resourceVersion`, `creationTimestamp`,\n`generation`, the UIDs within owner references, `managedFields`" + `), from the label that a restore leaves, and from
the status of types that have a path of its own for it, unless the restore is asked for it. Every owner reference must name an
owner that is there. Nothing may be taken by the garbage collector, and the same restore again, under its own name or another's, must
change nothing.

| case | what is compared | result |
|---|---|---|
`

// section is a part of docs/fidelity.md, which one test writes.
type section int

const (
	everythingSection section = iota
	hostileSection
	settingsSection
)

// headings begin the sections after the first.
var headings = []string{"\n## When the cluster stands in the way\n", "\n## Settings of a restore\n"}

// document holds a section of docs/fidelity.md equal to the cases that passed.
func document(t *testing.T, which section, want string) {
	t.Helper()
	root, err := lab.Root()
	must(t, err)
	path := filepath.Join(root, "docs", "fidelity.md")
	raw, err := os.ReadFile(path)
	must(t, err)
	sections := []string{string(raw)}
	for i, heading := range headings {
		before, after, found := strings.Cut(sections[i], heading)
		sections[i] = before
		if found {
			after = heading + after
		}
		sections = append(sections, after)
	}
	if *update {
		sections[which] = want
		must(t, os.WriteFile(path, []byte(strings.Join(sections, "")), 0o644))
		return
	}
	if diff := cmp.Diff(want, sections[which]); diff != "" {
		t.Errorf("docs/fidelity.md is not what the cases say; run this test with -update (-want +got):\n%s", diff)
	}
}

// row is the case's row of the table.
func (c *fidelityCase) row() string {
	compared := "whole objects"
	if c.compared != "" {
		compared += "; " + c.compared
	}
	result := "equal"
	for _, e := range c.except {
		who := e.object + " "
		if e.object == "*" {
			who = ""
		}
		result += "; but for " + who + "`" + strings.Join(e.pointers, "`, `") + "`: " + e.reason
	}
	for _, l := range c.leftOut {
		result += "; left out: `" + l.key + "` (`" + l.code + "`)"
	}
	for _, text := range c.named {
		result += "; the backup says: `" + text + "`"
	}
	return "| " + c.name + " | " + compared + " | " + result + " |\n"
}
