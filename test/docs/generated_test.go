// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/policies"
)

// update rewrites what is generated:
//
//	go test ./test/docs -run Generated -update
var update = flag.Bool("update", false, "rewrite the generated parts of the documentation")

const (
	beginMark = "<!-- generated: %s -->\n"
	endMark   = "<!-- end -->\n"
)

const (
	policiesPage  = "docs/policies.md"
	retentionPage = "docs/retention.md"
)

// TestGeneratedPartsAreUpToDate holds what pages tell of the code to the code:
// the library describes itself, so do the schemas, and an example is worked out.
func TestGeneratedPartsAreUpToDate(t *testing.T) {
	for _, part := range []struct {
		page, name string
		generate   func(*testing.T) string
	}{
		{policiesPage, "library", libraryTables},
		{policiesPage, "inputs", inputTables},
		{retentionPage, "example", retentionExample},
	} {
		t.Run(part.name, func(t *testing.T) {
			content := read(t, part.page)
			head, rest, found := strings.Cut(content, fmt.Sprintf(beginMark, part.name))
			have, tail, ended := strings.Cut(rest, endMark)
			if !found || !ended {
				t.Fatalf("%s has no generated part %q", part.page, part.name)
			}
			want := "\n" + part.generate(t) + "\n"
			diff := cmp.Diff(want, have)
			if diff == "" {
				return
			}
			if !*update {
				t.Fatalf("%s is not up to date: run go test ./test/docs -run Generated -update (-want +have):\n%s", part.page, diff)
			}
			content = head + fmt.Sprintf(beginMark, part.name) + want + endMark + tail
			if err := os.WriteFile(filepath.Join(root, part.page), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// libraryTables tells of every rule of the library.
func libraryTables(*testing.T) string {
	var b strings.Builder
	for i, rule := range policies.Library() {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "### %s\n\n%s (`%s`)\n\n", rule.Name, rule.Description, rule.EntryPoint)
		if len(rule.Parameters) > 0 {
			b.WriteString("| parameter | type | default | |\n|---|---|---|---|\n")
			for _, p := range rule.Parameters {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", p.Name, p.Type, code(p.Default), p.Description)
			}
			b.WriteString("\n")
		}
		b.WriteString("| code | means |\n|---|---|\n")
		for _, reason := range rule.Reasons {
			fmt.Fprintf(&b, "| `%s` | %s |\n", reason.Code, reason.Text)
		}
	}
	return b.String()
}

func code(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // it was read from JSON
	}
	return "`" + string(text) + "`"
}

// inputTables tells of every field of every input document.
func inputTables(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for i, entry := range []struct{ pkg, file string }{
		{policies.SelectPackage, "select.json"},
		{policies.RestorePackage, "restore.json"},
		{policies.RestoreSelectPackage, "restore_select.json"},
	} {
		schema := node{}
		if err := json.Unmarshal([]byte(read(t, "policies/schemas/"+entry.file)), &schema); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "### Input of `%s`\n\n%s\n\n| field | type | |\n|---|---|---|\n", entry.pkg, schema.Description)
		schema.rows(&b, "input")
	}
	return b.String()
}

// node is a part of a JSON schema.
type node struct {
	Type        string          `json:"type"`
	Description string          `json:"description"`
	Properties  map[string]node `json:"properties"`
	Items       *node           `json:"items"`
}

// rows writes a row for each field. Objects that say nothing by themselves have
// none.
func (n node) rows(b *strings.Builder, path string) {
	for _, name := range slices.Sorted(maps.Keys(n.Properties)) {
		field := n.Properties[name]
		at := path + "." + name
		if len(field.Properties) == 0 || field.Description != "" {
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", at, field.typeName(), field.Description)
		}
		field.rows(b, at)
		if field.Items != nil {
			field.Items.rows(b, at+"[_]")
		}
	}
}

func (n node) typeName() string {
	switch {
	case n.Type == "":
		return "any"
	case n.Items != nil && n.Items.Type != "":
		return n.Type + " of " + n.Items.Type + "s"
	}
	return n.Type
}
