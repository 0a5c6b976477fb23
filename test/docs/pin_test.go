// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherwood/ark/policies"
)

// TestTheCommandThatPinsRules runs the command of the policies page in the folder
// of an example, and compares it with the digest that Ark computes.
func TestTheCommandThatPinsRules(t *testing.T) {
	rules := filepath.Join(root, "examples", "opt-in-by-label", "rules")
	var command string
	for _, b := range blocksOf(t, policiesPage) {
		if b.mark == "pin" {
			command = b.text
		}
	}
	if command == "" {
		t.Fatalf("%s has no block that is marked pin", policiesPage)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
	cmd.Dir = rules
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, _, _ := strings.Cut(string(out), " ")

	files := map[string]string{}
	entries, err := os.ReadDir(rules)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(rules, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()] = string(content)
	}
	_, want, err := policies.FromFiles("by-label", files)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("the command says %s, Ark %s", got, want)
	}
	if !strings.Contains(read(t, policiesPage), "sha256: "+want) {
		t.Errorf("%s shows another digest than that of the example, %s", policiesPage, want)
	}
}
