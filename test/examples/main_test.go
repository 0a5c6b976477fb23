// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package examples_test holds the examples to what they promise: they are valid,
// their rules compile and pass their tests, and their policies take exactly what
// the plan beside them says.
package examples_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
	"github.com/gopherwood/ark/test/manifests"
)

const folder = "../../examples"

func TestMain(m *testing.M) { labtest.Main(m) }

// example is what lies in one folder.
type example struct {
	name string
	dir  string
	// objects are those of Ark and the ConfigMaps that carry its rules.
	objects []client.Object
}

// examples reads every example.
func examples(t *testing.T) []example {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var all []example
	for _, entry := range entries {
		if entry.IsDir() {
			e := example{name: entry.Name(), dir: filepath.Join(folder, entry.Name())}
			e.objects = e.manifests(t)
			all = append(all, e)
		}
	}
	if len(all) < 4 {
		t.Fatalf("only %d examples", len(all))
	}
	return all
}

// manifests reads what a user applies: the kustomization where there is one,
// else every file.
func (e example) manifests(t *testing.T) []client.Object {
	t.Helper()
	if _, err := os.Stat(filepath.Join(e.dir, "kustomization.yaml")); err == nil {
		return decode(t, e.name, kustomize(t, e.dir))
	}
	var all []client.Object
	for _, file := range e.files(t, "*.yaml") {
		all = append(all, decodeFile(t, file)...)
	}
	return all
}

// files returns the example's files of a pattern, sorted.
func (e example) files(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(e.dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(files)
	return files
}

func decodeFile(t *testing.T, file string) []client.Object {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, file, content)
}

func decode(t *testing.T, name string, content []byte) []client.Object {
	t.Helper()
	objects, err := manifests.Decode(content)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return objects
}

// kustomize builds a kustomization with the lab's kubectl.
func kustomize(t *testing.T, dir string) []byte {
	t.Helper()
	bin, err := lab.Ensure(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), bin["kubectl"], "kustomize", dir)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("kustomize %s: %v\n%s", dir, err, stderr.String())
	}
	return out
}

// configMaps are the ConfigMaps among objects.
func configMaps(objects []client.Object) []*corev1.ConfigMap {
	var found []*corev1.ConfigMap
	for _, o := range objects {
		if cm, ok := o.(*corev1.ConfigMap); ok {
			found = append(found, cm)
		}
	}
	return found
}
