// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

//go:build real

package fidelity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/gopherwood/ark/test/lab"
)

// project is one whose definitions and samples come as a Go module.
type project struct {
	module string
	// definitions and samples are the folders or files that hold them.
	definitions, samples []string
	// objects is how many of its samples an API server takes, and refused how many it
	// does not: a sample that vanishes or fails fails the test.
	objects, refused int
	// generated is how many versions without a sample got an object made from the schema.
	generated int
}

// folders downloads the modules that test/real/go.mod pins, checked against its go.sum,
// and returns where each lies.
func folders(t *testing.T) map[string]string {
	t.Helper()
	root, err := lab.Root()
	must(t, err)
	in := filepath.Join(root, "test", "real")
	var pinned struct {
		Require []struct{ Path, Version string }
	}
	must(t, json.Unmarshal(command(t, in, "mod", "edit", "-json"), &pinned))
	args := []string{"mod", "download", "-json"}
	for _, m := range pinned.Require {
		args = append(args, m.Path+"@"+m.Version)
	}
	found := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(command(t, in, args...))); ; {
		var m struct{ Path, Version, Dir string }
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s %s", m.Path, m.Version)
		found[m.Path] = m.Dir
	}
}

func command(t *testing.T, in string, args ...string) []byte {
	t.Helper()
	c := exec.CommandContext(t.Context(), "go", args...)
	c.Dir = in
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return out
}

// unread counts, by reason, what of a module's files is no object.
type unread map[string]int

func (u unread) String() string {
	var parts []string
	for reason, n := range u {
		parts = append(parts, fmt.Sprintf("%d %s", n, reason))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// objectsIn reads all objects of YAML files below paths of a folder.
func objectsIn(t *testing.T, folder string, paths []string, left unread) []*object {
	t.Helper()
	var all []*object
	for _, path := range paths {
		must(t, filepath.WalkDir(filepath.Join(folder, path), func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(file)) {
				return err
			}
			raw, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			all = append(all, documents(raw, left)...)
			return nil
		}))
	}
	return all
}

// documents reads the objects of one file, those within a List too.
func documents(raw []byte, left unread) []*object {
	if bytes.Contains(raw, []byte("{{")) {
		left["templates"]++
		return nil
	}
	var all []*object
	for _, text := range bytes.Split(append([]byte("\n"), raw...), []byte("\n---")) {
		var content map[string]any
		if err := yaml.Unmarshal(text, &content); err != nil {
			left["that are no YAML"]++
			continue
		}
		o := &object{Object: content}
		switch {
		case len(content) == 0:
		case o.GetAPIVersion() == "" || o.GetKind() == "":
			left["that are no objects"]++
		case o.IsList():
			items, _, _ := unstructured.NestedSlice(content, "items")
			for _, item := range items {
				if m, ok := item.(map[string]any); ok {
					all = append(all, &object{Object: m})
				}
			}
		default:
			all = append(all, o)
		}
	}
	return all
}

// definition is what the test has to know of a definition.
type definition struct {
	name       string
	group      string
	kind       string
	namespaced bool
	// served are the versions that are served, in their order.
	served []string
}

func readDefinition(t *testing.T, o *object) definition {
	t.Helper()
	group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(o.Object, "spec", "names", "kind")
	scope, _, _ := unstructured.NestedString(o.Object, "spec", "scope")
	d := definition{name: o.GetName(), group: group, kind: kind, namespaced: scope == "Namespaced"}
	versions, _, err := unstructured.NestedSlice(o.Object, "spec", "versions")
	must(t, err)
	for _, v := range versions {
		if v := v.(map[string]any); v["served"] == true {
			d.served = append(d.served, v["name"].(string))
		}
	}
	return d
}

func (d definition) versions() []schema.GroupVersionKind {
	var all []schema.GroupVersionKind
	for _, v := range d.served {
		all = append(all, schema.GroupVersionKind{Group: d.group, Version: v, Kind: d.kind})
	}
	return all
}

// withoutWebhook takes a conversion webhook out of a definition, whose pod is not part
// of the test: what then differs between versions is their names.
func withoutWebhook(o *object) bool {
	strategy, _, _ := unstructured.NestedString(o.Object, "spec", "conversion", "strategy")
	if strategy != "Webhook" {
		return false
	}
	unstructured.RemoveNestedField(o.Object, "spec", "conversion")
	return true
}
