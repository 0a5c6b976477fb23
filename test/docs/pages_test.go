// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

// block is a fenced block of a page.
type block struct {
	// page is the page's path from the root, and line where the fence stands.
	page string
	line int
	// language is the first word behind the fence, and note the rest.
	language, note string
	// mark is the content of an HTML comment on the line before, such as "tour".
	mark string
	text string
}

// pages returns the paths, from the root, of all pages that users read.
func pages(t *testing.T) []string {
	t.Helper()
	all := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"}
	for _, pattern := range []string{"docs/*.md", "docs/spec/*.md", "examples/*/README.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			page, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, filepath.ToSlash(page))
		}
	}
	if len(all) < 10 {
		t.Fatalf("only %d pages: are they looked for in the right place?", len(all))
	}
	return all
}

// read returns the content of a page.
func read(t *testing.T, page string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(page)))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// blocks returns the fenced blocks of all pages in a language.
func blocks(t *testing.T, language string) []block {
	t.Helper()
	var found []block
	for _, page := range pages(t) {
		for _, b := range blocksOf(t, page) {
			if b.language == language {
				found = append(found, b)
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("no page has a block of %s", language)
	}
	return found
}

// blocksOf returns the fenced blocks of a page.
func blocksOf(t *testing.T, page string) []block {
	t.Helper()
	const fence = "```"
	var found []block
	var open *block
	before := ""
	line := 0
	for text := range strings.Lines(read(t, page)) {
		line++
		trimmed := strings.TrimSpace(text)
		switch {
		case open == nil && strings.HasPrefix(trimmed, fence):
			language, note, _ := strings.Cut(strings.TrimPrefix(trimmed, fence), " ")
			open = &block{page: page, line: line, language: language, note: note, mark: comment(before)}
		case open != nil && trimmed == fence:
			found, open = append(found, *open), nil
		case open != nil:
			open.text += text
		}
		before = trimmed
	}
	if open != nil {
		t.Fatalf("%s:%d: the block is never closed", page, open.line)
	}
	return found
}

// comment returns what an HTML comment says, or nothing.
func comment(line string) string {
	text, opened := strings.CutPrefix(line, "<!-- ")
	text, closed := strings.CutSuffix(text, " -->")
	if !opened || !closed {
		return ""
	}
	return text
}
