// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// disarm is a modifier that takes the gates out of a Config.
var disarm = transform.ModifierSpec{
	Name: "disarm", Resources: []string{"configs"}, Patch: []byte(`[{"op":"replace","path":"/spec","value":{"requireGate":false}}]`),
}

func TestWhatArkIsToldIsNeverWrittenOver(t *testing.T) {
	const live = `{"apiVersion":"ark.gopherwood.dev/v1alpha1","kind":"Config","metadata":{"name":"default","labels":{"ark-restore":"`
	for _, existing := range []restore.Existing{restore.ExistingNone, restore.ExistingUpdate, restore.ExistingRecreate} {
		for name, label := range map[string]string{"somebody's": "other", "its own, by the label": "r1"} {
			t.Run(string(existing)+" "+name, func(t *testing.T) {
				source, target := newFakeCluster(t), newFakeCluster(t)
				source.add(`{"apiVersion":"ark.gopherwood.dev/v1alpha1","kind":"Config","metadata":{"name":"default"},"spec":{"storage":[]},"status":{"ready":false}}`)
				target.add(live + label + `"}},"spec":{"requireGate":true},"status":{"ready":true}}`)
				req := request()
				req.Existing = existing
				req.Selection.IncludedResources = []string{"configs.ark.gopherwood.dev"}
				req.RestoreStatus = []string{"configs.ark.gopherwood.dev"}
				req.Modifiers = []transform.ModifierSpec{disarm}
				lines := &lineLog{}
				report := mustRun(t, target, req, backup(t, source), restore.Options{Replaced: keepIn(&bytes.Buffer{}), Results: lines})
				if diff := cmp.Diff(restore.Counts{Existing: 1}, report.Results); diff != "" {
					t.Errorf("Results (-want +got):\n%s\n%v", diff, report.Warnings)
				}
				for _, l := range lines.all(t) {
					if l.Code != restore.CodeOwnSettings || l.Action != restore.ActionKeep {
						t.Errorf("line = %+v, want it kept with code %s", l, restore.CodeOwnSettings)
					}
				}
				// The attempt to create it fails: that it exists is learned from that.
				for _, w := range target.writes() {
					if w != "POST configs.ark.gopherwood.dev/default" {
						t.Errorf("wrote %v", w)
					}
				}
				if m := target.object("configs.ark.gopherwood.dev/default"); !cmp.Equal(m["spec"], any(map[string]any{"requireGate": true})) {
					t.Errorf("spec = %v", m["spec"])
				}
			})
		}
	}
}

func TestWhatArkIsToldComesBackAsArchived(t *testing.T) {
	source, target := newFakeCluster(t), newFakeCluster(t)
	source.add(`{"apiVersion":"ark.gopherwood.dev/v1alpha1","kind":"Config","metadata":{"name":"default"},"spec":{"requireGate":true}}`)
	req := request()
	req.Selection.IncludedResources = []string{"configs.ark.gopherwood.dev"}
	req.Modifiers = []transform.ModifierSpec{disarm}
	report := mustRun(t, target, req, backup(t, source), restore.Options{})
	if m := target.object("configs.ark.gopherwood.dev/default"); !cmp.Equal(m["spec"], any(map[string]any{"requireGate": true})) {
		t.Errorf("spec = %v, want it as archived", m["spec"])
	}
	want := `configs.ark.gopherwood.dev/default: modifier "disarm" is not applied: Ark's own objects come back as archived`
	if !slices.Contains(report.Warnings, want) {
		t.Errorf("Warnings = %v, want %q", report.Warnings, want)
	}
}
