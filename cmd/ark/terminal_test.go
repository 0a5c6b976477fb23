// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/gopherwood/ark/cmd/ark/internal/terminal"
	"github.com/gopherwood/ark/engine/archive"
)

// What others wrote reaches a terminal through every command, and never as it turns or
// hides text.
func TestNoOutputTurnsText(t *testing.T) {
	const hostile = "a\u202egpj.\u2066b\u200f"
	const escaped = `a\u202egpj.\u2066b\u200f`
	s := newStore(t)
	hurt := object("", "configmaps", "ConfigMap", "shop", "hurt", `{"apiVersion":"v1","kind":"ConfigMap","data":{"x":"`+hostile+`"}}`)
	hurt.Error, hurt.Annotations = hostile, map[string]string{"x": hostile}
	s.archive(t, "full", []seen{hurt}, strings.ReplaceAll(someLog, "too", hostile))
	s.backup(t, archive.Cluster{UID: production.UID, Name: hostile}, "partial", func(m *archive.Marker) {
		m.Completeness, m.Errors, m.Warnings = archive.Partial, []string{hostile}, []string{hostile}
	})
	u := atBucket(t)
	for _, args := range []string{
		"backup get -o wide", "backup get -o yaml", "backup get -o json", "backup describe partial",
		"backup contents full --show all -o wide", "backup contents full --show all -o json",
		"backup contents full configmaps/shop/hurt", "backup contents full configmaps/shop/hurt -o json",
		"backup logs full", "backup logs full -o json", "backup describe " + hostile, "backup get --cluster " + hostile + "x",
	} {
		t.Run(args, func(t *testing.T) {
			got := u.ark(t.Context(), append(strings.Fields(args), "--store", s.url())...)
			if !terminal.Safe(got.Out) || !terminal.Safe(got.Err) {
				t.Errorf("output %q, errors %q", got.Out, got.Err)
			}
			if !strings.Contains(got.Out+got.Err, escaped) {
				t.Errorf("output %q, errors %q do not tell %s", got.Out, got.Err, escaped)
			}
		})
	}
	for format, decode := range map[string]func([]byte, any) error{
		"json": json.Unmarshal, "yaml": func(b []byte, v any) error { return yaml.Unmarshal(b, v) },
	} {
		var got struct {
			Data map[string]string `json:"data"`
		}
		out := u.ark(t.Context(), "backup", "contents", "full", "configmaps/shop/hurt", "-o", format, "--store", s.url()).Out
		if err := decode([]byte(out), &got); err != nil || got.Data["x"] != hostile {
			t.Errorf("%s: %q, %v is not exact", format, got.Data["x"], err)
		}
	}
}
