// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

func TestCompletionScripts(t *testing.T) {
	u := atBucket(t)
	for _, shell := range []string{"bash", "zsh", "fish"} {
		t.Run(shell, func(t *testing.T) {
			got := u.ark(t.Context(), "completion", shell)
			check(t, got, exit.Success, []string{"__complete", "ark"}, nil)
			program, err := exec.LookPath(shell)
			if err != nil {
				return // that the other shells read theirs is for cobra to test
			}
			script := filepath.Join(t.TempDir(), "script")
			if err := os.WriteFile(script, []byte(got.Out), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.CommandContext(t.Context(), program, "-n", script).CombinedOutput(); err != nil {
				t.Errorf("%s does not read its script: %v\n%s", shell, err, out)
			}
		})
	}
	check(t, u.ark(t.Context(), "completion", "powershell"), exit.Usage, nil, []string{"choose bash, zsh or fish"})
	check(t, u.ark(t.Context(), "completion"), exit.Usage, nil, []string{"expected ark completion bash|zsh|fish"})
}

func TestCompletion(t *testing.T) {
	u, c := atCluster(t)
	create(t, c, partialBackup("complete-a"))
	create(t, c, partialBackup("complete-b"))
	create(t, c, &v1alpha1.Schedule{ObjectMeta: objectMeta("complete.nightly"), Spec: v1alpha1.ScheduleSpec{Cron: "@daily", PolicyName: "p"}})
	create(t, c, &v1alpha1.Config{
		ObjectMeta: objectMeta(v1alpha1.ConfigName),
		Spec:       v1alpha1.ConfigSpec{Storage: []v1alpha1.StorageLocation{{Name: "far", URL: "mem://far"}, {Name: "near", URL: "mem://near"}}},
	})
	tests := map[string]struct {
		line []string
		want []string
	}{
		"commands":                   {[]string{"sched"}, []string{"schedule"}},
		"names":                      {[]string{"backup", "describe", "complete"}, []string{"complete-a", "complete-b"}},
		"no name where there is one": {[]string{"backup", "describe", "complete-a", ""}, nil},
		"more names, but not twice":  {[]string{"backup", "get", "complete-a", "complete"}, []string{"complete-b"}},
		"names of another kind":      {[]string{"schedule", "suspend", "compl"}, []string{"complete.nightly"}},
		"what a flag names":          {[]string{"restore", "create", "--from-backup", "complete-b"}, []string{"complete-b"}},
		"one of several values":      {[]string{"backup", "create", "--include-namespaces", "a,kube-sys"}, []string{"a,kube-system"}},
		"storage locations":          {[]string{"backup", "create", "--storage-location", "f"}, []string{"far"}},
		"words":                      {[]string{"restore", "create", "--existing-resource-policy", ""}, []string{"None", "Update", "Recreate"}},
		"formats":                    {[]string{"backup", "get", "-o", ""}, []string{"table", "wide", "yaml", "json", "name"}},
		"formats to commit":          {[]string{"backup", "create", "x", "-o", ""}, []string{"yaml", "json"}},
		"shells":                     {[]string{"completion", ""}, []string{"bash", "zsh", "fish"}},
		"nothing for a new name":     {[]string{"backup", "create", ""}, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := u.ark(t.Context(), append([]string{"__complete"}, tc.line...)...)
			var offered []string
			for line := range strings.Lines(got.Out) {
				word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
				if word != "" && !strings.HasPrefix(word, ":") {
					offered = append(offered, word)
				}
			}
			if diff := cmp.Diff(tc.want, offered); diff != "" {
				t.Errorf("offered (-want +got):\n%s\n%s", diff, got.Err)
			}
			if strings.HasSuffix(got.Out, ":0\n") {
				t.Error("file names are offered too")
			}
		})
	}
	t.Run("without a cluster, nothing but what is known", func(t *testing.T) {
		got := atBucket(t).ark(t.Context(), "__complete", "backup", "describe", "")
		if got.Code != exit.Success || !strings.HasPrefix(got.Out, ":1\n") {
			t.Errorf("got %d %q", got.Code, got.Out)
		}
	})
}
