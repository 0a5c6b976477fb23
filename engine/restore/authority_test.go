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
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/own"
	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
)

const (
	everything = `[{"apiGroups":["*"],"resources":["*"],"verbs":["*"]}]`
	rbacV1     = `"apiVersion":"rbac.authorization.k8s.io/v1"`
)

// authority is an object that Ark's authority or its gates rest on.
type authority struct {
	// key is where it is, archived what the backup holds, and live what is there.
	key, archived, live string
}

var authorities = map[string]authority{
	"a definition of its kinds": {
		"customresourcedefinitions.apiextensions.k8s.io/configs.ark.gopherwood.dev",
		`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"configs.ark.gopherwood.dev"},"spec":{"group":"ark.gopherwood.dev","scope":"Cluster","names":{"plural":"configs","kind":"Config"},"versions":[{"name":"v1alpha1","subresources":{},"poor":true}]}}`,
		`{"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"configs.ark.gopherwood.dev"},"spec":{"group":"ark.gopherwood.dev","scope":"Cluster","names":{"plural":"configs","kind":"Config"},"versions":[{"name":"v1alpha1","subresources":{}}]}}`,
	},
	"a role of the chart": {
		"clusterroles.rbac.authorization.k8s.io/ark-controllers",
		`{` + rbacV1 + `,"kind":"ClusterRole","metadata":{"name":"ark-controllers"},"rules":` + everything + `}`,
		`{` + rbacV1 + `,"kind":"ClusterRole","metadata":{"name":"ark-controllers"},"rules":[]}`,
	},
	"a role that is bound to its account": {
		"clusterroles.rbac.authorization.k8s.io/bound",
		`{` + rbacV1 + `,"kind":"ClusterRole","metadata":{"name":"bound"},"rules":` + everything + `}`,
		`{` + rbacV1 + `,"kind":"ClusterRole","metadata":{"name":"bound"},"rules":[]}`,
	},
	"a binding of its account": {
		"clusterrolebindings.rbac.authorization.k8s.io/new",
		`{` + rbacV1 + `,"kind":"ClusterRoleBinding","metadata":{"name":"new"},"subjects":[{"kind":"ServiceAccount","namespace":"ark","name":"server"}]}`,
		`{` + rbacV1 + `,"kind":"ClusterRoleBinding","metadata":{"name":"new"},"subjects":[{"kind":"ServiceAccount","namespace":"a","name":"b"}]}`,
	},
	"what was a binding of its account": {
		"clusterrolebindings.rbac.authorization.k8s.io/new",
		`{` + rbacV1 + `,"kind":"ClusterRoleBinding","metadata":{"name":"new"},"subjects":[{"kind":"ServiceAccount","namespace":"ark","name":"server"}]}`,
		`{` + rbacV1 + `,"kind":"ClusterRoleBinding","metadata":{"name":"new"}}`,
	},
	"its Deployment": {
		"deployments.apps/ark/ark",
		`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"namespace":"ark","name":"ark"},"spec":{"image":"evil","replicas":2}}`,
		`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"namespace":"ark","name":"ark"},"spec":{"image":"good","replicas":2}}`,
	},
	"a webhook for its kinds": {
		"validatingwebhookconfigurations.admissionregistration.k8s.io/w",
		`{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{"name":"w"},"webhooks":[{"name":"w","rules":[{"apiGroups":["*"],"resources":["*"]}]}]}`,
		`{"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration","metadata":{"name":"w"},"webhooks":[]}`,
	},
}

// askFor is a request into a cluster in which Ark runs in the namespace ark.
func askFor(a authority, proof own.Proof) restore.Request {
	req := request()
	req.OwnNamespace, req.Proof = "ark", proof
	req.Own = own.Facts{
		User:  "system:serviceaccount:ark:server",
		Roles: map[engine.Key]bool{{GroupResource: groupResource("clusterroles.rbac.authorization.k8s.io"), Name: "bound"}: true},
	}
	req.Selection.IncludedResources = []string{strings.Split(a.key, "/")[0]}
	return req
}

// namespaced begins a cluster with the namespaces that the objects lie in.
func namespaced(t *testing.T, objects ...string) *fakeCluster {
	t.Helper()
	c := newFakeCluster(t)
	for _, name := range []string{"ark", "a"} {
		c.add(fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, name))
	}
	for _, o := range objects {
		c.add(o)
	}
	return c
}

// without drops what a restore and a cluster add.
func without(m transform.Manifest) transform.Manifest {
	if meta, ok := m["metadata"].(transform.Manifest); ok {
		for _, field := range []string{"uid", "resourceVersion", "creationTimestamp", "managedFields", "labels"} {
			delete(meta, field)
		}
	}
	delete(m, "status")
	return m
}

func TestNoRestoreWritesOverWhatArkRestsOn(t *testing.T) {
	for name, a := range authorities {
		for _, proof := range []own.Proof{own.NothingSigns, own.Unproven, own.Proven} {
			for _, existing := range []restore.Existing{restore.ExistingNone, restore.ExistingUpdate, restore.ExistingRecreate} {
				t.Run(fmt.Sprintf("%s, %q, %s", name, proof, existing), func(t *testing.T) {
					source, target := namespaced(t, a.archived), namespaced(t, a.live)
					before := without(target.object(a.key))
					req, lines := askFor(a, proof), &lineLog{}
					req.Existing = existing
					report := mustRun(t, target, req, backup(t, source), restore.Options{Replaced: keepIn(&bytes.Buffer{}), Results: lines})
					if diff := cmp.Diff(before, without(target.object(a.key))); diff != "" {
						t.Errorf("it changed (-want +got):\n%s", diff)
					}
					if w := slices.DeleteFunc(target.writes(), func(w string) bool { return strings.HasPrefix(w, "POST namespaces/") }); len(w) > 0 {
						t.Errorf("wrote %v", w)
					}
					l := lines.of(t, a.key)
					if l.Outcome != restore.Left || l.Code != restore.CodeOwnSettings || l.Action != restore.ActionKeep {
						t.Errorf("line = %+v, want it left, with code %s: %v", l, restore.CodeOwnSettings, report.Warnings)
					}
				})
			}
		}
	}
}

