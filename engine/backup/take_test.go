// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup_test

import (
	"archive/tar"
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/backup"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/collect"
)

const clusterUID = "11111111-2222-3333-4444-555555555555"

var created = time.Date(2026, time.May, 17, 3, 4, 5, 0, time.UTC)

// clock stands.
type clock struct{}

func (clock) Now() time.Time { return created.Add(time.Minute) }

// cluster has one namespace with a few ConfigMaps in it.
type cluster struct {
	objects int
	listErr error
	// more types are served beside, each without an object.
	more []engine.Resource
	// revision is that of the pages of config maps.
	revision string
}

var (
	namespaces = engine.Resource{Version: "v1", Name: "namespaces", Kind: "Namespace", Versions: []string{"v1"}}
	configMaps = engine.Resource{Version: "v1", Name: "configmaps", Kind: "ConfigMap", Namespaced: true, Versions: []string{"v1"}}
)

func (c cluster) Discover(context.Context) (engine.Discovery, error) {
	return engine.Discovery{Resources: append([]engine.Resource{configMaps, namespaces}, c.more...)}, nil
}

func (c cluster) Revision(context.Context, engine.Resource) (engine.State, error) {
	return engine.State{Revision: "7", Objects: -1}, nil
}

func (c cluster) List(_ context.Context, r engine.Resource, opts engine.ListOptions) iter.Seq2[engine.Object, error] {
	return func(yield func(engine.Object, error) bool) {
		if c.revision != "" {
			opts.OnPage(engine.Page{Revision: c.revision})
		}
		if r.Group != "" {
			return
		}
		if r.Name == "namespaces" {
			yield(object(r, "", "shop"), nil)
			return
		}
		for i := range c.objects {
			if !yield(object(r, "shop", fmt.Sprintf("cm-%d", i)), nil) {
				return
			}
		}
		if c.listErr != nil {
			yield(engine.Object{}, c.listErr)
		}
	}
}

func object(r engine.Resource, namespace, name string) engine.Object {
	meta := engine.Meta{Namespace: namespace, Name: name}
	raw, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": r.Kind, "metadata": meta})
	if err != nil {
		panic(err)
	}
	return engine.Object{Resource: r, Meta: meta, Raw: raw}
}

