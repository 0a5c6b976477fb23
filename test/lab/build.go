// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Names of the components.
const (
	etcd              = "etcd"
	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	kubectl           = "kubectl"
)

// KubernetesVersion is the version of the components, as pinned in
// components/go.mod.
const KubernetesVersion = "v1.36.3"

// component is one program of the lab.
type component struct {
	name    string
	pkg     string
	minutes int // of a cold build on two cores, all before it in the list being built
}

// kit is a set of programs that are built from one module.
type kit struct {
	// dir is the module's folder, below test/lab.
	dir string
	// what and version name the kit; version is as pinned in its go.mod.
	what, version string
	// sources are its files besides go.mod and go.sum.
	sources []string
	// stamped are packages that are told the version: kubectl and Helm cannot parse
	// that of an API server that does not know its own.
	stamped []string
	// programs are in the order in which they are built.
	programs []component
}

var controlPlane = kit{
	dir: "components", what: "Kubernetes", version: KubernetesVersion,
	sources: []string{filepath.Join("etcd", "main.go")},
	stamped: []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"},
	programs: []component{
		{etcd, "./etcd", 1},
		{apiServer, "k8s.io/kubernetes/cmd/kube-apiserver", 5},
		{controllerManager, "k8s.io/kubernetes/cmd/kube-controller-manager", 2},
		{kubectl, "k8s.io/kubernetes/cmd/kubectl", 1},
	},
}

// helmKit is a module of its own: Helm is built from other versions of Kubernetes'
// packages than the control plane.
var helmKit = kit{
	dir: "helm", what: "Helm", version: "v4.3.1",
	programs: []component{{"helm", "helm.sh/helm/v4/cmd/helm", 2}},
}

// promqlKit is a module of its own: Prometheus' requirements would become the
// product's.
var promqlKit = kit{
	dir: "promql", what: "Prometheus' parser", version: "v0.312.0",
	sources:  []string{"main.go"},
	programs: []component{{"promql", ".", 1}},
}

// Binaries are the paths of the components, by name.
type Binaries map[string]string

// Dir returns the folder that holds kubectl.
func (b Binaries) Dir() string { return filepath.Dir(b[kubectl]) }

// Ensure returns the components, and builds those that are not in the cache. It
// tells log what it builds. Processes that call it at the same time wait for
// each other; a build that is broken off leaves nothing half done.
func Ensure(ctx context.Context, log io.Writer) (Binaries, error) {
	return controlPlane.ensure(ctx, log)
}

// Helm returns the path of Helm, and builds it when it is not in the cache, as
// Ensure does.
func Helm(ctx context.Context, log io.Writer) (string, error) {
	found, err := helmKit.ensure(ctx, log)
	return found["helm"], err
}

// PromQL returns the path of the program that reads expressions as Prometheus does,
// and builds it when it is not in the cache, as Ensure does.
func PromQL(ctx context.Context, log io.Writer) (string, error) {
	found, err := promqlKit.ensure(ctx, log)
	return found["promql"], err
}

func (k kit) ensure(ctx context.Context, log io.Writer) (Binaries, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	src := filepath.Join(root, "test", "lab", k.dir)
	cache, err := k.cacheDir(src)
	if err != nil {
		return nil, err
	}
	found := Binaries{}
	missing := k.find(found, cache)
	if len(missing) == 0 {
		return found, nil
	}
	if err := os.MkdirAll(cache, 0o750); err != nil {
		return nil, fmt.Errorf("create the lab's cache: %w", err)
	}
	unlock, err := lockFile(ctx, filepath.Join(cache, "lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	for _, c := range k.find(found, cache) {
		if err := k.build(ctx, src, cache, c, log); err != nil {
			return nil, err
		}
		found[c.name] = filepath.Join(cache, c.name)
	}
	return found, nil
}

// find fills in the components that exist, the user's before the cached ones,
// and returns the others.
func (k kit) find(found Binaries, cache string) (missing []component) {
	for _, c := range k.programs {
		found[c.name] = ""
		for _, dir := range []string{os.Getenv("KUBEBUILDER_ASSETS"), cache} {
			path := filepath.Join(dir, c.name)
			if info, err := os.Stat(path); dir != "" && err == nil && info.Mode().IsRegular() {
				found[c.name] = path
				break
			}
		}
		if found[c.name] == "" {
			missing = append(missing, c)
		}
	}
	return missing
}

// build compiles one component into a folder of its own and then moves it into
// the cache, so that what is in the cache is whole.
func (k kit) build(ctx context.Context, src, cache string, c component, log io.Writer) error {
	tmp, err := os.MkdirTemp(cache, "build-")
	if err != nil {
		return fmt.Errorf("build %s: %w", c.name, err)
	}
	defer os.RemoveAll(tmp)
	unit := "minute"
	if c.minutes > 1 {
		unit = "minutes"
	}
	fmt.Fprintf(log, "Building %s (%s %s; about %d %s, once)\n", c.name, k.what, k.version, c.minutes, unit)
	args := append(append([]string{"build"}, k.buildFlags()...), "-o", filepath.Join(tmp, c.name), c.pkg)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = src
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build %s: go %s: %w", c.name, strings.Join(args, " "), err)
	}
	if err := os.Rename(filepath.Join(tmp, c.name), filepath.Join(cache, c.name)); err != nil {
		return fmt.Errorf("build %s: %w", c.name, err)
	}
	return nil
}

func (k kit) buildFlags() []string {
	minor := strings.Split(k.version, ".")[1]
	ld := []string{"-s", "-w"}
	for _, pkg := range k.stamped {
		ld = append(ld,
			"-X", pkg+".gitVersion="+k.version,
			"-X", pkg+".gitMajor=1",
			"-X", pkg+".gitMinor="+minor)
	}
	return []string{"-trimpath", "-buildvcs=false", "-ldflags", strings.Join(ld, " ")}
}

// cacheDir returns the folder for components built from exactly this module,
// with these flags and this compiler.
func (k kit) cacheDir(src string) (string, error) {
	h := sha256.New()
	for _, file := range append([]string{"go.mod", "go.sum"}, k.sources...) {
		content, err := os.ReadFile(filepath.Join(src, file))
		if err != nil {
			return "", fmt.Errorf("read the lab's components: %w", err)
		}
		fmt.Fprintf(h, "%s %d\n%s", file, len(content), content)
	}
	fmt.Fprintln(h, k.buildFlags(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	base, err := cacheBase()
	if err != nil {
		return "", err
	}
	name := k.version + "-" + hex.EncodeToString(h.Sum(nil))[:12]
	if k.dir != controlPlane.dir {
		name = k.dir + "-" + name
	}
	return filepath.Join(base, name), nil
}

// cacheBase returns the folder of everything that the lab keeps outside the
// checkout.
func cacheBase() (string, error) {
	base := os.Getenv("XDG_CACHE_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find the cache: %w", err)
		}
		base = filepath.Join(home, ".cache")
	}
	return filepath.Join(base, "ark", "lab"), nil
}

// Root returns the folder of the checkout that holds the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the checkout: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "test", "lab", "components", "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("find the checkout: no parent of the working directory holds test/lab/components")
		}
		dir = filepath.Dir(dir)
	}
}
