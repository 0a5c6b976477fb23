// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"slices"
	"strings"
	"testing"
)

// What the layers must not reach.
const (
	clientGo    = "k8s.io/client-go"
	runtime     = "sigs.k8s.io/controller-runtime"
	opa         = "github.com/open-policy-agent/opa"
	cloud       = "gocloud.dev"
	api         = module + "/api"
	engine      = module + "/engine"
	kube        = module + "/engine/kube"
	policies    = module + "/policies"
	controllers = module + "/controllers"
	commands    = module + "/cmd"
)

// adapters are the parts of the engine that act: all others are pure.
var adapters = []string{"engine/kube", "engine/blobstore"}

// vocabulary is all that the pure engine may know of Kubernetes.
var vocabulary = []string{
	"k8s.io/apimachinery/pkg/fields",
	"k8s.io/apimachinery/pkg/labels",
	"k8s.io/apimachinery/pkg/runtime/schema",
	"k8s.io/apimachinery/pkg/types",
	"k8s.io/apimachinery/pkg/util/json",
}

// layer is a set of packages and what they must not reach, directly or through
// anything that they import.
type layer struct {
	holds  func(dir string) bool
	banned []string
}

var layers = map[string]layer{
	"the API imports apimachinery only": {
		holds:  func(dir string) bool { return under(dir, "api") },
		banned: []string{clientGo, runtime, opa, cloud, "k8s.io/api", "k8s.io/apiextensions-apiserver", engine, policies, controllers, commands},
	},
	"the engine decides and reaches nothing": {
		holds:  pure,
		banned: []string{clientGo, runtime, opa, cloud, "k8s.io/api", "k8s.io/apiextensions-apiserver", api, policies, controllers, commands},
	},
	"the adapter to Kubernetes stores and judges nothing": {
		holds:  func(dir string) bool { return under(dir, "engine/kube") },
		banned: []string{opa, cloud, policies, controllers, commands},
	},
	"the adapter to storage knows no cluster": {
		holds:  func(dir string) bool { return under(dir, "engine/blobstore") },
		banned: []string{clientGo, runtime, opa, "k8s.io/api", api, kube, policies, controllers, commands},
	},
	"policies decide and reach nothing": {
		holds:  func(dir string) bool { return under(dir, "policies") },
		banned: []string{runtime, clientGo, cloud, controllers, commands},
	},
	"controllers do not know the command line": {
		holds:  func(dir string) bool { return under(dir, "controllers") },
		banned: []string{commands},
	},
}

func pure(dir string) bool { return under(dir, "engine") && !under(dir, adapters...) }

func TestLayers(t *testing.T) {
	for name, l := range layers {
		t.Run(name, func(t *testing.T) {
			held := 0
			for _, p := range mustList(t) {
				if !l.holds(p.dir()) {
					continue
				}
				held++
				for _, dep := range p.Deps {
					if under(dep, l.banned...) {
						t.Errorf("%s must not depend on %s", p.dir(), dep)
					}
				}
			}
			if held == 0 {
				t.Error("the layer holds no package")
			}
		})
	}
}

// Beyond the vocabulary itself the engine depends on what that pulls in, and on
// nothing else of Kubernetes.
func TestTheEngineKnowsOnlyTheVocabularyOfKubernetes(t *testing.T) {
	allowed := map[string]bool{}
	known, err := goList(vocabulary...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range known {
		allowed[p.ImportPath] = true
		for _, dep := range p.Deps {
			allowed[dep] = true
		}
	}
	ofKubernetes := func(path string) bool { return under(path, "k8s.io", "sigs.k8s.io") }
	for _, p := range mustList(t) {
		switch {
		case pure(p.dir()):
			for _, imp := range p.Imports {
				if ofKubernetes(imp) && !slices.Contains(vocabulary, imp) {
					t.Errorf("%s must not import %s", p.dir(), imp)
				}
			}
			for _, dep := range p.Deps {
				if ofKubernetes(dep) && !allowed[dep] {
					t.Errorf("%s must not depend on %s", p.dir(), dep)
				}
			}
		case under(p.dir(), "engine/blobstore"):
			for _, imp := range p.Imports {
				if ofKubernetes(imp) {
					t.Errorf("%s must not import %s", p.dir(), imp)
				}
			}
		}
	}
}

// shared are the folders below controllers that the command line knows, too.
var shared = []string{"projection", "template"}

// A reconciler of one kind knows the others by their objects only. The manager
// wires them; what they share is internal, or, where the command line shares it
// too, the projection of a stored backup and what a template means.
func TestReconcilersDoNotImportEachOther(t *testing.T) {
	for _, p := range mustList(t) {
		kind := kindOf(p.ImportPath)
		if kind == "" || kind == "manager" || slices.Contains(shared, kind) {
			continue
		}
		for _, imp := range p.Imports {
			other := kindOf(imp)
			if other != "" && other != "internal" && other != kind && !slices.Contains(shared, other) {
				t.Errorf("%s must not import %s", p.dir(), imp)
			}
		}
	}
}

// kindOf returns the folder below controllers that a package is in.
func kindOf(path string) string {
	rest, ok := strings.CutPrefix(path, controllers+"/")
	if !ok {
		return ""
	}
	kind, _, _ := strings.Cut(rest, "/")
	return kind
}
