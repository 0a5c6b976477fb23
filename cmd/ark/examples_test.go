// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

// placeholders are the files that examples speak of and nobody has, with content of the
// kind that they stand for.
var placeholders = map[string]string{
	"staging.yaml": "- name: replicas\n  target: {resources: [deployments.apps]}\n  patch: '[{\"op\": \"remove\", \"path\": \"/spec/replicas\"}]'\n",
}

// unreached are the words of a command that made sense, and had no cluster to ask or
// nobody to confirm it.
var unreached = []string{"check --kubeconfig and --context", "nobody can be asked here: confirm with --yes"}

// example is a command line that somebody is shown.
type example struct{ where, line string }

func TestEveryExampleOfTheHelpIsRun(t *testing.T) {
	var examples []example
	tree(t, func(cmd *cobra.Command) {
		own := 0
		for _, text := range []string{cmd.Example, cmd.Long} {
			for line := range strings.Lines(text) {
				if line = strings.TrimSpace(line); strings.HasPrefix(line, "ark ") {
					examples = append(examples, example{cmd.CommandPath() + " --help", line})
					if strings.HasPrefix(line, cmd.CommandPath()) {
						own++
					}
				} else if text == cmd.Example && line != "" {
					t.Errorf("%s: example %q does not begin with ark", cmd.CommandPath(), line)
				}
			}
		}
		if own == 0 {
			t.Errorf("%s has no example of its own", cmd.CommandPath())
		}
	})
	runExamples(t, examples)
}

func TestEveryCommandOfTheDocsIsRun(t *testing.T) {
	root := filepath.Join("..", "..")
	pages := []string{filepath.Join(root, "README.md")}
	for _, dir := range []string{"docs", "examples"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if filepath.Ext(path) == ".md" {
				pages = append(pages, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	var examples []example
	for _, page := range pages {
		content, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range shellLines(string(content)) {
			examples = append(examples, example{page, line})
		}
	}
	if len(examples) < 20 {
		t.Errorf("only %d commands were found", len(examples))
	}
	runExamples(t, examples)
}

var (
	shellBlock = regexp.MustCompile("(?ms)^ *```(?:sh|console|shell|bash)\n(.*?)^ *```")
	arkLine    = regexp.MustCompile(`^\s*(?:\$ )?(?:[A-Z_]+=\S* )*(?:kubectl[- ]|bin/|\./)?(ark\s.*)$`)
	// operator ends a command of a shell.
	operator = regexp.MustCompile(`\s(?:\|\|?|&&?|;|[0-9]?>>?|#)(?:\s.*)?$`)
	variable = regexp.MustCompile(`\$\w+|\$\([^)]*\)`)
)

// shellLines returns the ark commands in the shell blocks of a page.
func shellLines(page string) []string {
	var lines []string
	for _, block := range shellBlock.FindAllStringSubmatch(page, -1) {
		for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", " ")) {
			if m := arkLine.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
				lines = append(lines, variable.ReplaceAllString(operator.ReplaceAllString(m[1], ""), "/nowhere"))
			}
		}
	}
	return lines
}

// runExamples runs each as far as it goes without a cluster: what creates something prints
// it instead.
func runExamples(t *testing.T, examples []example) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range placeholders {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for _, e := range examples {
		if !seen[e.line] {
			seen[e.line] = true
			t.Run(e.line, func(t *testing.T) { e.run(t) })
		}
	}
}

func (e example) run(t *testing.T) {
	t.Helper()
	words := split(e.line)[1:]
	a, _, _ := atBucket(t).app()
	cmd, rest, err := newRoot(a, "ark").Find(words)
	if err != nil {
		t.Fatalf("%s: %v", e.where, err)
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Fatalf("%s: %v", e.where, err)
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		t.Fatalf("%s: %v", e.where, err)
	}
	store := cmd.Flags().Lookup("store")
	if cmd.Name() == "server" || store != nil && store.Changed && !strings.HasPrefix(store.Value.String(), "file://") {
		return // a server never ends, and a bucket of somebody's is not to be asked
	}
	if cmd.Name() == "create" {
		words = printed(words)
	}
	got := atBucket(t).ark(t.Context(), words...)
	if got.Code == exit.Usage && !slices.ContainsFunc(unreached, func(s string) bool { return strings.Contains(got.Err, s) }) {
		t.Errorf("%s: exit code %d: %s", e.where, got.Code, got.Err)
	}
	if cmd.Name() == "create" && got.Code != exit.Success && !cmd.Flags().Changed("from-schedule") {
		t.Errorf("%s: exit code %d: %s", e.where, got.Code, got.Err)
	}
}

// printed makes a command that creates one that prints.
func printed(words []string) []string {
	var kept []string
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "--wait":
		case "--timeout", "-o", "--output":
			i++
		default:
			kept = append(kept, words[i])
		}
	}
	return append(kept, "-o", "yaml")
}

