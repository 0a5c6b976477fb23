// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// licensed are the kinds of files that people write and that have comments.
var licensed = []string{".go", ".rego", ".sh"}

// foreign are folders whose content is not the repository's.
var foreign = []string{".git", "bin", "testdata", "node_modules"}

func TestEveryFileNamesItsLicence(t *testing.T) {
	checked := 0
	err := filepath.WalkDir(root(t), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(foreign, entry.Name()):
			return filepath.SkipDir
		case entry.IsDir() || !slices.Contains(licensed, filepath.Ext(path)):
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		checked++
		if !hasHeader(string(content)) {
			rel, _ := filepath.Rel(root(t), path)
			t.Errorf("%s does not begin with the two SPDX lines", rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 50 {
		t.Errorf("looked at %d files: does the test still find them?", checked)
	}
}

// hasHeader reports whether a file begins with the two lines; a build tag or the
// line that names a script's interpreter may stand before them.
func hasHeader(content string) bool {
	lines := strings.SplitN(content, "\n", 6)
	for i := range min(len(lines)-1, 4) {
		if strings.HasSuffix(lines[i], " SPDX-FileCopyrightText: The Ark Authors") {
			return strings.HasSuffix(lines[i+1], " SPDX-License-Identifier: Apache-2.0")
		}
	}
	return false
}
