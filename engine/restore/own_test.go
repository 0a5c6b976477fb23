// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
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

// Keys, credentials and rules are named by Ark's own kinds.
func TestWhatLiesInArksNamespaceIsNeverWrittenOver(t *testing.T) {
	for _, existing := range []restore.Existing{restore.ExistingUpdate, restore.ExistingRecreate} {
		for _, kind := range []string{"Secret", "ConfigMap"} {
			for into, want := range map[string]string{"ark": "live", "elsewhere": "archived"} {
				t.Run(fmt.Sprintf("%s of a %s into %s", existing, kind, into), func(t *testing.T) {
					source, target := newFakeCluster(t), newFakeCluster(t)
					object := `{"apiVersion":"v1","kind":%q,"metadata":{"namespace":%q,"name":"o","labels":{"ark-restore":%q}},"data":{"k":%q}}`
					source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
					source.add(fmt.Sprintf(object, kind, "a", "", "archived"))
					target.add(fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, into))
					target.add(fmt.Sprintf(object, kind, into, "other", "live"))
					req := request()
					req.Existing, req.OwnNamespace, req.NamespaceMapping = existing, "ark", map[string]string{"a": into}
					report := mustRun(t, target, req, backup(t, source), restore.Options{Replaced: keepIn(&bytes.Buffer{})})
					resource := strings.ToLower(kind) + "s/" + into + "/o"
					if got := transform.Text(target.object(resource), "data", "k"); got != want {
						t.Errorf("data.k = %q, want %q: %v", got, want, report.Warnings)
					}
				})
			}
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

// A record that comes back would say of a restore that is asked for anew that it is
// done, or be in its way.
func TestRecordsOfRestoresDoNotComeBack(t *testing.T) {
	const record = `{"apiVersion":"v1","kind":%q,"metadata":{"namespace":"ark","name":%q,"labels":{"ark.gopherwood.dev/created-by":%q}}}`
	for name, named := range map[string][]string{"with everything": nil, "asked for by name": {"configmaps", "secrets"}} {
		t.Run(name, func(t *testing.T) {
			source, target := newFakeCluster(t), newFakeCluster(t)
			source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"ark"}}`)
			source.add(fmt.Sprintf(record, "ConfigMap", "ark-restore-x", "restore"))
			source.add(fmt.Sprintf(record, "ConfigMap", "rules", "somebody"))
			source.add(fmt.Sprintf(record, "Secret", "s", "restore"))
			req := request()
			req.OwnNamespace, req.Selection.IncludedResources = "ark", named
			report := mustRun(t, target, req, backup(t, source), restore.Options{})
			if target.object("configmaps/ark/ark-restore-x") != nil || report.SkippedBy[restore.CodeOwnRecord] != 1 {
				t.Errorf("the record came back; skipped by %v", report.SkippedBy)
			}
			for _, key := range []string{"configmaps/ark/rules", "secrets/ark/s"} {
				if target.object(key) == nil {
					t.Errorf("%s did not come back", key)
				}
			}
		})
	}
}