func TestWhatArkRestsOnIsMadeOnlyByItsOwnVerifiedBackup(t *testing.T) {
	for name, a := range authorities {
		for _, proof := range []own.Proof{own.NothingSigns, own.Unproven, own.Proven} {
			for _, dryRun := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %q, dry run: %t", name, proof, dryRun), func(t *testing.T) {
					source, target := namespaced(t, a.archived), namespaced(t)
					req, lines := askFor(a, proof), &lineLog{}
					req.DryRun, req.Paused = dryRun, true
					req.Modifiers = []transform.ModifierSpec{{Name: "change", Patch: []byte(`[{"op":"add","path":"/changed","value":true}]`)}}
					report := mustRun(t, target, req, backup(t, source), restore.Options{Results: lines})
					l := lines.of(t, a.key)
					if proof != own.Proven {
						if target.object(a.key) != nil || l.Action != restore.ActionSkip || l.Code != restore.CodeOwnSettings || report.SkippedBy[restore.CodeOwnSettings] != 1 {
							t.Errorf("line = %+v, skipped %v, object %v, want it left out with code %s", l, report.SkippedBy, target.object(a.key), restore.CodeOwnSettings)
						}
						return
					}
					if l.Action != restore.ActionCreate {
						t.Errorf("line = %+v, want it to be created", l)
					}
					if dryRun {
						return
					}
					if diff := cmp.Diff(without(source.object(a.key)), without(target.object(a.key))); diff != "" {
						t.Errorf("it is not as archived (-want +got):\n%s", diff)
					}
				})
			}
		}
	}
}

// What is harmless in the archive can become Ark's on the way.
func TestWhatBecomesArksOnTheWayIsLeftOut(t *testing.T) {
	const (
		configMap = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"a","name":"o"}}`
		pod       = `{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"a","name":"o"}}`
		binding   = `{` + rbacV1 + `,"kind":"ClusterRoleBinding","metadata":{"name":"o"},"subjects":[{"kind":"ServiceAccount","namespace":"a","name":"server"}]}`
		role      = `{` + rbacV1 + `,"kind":"ClusterRole","metadata":{"name":"o"},"rules":` + everything + `}`
	)
	toArk := map[string]string{"a": "ark"}
	modify := func(patch string) []transform.ModifierSpec {
		return []transform.ModifierSpec{{Name: "m", Patch: []byte(patch)}}
	}
	tests := map[string]struct {
		archived, key string
		ask           func(*restore.Request)
	}{
		"a ConfigMap that is mapped into its namespace": {configMap, "configmaps/ark/o", func(r *restore.Request) { r.NamespaceMapping = toArk }},
		"a pod that is mapped into its namespace":       {pod, "pods/ark/o", func(r *restore.Request) { r.NamespaceMapping = toArk }},
		"a binding whose subject a modifier makes its account": {
			binding, "clusterrolebindings.rbac.authorization.k8s.io/o",
			func(r *restore.Request) {
				r.Modifiers = modify(`[{"op":"replace","path":"/subjects/0/namespace","value":"ark"}]`)
			},
		},
		"a role that a modifier has aggregated": {
			role, "clusterroles.rbac.authorization.k8s.io/o",
			func(r *restore.Request) {
				r.Modifiers = modify(`[{"op":"add","path":"/metadata/labels","value":{"to":"ark"}}]`)
			},
		},
	}
	for name, tc := range tests {
		for _, existing := range []restore.Existing{"", restore.ExistingUpdate} {
			t.Run(fmt.Sprintf("%s, %s", name, existing), func(t *testing.T) {
				source, target := namespaced(t, tc.archived), namespaced(t)
				req, lines := askFor(authority{key: tc.key}, own.Proven), &lineLog{}
				req.Own.Aggregated = append(req.Own.Aggregated, selector("to=ark"))
				req.Existing = existing
				tc.ask(&req)
				report := mustRun(t, target, req, backup(t, source), restore.Options{Results: lines})
				if target.object(tc.key) != nil || report.SkippedBy[restore.CodeOwnSettings] != 1 {
					t.Errorf("object %v, skipped %v, warnings %v, want it left out with code %s",
						target.object(tc.key), report.SkippedBy, report.Warnings, restore.CodeOwnSettings)
				}
			})
		}
	}
}

// What is written, not what was archived, is what counts: a copy of Ark is not Ark.
func TestWhatIsMappedAwayFromArkIsNotArks(t *testing.T) {
	source, target := namespaced(t, authorities["its Deployment"].archived), namespaced(t)
	req := askFor(authorities["its Deployment"], own.Unproven)
	req.NamespaceMapping = map[string]string{"ark": "copy"}
	mustRun(t, target, req, backup(t, source), restore.Options{})
	if target.object("deployments.apps/copy/ark") == nil {
		t.Error("the copy was not made")
	}
}

// of returns the last line about an object.
func (l *lineLog) of(t *testing.T, key string) restore.Line {
	t.Helper()
	var found restore.Line
	for _, line := range l.all(t) {
		if line.Object == key || line.Target == key {
			found = line
		}
	}
	return found
}

func selector(text string) labels.Selector {
	s, err := labels.Parse(text)
	if err != nil {
		panic(err)
	}
	return s
}