// split splits a line as a shell does, as far as examples go.
func split(line string) []string {
	var words []string
	var word strings.Builder
	quote, within := rune(0), false
	for _, c := range line + " " {
		switch {
		case quote == 0 && (c == '"' || c == '\''):
			quote, within = c, true
		case c == quote:
			quote = 0
		case quote == 0 && c == ' ':
			if within {
				words = append(words, word.String())
			}
			word.Reset()
			within = false
		default:
			word.WriteRune(c)
			within = true
		}
	}
	return words
}

// suchAs is the value that the text about a flag shows.
var suchAs = regexp.MustCompile("such as (?:\"([^\"]+)\"|`([^`]+)`|([^;|\"`]+))")

// base is what each command that creates needs, besides the flag that is tried.
var base = map[string][]string{
	"ark backup create":   {"x", "-o", "yaml"},
	"ark restore create":  {"x", "--from-backup", "b", "-o", "yaml"},
	"ark schedule create": {"x", "-o", "yaml"},
}

func TestEveryValueThatAFlagShowsIsTaken(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join("..", "..", "docs", "cli.md"))
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	tree(t, func(cmd *cobra.Command) {
		args, creates := base[cmd.CommandPath()]
		if !creates {
			return
		}
		_, section, _ := strings.Cut(string(manual), "\n## `"+cmd.CommandPath()+"`\n")
		section, _, _ = strings.Cut(section, "\n## ")
		cmd.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
			texts := []string{f.Usage}
			for row := range strings.Lines(section) {
				if strings.Contains(row, "`--"+f.Name+"`") {
					texts = append(texts, row)
				}
			}
			for _, text := range texts {
				m := suchAs.FindStringSubmatch(text)
				if m == nil || f.Name == "timeout" {
					continue
				}
				value := strings.TrimSpace(m[1] + m[2] + m[3])
				tried++
				words := slices.Concat(strings.Fields(cmd.CommandPath())[1:], args, []string{"--" + f.Name + "=" + value})
				if cmd.Name() == "create" && strings.Contains(cmd.CommandPath(), "schedule") && f.Name != "cron" {
					words = append(words, "--cron=@daily")
				}
				check(t, atBucket(t).ark(t.Context(), words...), exit.Success, nil, nil)
			}
		})
	})
	if tried < 10 {
		t.Errorf("only %d values were tried", tried)
	}
}

func TestFlagsOfOneKindAreReadInOneWay(t *testing.T) {
	tree(t, func(cmd *cobra.Command) {
		cmd.NonInheritedFlags().VisitAll(func(f *pflag.Flag) {
			_, ours := f.Value.(*duration)
			if f.Value.Type() == "stringSlice" || f.Value.Type() == "duration" && !ours {
				t.Errorf("%s: --%s: define it with listVar or durationVar, which trim spaces and name the units", cmd.CommandPath(), f.Name)
			}
		})
	})
}
