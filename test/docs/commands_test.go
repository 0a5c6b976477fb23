// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// arkCommand is a line of a shell that runs ark, with or without a prompt.
	arkCommand = regexp.MustCompile(`^\s*(?:\$ )?(ark\s.*)$`)
	// shellOperator ends a command.
	shellOperator = regexp.MustCompile(`\s(?:\|\|?|&&?|;|[0-9]?>>?|#)(?:\s.*)?$`)
)

// TestCommandsInTheDocsExist asks the real command line about every ark command
// that a page shows: the command exists, and so does each of its flags.
func TestCommandsInTheDocsExist(t *testing.T) {
	ark := binary(t)
	known := 0
	seen := map[string]bool{}
	for _, language := range []string{"sh", "console"} {
		for _, page := range pages(t) {
			for _, b := range blocksOf(t, page) {
				if b.language != language {
					continue
				}
				for line := range strings.Lines(b.text) {
					m := arkCommand.FindStringSubmatch(strings.TrimRight(line, "\n"))
					if m == nil || seen[m[1]] {
						continue
					}
					seen[m[1]] = true
					known++
					if err := exists(t, ark, shellOperator.ReplaceAllString(m[1], "")); err != nil {
						t.Errorf("%s:%d: %s: %v", page, b.line, m[1], err)
					}
				}
			}
		}
	}
	if known < 10 {
		t.Errorf("only %d commands were found", known)
	}
}

// exists runs a command with --help, which reads its flags and does nothing.
func exists(t *testing.T, ark, command string) error {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-c", `ark() { "$ARK" "$@" --help; }; `+command)
	cmd.Env = append(os.Environ(), "ARK="+ark)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	words := strings.Fields(command)
	path := strings.Join(words[:min(len(words), 3)], " ")
	if len(words) > 2 && strings.HasPrefix(words[2], "-") {
		path = strings.Join(words[:2], " ")
	}
	if !strings.Contains(string(out), "\n  "+path) {
		return fmt.Errorf("the help that is shown is not that of %q", path)
	}
	return nil
}

// binary builds ark.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ark")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", path, "../../cmd/ark").CombinedOutput()
	if err != nil {
		t.Fatalf("build ark: %v\n%s", err, out)
	}
	return path
}