func newStore(t *testing.T) *storetest.Faulty {
	t.Helper()
	inner, err := blobstore.Open(t.Context(), blobstore.Location{Name: "main", URL: "mem://" + strings.NewReplacer("/", "-", "_", "-").Replace(strings.ToLower(t.Name()))}, blobstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return storetest.NewFaulty(inner)
}

func attach(t *testing.T, store engine.Store) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Attach(t.Context(), store, clock{}, catalog.Options{Tool: "ark test"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func request(name, attempt string) backup.Request {
	return backup.Request{
		Cluster: archive.Cluster{UID: clusterUID, Name: "prod"}, Name: name, Attempt: attempt,
		Schedule: "nightly", Policy: "shop",
		Spec: json.RawMessage(`{"policyName":"shop"}`), Template: json.RawMessage(`{"ttl":"1h"}`),
		Created: created, TTL: time.Hour,
		Rules: &archive.Rules{Digest: "sha256:" + strings.Repeat("a", 64), Count: 1}, RuleEngine: "opa 1",
		RuleFiles: map[string][]byte{"policy/b.rego": []byte("B"), "policy/a.rego": []byte("A")},
	}
}

func ports(c *catalog.Catalog, source cluster) backup.Ports {
	return backup.Ports{Source: collect.Source{Discoverer: source, Lister: source, Historian: source}, Catalog: c, Clock: clock{}}
}

func TestTheMarkerSaysWhatWasTaken(t *testing.T) {
	c := attach(t, newStore(t))
	snapshot, err := backup.Take(t.Context(), ports(c, cluster{objects: 3}), request("nightly-20260517030405", "a1"), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := *snapshot.Marker
	var files []string
	for _, name := range []string{
		archive.ContentsFile, archive.IndexFile, archive.DirectoryFile,
		archive.ResultsFile, archive.DecisionsFile, archive.LogFile, archive.PolicyFile,
	} {
		if m.Files[name].Size == 0 {
			files = append(files, name)
		}
	}
	if files != nil || len(m.Files) != 7 {
		t.Errorf("files = %v, without %v", m.Files, files)
	}
	m.Files, m.Resources = nil, nil
	want := archive.Marker{
		Format: 1, Store: c.Identity().ID, Cluster: archive.Cluster{UID: clusterUID, Name: "prod"},
		Name: "nightly-20260517030405", Attempt: "a1", Tool: "ark test", Schedule: "nightly", Policy: "shop",
		Spec: json.RawMessage(`{"policyName":"shop"}`), Template: json.RawMessage(`{"ttl":"1h"}`),
		Rules:   &archive.Rules{Digest: "sha256:" + strings.Repeat("a", 64), Count: 1},
		Created: created, Started: created.Add(time.Minute), Completed: created.Add(time.Minute), Expires: created.Add(time.Hour),
		Revision: "7", Completeness: archive.Complete, Objects: archive.Counts{Included: 4}, ExcludedBy: map[string]int64{},
	}
	if diff := cmp.Diff(want, m, cmp.Transformer("nonEmpty", func(m map[string]int64) int { return len(m) })); diff != "" {
		t.Errorf("marker mismatch (-want +got):\n%s", diff)
	}
	if err := c.Verify(t.Context(), snapshot); err != nil {
		t.Errorf("Verify() error = %v", err)
	}
}

func TestAListThatFailsMakesTheBackupPartial(t *testing.T) {
	c := attach(t, newStore(t))
	snapshot, err := backup.Take(t.Context(), ports(c, cluster{objects: 2, listErr: errors.New("connection reset")}), request("b", "a1"), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := snapshot.Marker
	if m.Completeness != archive.Partial || len(m.Errors) != 1 || !strings.Contains(m.Errors[0], "connection reset") {
		t.Errorf("completeness = %s, errors = %q, want it partial with the reason", m.Completeness, m.Errors)
	}
}

// TestNoAPIKeepsAllOthersFromABackup has APIs that are not what Kubernetes asks of
// them: the backup says so, and is committed.
func TestNoAPIKeepsAllOthersFromABackup(t *testing.T) {
	odd := func(group, version, name, kind string) engine.Resource {
		return engine.Resource{Group: group, Version: version, Name: name, Kind: kind, Versions: []string{version}}
	}
	var many []engine.Resource
	for i := range archive.MaxTypes + 10 {
		many = append(many, odd("example.org", "v1", fmt.Sprintf("widgets%d", i), "Widget"))
	}
	for name, tc := range map[string]struct {
		source       cluster
		completeness string
		warning      string
		err          string
	}{
		"a revision that is no text": {
			source: cluster{objects: 1, revision: "\a"}, completeness: archive.Partial, err: `the list is of a revision that is none: "\a"`,
		},
		"a revision that does not end": {
			source: cluster{objects: 1, revision: strings.Repeat("7", 129)}, completeness: archive.Partial, err: "a revision that is none",
		},
		"a type of an odd name": {
			source:       cluster{objects: 1, more: []engine.Resource{odd("example.org", "v1", "widgets_v2", "Widget")}},
			completeness: archive.Complete, warning: `resource "widgets_v2" is not a DNS label`,
		},
		"a type of an odd group": {
			source:       cluster{objects: 1, more: []engine.Resource{odd("Example.org", "v1", "widgets", "Widget")}},
			completeness: archive.Complete, warning: `group "Example.org" is not a DNS name`,
		},
		"a type of an odd version": {
			source:       cluster{objects: 1, more: []engine.Resource{odd("example.org", "v1.0", "widgets", "Widget")}},
			completeness: archive.Complete, warning: `version "v1.0" is not a DNS label`,
		},
		"a type of an odd kind": {
			source:       cluster{objects: 1, more: []engine.Resource{odd("example.org", "v1", "widgets", "My Widget")}},
			completeness: archive.Complete, warning: `kind "My Widget" is not a kind`,
		},
		"too many types": {
			source: cluster{objects: 1, more: many}, completeness: archive.Complete, warning: " of 10012 types are not listed one by one",
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := attach(t, newStore(t))
			snapshot, err := backup.Take(t.Context(), ports(c, tc.source), request("b", "a1"), nil)
			if err != nil {
				t.Fatal(err)
			}
			m := snapshot.Marker
			if warnings, errs := strings.Join(m.Warnings, "\n"), strings.Join(m.Errors, "\n"); m.Completeness != tc.completeness ||
				!strings.Contains(warnings, tc.warning) || !strings.Contains(errs, tc.err) {
				t.Errorf("it is %s, warns %q and fails %q; want it %s, %q, %q", m.Completeness, warnings, errs, tc.completeness, tc.warning, tc.err)
			}
			if tc.err == "" && m.Resources["configmaps"].Included != 1 {
				t.Errorf("of config maps it tells %+v", m.Resources["configmaps"])
			}
			if err := c.Verify(t.Context(), snapshot); err != nil {
				t.Errorf("Verify() error = %v", err)
			}
		})
	}
}

func TestABackupOfNothingIsPartialUnlessItIsAllowed(t *testing.T) {
	const missing = `includedNamespaces: there is no namespace "elsewhere"`
	type outcome struct {
		Completeness     string
		Warnings, Errors []string
	}
	for name, tc := range map[string]struct {
		allow bool
		want  outcome
	}{
		"not allowed": {false, outcome{archive.Partial, []string{missing}, []string{"the backup contains nothing: check the template's namespaces, " +
			"resources and labels, and the rules; allowEmpty in the template allows it"}}},
		"allowed": {true, outcome{archive.Complete, []string{missing, "the backup contains nothing"}, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			c := attach(t, newStore(t))
			req := request("b", "a1")
			req.Collect.Template.IncludedNamespaces = []string{"elsewhere"}
			req.Collect.AllowEmpty = tc.allow
			snapshot, err := backup.Take(t.Context(), ports(c, cluster{objects: 2}), req, nil)
			if err != nil {
				t.Fatal(err)
			}
			m := snapshot.Marker
			if diff := cmp.Diff(tc.want, outcome{m.Completeness, m.Warnings, m.Errors}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatLiesBesideTheArchive(t *testing.T) {
	c := attach(t, newStore(t))
	snapshot, err := backup.Take(t.Context(), ports(c, cluster{objects: 1}), request("b", "a1"), nil)
	if err != nil {
		t.Fatal(err)
	}
	open := func(name string) io.Reader {
		r, err := c.OpenFile(t.Context(), snapshot, name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.Close() })
		gz, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		return gz
	}
	rules := map[string]string{}
	for tr := tar.NewReader(open(archive.PolicyFile)); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		rules[h.Name] = string(b)
	}
	if diff := cmp.Diff(map[string]string{"policy/a.rego": "A", "policy/b.rego": "B"}, rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	var messages []string
	for lines := bufio.NewScanner(open(archive.LogFile)); lines.Scan(); {
		var line struct{ Time, Msg string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Time != "2026-05-17T03:05:05Z" {
			t.Errorf("log line %s: %v", lines.Bytes(), err)
		}
		messages = append(messages, line.Msg)
	}
	if diff := cmp.Diff([]string{"Taking backup", "Listing types", "Listed types at one moment", "Committing backup"}, messages); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	header := bufio.NewScanner(open(archive.DecisionsFile))
	header.Scan()
	if !strings.Contains(header.Text(), `"policy":"shop"`) || !strings.Contains(header.Text(), `"engine":"opa 1"`) {
		t.Errorf("first line of the decisions = %s, want policy and engine", header.Text())
	}
}

// TestNoFailureLeavesHalfABackup fails each step that a backup takes in a store,
// one after the other: whatever fails, the backup is there whole or not at all,
// and another attempt succeeds.
func TestNoFailureLeavesHalfABackup(t *testing.T) {
	for _, op := range []storetest.Op{storetest.OpCreate, storetest.OpWrite, storetest.OpClose, storetest.OpOpen, storetest.OpRead, storetest.OpList} {
		t.Run(string(op), func(t *testing.T) {
			store := newStore(t)
			c := attach(t, store)
			for nth := 1; ; nth++ {
				name := fmt.Sprintf("b-%d", nth)
				store.Inject(storetest.Fault{Op: op, Nth: nth, Effect: storetest.Fail(errors.New("bucket is full"))})
				_, err := backup.Take(t.Context(), ports(c, cluster{objects: 2}), request(name, "a1"), nil)
				store.Heal()
				if err == nil {
					return // fewer steps than nth
				}
				wholeOrNone(t, c, nth, name)
			}
		})
	}
}

// wholeOrNone checks what a failed attempt left behind: nothing, and the next
// attempt succeeds; or, where only the answer to the commit was lost, a backup.
func wholeOrNone(t *testing.T, c *catalog.Catalog, nth int, name string) {
	t.Helper()
	snapshot, err := c.Marker(t.Context(), clusterUID, name)
	_, next := backup.Take(t.Context(), ports(c, cluster{objects: 2}), request(name, "a2"), nil)
	switch {
	case errors.Is(err, engine.ErrNotFound):
		if next != nil {
			t.Fatalf("step %d: the next attempt: %v", nth, next)
		}
	case err != nil:
		t.Fatalf("step %d: Marker() error = %v", nth, err)
	default:
		if err := c.Verify(t.Context(), snapshot); err != nil || !errors.Is(next, engine.ErrExists) {
			t.Fatalf("step %d: Verify() error = %v, the next attempt's = %v, want none and ErrExists", nth, err, next)
		}
	}
}

func TestACancelledBackupClearsAway(t *testing.T) {
	store := newStore(t)
	c := attach(t, store)
	ctx, cancel := context.WithCancel(t.Context())
	store.Inject(storetest.Fault{Op: storetest.OpClose, Key: archive.IndexFile, Nth: 1, Effect: storetest.Stall(cancel)})
	if _, err := backup.Take(ctx, ports(c, cluster{objects: 2}), request("b", "a1"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Take() error = %v, want context.Canceled", err)
	}
	for blob, err := range store.List(t.Context(), clusterUID+"/", false) {
		t.Errorf("left behind: %s, %v", blob.Key, err)
	}
}

func TestTheDataOfABackupWhoseCommitIsInDoubtStays(t *testing.T) {
	store := newStore(t)
	c := attach(t, store)
	ctx, cancel := context.WithCancel(t.Context())
	store.Inject(storetest.Fault{Op: storetest.OpClose, Key: "/markers/", Nth: 1, Effect: storetest.Stall(cancel)})
	if _, err := backup.Take(ctx, ports(c, cluster{objects: 2}), request("b", "a1"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Take() error = %v, want context.Canceled", err)
	}
	left := 0
	for _, err := range store.List(t.Context(), archive.FileKey(clusterUID, "b", "a1", ""), false) {
		if err != nil {
			t.Fatal(err)
		}
		left++
	}
	if left != 7 {
		t.Errorf("%d files are left of 7: the marker may still arrive", left)
	}
}
