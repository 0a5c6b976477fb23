// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/engine/archive"
)

// spoil changes a byte in the middle of a file behind Ark's back.
func (s store) spoil(t *testing.T, name, file string) {
	t.Helper()
	path := filepath.Join(s.dir, filepath.FromSlash(archive.FileKey(ownCluster, name, "1", file)))
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestBackupVerify(t *testing.T) {
	s := newStore(t)
	s.archive(t, "whole", shopObjects(), someLog)
	s.archive(t, "hurt", shopObjects(), someLog)
	s.spoil(t, "hurt", archive.ContentsFile)
	// Its files are as its marker says, and are no archive.
	s.backup(t, production, "hollow", nil)
	a, err := s.NewAttempt(ownCluster, "broken-off", "1")
	if err != nil {
		t.Fatal(err)
	}
	f, err := a.File(t.Context(), archive.ContentsFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	u := atBucket(t)
	stranger := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for name, tc := range map[string]struct {
		args string
		code exit.Code
		want []string
	}{
		"one that is good":                      {"whole", exit.Success, []string{"whole Good"}},
		"and every object of it":                {"whole --deep", exit.Success, []string{"whole Good 6"}},
		"one with another file":                 {"hurt", exit.Damaged, []string{"hurt Damaged"}},
		"one whose marker alone is good":        {"hollow --deep", exit.Damaged, []string{"hollow Damaged"}},
		"one that nobody trusted signed":        {"whole --trusted-key " + stranger, exit.Damaged, []string{"whole Unverified"}},
		"all of them, past one that is damaged": {"--all", exit.Damaged, []string{"hollow Good", "hurt Damaged", "whole Good", "broken-off Uncommitted"}},
		"one that there is not":                 {"nothing", exit.Failed, nil},
		"neither a name nor all":                {"", exit.Usage, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := u.ark(t.Context(), append(strings.Fields("backup verify -o json "+tc.args), "--store", s.url())...)
			if got.Code != tc.code {
				t.Errorf("code %d, want %d: %s%s", got.Code, tc.code, got.Out, got.Err)
			}
			var verdicts []verdict
			if got.Out != "" {
				if err := json.Unmarshal([]byte(got.Out), &verdicts); err != nil {
					t.Fatal(err)
				}
			}
			var results []string
			for _, v := range verdicts {
				text := v.Name + " " + v.Result
				if v.Objects > 0 && v.Result == good {
					text += " 6"
				}
				results = append(results, text)
			}
			if diff := cmp.Diff(tc.want, results); diff != "" {
				t.Errorf("(-want +got):\n%s%s", diff, got.Err)
			}
		})
	}
}
